/* The spool reports a lane once, and again only after a take from it came back empty: so a lane stands in one line at
 * most, as long as take and push-back happen under one lock (the caller's). */
#include "lanes.h"

#include <stdlib.h>

#include "base/mem.h"

/* ---- settings ---- */

void lanes_init(struct lanes *l, struct spool *s, uint64_t random_key)
{
	*l = (struct lanes){.spool = s, .next_due_ms = INT64_MAX};
	destinations_init(&l->destinations, random_key);
}

static void free_lines(struct lanes *l)
{
	for (unsigned i = 0; i < l->route_count; i++) {
		ring_free(&l->routes[i].ready);
		ring_free(&l->routes[i].waiting);
	}
	for (unsigned i = 0; l->settings && i < l->settings->throttle_count; i++)
		ring_free(&l->throttles[i].waiting);
	free(l->routes);
	free(l->throttles);
	free(l->fallback.hops);
	timeline_free(&l->timeline);
	l->route_count = 0;
	l->ready = 0;
	if (l->settings)
		shared_release(&l->settings->shared);
	l->settings = NULL;
}

void lanes_free(struct lanes *l)
{
	free_lines(l);
	destinations_free(&l->destinations);
}

const struct route *lanes_route(const struct lanes *l, unsigned route)
{
	return route < l->settings->route_count ? &l->settings->routes[route] : &l->fallback;
}

static void make_fallback(struct lanes *l)
{
	static char name[] = ROUTE_NAME_DEFAULT;
	unsigned n = l->settings->hop_count < ROUTE_HOPS_MAX ? l->settings->hop_count : ROUTE_HOPS_MAX;
	l->fallback = (struct route){.name = name, .hops = mem_zero(n * sizeof *l->fallback.hops), .hop_count = n};
	for (unsigned i = 0; i < n; i++)
		l->fallback.hops[i] = (struct route_hop){.hop = i, .priority = i};
}

/* ---- finding the way ---- */

static unsigned find_route(const struct delivery_settings *s, const struct mail_lane *lane)
{
	unsigned i = 0;
	char ordered[HOLD_TEXT_MAX + 1];
	holds_route(s->holds, lane, ordered);
	for (; ordered[0] && i < s->route_count; i++)
		if (strcmp(s->routes[i].name, ordered) == 0)
			return i;
	if (strcmp(ordered, ROUTE_NAME_DEFAULT) == 0)
		return s->route_count;
	i = 0;
	while (i < s->route_count && !mail_matches(&s->routes[i].match, lane->stream, lane->domain))
		i++;
	return i;
}

static uint64_t find_throttles(const struct delivery_settings *s, const struct mail_lane *lane)
{
	uint64_t bits = 0;
	for (unsigned i = 0; i < s->throttle_count; i++)
		if (mail_matches(&s->throttles[i].match, lane->stream, lane->domain))
			bits |= 1ull << i;
	return bits;
}

unsigned lanes_find_route(const struct lanes *l, struct view lane)
{
	struct mail_lane m;
	mail_lane_read(lane, &m);
	return find_route(l->settings, &m);
}

static struct lane_ref ref_of(struct lanes *l, struct view lane)
{
	struct mail_lane m;
	mail_lane_read(lane, &m);
	return (struct lane_ref){.route = find_route(l->settings, &m),
	    .throttles = find_throttles(l->settings, &m),
	    .to = destinations_get(&l->destinations, m.domain)};
}

static void enter(struct lanes *l, uint32_t lane)
{
	struct lane_ref ref = ref_of(l, view_of(spool_lane_name(l->spool, lane)));
	ref.lane = lane;
	ref.to->refs++;
	ring_push(&l->routes[ref.route].ready, &ref);
	l->ready++;
}

static void leave(struct lane_ref *ref)
{
	ref->to->refs--;
}

static void collect(struct ring *from, struct ring *into)
{
	while (from->n) {
		struct lane_ref ref = ring_pop(from);
		leave(&ref);
		ring_push(into, &ref);
	}
}

static struct ring collect_all(struct lanes *l)
{
	struct ring all = {0};
	for (unsigned i = 0; i < l->route_count; i++) {
		collect(&l->routes[i].ready, &all);
		collect(&l->routes[i].waiting, &all);
	}
	for (unsigned i = 0; l->settings && i < l->settings->throttle_count; i++)
		collect(&l->throttles[i].waiting, &all);
	struct lane_ref ref;
	while (timeline_pop(&l->timeline, INT64_MAX, &ref)) {
		leave(&ref);
		ring_push(&all, &ref);
	}
	return all;
}

void lanes_use(struct lanes *l, struct delivery_settings *s)
{
	struct ring all = collect_all(l);
	free_lines(l);
	l->settings = s;
	l->holds_version = holds_version(s->holds);
	ALWAYS(s->throttle_count <= THROTTLES_MAX && s->route_count <= ROUTES_MAX);
	make_fallback(l);
	l->route_count = s->route_count + 1;
	l->routes = mem_zero(l->route_count * sizeof *l->routes);
	l->throttles = mem_zero((s->throttle_count + 1) * sizeof *l->throttles);
	destinations_use(&l->destinations, s->throttle_count);
	while (all.n)
		enter(l, ring_pop(&all).lane);
	ring_free(&all);
}

/* ---- how fast ---- */

static int64_t route_wait_us(const struct lanes *l, unsigned route, int64_t mono_ms)
{
	const struct route *r = lanes_route(l, route);
	return pace_wait_us(&l->routes[route].pace, &r->rate, r->burst, mono_ms * 1000);
}

static struct pace *pace_of(const struct lanes *l, unsigned i, const struct destination *to)
{
	return l->settings->throttles[i].each_domain ? &to->paces[i] : &l->throttles[i].pace;
}

static int64_t throttle_wait_us(const struct lanes *l, unsigned i, const struct destination *to, int64_t wall_ms, int64_t mono_ms)
{
	const struct throttle *t = &l->settings->throttles[i];
	return pace_wait_us(pace_of(l, i, to), throttle_rate(t, wall_ms), t->burst, mono_ms * 1000);
}

/* Of a throttle set, the first; it is taken off. */
static unsigned next_bit(uint64_t *bits)
{
	unsigned i = (unsigned)__builtin_ctzll(*bits);
	*bits &= *bits - 1;
	return i;
}

/* Until every throttle of its own and its destination let it go; monotonic, in the past when they do. ALL: those too that count all together. */
static int64_t free_from_ms(const struct lanes *l, const struct lane_ref *ref, bool all, int64_t wall_ms, int64_t mono_ms)
{
	int64_t until_ms = ref->to->next_ms;
	for (uint64_t bits = ref->throttles; bits;) {
		unsigned i = next_bit(&bits);
		int64_t wait = all || l->settings->throttles[i].each_domain ? throttle_wait_us(l, i, ref->to, wall_ms, mono_ms) : 0;
		if (wait && mono_ms + wait / 1000 + 1 > until_ms)
			until_ms = mono_ms + wait / 1000 + 1;
	}
	return until_ms;
}

/* False: it stands in another line now. */
static bool may_go(struct lanes *l, const struct lane_ref *ref, int64_t wall_ms, int64_t mono_ms)
{
	if (route_wait_us(l, ref->route, mono_ms)) {
		ring_push(&l->routes[ref->route].waiting, ref);
		return false;
	}
	for (uint64_t bits = ref->throttles; bits;) {
		unsigned i = next_bit(&bits);
		if (!l->settings->throttles[i].each_domain && throttle_wait_us(l, i, ref->to, wall_ms, mono_ms)) {
			ring_push(&l->throttles[i].waiting, ref);
			return false;
		}
	}
	int64_t until_ms = free_from_ms(l, ref, false, wall_ms, mono_ms);
	if (until_ms <= mono_ms)
		return true;
	timeline_add(&l->timeline, ref, until_ms);
	return false;
}

static void spend(struct lanes *l, const struct lane_ref *ref, int64_t wall_ms, int64_t mono_ms)
{
	pace_spend(&l->routes[ref->route].pace, &lanes_route(l, ref->route)->rate, mono_ms * 1000);
	for (uint64_t bits = ref->throttles; bits;) {
		unsigned i = next_bit(&bits);
		pace_spend(pace_of(l, i, ref->to), throttle_rate(&l->settings->throttles[i], wall_ms), mono_ms * 1000);
	}
	destination_spend(ref->to, mono_ms);
}

int64_t lanes_wait_of(struct lanes *l, struct view lane, int64_t wall_ms, int64_t mono_ms)
{
	struct lane_ref ref = ref_of(l, lane);
	int64_t wait = (route_wait_us(l, ref.route, mono_ms) + 999) / 1000, own = free_from_ms(l, &ref, true, wall_ms, mono_ms) - mono_ms;
	return own > wait ? own : wait;
}

void lanes_spend(struct lanes *l, struct view lane, int64_t wall_ms, int64_t mono_ms)
{
	struct lane_ref ref = ref_of(l, lane);
	spend(l, &ref, wall_ms, mono_ms);
}

/* ---- in and out ---- */

static void back(struct lanes *l, const struct lane_ref *ref)
{
	ring_push(&l->routes[ref->route].ready, ref);
	l->ready++;
}

static void one_back(struct lanes *l, struct ring *waiting)
{
	struct lane_ref ref = ring_pop(waiting);
	back(l, &ref);
}

bool lanes_refill(struct lanes *l, int64_t wall_ms, int64_t mono_ms)
{
	uint32_t lane;
	struct lane_ref ref;
	if (l->holds_version != holds_version(l->settings->holds))
		lanes_use(l, (struct delivery_settings *)shared_hold(&l->settings->shared));
	while (spool_ready_lane(l->spool, wall_ms, &lane, &l->next_due_ms))
		enter(l, lane);
	while (timeline_pop(&l->timeline, mono_ms, &ref))
		back(l, &ref);
	/* One at a time: more would only come back to the line. */
	for (unsigned i = 0; i < l->route_count; i++)
		if (l->routes[i].waiting.n && !route_wait_us(l, i, mono_ms))
			one_back(l, &l->routes[i].waiting);
	for (unsigned i = 0; i < l->settings->throttle_count; i++)
		if (l->throttles[i].waiting.n && !throttle_wait_us(l, i, NULL, wall_ms, mono_ms))
			one_back(l, &l->throttles[i].waiting);
	return l->ready > 0;
}

bool lanes_take(struct lanes *l, unsigned route, int64_t wall_ms, int64_t mono_ms, struct spool_item *ret)
{
	struct route_state *rs = &l->routes[route];
	while (rs->ready.n) {
		struct lane_ref ref = ring_pop(&rs->ready);
		l->ready--;
		if (!may_go(l, &ref, wall_ms, mono_ms))
			continue;
		if (spool_take(l->spool, ref.lane, wall_ms, ret)) {
			spend(l, &ref, wall_ms, mono_ms);
			back(l, &ref);
			return true;
		}
		leave(&ref);
	}
	return false;
}

unsigned lanes_take_most(struct lanes *l, unsigned route, int64_t wall_ms, struct spool_item *ret, unsigned most)
{
	struct lane_ref ref = ring_pop(&l->routes[route].ready);
	unsigned n = 0;
	l->ready--;
	while (n < most && spool_take(l->spool, ref.lane, wall_ms, &ret[n]))
		n++;
	if (n == most)
		back(l, &ref);
	else
		leave(&ref); /* it ran dry: the spool reports it again */
	return n;
}

int64_t lanes_wait_ms(const struct lanes *l, int64_t wall_ms, int64_t mono_ms, int64_t most)
{
	int64_t wait = most;
#define SHORTER(ms) do { int64_t ms_ = (ms); wait = ms_ < wait ? ms_ : wait; } while (0)
	SHORTER(l->next_due_ms == INT64_MAX ? most : l->next_due_ms - wall_ms);
	if (l->timeline.n)
		SHORTER(l->timeline.at[0].at_ms - mono_ms);
	for (unsigned i = 0; i < l->route_count; i++)
		if (l->routes[i].waiting.n)
			SHORTER(route_wait_us(l, i, mono_ms) / 1000 + 1);
	for (unsigned i = 0; i < l->settings->throttle_count; i++)
		if (l->throttles[i].waiting.n)
			SHORTER(throttle_wait_us(l, i, NULL, wall_ms, mono_ms) / 1000 + 1);
#undef SHORTER
	return wait > 0 ? wait : 1;
}

bool lanes_heard(struct lanes *l, struct view domain, bool slower, bool delivered, int64_t hint_ms, int64_t taken_ms, int64_t mono_ms,
    int64_t *ret_delay_ms)
{
	bool news = false;
	struct destination *d = slower ? destinations_get(&l->destinations, domain)
	                               : delivered && l->destinations.slow ? destinations_find(&l->destinations, domain) : NULL;
	if (d && slower)
		news = destination_slower(&l->destinations, d, hint_ms, taken_ms, mono_ms);
	else if (d)
		news = destination_worked(&l->destinations, d, mono_ms);
	if (news)
		*ret_delay_ms = d->delay_ms;
	return news;
}
