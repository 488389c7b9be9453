/* What is on record of a person, as JSON: the tool's `--json` and the admin listener say the same. */
#pragma once

#include <jansson.h>

#include "decisions/decisions.h"
#include "policy/policy.h"

json_t *json_time(int64_t ms); /* RFC 3339; null for 0 */
/* What is no UTF-8 came from outside: its odd bytes become question marks, so that the row is still told. */
json_t *json_view(struct view v);
json_t *json_text(const char *s);
json_t *hex_json(const void *bytes, size_t n);

/* The other addresses of one person: [{"channel", "address"}]; of one whose address is not kept, the key in hex. */
int linked_json(struct ledger *l, const struct person_key *who, json_t **ret, struct err *err) MUST_CHECK;

/* The verdict on Q, every row that had a say, and what is known of the person beside. ADDRESS: canonical text. *RET and *RET_KIND are set on success. */
int explanation_json(struct ledger *l, const struct question *q, const char *address, json_t **ret, enum verdict_kind *ret_kind,
    struct err *err) MUST_CHECK;

json_t *entry_json(const struct journal_entry *e);

/* What was decided of a message, oldest first, from the log of decisions: REF as a reply or a log line has it, "01jd3k5m7n9pq" (all recipients) or
 * "01jd3k5m7n9pq.2". With "journal", the entry that decided, where it is still there. May take seconds: it reads the log's files.
 * ERR_SYNTAX for a REF that is none, ERR_MISSING when nothing is known of it. */
int past_json(struct ledger *l, const char *decisions_dir, const char *ref, json_t **ret, struct err *err) MUST_CHECK;
