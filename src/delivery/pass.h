/* Mail that waits to be passed through, or is on its way. */
#pragma once

#include "delivery/pass.h"

#define PASS_TIMEOUT_DEFAULT_MS 120000
#define PASS_DOWN_MS            1000 /* with all hops down, nobody waits longer */
#define PASS_WAITING_MAX        1000 /* more are answered at once */

struct passing {
	struct passing *next;
	struct pass_mail mail;
	int64_t since_ms, until_ms; /* monotonic */
	int64_t not_before_ms;      /* a throttle keeps it back until then; looked at when its turn comes */
};

/* Pure: the client's answer. */
void pass_reply(enum delivery_outcome o, const struct reply *hop, struct reply *ret);
/* Answers, and forgets it. */
void pass_answer(struct passing *p, enum delivery_outcome o, const struct reply *hop);
