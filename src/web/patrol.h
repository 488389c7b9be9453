/* Deadlines of connections: a thread that cuts off whoever takes too long to send a request. The HTTP
 * library's own time-out starts anew with every byte, so that one byte every few seconds would hold a
 * connection for ever. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/err.h"

#define PATROL_NEVER INT64_MAX

struct watched {
	struct watched *next, *prev;
	int fd;
	_Atomic int64_t due_ms;   /* monotonic; PATROL_NEVER = may take its time */
	_Atomic bool tell;        /* a request has begun: say 408 before the end */
};

struct patrol;
/* PARTING: bytes sent before the end when .tell is set; must outlive it. */
int patrol_start(
    struct patrol **ret, const struct clock *clock, const char *parting, struct err *err) MUST_CHECK;
void patrol_stop(struct patrol **p);
void patrol_add(struct patrol *p, struct watched *w);
/* Afterwards the fd is never touched again: call it before the fd is closed. */
void patrol_remove(struct patrol *p, struct watched *w);
