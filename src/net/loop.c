/* The event loop. One turn: wait, fd handlers, posted tasks, timers, then the deferred tasks until none is
 * left.
 *
 * Posting is a lock-free stack that the loop turns round when it takes it, which keeps the order. Only
 * who finds the stack empty writes the eventfd; it is watched edge-triggered and never read, which saves a
 * system call a wake. A poster counts itself in .posters for as long as it touches the loop, so that
 * loop_free can wait for its last step. */
#include "net/loop.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop_internal.h"

#define EVENTS_A_TURN 128
#define WAIT_MAX_MS 60000

struct loop {
	int epoll_fd, wake_fd;
	const struct clock *clock;
	int64_t now;
	struct timer **heap;
	size_t heap_n, heap_cap;
	struct task *deferred, **deferred_end;
	struct epoll_event *events; /* of this turn; those from .event_at on are still to be handled */
	int event_at, event_n;
	char *scratch;
	_Atomic(struct task *) posted;
	_Atomic int posters;
	_Atomic bool stopping;
};

int loop_new(struct loop **ret, const struct clock *clock, struct err *err)
{
	struct loop *l = mem_zero(sizeof *l);
	l->clock = clock;
	l->deferred_end = &l->deferred;
	l->events = mem_alloc(sizeof *l->events * EVENTS_A_TURN);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->now = clock_mono(clock);
	struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
	if (l->epoll_fd < 0 || l->wake_fd < 0 || epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &e)) {
		err_sys(err, "event loop");
		loop_free(&l);
		return -1;
	}
	*ret = l;
	return 0;
}

static void run_posted(struct loop *l)
{
	struct task *newest = atomic_exchange_explicit(&l->posted, NULL, memory_order_acquire), *first = NULL;
	while (newest) {
		struct task *next = newest->next;
		newest->next = first;
		first = newest;
		newest = next;
	}
	while (first) {
		struct task *t = first;
		first = t->next;
		t->run(t);
	}
}

static void run_deferred(struct loop *l)
{
	while (l->deferred) {
		struct task *t = l->deferred;
		l->deferred = t->next;
		if (!l->deferred)
			l->deferred_end = &l->deferred;
		t->run(t);
	}
}

void loop_free(struct loop **lp)
{
	struct loop *l = *lp;
	if (!l)
		return;
	*lp = NULL;
	while (atomic_load(&l->posters) || atomic_load(&l->posted) || l->deferred) {
		run_posted(l);
		run_deferred(l);
		sched_yield();
	}
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	free(l->heap);
	free(l->events);
	free(l->scratch);
	free(l);
}

int loop_watch(struct loop *l, struct watch *w, struct err *err)
{
	struct epoll_event e = {.events = w->events, .data.ptr = w};
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, w->fd, &e))
		return err_sys(err, "epoll_ctl");
	return 0;
}

void loop_change(struct loop *l, struct watch *w, uint32_t events)
{
	if (w->events == events)
		return;
	struct epoll_event e = {.events = events, .data.ptr = w};
	w->events = events;
	ALWAYS(epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, w->fd, &e) == 0);
}

void loop_unwatch(struct loop *l, struct watch *w)
{
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	for (int i = l->event_at; i < l->event_n; i++)
		if (l->events[i].data.ptr == w)
			l->events[i].events = 0;
}

int64_t loop_now(const struct loop *l)
{
	return l->now;
}

/* ---- the heap of deadlines: earliest at place 0 */

static void heap_put(struct loop *l, size_t at, struct timer *t)
{
	l->heap[at] = t;
	t->slot = at + 1;
}

static void sift_up(struct loop *l, size_t at, struct timer *t)
{
	while (at && l->heap[(at - 1) / 2]->due_ms > t->due_ms) {
		heap_put(l, at, l->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_put(l, at, t);
}

static void sift_down(struct loop *l, size_t at, struct timer *t)
{
	for (;;) {
		size_t child = 2 * at + 1;
		if (child + 1 < l->heap_n && l->heap[child + 1]->due_ms < l->heap[child]->due_ms)
			child++;
		if (child >= l->heap_n || l->heap[child]->due_ms >= t->due_ms)
			break;
		heap_put(l, at, l->heap[child]);
		at = child;
	}
	heap_put(l, at, t);
}

void timer_disarm(struct loop *l, struct timer *t)
{
	if (!t->slot)
		return;
	size_t at = t->slot - 1;
	t->slot = 0;
	struct timer *last = l->heap[--l->heap_n];
	if (last == t)
		return;
	if (at && l->heap[(at - 1) / 2]->due_ms > last->due_ms)
		sift_up(l, at, last);
	else
		sift_down(l, at, last);
}

void timer_arm(struct loop *l, struct timer *t, int64_t due_ms)
{
	timer_disarm(l, t);
	t->due_ms = due_ms;
	if (l->heap_n == l->heap_cap) {
		l->heap_cap = l->heap_cap ? l->heap_cap * 2 : 64;
		l->heap = mem_grow(l->heap, l->heap_cap * sizeof *l->heap);
	}
	l->heap_n++;
	sift_up(l, l->heap_n - 1, t);
}

static void run_timers(struct loop *l)
{
	while (l->heap_n && l->heap[0]->due_ms <= l->now) {
		struct timer *t = l->heap[0];
		timer_disarm(l, t);
		t->expired(t);
	}
}

void loop_expire_timers(struct loop *l)
{
	run_posted(l);
	run_deferred(l);
	while (l->heap_n) {
		struct timer *t = l->heap[0];
		timer_disarm(l, t);
		t->expired(t);
	}
	run_deferred(l);
}

/* ---- tasks */

static void wake(struct loop *l)
{
	uint64_t one = 1;
	while (write(l->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

void loop_post(struct loop *l, struct task *t)
{
	atomic_fetch_add(&l->posters, 1);
	struct task *was = atomic_load_explicit(&l->posted, memory_order_relaxed);
	do
		t->next = was;
	while (!atomic_compare_exchange_weak_explicit(&l->posted, &was, t, memory_order_acq_rel, memory_order_relaxed));
	if (!was)
		wake(l);
	atomic_fetch_sub(&l->posters, 1);
}

void loop_defer(struct loop *l, struct task *t)
{
	t->next = NULL;
	*l->deferred_end = t;
	l->deferred_end = &t->next;
}

void loop_stop(struct loop *l)
{
	atomic_fetch_add(&l->posters, 1);
	atomic_store(&l->stopping, true);
	wake(l);
	atomic_fetch_sub(&l->posters, 1);
}

static int wait_ms(const struct loop *l)
{
	if (!l->heap_n)
		return WAIT_MAX_MS;
	int64_t left = l->heap[0]->due_ms - clock_mono(l->clock);
	return left < 0 ? 0 : left > WAIT_MAX_MS ? WAIT_MAX_MS : (int)left;
}

static void turn(struct loop *l)
{
	int n = epoll_wait(l->epoll_fd, l->events, EVENTS_A_TURN, wait_ms(l));
	ALWAYS(n >= 0 || errno == EINTR);
	l->now = clock_mono(l->clock);
	l->event_n = n < 0 ? 0 : n;
	for (l->event_at = 0; l->event_at < l->event_n;) {
		struct epoll_event *e = &l->events[l->event_at++];
		struct watch *w = e->data.ptr;
		if (w && e->events)
			w->ready(w, e->events);
	}
	l->event_n = 0;
	run_posted(l);
	run_timers(l);
	run_deferred(l);
}

void loop_run(struct loop *l)
{
	run_deferred(l);
	while (!atomic_load_explicit(&l->stopping, memory_order_acquire))
		turn(l);
	run_posted(l); /* what was posted before the stop */
	run_deferred(l);
	atomic_store(&l->stopping, false);
}

char *loop_scratch(struct loop *l)
{
	if (!l->scratch)
		l->scratch = mem_alloc(LOOP_SCRATCH_BYTES);
	return l->scratch;
}
