#include "worker.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/mem.h"

#define WORKER_OUT_MAX (4 * SESSION_OUT_HIGH)
#define WORKER_OF(ptr, member) ((struct worker *)(void *)((char *)(ptr)-offsetof(struct worker, member)))

struct handed {
	struct task task;
	struct worker *worker;
	struct arrival arrival;
};

static void *run(void *arg)
{
	struct worker *w = arg;
	sigset_t all;
	sigfillset(&all); /* SIGPIPE too: OpenSSL writes without MSG_NOSIGNAL */
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	loop_run(w->loop);
	loop_expire_timers(w->loop);
	return NULL;
}

static void on_drain(struct task *t)
{
	struct worker *w = WORKER_OF(t, drain);
	w->is_draining = true;
	while (w->preludes)
		prelude_drop(w->preludes);
	for (struct link *k = w->links, *next; k; k = next) {
		next = k->next;
		link_drain(k);
	}
}

static void stop_when_empty(struct worker *w)
{
	if (w->is_stopping && !w->links && !w->preludes)
		loop_stop(w->loop);
}

static void on_stop(struct task *t)
{
	struct worker *w = WORKER_OF(t, stop);
	w->is_stopping = true;
	while (w->preludes)
		prelude_drop(w->preludes);
	for (struct link *k = w->links, *next; k; k = next) {
		next = k->next;
		link_drop(k);
	}
	stop_when_empty(w);
}

int worker_start(
    struct worker *w, struct smtp_server *server, struct session_env *env, const struct clock *clock, struct err *err)
{
	*w = (struct worker){.server = server, .env = env, .drain.run = on_drain, .stop.run = on_stop};
	buf_init(&w->out, WORKER_OUT_MAX);
	if (loop_new(&w->loop, clock, err))
		return -1;
	if (pthread_create(&w->thread, NULL, run, w) != 0)
		return err_set(err, ERR_SYSTEM, "smtp worker: thread cannot be started");
	w->is_started = true;
	return 0;
}

static void on_handed(struct task *t)
{
	struct handed *h = (struct handed *)t; /* its first member */
	const struct arrival *a = &h->arrival;
	if (a->proxied)
		prelude_open(h->worker, a->fd, a->tls_first, &a->balancer);
	else
		link_open(h->worker, a->fd, a->tls_first, &a->ip, NULL);
	free(h);
}

void worker_hand(struct worker *w, const struct arrival *a)
{
	struct handed *h = mem_alloc(sizeof *h);
	*h = (struct handed){.task.run = on_handed, .worker = w, .arrival = *a};
	loop_post(w->loop, &h->task);
}

void worker_drain(struct worker *w)
{
	loop_post(w->loop, &w->drain);
}

void worker_stop(struct worker *w)
{
	if (!w->is_started)
		return;
	loop_post(w->loop, &w->stop);
	pthread_join(w->thread, NULL);
	w->is_started = false;
}

void worker_free(struct worker *w)
{
	loop_free(&w->loop);
	buf_free(&w->out);
}

void worker_add(struct worker *w, struct link *k)
{
	k->next = w->links;
	if (w->links)
		w->links->prev = k;
	w->links = k;
	if (w->is_draining)
		link_drain(k);
}

void worker_remove(struct worker *w, struct link *k)
{
	if (k->prev)
		k->prev->next = k->next;
	else
		w->links = k->next;
	if (k->next)
		k->next->prev = k->prev;
	server_connection_over(w->server, &k->ip);
	stop_when_empty(w);
}

void worker_add_prelude(struct worker *w, struct prelude *p)
{
	p->next = w->preludes;
	if (w->preludes)
		w->preludes->prev = p;
	w->preludes = p;
}

void worker_remove_prelude(struct worker *w, struct prelude *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		w->preludes = p->next;
	if (p->next)
		p->next->prev = p->prev;
	p->prev = p->next = NULL;
	stop_when_empty(w);
}
