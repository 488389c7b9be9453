/* One event loop, one thread: fds, deadlines, and work posted from other threads. Level-triggered epoll.
 * Handlers run on the loop's thread; a watch may be removed inside any handler, its object freed in loop_defer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct loop;

struct watch {
	int fd;
	uint32_t events; /* EPOLLIN | EPOLLOUT */
	void (*ready)(struct watch *w, uint32_t events);
};

/* A deadline; embed it. Arming is O(log n). */
struct timer {
	int64_t due_ms; /* monotonic */
	size_t slot;    /* heap place + 1; 0 = not armed */
	void (*expired)(struct timer *t);
};

/* Work handed over by another thread; embed it. It must stay valid until it has run. */
struct task {
	struct task *next;
	void (*run)(struct task *t);
};

int loop_new(struct loop **ret, const struct clock *clock, struct err *err) MUST_CHECK;
void loop_free(struct loop **l); /* runs posted and deferred tasks that are left */
int loop_watch(struct loop *l, struct watch *w, struct err *err) MUST_CHECK;
void loop_change(struct loop *l, struct watch *w, uint32_t events);
void loop_unwatch(struct loop *l, struct watch *w);
void timer_arm(struct loop *l, struct timer *t, int64_t due_ms);
void timer_disarm(struct loop *l, struct timer *t);
int64_t loop_now(const struct loop *l); /* monotonic, read once a turn */
/* From any thread. Tasks run in the order they were posted. One eventfd write wakes for many. */
void loop_post(struct loop *l, struct task *t);
/* On the loop's thread: runs at the end of this turn, when nobody refers to what it frees. */
void loop_defer(struct loop *l, struct task *t);
void loop_run(struct loop *l);  /* until loop_stop */
void loop_stop(struct loop *l); /* from any thread */
/* For an end without leaks: lets every timer that is armed expire now, such as those of connections that still say good-bye. */
void loop_expire_timers(struct loop *l);
