/* A session's socket, from outside: who dials, who may cut.
 *
 * libesmtp has no door to its socket. The program's own connect(), poll(), write(), read() and close() stand before
 * libc's (interpose.c); on a thread that has entered a wire they act for it, on all others they pass through. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "outgoing.h"
#include "resolve.h"

enum wire_cut {
	WIRE_WHOLE,
	WIRE_DEADLINE,     /* the watchdog's time is over */
	WIRE_STOPPED,      /* delivery stops and waits no longer */
	WIRE_WRITE_STALL,  /* the hop took nothing for a whole timeout: a hole would follow */
	WIRE_INJECTION,    /* bytes after the STARTTLS reply, before TLS */
	WIRE_NO_AUTH,      /* MAIL was about to go out unauthenticated */
	WIRE_NO_TLS,       /* ... or in clear where TLS is required */
	WIRE_ASTRAY,       /* replies that belong to nothing we said, and the message was about to go out */
};
const char *wire_cut_sentence(enum wire_cut c);

/* How to dial. */
struct wire_plan {
	const struct addresses *to;
	const struct endpoint *source; /* to bind to; NULL = the system's choice. Addresses of another family are passed over */
	int64_t connect_timeout_ms;
	int given_fd;                  /* a connected socket instead of all that; -1 = none */
	/* What stands between the connection and libesmtp; NULL = nothing. Returns the descriptor for libesmtp, which the caller closes, or -1. */
	int (*over)(void *arg, int net_fd);
	void *arg;
};

struct wire {
	const struct wire_plan *plan;
	pthread_mutex_t lock;
	int fd;                       /* ours; libesmtp works on a duplicate; -1 = none */
	int theirs;                   /* the duplicate's number, while libesmtp has it; -1 = none */
	struct outgoing outgoing;     /* of the thread that entered */
	int connect_errno;            /* of the last address that was tried */
	bool connected;
	_Atomic int64_t deadline_ms;  /* on the clock of the caller who watches; 0 = none */
	_Atomic int cut;              /* enum wire_cut; once set it stays */
};

void wire_init(struct wire *w);
void wire_free(struct wire *w);
/* From enter to leave this thread's connect() dials as PLAN says. */
void wire_enter(struct wire *w, const struct wire_plan *plan);
void wire_leave(struct wire *w);
/* Any thread, at any time: nothing more is sent or trusted. The first reason stays. */
void wire_cut(struct wire *w, enum wire_cut why);
/* The first byte of what the hop has said and nobody has read yet; 0 = nothing is there. */
char wire_peek(const struct wire *w);
static inline enum wire_cut wire_was_cut(struct wire *w)
{
	return (enum wire_cut)atomic_load(&w->cut);
}
