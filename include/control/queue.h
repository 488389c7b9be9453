/* What may be asked about the queue, by the running daemon's control thread or by the tool itself when it has the spool open. */
#pragma once

#include "control/control.h"
#include "delivery/holds.h"
#include "ledger/ledger.h"
#include "spool/spool.h"

#define QUEUE_LIST_MAX 100000 /* rows of one answer */

/* {"verb": "queue", "action": "list" | "show" | "hold" | "release" | "reroute" | "holds" | "drop" | "retry",
 *  "stream": "acme/offers", "domain": "example.com", "client": "crm", "campaign": "spring", "id": "0123456789abc" or "0123456789abc.INDEX",
 *  "state": "held",   all optional, all must fit
 *  "limit": 100, "all": true, "actor": "user:anna", "note": "...", "route": "bulk"}
 * list -> {"items": [...], "total": N}; show -> {"message": {...}, "items": [...]} (needs an id); holds -> {"holds": [...]}; the others -> {"count": N}
 * (need a filter or "all").
 * hold without id and state stands: what is accepted later and fits is kept back too, until release with the same or a wider filter. reroute (stream,
 * domain) sends by "route" instead of the route of the settings; without "route" as the settings say again. H may be NULL: nothing stands then. */
json_t *queue_answer(struct spool *s, struct holds *h, const json_t *question);

/* {"verb": "stats"} -> {"ledger": {...}, "spool": {...}, "counters": {...}}; what is NULL is left out. */
json_t *stats_answer(struct ledger *l, struct spool *s, bool with_counters);
