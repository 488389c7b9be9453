/* The ledger: people, suppressions, consents, wording and the journal, in one LMDB environment.
 *
 *   change ──▶ queue ──▶ [ committer: one transaction, one fsync for all that wait ] ──▶ done(result)
 *   look   ──▶ pooled read transaction ──▶ one cursor seek each for suppressions and consents
 *
 * What may change them lives here and only here (promise 4, only stronger): a grant older than a withdrawal does not count,
 * a removal needs a reason, nothing is overwritten by something weaker. Several processes may have it open (the tool beside the daemon).
 * Formats: ledger/format.h. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

enum channel { /* stored values: never renumber */
	CHANNEL_EMAIL = 1, CHANNEL_SMS, CHANNEL_PHONE, CHANNEL_POST, CHANNEL_SOCIAL,
	/* rows that are not one person's: ledger/blocks.h */
	CHANNEL_DOMAIN = 20, CHANNEL_BELOW, CHANNEL_MD5, CHANNEL_SHA1, CHANNEL_SHA256, CHANNEL_SHA512,
};
enum reason { /* stored values: never renumber */
	REASON_OBJECTION = 1, REASON_UNSUBSCRIBE, REASON_COMPLAINT, REASON_BOUNCE,
	REASON_MANUAL, REASON_REGISTER, REASON_LEGAL, REASON_ERASURE,
};
enum basis { BASIS_CONSENT = 1, BASIS_SOFT_OPT_IN, BASIS_LEGITIMATE_INTEREST, BASIS_CONTRACT, BASIS_LEGAL_OBLIGATION };
enum scope_level { SCOPE_GLOBAL = 0, SCOPE_BRAND = 1, SCOPE_STREAM = 2, SCOPE_TOPIC = 3 };

/* Words of PRODUCT's glossary, both ways; 0 / NULL for what is none. channel_of knows the five ways to a person only. */
const char *channel_word(enum channel c);
const char *reason_word(enum reason r);
const char *basis_word(enum basis b);
const char *scope_word(enum scope_level l);
enum channel channel_of(struct view word);
enum reason reason_of(struct view word);
enum basis basis_of(struct view word);

#define PERSON_KEY_BYTES 16
#define SCOPE_ID_BYTES   8
#define SCOPE_NAME_MAX   200

/* A person on one channel: the first 16 bytes of HMAC-SHA-256(ledger key, channel || 0 || canonical address). */
struct person_key {
	uint8_t b[PERSON_KEY_BYTES];
};

/* "" global, "acme", "acme/offers", "acme/offers/spring"; id is the first 8 bytes of SHA-256 of the name; all zero for global. */
struct scope {
	enum scope_level level;
	uint8_t id[SCOPE_ID_BYTES];
	char name[SCOPE_NAME_MAX + 1];
};
/* From a written name; ERR_SYNTAX when a part is empty, too long or holds other than [a-z0-9._-]. */
int scope_parse(struct view name, struct scope *ret, struct err *err) MUST_CHECK;

struct ledger_settings {
	const char *dir;       /* holds data.mdb, lock.mdb */
	const char *key_dir;   /* ledger.key, person.key: mode 0600, made when both key and data are missing */
	uint64_t map_bytes;    /* address space; 0 = 256 GiB */
	unsigned max_readers;  /* 0 = 1024 */
	unsigned batch;        /* most changes in one commit; 0 = 256 */
	unsigned load_rows;    /* changes that a bulk load holds and sorts at once; 0 = 1,000,000 */
	bool read_only;        /* no committer, no writes */
};

struct ledger;
int ledger_open(struct ledger **ret, const struct ledger_settings *s, const struct clock *clock, struct err *err) MUST_CHECK;
void ledger_close(struct ledger **l); /* commits what waits */

void ledger_person_key(const struct ledger *l, enum channel c, struct view canonical, struct person_key *ret);

/* ---- reading ---- */

#define SOURCE_MAX  64  /* where it came from: "one-click", "cli", "import:17", "dsn" */
#define ACTOR_MAX   64  /* who did it: "recipient", "user:anna", "mta" */
#define NOTE_MAX    200

struct suppression {
	enum channel channel;
	struct scope scope;
	enum reason reason;
	int64_t event_ms;   /* when it happened; the earliest known */
	int64_t arrived_ms; /* when we learnt of it */
	int64_t expires_ms; /* 0 = never */
	uint64_t seq;       /* journal entry that made it */
	char source[SOURCE_MAX + 1];
	char actor[ACTOR_MAX + 1];
	char note[NOTE_MAX + 1];
};

struct consent {
	enum channel channel;
	struct scope purpose;   /* stream or topic, or a whole brand */
	enum basis basis;       /* of the latest grant; 0 when only a withdrawal is known */
	int64_t granted_ms;     /* event time of the latest grant; 0 = none */
	int64_t withdrawn_ms;   /* event time of the latest withdrawal; 0 = none. It holds when >= granted_ms */
	int64_t expires_ms;     /* of the grant; 0 = never */
	uint64_t seq;
	char wording[65];       /* wording id: hex SHA-256 of the text, or the tool's own id */
	char source[SOURCE_MAX + 1];
	char actor[ACTOR_MAX + 1];
	char evidence[NOTE_MAX + 1]; /* IP, agent, reference: key=value pairs */
};

/* The parts of a proof of consent. Who and when are in every grant; a brand may demand the others. */
enum evidence_part {
	EVIDENCE_HOW,     /* how= in the evidence; or a source that says it ("form:news") */
	EVIDENCE_WORDING, /* .wording */
	EVIDENCE_STORED,  /* .wording, and the ledger keeps its text (ledger/wording.h) */
	EVIDENCE_SOURCE,  /* .source */
	EVIDENCE_IP,      /* ip= */
	EVIDENCE_AGENT,   /* agent= */
};
struct change;
/* The part of the proof that a grant lacks, in words; NULL = none. A soft opt-in needs sale= or negotiation=, product= and refusal=, else
 * CHANGE_GRANT is refused; consent needs what .demands says. Whether the wording is kept, only the ledger knows. */
const char *evidence_missing(const struct change *grant);
/* The value of NAME in key=value pairs; empty when it isn't there. */
struct view evidence_value(struct view evidence, struct view name);

/* A soft opt-in that rests on an enquiry (negotiation=), and on no sale. */
bool evidence_is_enquiry(struct view evidence);

/* Does this grant stand at NOW? Once withdrawn, only a later grant of basis `consent` does: nobody argues past a withdrawal. */
bool consent_stands(enum basis basis, int64_t granted_ms, int64_t withdrawn_ms, int64_t expires_ms, int64_t now_ms);

/* Individual, or a company (CHANGE_CORPORATE). Nothing said: all zero. */
struct subscriber {
	bool corporate;
	int64_t event_ms;
	uint64_t seq; /* 0: nothing was said */
	char source[SOURCE_MAX + 1];
	char actor[ACTOR_MAX + 1];
};

/* All there is on one person: rows in key order, expired ones included (the reader judges). */
struct record {
	struct suppression *suppressions;
	unsigned suppression_count;
	struct consent *consents;
	unsigned consent_count;
	struct subscriber subscriber;
	bool known; /* a person record exists */
};

/* One read transaction; rows are put into ARENA. ERR_UNAVAILABLE when the store can't be read: callers fail closed. */
int ledger_look(struct ledger *l, const struct person_key *who, struct arena *arena, struct record *ret, struct err *err) MUST_CHECK;

/* What stands under this very key: a person's, or a domain's or digest's (ledger/blocks.h has what else is said of an address). Without
 * strings or arena: each row is decoded in place, inside the read transaction. The visitor's functions must not call the ledger. Any may be
 * NULL. */
struct suppression_row {
	enum scope_level level;
	uint8_t scope_id[SCOPE_ID_BYTES];
	enum reason reason;
	int64_t event_ms, expires_ms;
	uint64_t seq;
};
struct consent_row {
	enum scope_level level;
	uint8_t scope_id[SCOPE_ID_BYTES];
	enum basis basis;
	int64_t granted_ms, withdrawn_ms, expires_ms;
	uint64_t seq;
	bool enquiry; /* evidence_is_enquiry */
};
struct cap_row { /* a person's own limit (ledger/cap.h), where there is one */
	enum scope_level level;
	uint8_t scope_id[SCOPE_ID_BYTES];
	unsigned week, month;
	uint64_t seq;
};
struct ledger_visitor {
	void (*suppression)(void *arg, const struct suppression_row *row);
	void (*consent)(void *arg, const struct consent_row *row);
	void (*allow)(void *arg, const struct suppression_row *row); /* .reason is 0 */
	void (*corporate)(void *arg, uint64_t seq); /* the person is a corporate subscriber, by this entry */
	void (*cap)(void *arg, const struct cap_row *row);
};
int ledger_visit(struct ledger *l, const struct person_key *who, const struct ledger_visitor *v, void *arg, struct err *err) MUST_CHECK;

/* The readable address, unsealed. ERR_MISSING when there is no person record (never known, or erased). */
int ledger_person(struct ledger *l, const struct person_key *who, struct buf *ret_address, struct err *err) MUST_CHECK;

/* ---- changing ---- */

enum change_kind { /* stored values (journal): never renumber */
	CHANGE_SUPPRESS = 1,    /* add a suppression; idempotent; keeps the earliest event time and the longest life. A row knows its scope's
	                           id only: record what speaks for a whole brand (objection, complaint) at the brand's scope or globally */
	CHANGE_UNSUPPRESS,      /* audited removal of exactly the row of this scope and reason: .note says why and must not be empty; for
	                           objection, unsubscribe, complaint, legal and erasure .actor must not be either. Objection, unsubscribe and
	                           complaint ask for one of: another person's .request; the recipient's confirmed sign-up (source "form:...")
	                           for the same scope since; for an unsubscribe, the recipient's own word (actor "recipient") */
	CHANGE_GRANT,           /* consent given, for a brand, stream or topic. Older than (or as old as) a withdrawal: on record only */
	CHANGE_WITHDRAW,        /* consent withdrawn; at global scope: for everything. Leave event_ms 0 when it happens now */
	CHANGE_PERSON,          /* remember the readable address */
	CHANGE_FORGET,          /* erase: the person record and grants go, words are taken off the rows; suppressions and withdrawals stay;
	                           adds REASON_ERASURE at global scope. While that stands, the address is not written down again */
	CHANGE_NOTE,            /* a journal entry about something else (settings changed, an export, a drop) */
	CHANGE_LOAD,            /* journal only: rows written by ledger_load; .note holds their count and SHA-256 */
	CHANGE_REQUEST = 10,    /* journal only: .actor asks for the removal of a row that stands; somebody else may approve it for
	                           REMOVAL_REQUEST_DAYS, as long as the row stays as it is */
	CHANGE_ALLOW = 20,      /* an allow row (ledger/blocks.h) at this scope, in place of the one that stands; .note says why, .actor who */
	CHANGE_DISALLOW,        /* it goes */
	CHANGE_FAMILY,          /* no statement, and no journal entry: remembers whose form .address is (ledger/blocks.h) */
	CHANGE_CAP = 30,        /* the person wants fewer mails: ledger/cap.h */
	CHANGE_UNCAP,           /* or as many as come, again */
	CHANGE_WORDING = 40,    /* a text of consent is kept: ledger/wording.h */
	CHANGE_CORPORATE,       /* .who is a company's: streams may take further bases for it. The latest word counts */
	CHANGE_INDIVIDUAL,      /* .who is a person, as everybody is of whom nothing is known */
	CHANGE_LINK,            /* .who and .other are one person: an objection to one is an objection to both, whichever was first */
	CHANGE_UNLINK,          /* they are not; what was said stays said */
	CHANGE_IMPORT = 50,     /* journal only: an import begins (ledger/import.h); its end is a note */
	CHANGE_UNDO_REQUEST,    /* journal only: .actor asks for the undoing of an import */
	CHANGE_UNDO,            /* journal only: rows of an import that were taken back; .evidence holds its number, their count and SHA-256 */
};

const char *change_word(enum change_kind k); /* "suppress"; NULL for what is none */

/* Does the removal of this reason ask for a second person? */
bool removal_asks_two(enum reason r);
#define REMOVAL_REQUEST_DAYS 30
/* The removal that the request of entry SEQ asks for: an UNSUPPRESS that wants an actor, a source and a note to be an approval of it.
 * ERR_MISSING: that entry is no request. */
struct change;
int ledger_request(struct ledger *l, uint64_t seq, struct change *ret, struct err *err) MUST_CHECK;
#define ACTOR_RECIPIENT      "recipient" /* only where the person has acted, by a token of theirs */

/* All strings are copied by ledger_submit and ledger_change. A person's .address may be empty when only the key is known (a token). */
struct change {
	enum change_kind kind;
	enum channel channel;
	struct person_key who;
	struct view address;     /* canonical; sealed into the person record with SUPPRESS, GRANT, PERSON; may be empty */
	struct scope scope;      /* suppression scope or consent purpose */
	enum reason reason;
	enum basis basis;
	int64_t event_ms;        /* 0 = now; later than now is taken as now */
	int64_t expires_ms;
	uint64_t row;            /* UNSUPPRESS: only the row that this entry has made, else ERR_CONFLICT; 0 = whichever stands */
	uint64_t request;        /* UNSUPPRESS: the entry of the request that .actor approves; 0 = none */
	unsigned demands;        /* GRANT of basis consent: 1 << enum evidence_part for each part that must be there, beside what its basis asks for */
	struct person_key other; /* LINK, UNLINK */
	enum channel other_channel;
	struct view other_address; /* canonical; may be empty */
	struct view wording, source, actor, note, evidence;
	struct view text;        /* WORDING */
};

struct change_result {
	bool changed;  /* false: it stood like this already (or was older than what stands) */
	uint64_t seq;  /* journal entry; of the standing row when nothing changed */
};

/* Blocks until the change is durable. ERR_REFUSED for what only-stronger forbids, with the rule in the text. */
int ledger_change(struct ledger *l, const struct change *c, struct change_result *ret, struct err *err) MUST_CHECK;
/* Several changes, all or none, one journal entry each. */
int ledger_change_all(struct ledger *l, const struct change *c, size_t n, struct change_result *ret, struct err *err) MUST_CHECK;

/* The same without waiting: DONE is called on the committer's thread once durable (or failed: err != NULL, results NULL). It must be short.
 * When the queue is full or the ledger is open for reading only, it is called at once, on the caller's thread. */
typedef void ledger_done(void *arg, const struct change_result *results, size_t n, const struct err *err);
void ledger_submit(struct ledger *l, const struct change *c, size_t n, ledger_done *done, void *arg);

/* ---- journal ---- */

struct journal_entry {
	uint64_t seq;
	int64_t event_ms, arrived_ms;
	enum change_kind kind;
	enum channel channel;
	struct person_key who;
	struct scope scope;
	enum reason reason;
	enum basis basis;
	int64_t expires_ms;
	bool kept_only;       /* on record, but it changed nothing: older than what stood */
	struct view actor, source, note, wording, evidence; /* empty once the detail was dropped */
	uint8_t previous[32]; /* SHA-256 of the entry before, as stored */
	uint8_t hash[32];     /* SHA-256 of this one, as stored */
};

/* Calls EACH for entries with seq >= FROM in order until it returns false; the views live for the call only. Reads in short transactions. */
int ledger_journal(struct ledger *l, uint64_t from, bool (*each)(void *arg, const struct journal_entry *e), void *arg, struct err *err) MUST_CHECK;
uint64_t ledger_journal_last(struct ledger *l); /* 0 when empty or unreadable */
/* Walks the whole chain. ERR_CORRUPT names the first bad entry; *ret_count = good entries before it. */
int ledger_journal_verify(struct ledger *l, uint64_t *ret_count, struct err *err) MUST_CHECK;

/* ---- the operator's view ---- */

struct ledger_stats {
	uint64_t suppressions, consents, persons, journal_entries;
	uint64_t blocks, allows; /* rows of domains and digests; allow rows */
	uint64_t wordings, links; /* texts of consent; pairs of addresses of one person */
	uint64_t used_bytes, map_bytes, file_bytes;
	unsigned readers;
};
int ledger_stats(struct ledger *l, struct ledger_stats *ret, struct err *err) MUST_CHECK;

/* Loads many rows at once (tests, benchmarks, imports): sorted by key, merged by the same rules, one journal entry (CHANGE_LOAD) for each
 * transaction of up to 50,000 rows. NEXT fills a cleared change (SUPPRESS, GRANT, WITHDRAW, PERSON or ALLOW; its strings live until the next call)
 * and returns false at the end. *RET_ROWS = rows that changed. On failure the sets before the failing one stay. */
int ledger_load(struct ledger *l, bool (*next)(void *arg, struct change *c), void *arg, struct view source, struct view actor,
    uint64_t *ret_rows, struct err *err) MUST_CHECK;
