/* A list into the ledger: rows -> changes -> ledger_load, which keeps the rule of only stronger. Nothing is ever taken away by an import.
 *
 *   file ─▶ rows (reader.h) ─▶ entries (format.h) ─▶ changes ─▶ sorted sets, each one transaction with its journal entry
 *                                      └─▶ rejects: "line,what was expected,row"
 * The end leaves a journal entry of its own: file, SHA-256, format, counts, operator. Importing a file again changes nothing. */
#pragma once

#include "lists/reader.h"
#include "policy/policy.h"

struct import_settings {
	struct ledger *ledger;
	const struct policy *policy;      /* for scopes */
	const char *file;
	const struct list_format *format; /* NULL: by its shape */
	struct scope scope;               /* of suppressions that name none; for grants: the purpose */
	enum reason reason;               /* overrides the file's; 0 = the file's */
	bool dry_run;
	bool allow;                       /* rows that let somebody pass are taken, too; else they are rejected */
	struct buf *rejects;              /* rows that were not taken; NULL = not wanted. Handed to on_rejects when it grows */
	int (*on_rejects)(void *arg, struct buf *rejects, struct err *err);
	void (*progress)(void *arg, uint64_t rows);
	void *arg;
	struct view actor;
};

struct import_report {
	const char *format;
	uint64_t rows, suppressions, consents, allows; /* read; good for the ledger */
	uint64_t skipped, rejected;            /* nothing follows from the row; wrong */
	uint64_t changed;                      /* rows of the ledger that are new or stronger now; of a dry run: that would be */
	uint64_t reasons[REASON_ERASURE + 1];
	char sha256[2 * SHA256_BYTES + 1];
};

/* Rows that were taken before a failure stay, and are told in RET; doing it again goes on. */
int import_list(const struct import_settings *s, struct import_report *ret, struct err *err) MUST_CHECK;
