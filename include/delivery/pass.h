/* Mail that is passed through: the next hop's answer is the client's, nothing is queued. It takes the same way as queued mail, verdict 3 and
 * composing included, over the same sessions. A throttle lets it wait; what would wait past its time is answered 451 4.7.1 at once. */
#pragma once

#include "delivery/delivery.h"

typedef void pass_done(void *arg, const struct reply *reply);

struct pass_mail { /* all views must stay valid until DONE */
	uint64_t id;              /* of the message, for logs and its Received field */
	struct view envelope, recipient, message; /* as the spool would hold them */
	struct view lane;         /* mail/lane.h */
	pass_done *done;          /* once, on any thread; must be short */
	void *arg;
};

/* DONE within the settings' pass_timeout_ms: 250 when the hop has taken it, the hop's refusal, 550 5.7.1 when the verdict has turned, 451 when
 * nobody can say yes now. */
void delivery_pass(struct delivery *d, const struct pass_mail *m);
/* From now on everything is answered with 451; returns when all has been. Running sessions are cut. */
void delivery_pass_stop(struct delivery *d);
