/* Lanes with something due, sorted by route: each gives one item and goes to the end, so that no domain waits for another's thousands.
 * A lane that a throttle or a slow destination keeps back stands in that one's line and comes back one at a time.
 *
 *   spool ─▶ lanes_refill: which route, which throttles ─▶ ready ─▶ lanes_take ─▶ item
 *                                      ▲                     │ too fast
 *                                      └──── its time ◀── waiting
 *
 * The caller brings the lock and both clocks' time. */
#pragma once

#include "delivery/delivery.h"
#include "ring.h"
#include "turn.h"

struct route_state {
	struct ring ready, waiting; /* WAITING: for the route's own rate */
	struct pace pace;
	struct turn turn;
};

struct throttle_state { /* of one that counts all together */
	struct ring waiting;
	struct pace pace;
};

struct lanes {
	struct spool *spool;
	struct delivery_settings *settings; /* a reference is held */
	struct route fallback;              /* all hops, in their order */
	struct route_state *routes;         /* those of the settings, then the fallback */
	unsigned route_count;
	struct throttle_state *throttles;
	struct timeline timeline;
	struct destinations destinations;
	size_t ready;                       /* lanes in all routes' lines */
	unsigned holds_version;             /* of the standing orders that the routes were chosen under */
	int64_t next_due_ms;                /* wall clock: when the spool will have more */
};

void lanes_init(struct lanes *l, struct spool *s, uint64_t random_key);
void lanes_free(struct lanes *l);
/* New settings: every lane at hand finds its way anew. Takes over the reference. */
void lanes_use(struct lanes *l, struct delivery_settings *s);

/* By lane name. */
unsigned lanes_find_route(const struct lanes *l, struct view lane);
const struct route *lanes_route(const struct lanes *l, unsigned route);
/* For how long mail that stands in no line may not go yet; 0: now. Then, when it goes: */
int64_t lanes_wait_of(struct lanes *l, struct view lane, int64_t wall_ms, int64_t mono_ms);
void lanes_spend(struct lanes *l, struct view lane, int64_t wall_ms, int64_t mono_ms);
/* Fetches what the spool reports and what has waited long enough. True when there is a lane to take from. */
bool lanes_refill(struct lanes *l, int64_t wall_ms, int64_t mono_ms);
static inline bool lanes_have(const struct lanes *l, unsigned route)
{
	return l->routes[route].ready.n > 0;
}
bool lanes_take(struct lanes *l, unsigned route, int64_t wall_ms, int64_t mono_ms, struct spool_item *ret);
/* Up to MOST from one lane, whatever its pace: to be given back, or settled without being sent. */
unsigned lanes_take_most(struct lanes *l, unsigned route, int64_t wall_ms, struct spool_item *ret, unsigned most);
/* How long until there may be more, at most MOST. */
int64_t lanes_wait_ms(const struct lanes *l, int64_t wall_ms, int64_t mono_ms, int64_t most);

/* What the hop said of a mail to DOMAIN. SLOWER: 421 or 4.7.x. True when there is news: *RET is then the delay between two. */
bool lanes_heard(struct lanes *l, struct view domain, bool slower, bool delivered, int64_t hint_ms, int64_t taken_ms, int64_t mono_ms,
    int64_t *ret_delay_ms);
