/* How often somebody may do something in a minute: a fixed table of counts by network address (IPv6: by
 * /64). Forgets when crowded, never grows. */
#pragma once

#include <pthread.h>

#include "net/endpoint.h"

#define THROTTLE_SLOTS     4096
#define THROTTLE_WINDOW_MS 60000

struct throttle_slot {
	uint8_t who[16];
	int64_t since_ms;
	unsigned count;
};

struct throttle {
	pthread_mutex_t lock;
	struct throttle_slot slots[THROTTLE_SLOTS];
};

void throttle_init(struct throttle *t);
void throttle_end(struct throttle *t);
/* Counts one more and gives the count of this minute. */
unsigned throttle_count(struct throttle *t, const struct endpoint *who, int64_t mono_ms);
