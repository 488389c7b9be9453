/* Listeners and workers. Every worker waits on every listener: whoever is free takes the next MTA. */
#include "doors/doors.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/counter.h"
#include "guest.h"

#define LISTEN_BACKLOG 512
#define LISTENERS_MAX 32
#define WORKER_OUT_MAX (4 * CONN_OUT_HIGH)
#define ACCEPTS_A_TURN 8
#define ACCEPT_PAUSE_MS 100 /* for want of descriptors */

COUNTER(refused_full, "optgate_doors_refused_total{why=\"max_connections\"}", "Connections that were closed at once");
COUNTER(refused_network, "optgate_doors_refused_total{why=\"network\"}", "Connections that were closed at once");

COUNTER(accept_pauses, "optgate_doors_accept_pauses_total", "Times that accepting paused for want of file descriptors");

struct listener {
	int fd;
	enum door door;
	struct endpoint at;
};

struct doors {
	struct doors_limits limits;
	const struct clock *clock;
	struct intake *intake;
	struct shared_slot settings;
	struct listener listeners[LISTENERS_MAX];
	size_t listener_count;
	struct door_worker *workers;
	_Atomic unsigned open;
};

/* A worker's view of a listener. */
struct door_watch {
	struct watch watch;
	struct timer pause;
	struct door_worker *worker;
	const struct listener *listener;
};

static const struct door_protocol *const protocols[DOORS] = {
    [DOOR_POLICY] = &door_policy, [DOOR_MILTER] = &door_milter};

void doors_settings_free(struct shared *shared)
{
	struct doors_settings *s = (struct doors_settings *)shared;
	shared_release(s->compose ? &s->compose->shared : NULL);
	free(s->client);
	free(s);
}

void doors_use(struct doors *d, struct doors_settings *settings)
{
	shared_replace(&d->settings, &settings->shared, doors_settings_free);
}

int64_t doors_idle_timeout(const struct doors *d)
{
	return d->limits.idle_timeout_ms;
}

bool doors_count_in(struct doors *d)
{
	if (atomic_fetch_add(&d->open, 1) < d->limits.max_connections)
		return true;
	doors_count_out(d);
	return false;
}

void doors_count_out(struct doors *d)
{
	atomic_fetch_sub(&d->open, 1);
}

/* ---- accepting */

/* Verdicts tell who left which list: nobody but the MTAs may ask. */
static bool is_welcome(struct doors *d, const struct endpoint *peer)
{
	if (peer->sa.ss_family != AF_UNIX && !networks_have(d->limits.networks, d->limits.network_count, peer)) {
		counter_add(&refused_network, 1);
		log_event(LOG_LEVEL_WARNING, "doors.guest.refuse", "why=network");
		return false;
	}
	if (!doors_count_in(d)) {
		counter_add(&refused_full, 1);
		log_event(LOG_LEVEL_WARNING, "doors.guest.refuse", "why=max_connections");
		return false;
	}
	return true;
}

static void pause_over(struct timer *t)
{
	struct door_watch *w = (struct door_watch *)(void *)((char *)t - offsetof(struct door_watch, pause));
	loop_change(w->worker->loop, &w->watch, EPOLLIN);
}

static void pause_accepting(struct door_watch *w)
{
	counter_add(&accept_pauses, 1);
	loop_change(w->worker->loop, &w->watch, 0);
	timer_arm(w->worker->loop, &w->pause, loop_now(w->worker->loop) + ACCEPT_PAUSE_MS);
}

static void acceptable(struct watch *watch, uint32_t events)
{
	struct door_watch *w = (struct door_watch *)watch; /* its first member */
	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct endpoint peer = {.sa_len = sizeof peer.sa};
		int fd = accept4(watch->fd, (struct sockaddr *)&peer.sa, &peer.sa_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				pause_accepting(w);
			return;
		}
		if (is_welcome(w->worker->doors, &peer))
			guest_open(w->worker, fd, protocols[w->listener->door]);
		else
			close(fd);
	}
}

static void on_stop(struct task *t)
{
	struct door_worker *w = (struct door_worker *)(void *)((char *)t - offsetof(struct door_worker, stop));
	while (w->guests)
		guest_drop(w->guests, "the service stops");
	loop_stop(w->loop);
}

static void *run(void *arg)
{
	struct door_worker *w = arg;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	loop_run(w->loop);
	loop_expire_timers(w->loop);
	return NULL;
}

/* ---- start and stop */

static int listen_all(struct doors *d, const struct doors_listener *listeners, size_t n, struct err *err)
{
	if (n > LISTENERS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d listeners for policy service and milter", LISTENERS_MAX);
	for (size_t i = 0; i < n; i++) {
		struct listener *l = &d->listeners[i];
		l->door = listeners[i].door;
		if (listen_on(listeners[i].at, LISTEN_BACKLOG, &l->fd, err))
			return -1;
		d->listener_count++;
		if (endpoint_of_fd(l->fd, &l->at, err))
			return -1;
	}
	return 0;
}

static int watch_all(struct doors *d, struct door_worker *w, struct err *err)
{
	w->watches = mem_zero(d->listener_count * sizeof *w->watches);
	for (size_t i = 0; i < d->listener_count; i++) {
		w->watches[i] = (struct door_watch){.watch = {d->listeners[i].fd, EPOLLIN, acceptable},
		    .pause.expired = pause_over,
		    .worker = w,
		    .listener = &d->listeners[i]};
		if (loop_watch(w->loop, &w->watches[i].watch, err))
			return -1;
	}
	return 0;
}

static int start_worker(struct doors *d, struct door_worker *w, struct err *err)
{
	w->doors = d;
	w->env = (struct door_env){d->intake, &intake_verbs, &d->settings, d->clock, composer_new()};
	w->stop.run = on_stop;
	buf_init(&w->out, WORKER_OUT_MAX);
	if (loop_new(&w->loop, d->clock, err) || watch_all(d, w, err))
		return -1;
	if (pthread_create(&w->thread, NULL, run, w) != 0)
		return err_set(err, ERR_SYSTEM, "doors: thread cannot be started");
	w->is_started = true;
	return 0;
}

static void stop_worker(struct door_worker *w)
{
	if (w->is_started) {
		loop_post(w->loop, &w->stop);
		pthread_join(w->thread, NULL);
	}
	loop_free(&w->loop);
	composer_free(&w->env.composer);
	buf_free(&w->out);
	free(w->watches);
}

int doors_start(struct doors **ret, const struct doors_limits *limits, const struct doors_listener *listeners, size_t n,
    struct intake *intake, const struct clock *clock, struct doors_settings *settings, struct err *err)
{
	struct doors *d = mem_zero(sizeof *d);
	d->limits = *limits;
	d->limits.workers = limits->workers ? limits->workers : 1;
	d->limits.networks = mem_zero((limits->network_count + 1) * sizeof *d->limits.networks);
	for (unsigned i = 0; i < limits->network_count; i++)
		d->limits.networks[i] = limits->networks[i];
	d->clock = clock;
	d->intake = intake;
	shared_slot_init(&d->settings);
	doors_use(d, settings);
	d->workers = mem_zero(d->limits.workers * sizeof *d->workers);
	int rc = listen_all(d, listeners, n, err);
	for (unsigned i = 0; rc == 0 && i < d->limits.workers; i++)
		rc = start_worker(d, &d->workers[i], err);
	if (rc)
		doors_stop(&d);
	else
		*ret = d;
	return rc;
}

void doors_stop(struct doors **dp)
{
	struct doors *d = *dp;
	if (!d)
		return;
	*dp = NULL;
	for (unsigned i = 0; i < d->limits.workers; i++)
		stop_worker(&d->workers[i]);
	for (size_t i = 0; i < d->listener_count; i++)
		close(d->listeners[i].fd);
	shared_replace(&d->settings, NULL, NULL);
	free(d->workers);
	free(d->limits.networks);
	free(d);
}

bool doors_address(const struct doors *d, size_t i, struct endpoint *ret)
{
	if (i < d->listener_count)
		*ret = d->listeners[i].at;
	return i < d->listener_count;
}
