/* The same questions for doors that keep no message here: a policy service, a milter. They use the sessions and transactions of
 * intake/verbs.h, end a transaction with abort, and leave the yes to whoever keeps the message. */
#pragma once

#include "intake/intake.h"
#include "mail/envelope.h"

/* The session's client: by its network, or by as_user. NULL: nobody that we know. */
const char *intake_client_name(void *session);
/* A client that may come from the session's peer and has that name. */
bool intake_knows_user(void *session, struct view user);
/* Makes the session the client's of that name, wherever its peer is. False: REFUSED says why not, or (code 0) there is none. */
bool intake_as_client(void *session, struct view name, struct reply *refused);

/* One recipient before any message is seen: what the client's default stream may send. 250, or the refusal, whatever the client
 * wants done with refused ones: such a door can't drop or hold one of several. */
void intake_ask(void *session, const struct address *to, struct reply *reply);

/* Everything that the client may send through TX needs a copy for each recipient (promise 6). */
bool intake_one_recipient_each(void *tx);

/* Views are good until the transaction's end. */
struct intake_decision {
	uint64_t id;
	char id_text[SPOOL_ID_TEXT];
	const struct stream *stream;
	const struct topic *topic;
	struct envelope envelope;
	struct view message;
	unsigned left;               /* recipients that may be sent this; 0: all were dropped, as the client wants it */
	const struct address *first; /* of them; NULL when there is none */
	struct person_key first_who;
};
/* The message whose bytes TX has: whose it is, which stream, and the verdict (2) on each recipient. False: REFUSED is for all. Who is
 * to be held is not left: there is no queue behind such a door. */
bool intake_decide(void *tx, struct intake_decision *ret, struct reply *refused);
/* After intake_decide: may TO be sent this? */
bool intake_is_left(void *tx, const struct address *to);
