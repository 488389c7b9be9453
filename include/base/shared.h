/* A frozen value that many threads read and one replaces (settings on reload). A reader holds it from acquire to
 * release; the value is freed when the slot has moved on and the last reader has released it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

/* Embedded as the first member of what is shared. */
struct shared {
	_Atomic long refs;
	void (*free)(struct shared *);
};

struct shared_slot {
	pthread_mutex_t lock;
	struct shared *now;
};

void shared_slot_init(struct shared_slot *slot);
/* Takes over one reference of the caller's, or a fresh value that has none yet (refs 0); NULL empties the slot. */
void shared_replace(struct shared_slot *slot, struct shared *value, void (*free_value)(struct shared *));
struct shared *shared_acquire(struct shared_slot *slot); /* NULL if the slot is empty */
struct shared *shared_hold(struct shared *value);        /* one more reference */
void shared_release(struct shared *value);               /* accepts NULL */
