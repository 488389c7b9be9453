#include "base/shared.h"

#include <stddef.h>

void shared_slot_init(struct shared_slot *slot)
{
	pthread_mutex_init(&slot->lock, NULL);
	slot->now = NULL;
}

void shared_replace(struct shared_slot *slot, struct shared *value, void (*free_value)(struct shared *))
{
	if (value) {
		long none = 0;
		atomic_compare_exchange_strong(&value->refs, &none, 1);
		value->free = free_value;
	}
	pthread_mutex_lock(&slot->lock);
	struct shared *old = slot->now;
	slot->now = value;
	pthread_mutex_unlock(&slot->lock);
	shared_release(old);
}

struct shared *shared_acquire(struct shared_slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	struct shared *v = slot->now ? shared_hold(slot->now) : NULL;
	pthread_mutex_unlock(&slot->lock);
	return v;
}

struct shared *shared_hold(struct shared *value)
{
	atomic_fetch_add(&value->refs, 1);
	return value;
}

void shared_release(struct shared *value)
{
	if (value && atomic_fetch_sub(&value->refs, 1) == 1)
		value->free(value);
}
