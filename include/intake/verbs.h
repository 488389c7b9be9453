/* The verbs that the smtp room speaks to whoever takes the mail: intake for the gateway, the reports inbox, or a plain sink.
 * Sessions and transactions are the taker's own; answers are SMTP replies made where the reason is known.
 *
 *   session (one connection)   open -> may_login, login -> ... -> close
 *   transaction                begin -> rcpt* -> data* -> commit | abort
 */
#pragma once

#include "mail/address.h"
#include "mail/reply.h"
#include "net/endpoint.h"

/* Answers that take time come through DONE, once: on another thread, or at once on this one. It must be short. */
typedef void intake_done(void *arg, const struct reply *reply);

/* Reply codes by which a sink misbehaves on purpose: close without a word, or say nothing more and keep the line open. */
enum { REPLY_DROP = -1, REPLY_STALL = -2 };

struct intake_mail {
	const struct address *from; /* text "" = null sender */
	struct view helo;
	struct view client_ip;      /* where the mail comes from, when a front end has forwarded it; empty = the session's peer */
	uint64_t size;              /* SIZE=, 0 = not given */
	struct view envid;          /* RFC 3461, decoded */
	uint8_t ret;                /* struct envelope.ret */
	uint8_t protocol;           /* struct envelope.protocol */
};

struct intake_rcpt {
	const struct address *to;
	struct view orcpt;
	uint8_t notify;
};

struct intake_verbs {
	/* Never NULL; a peer that may do nothing learns it at MAIL. CTX is the taker. */
	void *(*open)(void *ctx, const struct endpoint *peer);
	void (*close)(void *session); /* no transaction is open */
	/* Asked before the greeting; false: 421, and the connection ends. NULL: everybody is. */
	bool (*welcome)(void *session, struct reply *refused);
	bool (*may_login)(void *session, bool tls);           /* announce AUTH? */
	void (*login)(void *session, struct view user, struct view password, intake_done *done, void *arg); /* 235 or a refusal */
	/* Somebody we trust has checked who this is (XCLIENT LOGIN, a milter's {auth_authen}). NULL: never known. */
	bool (*as_user)(void *session, struct view user, struct reply *refused);
	uint64_t (*max_message_bytes)(void *session);         /* SIZE */
	/* Refused: *ret_tx stays NULL. */
	void (*begin)(void *session, const struct intake_mail *m, void **ret_tx, struct reply *reply);
	void (*rcpt)(void *tx, const struct intake_rcpt *r, struct reply *reply); /* 250 = accepted; asks the verdict (1) */
	/* Where message bytes (dot-unstuffed) are appended to; past its maximum it fails and the commit answers 552. */
	struct buf *(*data)(void *tx);
	/* Keeps the message (verdict 2); DONE comes when it is durable or refused. The tx is gone when commit is called.
	 * REFUSED: a reason that the protocol found (bare LF...), NULL for none: then nothing is kept and this is the answer. */
	void (*commit)(void *tx, const struct reply *refused, intake_done *done, void *arg);
	void (*abort)(void *tx);
};
