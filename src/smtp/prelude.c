#include "prelude.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker.h"

#define PROXY_WAIT_MS 10000 /* three seconds at least, so that one lost packet does no harm */

COUNTER(proxied, "optgate_smtp_proxy_headers_total{result=\"good\"}",
    "Connections of load balancers by their PROXY header");
COUNTER(proxy_own, "optgate_smtp_proxy_headers_total{result=\"local\"}",
    "Connections of load balancers by their PROXY header");
COUNTER(proxy_bad, "optgate_smtp_proxy_headers_total{result=\"bad\"}",
    "Connections of load balancers by their PROXY header");

#define PRELUDE_OF(ptr, member) ((struct prelude *)(void *)((char *)(ptr)-offsetof(struct prelude, member)))

static void grave(struct task *t)
{
	free(PRELUDE_OF(t, grave));
}

/* Gives the descriptor back. */
static int leave(struct prelude *p)
{
	int fd = p->watch.fd;
	loop_unwatch(p->worker->loop, &p->watch);
	timer_disarm(p->worker->loop, &p->timer);
	worker_remove_prelude(p->worker, p);
	loop_defer(p->worker->loop, &p->grave);
	return fd;
}

static void hang_up(struct prelude *p, enum limit l, const char *why)
{
	const struct ip_key nobody = {.is_counted = false};
	char balancer[ENDPOINT_TEXT];
	endpoint_text(&p->balancer, balancer);
	log_event(LOG_LEVEL_WARNING, "smtp.proxy.refuse", "balancer=%s why=\"%s\"", balancer, why);
	struct smtp_server *server = p->worker->server;
	server_turn_away(server, leave(p), p->tls_first, l);
	server_connection_over(server, &nobody);
}

void prelude_drop(struct prelude *p)
{
	const struct ip_key nobody = {.is_counted = false};
	struct smtp_server *server = p->worker->server;
	close(leave(p));
	server_connection_over(server, &nobody);
}

static void expired(struct timer *t)
{
	counter_add(&proxy_bad, 1);
	hang_up(PRELUDE_OF(t, timer), LIMIT_PROXY, "no PROXY header in time");
}

static void become_link(struct prelude *p, const struct endpoint *peer)
{
	struct worker *w = p->worker;
	struct ip_key ip = ip_key_of(peer);
	enum limit l = server_count_peer(w->server, &ip);
	if (l)
		hang_up(p, l, limit_name(l));
	else
		link_open(w, leave(p), p->tls_first, &ip, peer);
}

static void judge(struct prelude *p, enum proxy_kind kind, const struct endpoint *client)
{
	if (kind == PROXY_BAD) {
		counter_add(&proxy_bad, 1);
		hang_up(p, LIMIT_PROXY, "what came is no PROXY header");
	} else if (kind == PROXY_GOOD) {
		counter_add(&proxied, 1);
		become_link(p, client);
	} else {
		const struct ip_key nobody = {.is_counted = false};
		struct worker *w = p->worker;
		counter_add(&proxy_own, 1);
		link_open(w, leave(p), p->tls_first, &nobody, NULL);
	}
}

/* Peeks, and takes off no more than the header: what stands behind it is the client's, perhaps the begin of its handshake. */
static void readable(struct watch *watch, uint32_t events)
{
	struct prelude *p = (struct prelude *)watch; /* its first member */
	struct endpoint client = {0};
	size_t header = 0;
	(void)events;
	ssize_t n = recv(watch->fd, p->bytes + p->n, sizeof p->bytes - p->n, MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		prelude_drop(p);
		return;
	}
	enum proxy_kind kind = proxy_take(view_n(p->bytes, p->n + (size_t)n), &client, &header);
	size_t mine = kind == PROXY_GOOD || kind == PROXY_LOCAL ? header - p->n : (size_t)n;
	if (recv(watch->fd, p->bytes + p->n, mine, 0) != (ssize_t)mine) {
		prelude_drop(p);
		return;
	}
	p->n += mine;
	if (kind != PROXY_MORE)
		judge(p, kind, &client);
}

void prelude_open(struct worker *w, int fd, bool tls_first, const struct endpoint *balancer)
{
	struct err err;
	struct prelude *p = mem_zero(sizeof *p);
	p->watch = (struct watch){fd, EPOLLIN, readable};
	p->timer.expired = expired;
	p->grave.run = grave;
	p->worker = w;
	p->balancer = *balancer;
	p->tls_first = tls_first;
	worker_add_prelude(w, p);
	if (loop_watch(w->loop, &p->watch, &err)) {
		log_event(LOG_LEVEL_ERROR, "smtp.session.fail", "error=\"%s\"", err.text);
		prelude_drop(p);
		return;
	}
	timer_arm(w->loop, &p->timer, loop_now(w->loop) + PROXY_WAIT_MS);
}
