/* The state of one milter connection. */
#pragma once

#include "doors_internal.h"
#include "milter_wire.h"

struct milter_rcpt {
	struct address address;
	char path[]; /* as the MTA wrote it, for DELETE_RCPT */
};

struct milter {
	struct door_env *env;
	struct buf in;          /* packets that are not whole yet */
	struct buf mail_macros; /* of the MAIL to come */
	struct milter_offer agreed;
	void *session, *tx; /* intake's; one session for one SMTP connection of the MTA */
	struct milter_rcpt **rcpts;
	unsigned rcpt_count;
	bool is_agreed, passes;
	const char *why; /* it is over */
	char helo[256];
};

void milter_end_transaction(struct milter *m);
