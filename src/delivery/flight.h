/* A mail on its way over one session, from next() to result(), and the session as both see it. */
#pragma once

#include <stddef.h>

#include <libesmtp.h>
#include <openssl/types.h>

#include "dialogue.h"
#include "session.h"
#include "tls_pump.h"

struct flight {
	struct session *session;
	unsigned slot;
	smtp_message_t message;
	smtp_recipient_t recipient;
	struct session_mail mail;
	size_t at;        /* bytes handed out, head and body together */
	bool live;        /* no result yet */
	bool accepted;    /* MAIL got 2xx */
	bool fed;         /* its turn for bytes came */
	bool gated;       /* may_go said no */
	bool dressed;     /* has its parameters */
	int64_t began_ms;
};

struct session {
	const struct session_plan *plan;
	const struct session_calls *calls;
	void *arg;
	smtp_session_t smtp;
	struct dialogue dialogue;
	struct flight flights[SESSION_SLOTS];
	unsigned last;          /* slot that was filled last */
	unsigned mails;
	unsigned yeses;         /* ends of messages whose answer was told */
	bool spoken;            /* a MAIL was answered: the session stood */
	bool closing;           /* nothing more may be added */
	int64_t connect_ms;     /* told with the first result */
	SSL_CTX *tls;           /* with tls_from_start */
	struct tls_pump *pump;
	struct err pump_err;
};

static inline int64_t session_now(const struct session *s)
{
	return clock_mono(s->plan->clock);
}
/* No other EHLO will follow. */
bool session_hello_is_last(const struct session *s);

/* Its addresses can be written in commands. False: it was told so. */
bool flight_fits(struct flight *f);
/* Behind the other messages of libesmtp's session. */
void flight_put(struct flight *f);
/* With the parameters that the hop offers; once it is known what it offers. */
void flight_dress(struct flight *f);

/* Its one result: R; or what was replied at STAGE; or, when the session has ended, how far it got. */
void flight_tell(struct flight *f, struct session_result *r);
void flight_tell_status(struct flight *f, enum session_stage stage, const smtp_status_t *st, bool complete);
void flight_tell_end(struct flight *f);
