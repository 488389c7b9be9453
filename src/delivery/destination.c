#include "destination.h"

#include <stdlib.h>

#include "base/mem.h"

#define FIRST_SLOTS 256

static uint32_t hash_of(const struct destinations *ds, struct view domain)
{
	uint64_t h = ds->key;
	for (size_t i = 0; i < domain.n; i++)
		h = (h ^ (unsigned char)ascii_lower(domain.p[i])) * 0x100000001b3u;
	h ^= h >> 29;
	return (uint32_t)(h * 0xbf58476d1ce4e5b9u >> 32);
}

void destinations_init(struct destinations *ds, uint64_t random_key)
{
	*ds = (struct destinations){.mask = FIRST_SLOTS - 1, .key = random_key};
	ds->table = mem_zero(FIRST_SLOTS * sizeof *ds->table);
}

static void forget(struct destination *d)
{
	free(d->paces);
	free(d);
}

void destinations_free(struct destinations *ds)
{
	for (size_t i = 0; ds->table && i <= ds->mask; i++)
		for (struct destination *d = ds->table[i], *next; d; d = next) {
			next = d->next;
			forget(d);
		}
	free(ds->table);
	*ds = (struct destinations){0};
}

void destinations_use(struct destinations *ds, unsigned paces)
{
	ds->paces = paces;
	for (size_t i = 0; i <= ds->mask; i++)
		for (struct destination *d = ds->table[i]; d; d = d->next) {
			free(d->paces);
			d->paces = mem_zero(paces * sizeof *d->paces);
		}
}

struct destination *destinations_find(const struct destinations *ds, struct view domain)
{
	uint32_t hash = hash_of(ds, domain);
	struct destination *d = ds->table[hash & ds->mask];
	while (d && (d->hash != hash || !view_ieq(view_of(d->domain), domain)))
		d = d->next;
	return d;
}

static void grow(struct destinations *ds)
{
	size_t mask = 2 * (ds->mask + 1) - 1;
	struct destination **table = mem_zero((mask + 1) * sizeof *table);
	for (size_t i = 0; i <= ds->mask; i++)
		for (struct destination *d = ds->table[i], *next; d; d = next) {
			next = d->next;
			d->next = table[d->hash & mask];
			table[d->hash & mask] = d;
		}
	free(ds->table);
	ds->table = table;
	ds->mask = mask;
}

/* Whoever is not pointed at and not slow; its shares begin anew when it comes back. */
static void sweep(struct destinations *ds)
{
	for (size_t i = 0; i <= ds->mask; i++)
		for (struct destination **at = &ds->table[i]; *at;) {
			struct destination *d = *at;
			if (d->refs || d->delay_ms) {
				at = &d->next;
				continue;
			}
			*at = d->next;
			ds->count--;
			forget(d);
		}
}

struct destination *destinations_get(struct destinations *ds, struct view domain)
{
	struct destination *d = destinations_find(ds, domain);
	if (d)
		return d;
	if (ds->count >= DESTINATIONS_MAX && ds->count % (DESTINATIONS_MAX / 4) == 0)
		sweep(ds);
	if (ds->count > ds->mask)
		grow(ds);
	d = mem_zero(sizeof *d + domain.n + 1);
	memcpy(d->domain, domain.p, domain.n);
	ascii_lower_in_place(d->domain, domain.n);
	d->hash = hash_of(ds, domain);
	d->paces = mem_zero(ds->paces * sizeof *d->paces);
	d->next = ds->table[d->hash & ds->mask];
	ds->table[d->hash & ds->mask] = d;
	ds->count++;
	return d;
}

bool destination_slower(struct destinations *ds, struct destination *d, int64_t hint_ms, int64_t taken_ms, int64_t now_ms)
{
	if (d->delay_ms && taken_ms < d->heard_ms)
		return false;
	ds->slow += !d->delay_ms;
	d->delay_ms = d->delay_ms ? 2 * d->delay_ms : SLOW_FIRST_MS;
	if (d->delay_ms > SLOW_MAX_MS)
		d->delay_ms = SLOW_MAX_MS;
	d->heard_ms = now_ms;
	d->next_ms = now_ms + (hint_ms > d->delay_ms ? hint_ms : d->delay_ms);
	return true;
}

bool destination_worked(struct destinations *ds, struct destination *d, int64_t now_ms)
{
	if (!d->delay_ms || now_ms < d->next_ms - d->delay_ms)
		return false; /* it was on its way before the complaint */
	d->delay_ms /= 2;
	if (d->next_ms > now_ms + d->delay_ms)
		d->next_ms = now_ms + d->delay_ms;
	if (d->delay_ms >= SLOW_FORGET_MS)
		return false;
	d->delay_ms = 0;
	ds->slow--;
	return true;
}

void destination_spend(struct destination *d, int64_t now_ms)
{
	if (d->delay_ms)
		d->next_ms = now_ms + d->delay_ms;
}
