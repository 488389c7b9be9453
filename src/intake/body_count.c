/* The same body to how many: a table of fixed size, four places for each hash. */
#include <pthread.h>
#include <stdlib.h>

#include "base/be.h"
#include "crypto/hash.h"
#include "intake/tripwire.h"

#define SETS   4096
#define PLACES 4

struct place {
	uint64_t hash; /* 0 = free */
	uint64_t recipients;
	int64_t since_ms;
};

struct body_count {
	pthread_mutex_t lock;
	struct place places[SETS][PLACES];
};

struct body_count *body_count_new(void)
{
	struct body_count *c = mem_zero(sizeof *c);
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void body_count_free(struct body_count **c)
{
	free(*c);
	*c = NULL;
}

uint64_t body_hash(struct view body, struct view under)
{
	uint8_t sum[SHA256_BYTES];
	struct hasher *h = hasher_new();
	hasher_add(h, under);
	hasher_add(h, V("\0"));
	hasher_add(h, view_sub(body, 0, TRIPWIRE_BODY_MAX));
	hasher_end(h, sum);
	hasher_free(&h);
	uint64_t hash = be_get(sum, 8);
	return hash ? hash : 1;
}

/* Where this hash stands, or where it may: a free or outdated place, else the one with the fewest recipients. */
static struct place *place_for(struct place *set, uint64_t hash, int64_t now_ms, int64_t window_ms)
{
	struct place *best = &set[0];
	for (int i = 0; i < PLACES; i++) {
		struct place *p = &set[i];
		if (p->hash && now_ms - p->since_ms >= window_ms)
			*p = (struct place){0};
		if (p->hash == hash)
			return p;
		if (p->recipients < best->recipients)
			best = p;
	}
	*best = (struct place){.hash = hash, .since_ms = now_ms};
	return best;
}

uint64_t body_count_add(struct body_count *c, uint64_t hash, unsigned recipients, int64_t now_ms, int64_t window_ms)
{
	pthread_mutex_lock(&c->lock);
	struct place *p = place_for(c->places[hash % SETS], hash, now_ms, window_ms);
	p->recipients += recipients;
	uint64_t sum = p->recipients;
	pthread_mutex_unlock(&c->lock);
	return sum;
}
