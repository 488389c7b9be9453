/* Start, reload, stop; and the watchdog, who cuts what takes too long. */
#include "delivery_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/hash.h"

#define STACK_BYTES 524288

void wake_one(struct delivery *d)
{
	if (d->parked_count) /* it needs no new connection */
		pthread_cond_signal(&d->parked);
	else if (d->idle_count)
		pthread_cond_signal(&d->idle);
}

int64_t until_due_ms(const struct delivery *d)
{
	int64_t now = clock_mono(d->clock), wait = lanes_wait_ms(&d->lanes, clock_wall(d->clock), now, WAIT_MAX_MS);
	for (const struct passing *p = d->passing; p; p = p->next)
		if (p->not_before_ms > now && p->not_before_ms - now < wait)
			wait = p->not_before_ms - now;
	return wait;
}

void wait_ms(struct delivery *d, pthread_cond_t *cond, int64_t ms)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	int64_t ns = t.tv_nsec + ms % 1000 * 1000000;
	t.tv_sec += ms / 1000 + ns / 1000000000;
	t.tv_nsec = ns % 1000000000;
	pthread_cond_timedwait(cond, &d->lock, &t);
}

static void on_ready(void *arg)
{
	struct delivery *d = arg;
	if (pthread_mutex_lock(&d->lock) == EDEADLK)
		return; /* told by spool_take inside take(), which looks again before it lets go */
	wake_one(d);
	pthread_mutex_unlock(&d->lock);
}

static void watch(struct delivery *d, struct worker *w, int64_t now)
{
	int64_t deadline = atomic_load(&w->wire.deadline_ms);
	if (d->cutting || (d->pass_is_over && w->passes))
		wire_cut(&w->wire, WIRE_STOPPED);
	else if (deadline && now > deadline)
		wire_cut(&w->wire, WIRE_DEADLINE);
}

static void *watchdog_main(void *arg)
{
	struct delivery *d = arg;
	pthread_mutex_lock(&d->lock);
	while (!d->over) {
		int64_t now = clock_mono(d->clock);
		for (unsigned i = 0; i < d->worker_count; i++)
			watch(d, d->workers[i], now);
		pthread_mutex_unlock(&d->lock);
		pass_watch(d);
		pthread_mutex_lock(&d->lock);
		if (d->over)
			break;
		wait_ms(d, &d->ended, WATCH_MS);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

static unsigned connections_of(const struct next_hop *h)
{
	return h->connections ? h->connections : CONNECTIONS_DEFAULT;
}

/* Without routes one hop is used at a time; with them, all may be. */
static unsigned workers_wanted(const struct delivery_settings *s)
{
	unsigned most = 1, all = 0;
	for (unsigned i = 0; i < s->hop_count; i++) {
		unsigned n = connections_of(&s->hops[i]);
		most = n > most ? n : most;
		all = all < WORKERS_MAX ? all + n : all;
	}
	unsigned wanted = s->route_count ? all : most;
	return wanted < WORKERS_MAX ? wanted : WORKERS_MAX;
}

static void worker_free(struct worker *w)
{
	for (unsigned i = 0; i < SESSION_SLOTS; i++)
		attempt_free(&w->attempts[i]);
	wire_free(&w->wire);
	free(w);
}

/* Lock held. */
static int add_worker(struct delivery *d)
{
	struct worker *w = mem_zero(sizeof *w);
	w->d = d;
	wire_init(&w->wire);
	for (unsigned i = 0; i < SESSION_SLOTS; i++)
		attempt_init(&w->attempts[i], d->spool, d->ledger, d->clock, d->breaker);
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	int rc = pthread_create(&w->thread, &attr, worker_main, w);
	pthread_attr_destroy(&attr);
	if (rc) {
		worker_free(w);
		return -1;
	}
	d->workers[d->worker_count++] = w;
	return 0;
}

/* As many as there can be connections; fewer when the system gives no more threads. */
static unsigned add_workers(struct delivery *d, unsigned wanted)
{
	pthread_mutex_lock(&d->lock);
	while (d->worker_count < wanted && add_worker(d) == 0)
		;
	unsigned have = d->worker_count;
	pthread_mutex_unlock(&d->lock);
	return have;
}

static struct delivery *new_delivery(struct spool *s, struct ledger *l, const struct clock *clock, const char *breaker_file)
{
	struct delivery *d = mem_zero(sizeof *d);
	pthread_mutexattr_t kind;
	pthread_condattr_t attr;
	d->spool = s;
	d->ledger = l;
	d->clock = clock;
	uint64_t key;
	random_bytes(&key, sizeof key);
	lanes_init(&d->lanes, s, key);
	d->breaker = breaker_new(l, breaker_file);
	shared_slot_init(&d->settings);
	pthread_mutexattr_init(&kind);
	pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&d->lock, &kind);
	pthread_mutexattr_destroy(&kind);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->idle, &attr);
	pthread_cond_init(&d->parked, &attr);
	pthread_cond_init(&d->ended, &attr);
	pthread_cond_init(&d->end_of_chores, &attr);
	pthread_condattr_destroy(&attr);
	return d;
}

static void free_delivery(struct delivery *d)
{
	for (unsigned i = 0; i < d->worker_count; i++)
		worker_free(d->workers[i]);
	while (d->hops) {
		struct hop_state *h = d->hops;
		d->hops = h->next;
		free(h);
	}
	free(d->of_hop);
	lanes_free(&d->lanes);
	shared_replace(&d->settings, NULL, NULL);
	pthread_cond_destroy(&d->idle);
	pthread_cond_destroy(&d->parked);
	pthread_cond_destroy(&d->ended);
	pthread_cond_destroy(&d->end_of_chores);
	breaker_free(&d->breaker);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static void end_watchdog(struct delivery *d)
{
	pthread_mutex_lock(&d->lock);
	d->over = true;
	pthread_cond_broadcast(&d->ended);
	pthread_cond_broadcast(&d->end_of_chores);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->watchdog, NULL);
}

static void use_settings(struct delivery *d, struct delivery_settings *s)
{
	shared_replace(&d->settings, &s->shared, delivery_settings_free);
	lanes_use(&d->lanes, (struct delivery_settings *)shared_acquire(&d->settings));
	find_hop_states(d);
}

int delivery_start(struct delivery **ret, struct spool *s, struct ledger *l, const struct clock *clock,
    struct delivery_settings *settings, struct err *err)
{
	struct delivery *d = new_delivery(s, l, clock, settings->breaker_file);
	unsigned wanted = workers_wanted(settings);
	session_library_start();
	use_settings(d, settings);
	if (pthread_create(&d->watchdog, NULL, watchdog_main, d)) {
		free_delivery(d);
		return err_sys(err, "thread");
	}
	if (pthread_create(&d->chores, NULL, chores_main, d)) {
		end_watchdog(d);
		free_delivery(d);
		return err_sys(err, "thread");
	}
	spool_on_ready(s, on_ready, d);
	*ret = d;
	if (add_workers(d, wanted) == 0) {
		delivery_stop(ret, 0);
		return err_set(err, ERR_SYSTEM, "no thread for delivery");
	}
	return 0;
}

void delivery_use(struct delivery *d, struct delivery_settings *s)
{
	unsigned wanted = workers_wanted(s);
	pthread_mutex_lock(&d->lock);
	use_settings(d, s);
	d->generation++; /* sessions under the old settings end after the mail at hand */
	pthread_cond_broadcast(&d->parked);
	pthread_cond_broadcast(&d->idle);
	pthread_mutex_unlock(&d->lock);
	unsigned have = add_workers(d, wanted);
	if (have < wanted)
		log_event(LOG_LEVEL_WARNING, "delivery.worker.short", "wanted=%u have=%u", wanted, have);
}

static void await_end(struct delivery *d, int64_t until)
{
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_broadcast(&d->idle);
	pthread_cond_broadcast(&d->parked);
	while (d->running && clock_mono(d->clock) < until)
		wait_ms(d, &d->ended, WATCH_MS);
	d->cutting = true;
	pthread_cond_broadcast(&d->ended);
	pthread_mutex_unlock(&d->lock);
}

void delivery_stop(struct delivery **dp, int64_t deadline_ms)
{
	struct delivery *d = *dp;
	if (!d)
		return;
	delivery_pass_stop(d);
	await_end(d, deadline_ms);
	for (unsigned i = 0; i < d->worker_count; i++)
		pthread_join(d->workers[i]->thread, NULL);
	end_watchdog(d);
	pthread_join(d->chores, NULL);
	spool_on_ready(d->spool, NULL, NULL);
	free_delivery(d);
	*dp = NULL;
}
