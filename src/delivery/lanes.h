/* Lanes with something due, in turn: each gives one item and goes to the end, so that no domain waits for
 * another's thousands. */
#pragma once

#include "spool/spool.h"

struct lanes {
	uint32_t *ring;
	size_t head, n, cap;   /* at most as many as the spool has lanes */
	int64_t next_due_ms;   /* wall clock: when the spool will have more */
};

void lanes_free(struct lanes *l);
/* Fetches what the spool reports. True when there is a lane to take from. */
bool lanes_refill(struct lanes *l, struct spool *s, int64_t now_ms);
bool lanes_take(struct lanes *l, struct spool *s, int64_t now_ms, struct spool_item *ret);
