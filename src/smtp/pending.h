/* An answer that may come later and from another thread. One at a time per session; the session outlives it. */
#pragma once

#include <pthread.h>

#include "session.h"

struct pending {
	struct task task;
	struct session *session;
	void (*answered)(struct session *s, const struct reply *reply);
	struct reply refused; /* code 0 = none */
	struct reply reply;
	struct buf secret;         /* user NUL password, wiped at the end */
	pthread_t thread;          /* the session's */
	bool in_call, is_answered; /* of that thread only */
};

struct pending *pending_new(struct session *s, void (*answered)(struct session *s, const struct reply *reply));
/* The intake_done to pass, with the pending as its argument. */
void pending_done(void *arg, const struct reply *reply);
/* After the verb was called: answers at once if the answer is there, else the session waits. */
void pending_settle(struct pending *p);
void pending_free(struct session *s);
