/* A ring of digests in order of time, and a table that finds them. When it is full the eldest goes. */
#include "once.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "crypto/hash.h"

#define SLOTS (1u << 18) /* more than twice ONCE_MAX: open addressing stays short */
#define NOBODY 0

struct seen {
	uint64_t print; /* of the digest; never NOBODY */
	int64_t at_ms;
};

struct once {
	pthread_mutex_t lock;
	int64_t keep_ms;
	struct seen ring[ONCE_MAX];
	size_t first, count;
	uint64_t table[SLOTS];
};

struct once *once_new(int64_t keep_ms)
{
	struct once *o = mem_zero(sizeof *o);
	pthread_mutex_init(&o->lock, NULL);
	o->keep_ms = keep_ms;
	return o;
}

void once_free(struct once **op)
{
	if (!*op)
		return;
	pthread_mutex_destroy(&(*op)->lock);
	free(*op);
	*op = NULL;
}

static uint64_t print_of(struct view what)
{
	uint8_t hash[SHA256_BYTES];
	uint64_t print;
	sha256(what, hash);
	memcpy(&print, hash, sizeof print);
	return print == NOBODY ? 1 : print;
}

static size_t slot_of(const struct once *o, uint64_t print)
{
	size_t at = print % SLOTS;
	while (o->table[at] != NOBODY && o->table[at] != print)
		at = (at + 1) % SLOTS;
	return at;
}

/* What stood behind it and had been pushed on by it moves up. */
static void take_out(struct once *o, uint64_t print)
{
	size_t at = slot_of(o, print);
	o->table[at] = NOBODY;
	for (size_t next = (at + 1) % SLOTS; o->table[next] != NOBODY; next = (next + 1) % SLOTS) {
		uint64_t moved = o->table[next];
		o->table[next] = NOBODY;
		o->table[slot_of(o, moved)] = moved;
	}
}

static void forget_eldest(struct once *o)
{
	take_out(o, o->ring[o->first].print);
	o->first = (o->first + 1) % ONCE_MAX;
	o->count--;
}

static void forget_old(struct once *o, int64_t now_ms)
{
	while (o->count && now_ms - o->ring[o->first].at_ms > o->keep_ms)
		forget_eldest(o);
}

bool once_has(struct once *o, struct view what, int64_t mono_ms)
{
	uint64_t print = print_of(what);
	pthread_mutex_lock(&o->lock);
	forget_old(o, mono_ms);
	bool has = o->table[slot_of(o, print)] == print;
	pthread_mutex_unlock(&o->lock);
	return has;
}

void once_add(struct once *o, struct view what, int64_t mono_ms)
{
	uint64_t print = print_of(what);
	pthread_mutex_lock(&o->lock);
	forget_old(o, mono_ms);
	if (o->table[slot_of(o, print)] == NOBODY) {
		if (o->count == ONCE_MAX)
			forget_eldest(o);
		o->table[slot_of(o, print)] = print;
		o->ring[(o->first + o->count++) % ONCE_MAX] = (struct seen){print, mono_ms};
	}
	pthread_mutex_unlock(&o->lock);
}
