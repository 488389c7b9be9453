/* Deadlines of connections: the list is walked twice a second; setting a deadline is one atomic store. */
#include "patrol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/counter.h"
#include "base/mem.h"

#define PATROL_PERIOD_MS 500

COUNTER(cut_off, "optgate_web_slow_connections_total",
    "Connections cut off because a request took too long to arrive");

struct patrol {
	pthread_mutex_t lock;
	pthread_cond_t stop;
	bool stopping;
	struct watched list; /* ring */
	const struct clock *clock;
	const char *parting;
	pthread_t thread;
};

static void cut(struct patrol *p, struct watched *w)
{
	if (atomic_load(&w->tell))
		(void)!send(w->fd, p->parting, strlen(p->parting), MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(w->fd, SHUT_RDWR);
	atomic_store(&w->due_ms, PATROL_NEVER);
	counter_add(&cut_off, 1);
}

static void walk(struct patrol *p)
{
	int64_t now = clock_mono(p->clock);
	for (struct watched *w = p->list.next; w != &p->list; w = w->next)
		if (atomic_load(&w->due_ms) <= now)
			cut(p, w);
}

static struct timespec period_from_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += PATROL_PERIOD_MS * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000L;
	t.tv_nsec %= 1000000000L;
	return t;
}

static void *patrol_run(void *arg)
{
	struct patrol *p = arg;
	pthread_mutex_lock(&p->lock);
	while (!p->stopping) {
		walk(p);
		struct timespec until = period_from_now();
		pthread_cond_timedwait(&p->stop, &p->lock, &until);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

int patrol_start(struct patrol **ret, const struct clock *clock, const char *parting, struct err *err)
{
	struct patrol *p = mem_zero(sizeof *p);
	p->list.next = p->list.prev = &p->list;
	p->clock = clock;
	p->parting = parting;
	pthread_condattr_t mono;
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&p->stop, &mono);
	pthread_condattr_destroy(&mono);
	pthread_mutex_init(&p->lock, NULL);
	errno = pthread_create(&p->thread, NULL, patrol_run, p);
	if (errno) {
		err_sys(err, "thread of connection deadlines");
		free(p);
		return -1;
	}
	*ret = p;
	return 0;
}

void patrol_stop(struct patrol **pp)
{
	struct patrol *p = *pp;
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_signal(&p->stop);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	ALWAYS(p->list.next == &p->list);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->stop);
	free(p);
	*pp = NULL;
}

void patrol_add(struct patrol *p, struct watched *w)
{
	pthread_mutex_lock(&p->lock);
	w->next = &p->list;
	w->prev = p->list.prev;
	w->prev->next = w->next->prev = w;
	pthread_mutex_unlock(&p->lock);
}

void patrol_remove(struct patrol *p, struct watched *w)
{
	pthread_mutex_lock(&p->lock);
	w->prev->next = w->next;
	w->next->prev = w->prev;
	pthread_mutex_unlock(&p->lock);
}
