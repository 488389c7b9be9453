/* Reports on their way into the ledger. One thread takes all that wait:
 *
 *   submit ─▶ [ classify, whose, keep the raw report, count ] ─▶ one fsync ─▶ ledger, one commit ─▶ done(reply)
 *
 * DONE says 250 only after all of that is durable. Nothing is ever sent in answer: a report can't cause a report. */
#pragma once

#include "base/clock.h"
#include "base/shared.h"
#include "inbound/dkim_verify.h"
#include "inbound/soft.h"
#include "inbound/subject.h"
#include "inbound/webhook.h"
#include "mail/reply.h"

#define INBOX_WAITING_MAX 1000 /* reports; more get 451 */
#define INBOX_WAITING_BYTES (256u << 20)
#define INBOX_RECIPIENTS_MAX 20 /* of one report */

struct inbox_settings { /* frozen, shared */
	struct shared shared;
	struct policy *policy;      /* a reference is held */
	struct token_keys *tokens;  /* held */
	struct bounce_rules *rules; /* held */
	char **complaint_addresses; /* canonical: where feedback loops are registered; only complaints are read there */
	unsigned complaint_address_count;
	uint64_t max_message_bytes;
	unsigned max_received;    /* Received fields before it is a loop */
	unsigned soft_days;       /* suppress after so many different days; 0 = never */
	bool trusts_addresses;    /* EVIDENCE_ADDRESS may suppress */
	bool verifies_complaints; /* a complaint without a valid DKIM signature of its From domain changes nothing */
	dkim_lookup *lookup;      /* keys for that; NULL: by DNS */
	void *lookup_arg;
	char *resolver;  /* "127.0.0.1:5353": ask this one; NULL = the system's */
	int64_t keep_ms; /* raw reports; 0 = none are kept */
};
void inbox_settings_free(struct shared *s);

struct inbox;
/* DIR: raw reports by day, and the soft counts; made when missing. Takes over SETTINGS. */
int inbox_open(struct inbox **ret, const char *dir, unsigned soft_window_days, struct ledger *l,
    const struct clock *clock, struct inbox_settings *settings, struct err *err) MUST_CHECK;
void inbox_use(struct inbox *in, struct inbox_settings *s); /* reload; takes over */
void inbox_close(struct inbox **in);                        /* finishes what waits */
struct inbox_settings *inbox_settings_hold(struct inbox *in);

struct inbox_rcpt {
	enum inbox_kind {
		INBOX_BOUNCES,    /* b+TOKEN */
		INBOX_OPTOUTS,    /* u+TOKEN */
		INBOX_CFBL,       /* c+TOKEN: complaints about one copy (RFC 9477), believed only with a valid signature */
		INBOX_COMPLAINTS, /* of a registered feedback loop: no token */
	} kind;
	struct token token;
};
/* Does mail for TO belong here? A token of ours at a bounce domain of ours, or an address of a feedback loop. */
bool inbox_takes(const struct inbox_settings *s, const struct address *to, struct inbox_rcpt *ret);

typedef void inbox_done(void *arg, const struct reply *reply);
struct inbox_report {
	struct inbox_settings *settings; /* a hold, taken over */
	struct inbox_rcpt rcpts[INBOX_RECIPIENTS_MAX];
	unsigned rcpt_count;
	bool null_sender;
	struct buf message; /* taken over */
	inbox_done *done;
	void *arg;
};
/* R on the heap, taken over. DONE is called once, from another thread, or at once when too many wait. */
void inbox_submit(struct inbox *in, struct inbox_report *r);

/* What the next hop said of one message for good: the same table, the same counts. Returns when it is durable. */
struct inbox_outcome {
	bool delivered;
	struct person_key who;
	struct view address;
	const struct reply *reply;
	struct view reference; /* the message, for the record */
};
int inbox_outcome(struct inbox *in, const struct inbox_outcome *o, struct err *err) MUST_CHECK;

/* What a provider has reported of mail of STREAM. Counted and in the ledger when it returns 0; done again, it changes nothing more. Changes point
 * into the arena. */
struct inbox_events {
	enum webhook_provider provider;
	struct view body;
	const struct stream *stream;
	struct view source, actor; /* "webhook:ses", "key:ses" */
};
/* ERR_SYNTAX, ERR_LIMIT: the body (inbound/webhook.h); else the store. *RET: events that a row knows. */
int inbox_events(struct inbox *in, const struct inbox_events *ev, struct arena *arena, unsigned *ret, struct err *err) MUST_CHECK;
