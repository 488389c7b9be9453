/* One connection's protocol state, without a socket: bytes go in by session_feed, replies come out in .out, and .step says
 * what the owner has to do. Link (link.h) ties it to a connection; tests and fuzzers feed it directly.
 *
 *   bytes ─▶ mode's eater ─▶ command table ─▶ handler ─▶ intake's verbs
 *                                                │
 *   .out ◀── replies ◀───────────────────────────┘   answers that take time come through a struct pending */
#pragma once

#include "base/clock.h"
#include "intake/verbs.h"
#include "chunk.h"
#include "front.h"
#include "limit.h"
#include "mail/dot.h"
#include "net/loop.h"
#include "smtp/server.h"

#define HELO_MAX 255
#define AUTH_FAILURES_MAX 3
#define SESSION_OUT_HIGH 32768        /* a feed stops after so many bytes of replies: the owner sends them first */
#define BDAT_SWALLOW_MAX (256u << 20) /* a refused chunk up to this size is read and thrown away, as RFC 3030 wants */

enum session_step {
	SESSION_READ,     /* feed it */
	SESSION_WAIT,     /* an answer is on its way: no more input until session_resume */
	SESSION_STARTTLS, /* send .out, then speak TLS, then session_secured */
	SESSION_CLOSE,    /* send .out, then close; .why says why */
};

enum session_mode { MODE_COMMAND, MODE_SKIP, MODE_DATA, MODE_BDAT, MODE_AUTH };

/* Where in the dialogue; bits, since a command's row names all in which it is allowed. */
enum session_state {
	STATE_NEW = 1,   /* no EHLO or HELO yet (or not since STARTTLS) */
	STATE_READY = 2, /* greeted, no transaction */
	STATE_MAIL = 4,  /* .tx is open */
	STATE_ANY = 7,
};

enum auth_step { AUTH_PLAIN, AUTH_USER, AUTH_PASSWORD };

/* What all sessions of a server share. */
struct session_env {
	const struct smtp_settings *settings;
	const struct intake_verbs *verbs;
	void *ctx;
};

struct pending;

struct session {
	const struct session_env *env;
	const struct endpoint *peer;
	struct loop *loop;                  /* where late answers are posted; NULL if there are none */
	void (*resumed)(struct session *s); /* a late answer is there: call session_resume */
	/* XCLIENT: the client is REAL from now on; false: a limit has ended the session. Goes with is_front. */
	bool (*moved)(struct session *s, const struct endpoint *real);
	struct front *forwarded; /* XFORWARD, for the next message; NULL = none */
	struct buf *out;
	void *taker, *tx; /* intake's session and transaction */
	struct pending *pending;
	char *auth_user; /* AUTH LOGIN, between its two steps; base64 gone */
	const char *why;
	uint64_t id;
	uint64_t bdat_left, bdat_size;
	uint64_t messages, commands, bytes; /* of the whole connection, for the log */
	int64_t mail_ms;                    /* monotonic */
	unsigned errors, idle_commands, auth_failures;
	unsigned accepted, refused; /* recipients of this transaction */
	enum session_step step;
	enum session_mode mode;
	enum session_state state;
	enum auth_step auth_step;
	struct dot dot;
	bool esmtp, tls, tls_offered, logged_in;
	bool is_front;     /* may say who the client is: decided once, by who is connected */
	bool mail_refused; /* what a pipelining client sent behind it is no error of its own */
	bool bdat_last, bdat_started, bdat_refused;
	struct chunk chunk;
	bool skip_cr;
	bool data_refused; /* just now; more input at hand would be message text taken for commands */
	char helo[HELO_MAX + 1];
};

void session_open(struct session *s, const struct session_env *env, const struct endpoint *peer);
void session_greet(struct session *s);
/* As at the beginning, for the peer of now; TLS stays. */
void session_restart(struct session *s);
/* Returns how much it has eaten; stops at a .step other than READ. */
size_t session_feed(struct session *s, struct view in);
void session_secured(struct session *s); /* forgets all that was said in plain */
void session_resume(struct session *s);  /* puts the late answer into .out */
void session_limit(struct session *s, enum limit l);
/* Between messages: a good moment to end it. */
bool session_is_idle(const struct session *s);
void session_close(struct session *s); /* aborts what is open; no answer may be pending */

/* ---- for the verbs' files */

struct command {
	const char *verb;
	void (*handle)(struct session *s, struct view args);
	enum session_state allowed; /* a set of bits */
	bool needs_args, takes_args;
	const char *help;
};
extern const struct command commands[]; /* ends with a NULL verb */

void say(struct session *s, int code, const char *enhanced, const char *sentence);
void say_reply(struct session *s, const struct reply *r);
/* The same for a command that the protocol refuses: counted against max_errors. */
void refuse(struct session *s, int code, const char *enhanced, const char *sentence);
void refuse_reply(struct session *s, const struct reply *r);
void end_with(struct session *s, const char *why); /* SESSION_CLOSE after .out */
void end_transaction(struct session *s);           /* aborts .tx if there is one */

void verb_ehlo(struct session *s, struct view args);
void verb_helo(struct session *s, struct view args);
void verb_mail(struct session *s, struct view args);
void verb_rcpt(struct session *s, struct view args);
void verb_data(struct session *s, struct view args);
void verb_bdat(struct session *s, struct view args);
void verb_rset(struct session *s, struct view args);
void verb_noop(struct session *s, struct view args);
void verb_quit(struct session *s, struct view args);
void verb_vrfy(struct session *s, struct view args);
void verb_help(struct session *s, struct view args);
void verb_starttls(struct session *s, struct view args);
void verb_auth(struct session *s, struct view args);
void verb_xclient(struct session *s, struct view args);
void verb_xforward(struct session *s, struct view args);
void verb_proxy(struct session *s, struct view args);   /* of an address that is no balancer */
void verb_foreign(struct session *s, struct view args); /* another protocol's first word */

size_t eat_data(struct session *s, struct view in);
size_t eat_bdat(struct session *s, struct view in);
void auth_line(struct session *s, struct view line);
