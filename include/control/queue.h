/* What may be asked about the queue, by the running daemon's control thread or by the tool itself when it has the spool open. */
#pragma once

#include "control/control.h"
#include "ledger/ledger.h"
#include "spool/spool.h"

#define QUEUE_LIST_MAX 100000 /* rows of one answer */

/* {"verb": "queue", "action": "list" | "show" | "hold" | "release" | "drop" | "retry",
 *  "stream": "acme/offers", "domain": "example.com", "client": "crm", "id": "0123456789abc" or "0123456789abc.INDEX", "state": "held",   all optional, all must fit
 *  "limit": 100, "all": true, "actor": "user:anna"}
 * list -> {"items": [...], "total": N}; show -> {"message": {...}, "items": [...]} (needs an id); the others -> {"count": N} (need a filter or "all"). */
json_t *queue_answer(struct spool *s, const json_t *question);

/* {"verb": "stats"} -> {"ledger": {...}, "spool": {...}, "counters": {...}}; what is NULL is left out. */
json_t *stats_answer(struct ledger *l, struct spool *s, bool with_counters);
