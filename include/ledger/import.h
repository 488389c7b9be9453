/* Imports: which rows a list has made, how far it was read, and how all of it is taken back.
 *
 *   begin ─▶ load: sets of rows, each one transaction with its CHANGE_LOAD entry and the place in the list ─▶ end
 *     └ the same list again after an interruption: goes on from that place          undo: exactly what it added
 *
 * An import is known by the entry that began it (CHANGE_IMPORT). What a row was before an import made it stronger is kept beside it; so is the
 * fact that somebody else has said the same since. An undo takes away, or puts back as it was, each row that is still as the import left it and
 * that nobody else has said again; every other row stays. The same list imported again by the same person is no other word. */
#pragma once

#include "crypto/hash.h"
#include "ledger/ledger.h"

#define IMPORT_NAME_MAX 60

enum import_state { /* stored values: never renumber */
	IMPORT_RUNNING = 1, /* or interrupted */
	IMPORT_DONE,
	IMPORT_UNDONE,
};
const char *import_state_word(enum import_state s);

struct import_counts {
	uint64_t rows, suppressions, consents, allows; /* read; good for the ledger */
	uint64_t skipped, rejected;                    /* nothing follows from the row; wrong */
	uint64_t changed;                              /* rows of the ledger that are new or stronger now */
	uint64_t reasons[REASON_ERASURE + 1];          /* of the suppressions */
};

/* A place between two rows of a list. */
struct import_place {
	uint64_t offset, line, rows; /* bytes before it; the line that begins there, from 1; rows before it */
};

struct import_record {
	uint64_t id; /* the entry that began it */
	enum import_state state;
	int64_t began_ms, ended_ms;
	uint64_t run;                   /* drawn by each process that works on it: the last one has it */
	uint8_t list[SHA256_BYTES];     /* of the list's bytes; zero when they could not be read twice */
	uint8_t terms[SHA256_BYTES];    /* of all else that decides what follows from them */
	struct import_counts counts;    /* up to .place */
	struct import_place place;
	uint64_t request;               /* the entry that asks for its undoing; 0 = none */
	int64_t request_ms;
	char name[IMPORT_NAME_MAX + 1]; /* of the file */
	char source[SOURCE_MAX + 1];    /* "import:FORMAT" */
	char actor[ACTOR_MAX + 1], requester[ACTOR_MAX + 1], undoer[ACTOR_MAX + 1];
};

/* A new import; or, when one with the same list, terms and actor was interrupted, that one: then .place is where to go on. Of IM are given: .list,
 * .terms, .name, .source, .actor. A process that was at work on it is refused its next set of rows. */
int ledger_import_begin(struct ledger *l, struct import_record *im, struct err *err) MUST_CHECK;

/* Like ledger_load. MARK is called between changes, when all that NEXT has given so far is about to be written: it sets .place and .counts (but .changed)
 * and returns true, or returns false where no row of the list ends. ERR_CONFLICT: undone, or taken over by another process. */
struct import_load {
	bool (*next)(void *arg, struct change *c);
	bool (*mark)(void *arg, struct import_record *im);
	void *arg;
};
int ledger_import_load(struct ledger *l, struct import_record *im, const struct import_load *load, struct err *err) MUST_CHECK;

/* All is in: the counts are final. Leaves the entry that says so. */
int ledger_import_end(struct ledger *l, struct import_record *im, struct err *err) MUST_CHECK;

/* ERR_MISSING: there is none. */
int ledger_import(struct ledger *l, uint64_t id, struct import_record *ret, struct err *err) MUST_CHECK;
/* All of them, the oldest first, until EACH returns false. EACH must not call the ledger. */
int ledger_imports(struct ledger *l, bool (*each)(void *arg, const struct import_record *im), void *arg, struct err *err) MUST_CHECK;

/* ---- taking back ---- */

struct undo {
	uint64_t id;
	struct view actor, note; /* who and why: neither may be empty */
	bool approves;           /* what somebody else has asked for */
};
struct undone {
	bool asked;       /* nothing was changed: objections, unsubscribes, complaints or withdrawals ask for a second person, who has .request to approve */
	uint64_t request;
	uint64_t removed; /* rows that are gone, or as they were before; when .asked: that would be */
	uint64_t kept;    /* of the import's rows: said by somebody else since, or made after the request */
	uint64_t reasons[REASON_ERASURE + 1], withdrawals, grants, allows; /* of .removed */
};
/* May be done again, after an interruption too. ERR_REFUSED with the rule in the text. */
int ledger_import_undo(struct ledger *l, const struct undo *u, struct undone *ret, struct err *err) MUST_CHECK;
