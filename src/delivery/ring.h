/* Lines in which lanes wait: for a connection, for a share of a throttle, for a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "destination.h"

struct lane_ref {
	uint32_t lane;
	uint32_t route;
	uint64_t throttles;      /* a bit for each that holds for it */
	struct destination *to;
};

struct ring {
	struct lane_ref *at;
	size_t head, n, cap;
};

void ring_free(struct ring *r);
void ring_push(struct ring *r, const struct lane_ref *ref);
struct lane_ref ring_pop(struct ring *r); /* one must be there */

/* By time, the earliest first. */
struct timed {
	int64_t at_ms;
	struct lane_ref ref;
};
struct timeline {
	struct timed *at;
	size_t n, cap;
};

void timeline_free(struct timeline *t);
void timeline_add(struct timeline *t, const struct lane_ref *ref, int64_t at_ms);
/* The earliest, if its time has come. */
bool timeline_pop(struct timeline *t, int64_t now_ms, struct lane_ref *ret);
