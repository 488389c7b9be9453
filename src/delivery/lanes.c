/* The spool reports a lane once, and again only after a take from it came back empty: so a lane is in the ring at
 * most once, as long as take and push-back happen under one lock (the caller's). */
#include "lanes.h"

#include <stdlib.h>

#include "base/mem.h"

#define FIRST_LANES 64

void lanes_free(struct lanes *l)
{
	free(l->ring);
	*l = (struct lanes){0};
}

static void grow(struct lanes *l)
{
	size_t cap = l->cap ? 2 * l->cap : FIRST_LANES;
	uint32_t *ring = mem_alloc(cap * sizeof *ring);
	for (size_t i = 0; i < l->n; i++)
		ring[i] = l->ring[(l->head + i) & (l->cap - 1)];
	free(l->ring);
	l->ring = ring;
	l->cap = cap;
	l->head = 0;
}

static void push(struct lanes *l, uint32_t lane)
{
	if (l->n == l->cap)
		grow(l);
	l->ring[(l->head + l->n++) & (l->cap - 1)] = lane;
}

static uint32_t pop(struct lanes *l)
{
	uint32_t lane = l->ring[l->head];
	l->head = (l->head + 1) & (l->cap - 1);
	l->n--;
	return lane;
}

bool lanes_refill(struct lanes *l, struct spool *s, int64_t now_ms)
{
	uint32_t lane;
	while (spool_ready_lane(s, now_ms, &lane, &l->next_due_ms))
		push(l, lane);
	return l->n > 0;
}

bool lanes_take(struct lanes *l, struct spool *s, int64_t now_ms, struct spool_item *ret)
{
	while (l->n) {
		uint32_t lane = pop(l);
		if (spool_take(s, lane, now_ms, ret)) {
			push(l, lane);
			return true;
		}
	}
	return false;
}
