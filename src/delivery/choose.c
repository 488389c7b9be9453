/* Which mail goes over which hop: routes take turns, each route's turn says whose message is next. */
#include "delivery_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

static struct hop_state *state_of(struct delivery *d, const struct next_hop *hop)
{
	char name[HOP_NAME_MAX];
	snprintf(name, sizeof name, "%s:%u", hop->host, hop->port);
	struct hop_state **at = &d->hops;
	while (*at && !view_eq(view_of((*at)->name), view_of(name)))
		at = &(*at)->next;
	if (!*at) {
		*at = mem_zero(sizeof **at);
		memcpy((*at)->name, name, sizeof name);
	}
	return *at;
}

void find_hop_states(struct delivery *d)
{
	const struct delivery_settings *s = d->lanes.settings;
	free(d->of_hop);
	d->of_hop = mem_zero((s->hop_count + 1) * sizeof *d->of_hop);
	for (unsigned i = 0; i < s->hop_count; i++)
		d->of_hop[i] = state_of(d, &s->hops[i]);
}

static bool may_open(const struct delivery *d, unsigned hop)
{
	const struct next_hop *h = &d->lanes.settings->hops[hop];
	return hop_may_open(d->of_hop[hop], h->connections ? h->connections : CONNECTIONS_DEFAULT, clock_mono(d->clock));
}

/* ASKING: the hop of a session that could take one itself; -1 = none. */
static void look(const struct delivery *d, const struct route *r, int asking, struct turn_hop *ret)
{
	for (unsigned i = 0; i < r->hop_count; i++) {
		const struct hop_state *h = d->of_hop[r->hops[i].hop];
		ret[i].up = !h->down;
		ret[i].free = (int)r->hops[i].hop == asking || h->parked || may_open(d, r->hops[i].hop);
	}
}

/* A hop of the route that is down and due to be tried. */
static bool probe_due(const struct delivery *d, const struct route *r, unsigned *ret_hop)
{
	for (unsigned i = 0; i < r->hop_count; i++) {
		*ret_hop = r->hops[i].hop;
		if (d->of_hop[*ret_hop]->down && may_open(d, *ret_hop))
			return true;
	}
	return false;
}

/* A hop that may have come back gets the next message: sessions that run would else leave nothing for the probe. */
static bool yields_to_probe(struct delivery *d, const struct route *r)
{
	unsigned hop;
	if (!d->idle_count || !probe_due(d, r, &hop))
		return false;
	pthread_cond_signal(&d->idle);
	return true;
}

/* Somebody else's turn: a session that waits, or a worker who opens one. */
static void wake_for(struct delivery *d, unsigned hop)
{
	if (d->of_hop[hop]->parked)
		pthread_cond_broadcast(&d->parked);
	else
		pthread_cond_signal(&d->idle);
}

static bool route_hop(struct delivery *d, unsigned route, unsigned *ret_hop)
{
	struct turn_hop hops[ROUTE_HOPS_MAX];
	const struct route *r = lanes_route(&d->lanes, route);
	if (probe_due(d, r, ret_hop))
		return true;
	look(d, r, -1, hops);
	int i = turn_next(&d->lanes.routes[route].turn, r, hops);
	if (i < 0)
		return false;
	*ret_hop = r->hops[i].hop;
	if (!d->of_hop[*ret_hop]->parked)
		return true;
	pthread_cond_broadcast(&d->parked); /* no new connection is needed */
	return may_open(d, *ret_hop) && d->lanes.ready > d->parked_count;
}

bool route_is_down(const struct delivery *d, unsigned route)
{
	const struct route *r = lanes_route(&d->lanes, route);
	for (unsigned i = 0; i < r->hop_count; i++)
		if (!d->of_hop[r->hops[i].hop]->down)
			return false;
	return true;
}

/* Do the throttles let it go now? */
static bool may_pass(struct delivery *d, struct passing *p)
{
	int64_t now = clock_mono(d->clock);
	if (now < p->not_before_ms)
		return false;
	int64_t wait = lanes_wait_of(&d->lanes, p->mail.lane, clock_wall(d->clock), now);
	p->not_before_ms = wait > 0 ? now + wait : 0;
	return wait <= 0;
}

bool choose_hop(struct delivery *d, unsigned *ret_hop)
{
	unsigned n = d->lanes.route_count;
	for (struct passing *p = d->passing; p; p = p->next)
		if (may_pass(d, p) && route_hop(d, lanes_find_route(&d->lanes, p->mail.lane), ret_hop))
			return true;
	for (unsigned i = 0; i < n; i++) {
		unsigned route = (d->next_route + i) % n;
		if (lanes_have(&d->lanes, route) && route_hop(d, route, ret_hop))
			return true;
	}
	return false;
}

static bool leads_to(const struct route *r, unsigned hop)
{
	for (unsigned i = 0; i < r->hop_count; i++)
		if (r->hops[i].hop == hop)
			return true;
	return false;
}

/* Takes one by COMMIT when it is this session's turn. */
static bool take_from(struct worker *w, unsigned route, struct taken *ret, bool (*commit)(struct worker *w, unsigned route, struct taken *ret))
{
	struct delivery *d = w->d;
	struct turn_hop hops[ROUTE_HOPS_MAX];
	const struct route *r = lanes_route(&d->lanes, route);
	struct turn *turn = &d->lanes.routes[route].turn;
	if (!leads_to(r, w->hop_index))
		return false;
	if (w->state->down) /* this session is the probe */
		return commit(w, route, ret);
	if (r->hop_count > 1 && yields_to_probe(d, r))
		return false;
	look(d, r, (int)w->hop_index, hops);
	int i = turn_next(turn, r, hops);
	if (i >= 0 && r->hops[i].hop != w->hop_index)
		wake_for(d, r->hops[i].hop);
	if (i < 0 || r->hops[i].hop != w->hop_index || !commit(w, route, ret))
		return false;
	turn_taken(turn, r, hops, i);
	return true;
}

static bool take_item(struct worker *w, unsigned route, struct taken *ret)
{
	struct delivery *d = w->d;
	return lanes_take(&d->lanes, route, clock_wall(d->clock), clock_mono(d->clock), &ret->item);
}

/* The eldest of the route that may go. */
static bool take_passing(struct worker *w, unsigned route, struct taken *ret)
{
	struct delivery *d = w->d;
	for (struct passing **at = &d->passing; *at; at = &(*at)->next) {
		if (lanes_find_route(&d->lanes, (*at)->mail.lane) != route || !may_pass(d, *at))
			continue;
		ret->passing = *at;
		*at = (*at)->next;
		lanes_spend(&d->lanes, ret->passing->mail.lane, clock_wall(d->clock), clock_mono(d->clock));
		return true;
	}
	return false;
}

static bool choose_passing(struct worker *w, struct taken *ret)
{
	for (struct passing *p = w->d->passing; p; p = p->next) {
		unsigned route = lanes_find_route(&w->d->lanes, p->mail.lane);
		if (!may_pass(w->d, p) || !take_from(w, route, ret, take_passing))
			continue;
		ret->route = lanes_route(&w->d->lanes, route)->name;
		return true;
	}
	return false;
}

bool choose_item(struct worker *w, struct taken *ret)
{
	struct delivery *d = w->d;
	unsigned n = d->lanes.route_count;
	ret->passing = NULL;
	if (d->passing && choose_passing(w, ret))
		return true;
	for (unsigned i = 0; i < n; i++) {
		unsigned route = (d->next_route + i) % n;
		if (!lanes_have(&d->lanes, route) || !take_from(w, route, ret, take_item))
			continue;
		d->next_route = (route + 1) % n;
		ret->route = lanes_route(&d->lanes, route)->name;
		return true;
	}
	return false;
}
