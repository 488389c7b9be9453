/* How often somebody may do something in a time: a fixed table of counts by network address (IPv6: by /64), or by a key such as a
 * person's. Forgets when crowded, never grows. */
#pragma once

#include <pthread.h>

#include "net/endpoint.h"

#define THROTTLE_SLOTS     4096
#define THROTTLE_WINDOW_MS 60000 /* the usual one */
#define THROTTLE_KEY_BYTES 16

struct throttle_slot {
	uint8_t who[THROTTLE_KEY_BYTES];
	int64_t since_ms;
	unsigned count;
};

struct throttle {
	pthread_mutex_t lock;
	int64_t window_ms;
	struct throttle_slot slots[THROTTLE_SLOTS];
};

void throttle_init(struct throttle *t, int64_t window_ms);
void throttle_end(struct throttle *t);
/* Counts one more and gives the count of this window. */
unsigned throttle_count(struct throttle *t, const struct endpoint *who, int64_t mono_ms);
unsigned throttle_count_key(struct throttle *t, const uint8_t key[THROTTLE_KEY_BYTES], int64_t mono_ms);
