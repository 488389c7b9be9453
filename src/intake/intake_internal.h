/* The parts of one intake, shared by its files.
 *
 *   intake ── settings slot ──▶ session (holds a reference) ──▶ transaction (arena, recipients, message buffer)
 *          └─ login desk: one thread that checks passwords
 */
#pragma once

#include <stdatomic.h>

#include "base/log.h"
#include "base/mem.h"
#include "intake/intake.h"
#include "mail/envelope.h"
#include "meter.h"

#define TX_ARENA_BYTES (2u << 20) /* recipients, head index and names of one transaction */

struct login_desk;

struct intake {
	struct ledger *ledger;
	struct spool *spool;
	struct decisions *decisions; /* NULL: none are kept */
	struct body_count *bodies;
	const struct clock *clock;
	struct shared_slot settings;
	_Atomic bool draining;
	_Atomic uint64_t memory; /* bytes of all messages being received */
	intake_pass *pass;       /* NULL: everything is queued */
	void *pass_arg;
	struct login_desk *desk;
	struct meter *meters;    /* of every name there ever was: intake_use adds, sessions look at their own */
};

struct intake_session {
	struct intake *intake;
	struct intake_settings *settings;
	struct endpoint peer;
	const struct client *client; /* NULL: nobody known */
	struct reply crowded;        /* code 0, or: known, but this is one connection too many */
};

struct intake_recipient {
	struct address address;
	struct person_key who;
	struct view orcpt;
	uint8_t notify;
	unsigned number; /* in the order they were named, the refused ones counted */
	bool held;       /* kept, but for a person to look at */
};

struct intake_tx {
	struct intake *intake;
	struct intake_settings *settings; /* of the session when it began; a reference of its own */
	const struct client *client;
	struct arena arena;
	struct buf message;
	uint64_t accounted; /* what this message holds of intake->memory */
	bool no_memory;
	uint64_t id;
	unsigned refused_rcpts;
	unsigned named_rcpts; /* those that were put off, too */
	struct address from;
	struct view helo, envid;
	uint8_t ret, protocol;
	char peer_ip[ENDPOINT_TEXT];
	struct intake_recipient **rcpts;
	unsigned rcpt_count, rcpt_room;
	/* while it is being kept */
	struct buf envelope;
	struct spool_new_item *items;
	intake_done *done;
	void *done_arg;
};

/* session.c: C it is from now on, or (false) REFUSED says why it may not connect once more. */
bool session_become(struct intake_session *s, const struct client *c, struct reply *refused);
/* The client of that name, if it may come from the session's peer; NULL. */
const struct client *client_of_user(const struct intake_session *s, struct view user);

/* transaction.c: the verbs of a transaction. */
void tx_begin(void *session, const struct intake_mail *m, void **ret_tx, struct reply *reply);
void tx_rcpt(void *tx, const struct intake_rcpt *r, struct reply *reply);
struct buf *tx_data(void *tx);
void tx_commit(void *tx, const struct reply *refused, intake_done *done, void *arg);
void tx_abort(void *tx);
void intake_tx_free(struct intake_tx *tx);
/* May the session's client send now? Else *REPLY says why not. */
bool may_send(const struct intake_session *s, struct reply *reply);
bool tx_has_rcpt(const struct intake_tx *tx, const struct address *to);
/* False: more came than there is room for. */
bool tx_is_whole(const struct intake_tx *tx, struct reply *refused);

/* login.c */
struct login_desk *login_desk_new(void);
void login_desk_free(struct login_desk **d); /* answers what waits with 454 */
void login_check(struct login_desk *d, struct intake_session *s, struct view user, struct view password, intake_done *done, void *arg);

/* choose.c: what the message says it is, and whether this client may. Fills REFUSED and returns -1 when not. */
struct choice {
	const struct stream *stream;
	const struct topic *topic;
	struct view campaign;
	uint32_t signals;          /* of the tripwire */
	uint64_t body;             /* first bytes of the body's SHA-256; 0 = not looked at */
	bool held;                 /* the whole message, for a person to look at */
};
struct head;
int choose_stream(struct intake_tx *tx, const struct head *h, struct choice *ret, struct reply *refused) MUST_CHECK;
int check_origin(struct intake_tx *tx, const struct head *h, struct reply *refused) MUST_CHECK;

/* watch.c: the tripwire. May change the stream's class, or have the message held. */
void watch_stream(struct intake_tx *tx, const struct head *h, struct choice *c);

/* judge.c: who is left, and what becomes of those that may not be sent this. */

/* How this client is told that this stream may not be sent to somebody. */
enum refusal_way refusal_of(const struct client *c, const struct stream *s);
/* At RCPT it may be refused only when every stream that could still be chosen would refuse; else the end of DATA decides. */
bool refuses_at_rcpt(const struct intake_tx *tx);
/* Verdict 2. -1: the message is refused with *REFUSED. 0: tx->rcpts are those to be kept, perhaps none (all were dropped). */
int judge(struct intake_tx *tx, const struct choice *c, struct reply *refused) MUST_CHECK;
/* Into the decision log. */
void note_decision(const struct intake_tx *tx, const struct choice *c, unsigned rcpt, const struct person_key *who,
    const struct verdict *v, int at, int end);

/* pass.c: instead of the spool. */
void pass_message(struct intake_tx *tx);

/* keep.c */
void end_message(struct intake_tx *tx, const struct reply *reply, intake_done *done, void *arg);
/* Origin, stream, verdict 2: tx->rcpts are those that are left. Fills REFUSED and returns -1 when none is. */
int decide_message(struct intake_tx *tx, struct choice *ret, struct reply *refused) MUST_CHECK;
struct envelope envelope_of(const struct intake_tx *tx, const struct choice *c);
void keep_message(struct intake_tx *tx, intake_done *done, void *arg);

/* A recipient that is refused at once: the log's line. */
void log_refusal(
    const struct verdict *v, uint64_t id, unsigned rcpt, const struct client *client, const struct person_key *who);
/* The refusal of one recipient, in the words of the verdict. */
void refuse_by_verdict(const struct verdict *v, uint64_t id, unsigned rcpt, const struct address *to, struct reply *reply);
