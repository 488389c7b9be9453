/* What was decided about whom, and by which rule: kept for a while, so that a refusal can be explained by its reference, a period be judged
 * again by other settings, and shadow mode report what it would have done.
 *
 *   note ──▶ bytes in memory (bounded; what doesn't fit is counted and lost) ──▶ a thread of its own ──▶ DIR/<start>.log
 *
 * Whoever notes never waits for a disk. Files are append-only, each frame under a CRC; the process's end loses nothing, its death the
 * last DECISIONS_WRITE_MS, a power cut what the system had not yet written. No address is kept: a person is the ledger's key. */
#pragma once

#include "base/clock.h"
#include "policy/policy.h"

#define DECISIONS_WRITE_MS 200
#define DECISIONS_MEMORY   (8u << 20)  /* noted and not yet written */
#define DECISIONS_FILE_MAX (16u << 20) /* one file; the next begins there, and at each start */
#define DECISION_WORD_MAX  128

enum decision_at { DECIDED_AT_RCPT = 1, DECIDED_AT_DATA, DECIDED_AT_DELIVERY }; /* stored values: never renumber */
enum decision_end {
	END_ACCEPTED = 1, /* allowed so far */
	END_REFUSED,      /* told so: 550 */
	END_DROPPED,      /* told yes, not kept */
	END_HELD,         /* kept for a person to look at */
	END_DEFERRED,     /* could not be judged: 451 */
	END_SUPPRESSED,   /* was queued, and stopped before it went out */
	END_DELIVERED,
	END_FAILED,
};
const char *decision_at_word(enum decision_at a);   /* "rcpt" */
const char *decision_end_word(enum decision_end e); /* "refused" */

struct decision {
	int64_t at_ms;
	uint64_t ref;  /* the message's id */
	uint32_t rcpt; /* number of the recipient within it */
	enum decision_at at;
	enum decision_end end;
	struct verdict verdict;
	enum mail_class class; /* as which it was judged */
	enum channel channel;
	struct person_key who;
	uint32_t signals;      /* what the tripwire saw */
	uint64_t body;         /* first bytes of the body's SHA-256; 0 = not known */
	struct view scope;     /* "acme/offers" or "acme/offers/spring" */
	struct view client, campaign;
};

struct decisions_settings {
	const char *dir;
	int64_t keep_ms;    /* files with nothing younger go */
	uint64_t max_bytes; /* of all files: the oldest go first */
};

struct decisions;
int decisions_open(struct decisions **ret, const struct decisions_settings *s, const struct clock *clock, struct err *err) MUST_CHECK;
void decisions_note(struct decisions *d, const struct decision *x); /* any thread; D may be NULL: nothing is kept */
void decisions_close(struct decisions **d);                         /* writes what is left; accepts NULL */

/* Calls EACH for what was decided in [SINCE, UNTIL), file by file in the order of writing, until it returns false. The views live for the
 * call only. What a crash has torn is passed over. Any process may read while another writes. */
typedef bool decisions_reader(void *arg, const struct decision *x);
int decisions_each(const char *dir, int64_t since_ms, int64_t until_ms, decisions_reader *each, void *arg, struct err *err) MUST_CHECK;

/* The stored form, for the tests: a frame is length 2, CRC-32C 4, body. */
void decision_write(struct buf *out, const struct decision *x);
/* Takes one frame off REST. False when there is none, or it is not whole. */
bool decision_take(struct view *rest, struct decision *ret);
