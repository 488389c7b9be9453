/* What is looked after once a second: complaints, and mail that has become too old while its hops are down. */
#include "delivery_internal.h"

#define CHORES_MS  1000
#define SWEEP_MS   10000 /* between two looks at what is too old */
#define SWEEP_MOST 500   /* items of one look */
#define SWEEP_FRESH 64   /* so many in a row that are not too old, and the lane's rest is taken for fresh too */

/* Items of routes whose hops are all down: the probes were their last try. Lock held. */
static unsigned take_down(struct delivery *d, struct spool_item *items, const char **routes)
{
	unsigned n = 0;
	for (unsigned i = 0; i < d->lanes.route_count; i++) {
		size_t lanes = d->lanes.routes[i].ready.n;
		if (!route_is_down(d, i))
			continue;
		while (lanes-- && n < SWEEP_MOST) {
			unsigned got = lanes_take_most(&d->lanes, i, clock_wall(d->clock), &items[n], n + SWEEP_FRESH < SWEEP_MOST ? SWEEP_FRESH : SWEEP_MOST - n);
			for (unsigned k = 0; k < got; k++)
				routes[n++] = lanes_route(&d->lanes, i)->name;
		}
	}
	return n;
}

static void sweep(struct delivery *d, struct attempt *a)
{
	struct spool_item items[SWEEP_MOST];
	const char *routes[SWEEP_MOST];
	struct spool_stats st;
	unsigned n = 0;
	spool_stats(d->spool, &st);
	pthread_mutex_lock(&d->lock);
	struct delivery_settings *s = (struct delivery_settings *)shared_hold(&d->lanes.settings->shared);
	if (!d->stopping && st.oldest_ms && clock_wall(d->clock) - st.oldest_ms >= shortest_expiry(s))
		n = take_down(d, items, routes);
	pthread_mutex_unlock(&d->lock);
	while (n--) /* the last first: what is put back goes to the front */
		attempt_expire(a, &items[n], (struct delivery_settings *)shared_hold(&s->shared), routes[n]);
	shared_release(&s->shared);
}

void *chores_main(void *delivery)
{
	struct delivery *d = delivery;
	struct attempt a;
	int64_t swept = clock_mono(d->clock);
	attempt_init(&a, d->spool, d->ledger, d->clock, d->breaker);
	pthread_mutex_lock(&d->lock);
	while (!d->over) {
		pthread_mutex_unlock(&d->lock);
		struct delivery_settings *s = (struct delivery_settings *)shared_acquire(&d->settings);
		breaker_look(d->breaker, s, clock_wall(d->clock));
		shared_release(&s->shared);
		int64_t now = clock_mono(d->clock);
		if (now - swept >= SWEEP_MS) {
			sweep(d, &a);
			swept = now;
		}
		pthread_mutex_lock(&d->lock);
		if (!d->over)
			wait_ms(d, &d->end_of_chores, CHORES_MS);
	}
	pthread_mutex_unlock(&d->lock);
	attempt_free(&a);
	return NULL;
}
