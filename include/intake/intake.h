/* The order of things for one incoming message: who are you, may you send as this, may each recipient be sent this, keep it.
 * Intake knows no SMTP syntax and no socket: it is spoken to through intake/verbs.h. A client is known by its network, or by login. */
#pragma once

#include "base/shared.h"
#include "intake/verbs.h"
#include "ledger/ledger.h"
#include "policy/policy.h"
#include "spool/spool.h"

struct meter;

struct client {
	char *name;                      /* also the AUTH user */
	const struct brand *brand;
	const struct stream *default_stream;
	const struct stream **streams;   /* those it may choose; the default is always among them */
	unsigned stream_count;
	struct network *networks;        /* without a password: known from here; with one: may log in from here only */
	unsigned network_count;
	char *password;                  /* hash; NULL = no login */
	bool plain_auth;                 /* AUTH without TLS is allowed */
	unsigned max_connections, max_messages_per_minute, max_recipients_per_minute; /* 0 = no limit */
	struct meter *meter;             /* intake's, set by intake_use */
	enum refusal_way refusal;            /* REFUSAL_UNSET: what the stream says */
};

struct intake_settings { /* frozen, shared */
	struct shared shared;
	struct policy *policy;  /* a reference is held */
	struct client *clients;
	unsigned client_count;
	char *hostname;
	uint64_t max_message_bytes; /* SIZE */
	unsigned max_recipients;    /* per transaction */
	unsigned max_received;      /* Received fields before it is a loop */
	uint64_t memory_bytes;      /* of all messages being received at once */
	unsigned tripwire_recipients; /* of one body within tripwire_window_ms: more look like marketing; 0 = no limit */
	int64_t tripwire_window_ms;
};
void intake_settings_free(struct shared *s);

struct intake;
struct intake *intake_new(struct ledger *l, struct spool *s, const struct clock *clock);
/* Where decisions are noted from now on; before the first session. D outlives the intake. */
struct decisions;
void intake_record(struct intake *in, struct decisions *d);
/* Mail of streams that are passed through goes here instead of the spool; before the first session. All views stay valid until DONE. */
struct intake_passing {
	uint64_t id;
	struct view envelope, recipient, lane, message;
	intake_done *done;
	void *arg;
};
typedef void intake_pass(void *arg, const struct intake_passing *p);
void intake_pass_to(struct intake *in, intake_pass *pass, void *arg);
void intake_use(struct intake *in, struct intake_settings *s); /* takes over; new sessions see it */
void intake_drain(struct intake *in);                          /* new transactions get 421 */
void intake_free(struct intake **in);                          /* no session may be left */

/* ctx is a struct intake. */
extern const struct intake_verbs intake_verbs;
