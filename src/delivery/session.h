/* One connection to a next hop and the mails that go over it, one recipient each. Only session.c and flight.c know libesmtp.
 *
 *   next() ─▶ connect ─▶ EHLO [STARTTLS] [AUTH] ─▶ ┌ MAIL RCPT DATA ─▶ may_go() ─▶ bytes ─▶ reply ─▶ result() ┐ ─▶ QUIT
 *                                                  └────────────────────────── next() ◀──────────────────────┘
 * All calls come on the thread that called session_run. */
#pragma once

#include "base/clock.h"
#include "outcome.h"
#include "parameters.h"
#include "wire.h"

/* Fixed for a session. */
struct session_plan {
	const char *hostname;              /* EHLO */
	const struct addresses *addresses;
	enum hop_tls tls;
	const char *tls_name, *ca_file;
	bool tls_from_start;               /* TLS before the greeting, in place of STARTTLS */
	const struct endpoint *source;     /* to bind to; NULL = the system's choice */
	const char *user, *password;       /* AUTH; user NULL = none */
	int64_t connect_timeout_ms, attempt_timeout_ms;
	unsigned reply_timeout_s;          /* for each wait; 0 = the values of RFC 5321 4.5.3.2 */
	const struct clock *clock;
	struct wire *wire;                 /* the caller's, so that others can cut */
	int given_fd;                      /* > 0: a connected socket, taken over, instead of the addresses */
};

struct session_mail {
	const char *return_path;           /* "" = null sender */
	const char *recipient;
	const struct parameters *parameters; /* of RFC 3461 and BODY, where the hop offers them; NULL = none */
	int64_t timeout_ms;                /* for this one; 0 = the plan's */
	struct view head, body;            /* must stay until result() and beyond, until next() is called for the same slot */
};

struct session_result {
	enum session_stage stage;
	struct reply reply;                /* code 0: the hop said nothing; the text is ours */
	bool complete;                     /* the hop took responsibility (only at STAGE_FINAL) */
	int64_t connect_ms;                /* opening the session, if this mail waited for that */
	int64_t transfer_ms;
};

#define SESSION_SLOTS 2

struct session_calls {
	/* Fills *MAIL, or false: no more. WAIT: may block while the connection idles. */
	bool (*next)(void *arg, unsigned slot, bool wait, struct session_mail *mail);
	/* The instant before the first byte goes out (354 has come). False: drop the connection instead. */
	bool (*may_go)(void *arg, unsigned slot);
	/* Exactly once for each mail that next() gave. */
	void (*result)(void *arg, unsigned slot, const struct session_result *r);
};

/* Before the first session and before the workers: see delivery_start. */
void session_library_start(void);
void session_library_init(void); /* the part of it that is libesmtp's */
/* Returns how many mails next() gave. */
unsigned session_run(const struct session_plan *plan, const struct session_calls *calls, void *arg);
