/* The listener: one acceptor thread takes connections, checks the limits that need all of them, and hands them round.
 * When the process is out of file descriptors the listening sockets are left alone for a moment instead of spinning. */
#include "smtp/server.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker.h"

#define LISTEN_BACKLOG 1024
#define ACCEPTS_A_TURN 64
#define ACCEPT_PAUSE_MS 200
#define LISTENERS_MAX 32

COUNTER(accept_pauses, "optgate_smtp_accept_pauses_total",
    "Times that accepting paused for want of file descriptors or memory");

struct listener {
	struct watch watch;
	struct smtp_server *server;
	struct endpoint at;
	bool tls_first;
};

struct smtp_server {
	struct smtp_settings settings;
	struct session_env env;
	const struct clock *clock;
	struct loop *loop; /* the acceptor's */
	pthread_t acceptor;
	bool acceptor_runs;
	struct listener listeners[LISTENERS_MAX];
	size_t listener_count;
	struct timer unpause;
	struct task drain;
	struct worker *workers;
	unsigned worker_count, next_worker;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t all_over;
	struct tls_server *tls;
	struct ip_count *per_ip;
	unsigned open;
};

struct tls_server *server_tls(struct smtp_server *s)
{
	pthread_mutex_lock(&s->lock);
	struct tls_server *t = tls_server_hold(s->tls);
	pthread_mutex_unlock(&s->lock);
	return t;
}

void smtp_server_use_tls(struct smtp_server *s, struct tls_server *tls)
{
	struct tls_server *mine = tls_server_hold(tls);
	pthread_mutex_lock(&s->lock);
	struct tls_server *old = s->tls;
	s->tls = mine;
	pthread_mutex_unlock(&s->lock);
	tls_server_free(&old);
}

void server_connection_over(struct smtp_server *s, const struct ip_key *ip)
{
	pthread_mutex_lock(&s->lock);
	ip_count_drop(s->per_ip, ip);
	if (--s->open == 0)
		pthread_cond_broadcast(&s->all_over);
	pthread_mutex_unlock(&s->lock);
}

/* ---- accepting */

/* When three of four places are taken, an address may have no more than an equal part of all: what is left is for those that
 * have less, so that one busy tool can't shut the others out. */
static bool has_its_share(struct smtp_server *s, const struct ip_key *ip, unsigned others)
{
	unsigned addresses = ip_count_addresses(s->per_ip), mine = ip_count_of(s->per_ip, ip);
	if (!ip->is_counted || others < s->settings.max_connections - s->settings.max_connections / 4)
		return false;
	return mine > 0 && mine >= s->settings.max_connections / (addresses + 1);
}

static enum limit count_peer(struct smtp_server *s, const struct ip_key *ip, unsigned others)
{
	if (has_its_share(s, ip, others))
		return LIMIT_FAIR_SHARE;
	return ip_count_add(s->per_ip, ip, s->settings.max_connections_per_ip) ? LIMIT_NONE : LIMIT_CONNECTIONS_PER_IP;
}

static enum limit count_in(struct smtp_server *s, const struct ip_key *ip)
{
	pthread_mutex_lock(&s->lock);
	enum limit l = s->open >= s->settings.max_connections ? LIMIT_CONNECTIONS : count_peer(s, ip, s->open);
	s->open += l == LIMIT_NONE;
	pthread_mutex_unlock(&s->lock);
	return l;
}

enum limit server_recount_peer(struct smtp_server *s, const struct ip_key *old, const struct ip_key *ip)
{
	pthread_mutex_lock(&s->lock);
	ip_count_drop(s->per_ip, old);
	enum limit l = count_peer(s, ip, s->open - 1);
	pthread_mutex_unlock(&s->lock);
	return l;
}

enum limit server_count_peer(struct smtp_server *s, const struct ip_key *ip)
{
	const struct ip_key nobody = {.is_counted = false};
	return server_recount_peer(s, &nobody, ip);
}

void server_turn_away(struct smtp_server *s, int fd, bool tls_first, enum limit l)
{
	struct buf b;
	buf_init(&b, 1024);
	limit_answer(l, s->settings.hostname, &b);
	log_event(LOG_LEVEL_WARNING, "smtp.session.refuse", "limit=%s", limit_name(l));
	if (!tls_first && send(fd, b.p, b.n, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		shutdown(fd, SHUT_WR);
	buf_free(&b);
	close(fd);
}

static void pause_listeners(struct smtp_server *s, bool pause)
{
	for (size_t i = 0; i < s->listener_count; i++)
		if (s->listeners[i].watch.fd >= 0)
			loop_change(s->loop, &s->listeners[i].watch, pause ? 0 : EPOLLIN);
	if (pause)
		timer_arm(s->loop, &s->unpause, loop_now(s->loop) + ACCEPT_PAUSE_MS);
}

static void unpause(struct timer *t)
{
	pause_listeners((struct smtp_server *)(void *)((char *)t - offsetof(struct smtp_server, unpause)), false);
}

static void take(struct listener *l, int fd, const struct endpoint *peer)
{
	struct smtp_server *s = l->server;
	const struct smtp_settings *set = &s->settings;
	struct arrival a = {.fd = fd, .tls_first = l->tls_first, .ip = ip_key_of(peer), .balancer = *peer};
	a.proxied = set->proxy_on & (l->tls_first ? PROXY_ON_TLS_LISTEN : PROXY_ON_LISTEN) &&
		    networks_have(set->proxy_networks, set->proxy_network_count, peer);
	if (a.proxied || networks_have(set->xclient_networks, set->xclient_network_count, peer))
		a.ip.is_counted = false; /* many clients come through it: they are counted when they are known */
	enum limit limit = count_in(s, &a.ip);
	if (limit)
		server_turn_away(s, fd, l->tls_first, limit);
	else
		worker_hand(&s->workers[s->next_worker++ % s->worker_count], &a);
}

static void acceptable(struct watch *w, uint32_t events)
{
	struct listener *l = (struct listener *)w; /* its first member */
	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct endpoint peer = {.sa_len = sizeof peer.sa};
		int fd = accept4(w->fd, (struct sockaddr *)&peer.sa, &peer.sa_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			take(l, fd, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			counter_add(&accept_pauses, 1);
			log_event(LOG_LEVEL_WARNING, "smtp.accept.pause", "ms=%d error=\"%s\"", ACCEPT_PAUSE_MS,
			    strerror(errno));
			pause_listeners(l->server, true);
		}
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

static void close_listeners(struct smtp_server *s)
{
	for (size_t i = 0; i < s->listener_count; i++) {
		struct watch *w = &s->listeners[i].watch;
		if (w->fd < 0)
			continue;
		loop_unwatch(s->loop, w);
		close(w->fd);
		w->fd = -1;
	}
}

static void on_drain(struct task *t)
{
	struct smtp_server *s = (struct smtp_server *)(void *)((char *)t - offsetof(struct smtp_server, drain));
	close_listeners(s);
	timer_disarm(s->loop, &s->unpause);
	for (unsigned i = 0; i < s->worker_count; i++)
		worker_drain(&s->workers[i]);
}

static void *accept_thread(void *arg)
{
	struct smtp_server *s = arg;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	loop_run(s->loop);
	return NULL;
}

/* ---- start and stop */

static int listen_all(struct smtp_server *s, const char *const *texts, size_t n, bool tls_first, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (s->listener_count == LISTENERS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d SMTP listeners", LISTENERS_MAX);
		struct listener *l = &s->listeners[s->listener_count];
		*l = (struct listener){.watch = {-1, EPOLLIN, acceptable}, .server = s, .tls_first = tls_first};
		if (tls_first && !s->tls)
			return err_set(err, ERR_MISSING, "%.100s: a TLS listener needs a certificate", texts[i]);
		if (listen_on(texts[i], LISTEN_BACKLOG, &l->watch.fd, err))
			return -1;
		s->listener_count++;
		if (endpoint_of_fd(l->watch.fd, &l->at, err) || loop_watch(s->loop, &l->watch, err))
			return -1;
	}
	return 0;
}

static int start_threads(struct smtp_server *s, struct err *err)
{
	s->workers = mem_zero(s->settings.workers * sizeof *s->workers);
	for (unsigned i = 0; i < s->settings.workers; i++) {
		s->worker_count++;
		if (worker_start(&s->workers[i], s, &s->env, s->clock, err))
			return -1;
	}
	if (pthread_create(&s->acceptor, NULL, accept_thread, s) != 0)
		return err_set(err, ERR_SYSTEM, "smtp acceptor: thread cannot be started");
	s->acceptor_runs = true;
	return 0;
}

static struct network *copy_networks(const struct network *from, unsigned n)
{
	struct network *copy = mem_zero((n + 1) * sizeof *copy);
	if (n)
		memcpy(copy, from, n * sizeof *copy);
	return copy;
}

int smtp_server_start(struct smtp_server **ret, const struct smtp_settings *settings, const char *const *listeners,
    size_t n, const char *const *tls_listeners, size_t tls_n, struct tls_server *tls, const struct intake_verbs *verbs,
    void *ctx, const struct clock *clock, struct err *err)
{
	struct smtp_server *s = mem_zero(sizeof *s);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->all_over, &monotonic);
	pthread_mutex_init(&s->lock, NULL);
	s->settings = *settings;
	s->settings.hostname = mem_strdup(settings->hostname);
	s->settings.proxy_networks = copy_networks(settings->proxy_networks, settings->proxy_network_count);
	s->settings.xclient_networks = copy_networks(settings->xclient_networks, settings->xclient_network_count);
	s->settings.workers = settings->workers ? settings->workers : 1;
	s->env = (struct session_env){&s->settings, verbs, ctx};
	s->clock = clock;
	s->tls = tls_server_hold(tls);
	s->per_ip = ip_count_new(settings->max_connections);
	s->unpause.expired = unpause;
	s->drain.run = on_drain;
	if (loop_new(&s->loop, clock, err) || listen_all(s, listeners, n, false, err) ||
	    listen_all(s, tls_listeners, tls_n, true, err) || start_threads(s, err)) {
		smtp_server_stop(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

/* Waits in steps: DEADLINE is of the server's clock, which need not be the system's. */
void smtp_server_drain(struct smtp_server *s, int64_t deadline_ms)
{
	loop_post(s->loop, &s->drain);
	pthread_mutex_lock(&s->lock);
	while (s->open && clock_mono(s->clock) < deadline_ms) {
		struct timespec t;
		clock_gettime(CLOCK_MONOTONIC, &t);
		t.tv_nsec += 50 * 1000 * 1000;
		if (t.tv_nsec >= 1000000000) {
			t.tv_sec++;
			t.tv_nsec -= 1000000000;
		}
		pthread_cond_timedwait(&s->all_over, &s->lock, &t);
	}
	pthread_mutex_unlock(&s->lock);
}

void smtp_server_stop(struct smtp_server **sp)
{
	struct smtp_server *s = *sp;
	if (!s)
		return;
	*sp = NULL;
	if (s->acceptor_runs) {
		loop_stop(s->loop);
		pthread_join(s->acceptor, NULL);
	}
	for (unsigned i = 0; i < s->worker_count; i++)
		worker_stop(&s->workers[i]);
	for (unsigned i = 0; i < s->worker_count; i++)
		worker_free(&s->workers[i]);
	if (s->loop)
		close_listeners(s);
	loop_free(&s->loop);
	free(s->workers);
	tls_server_free(&s->tls);
	ip_count_free(&s->per_ip);
	free(s->settings.hostname);
	free(s->settings.proxy_networks);
	free(s->settings.xclient_networks);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->all_over);
	free(s);
}

size_t smtp_server_addresses(const struct smtp_server *s, struct endpoint *dst, size_t max)
{
	size_t n = s->listener_count < max ? s->listener_count : max;
	for (size_t i = 0; i < n; i++)
		dst[i] = s->listeners[i].at;
	return n;
}
