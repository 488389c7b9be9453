/* Which of a route's hops takes the next message. Pure. */
#pragma once

#include "delivery/route.h"

#define ROUTE_HOPS_MAX 64

struct turn_hop {
	bool up;   /* not known to be down */
	bool free; /* could take one now */
};

struct turn {
	int64_t owed[ROUTE_HOPS_MAX];
};

/* Index into the route's hops, or -1: those whose priority it is are all busy, or all hops are down. HOPS: by the same index. */
int turn_next(const struct turn *t, const struct route *r, const struct turn_hop *hops);
/* CHOSEN took one: smooth weighted round robin among those that could have. */
void turn_taken(struct turn *t, const struct route *r, const struct turn_hop *hops, int chosen);
