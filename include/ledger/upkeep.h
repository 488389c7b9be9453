/* Looking after a ledger: what proves its journal elsewhere, what may be dropped of it, copies, and what comes back from them. */
#pragma once

#include "ledger/ledger.h"

/* ---- the journal ---- */

#define ANCHOR_LINE 160 /* "optgate-journal 1 ENTRY TIME HASH", without a line end */

/* One entry's number and hash: filed elsewhere, it proves that the journal was not written anew up to there. */
struct journal_anchor {
	uint64_t seq;
	int64_t arrived_ms;
	uint8_t hash[32];
};
/* Of the last entry. ERR_MISSING: there is none. */
int ledger_journal_anchor(struct ledger *l, struct journal_anchor *ret, struct err *err) MUST_CHECK;
/* Does the journal hold this very entry? ERR_CORRUPT when not. Says nothing of the chain: see ledger_journal_verify. */
int ledger_journal_has(struct ledger *l, const struct journal_anchor *a, struct err *err) MUST_CHECK;
void journal_anchor_text(const struct journal_anchor *a, char dst[ANCHOR_LINE]);
bool journal_anchor_parse(struct view line, struct journal_anchor *ret);

/* Drops the words (actor, source, note, wording, evidence) of entries about a person that arrived before BEFORE_MS; of all persons, or of WHO.
 * The entry itself stays, and the chain stays whole: the words hang on it by a salted hash. What an entry made stands with its own words.
 * Leaves a note in the journal, by ACTOR. */
int ledger_journal_prune(struct ledger *l, int64_t before_ms, const struct person_key *who, struct view actor, uint64_t *ret_count,
    struct err *err) MUST_CHECK;

/* ---- copies ---- */

/* A whole copy of the data as of one moment, without its free space, into DIR (made when missing; ERR_CONFLICT when it holds one already).
 * Others go on reading and writing. Durable when it returns 0. Keys are not in it. */
int ledger_backup(struct ledger *l, const char *dir, struct err *err) MUST_CHECK;

struct restored {
	uint64_t blocks;  /* suppressions and withdrawals that the other one had */
	uint64_t changed; /* of these, those that were not there, or not as strong */
};
/* Adds to INTO every suppression (of domains and digests too) and every withdrawal of FROM, and what families it knows; people's limits (ledger/cap.h) that are lower; and keeps its wordings (ledger/wording.h); nothing else of it. So whoever is blocked in INTO stays blocked, whatever FROM
 * is: grants and addresses of a copy may be of people who have left since. Both must have the same ledger key. */
int ledger_restore(struct ledger *into, struct ledger *from, struct view source, struct view actor, struct restored *ret,
    struct err *err) MUST_CHECK;
