#include "turn.h"

#include <limits.h>

static int64_t weight_of(const struct route_hop *h)
{
	return h->weight ? h->weight : 1;
}

/* The lowest number that has a hop that is up. */
static unsigned tier_of(const struct route *r, const struct turn_hop *hops)
{
	unsigned tier = UINT_MAX;
	for (unsigned i = 0; i < r->hop_count; i++)
		if (hops[i].up && r->hops[i].priority < tier)
			tier = r->hops[i].priority;
	return tier;
}

static bool competes(const struct route *r, const struct turn_hop *hops, unsigned i, unsigned tier)
{
	return hops[i].up && hops[i].free && r->hops[i].priority == tier;
}

int turn_next(const struct turn *t, const struct route *r, const struct turn_hop *hops)
{
	unsigned tier = tier_of(r, hops);
	int best = -1;
	int64_t most = 0;
	for (unsigned i = 0; i < r->hop_count; i++) {
		int64_t owed = t->owed[i] + weight_of(&r->hops[i]);
		if (competes(r, hops, i, tier) && (best < 0 || owed > most)) {
			best = (int)i;
			most = owed;
		}
	}
	return best;
}

void turn_taken(struct turn *t, const struct route *r, const struct turn_hop *hops, int chosen)
{
	unsigned tier = tier_of(r, hops);
	int64_t total = 0;
	for (unsigned i = 0; i < r->hop_count; i++) {
		if (!competes(r, hops, i, tier))
			continue;
		t->owed[i] += weight_of(&r->hops[i]);
		total += weight_of(&r->hops[i]);
	}
	t->owed[chosen] -= total;
}
