/* Complaints against deliveries of each marketing stream, over a sliding window: past one rate the stream pauses, past another it stops until
 * somebody releases it. Both are standing holds (delivery/holds.h). What was counted is kept in a file, at most ten seconds old, with the
 * last journal entry that was seen: a restart loses no complaint, and a kill no more than the deliveries of those seconds. */
#pragma once

#include "delivery/delivery.h"

struct breaker;
/* PATH: the file; NULL = nothing is kept. */
struct breaker *breaker_new(struct ledger *l, const char *path);
void breaker_free(struct breaker **b);
/* Any thread. */
void breaker_delivered(struct breaker *b, const struct stream *s, const struct person_key *who, int64_t window_ms, int64_t now_ms);
/* Reads what the journal has new, and acts on it. One thread. */
void breaker_look(struct breaker *b, const struct delivery_settings *s, int64_t now_ms);
