/* A list into the ledger: rows -> changes -> ledger_load, which keeps the rule of only stronger. Nothing is ever taken away by an import.
 *
 *   file ─▶ rows (reader.h) ─▶ entries (format.h) ─▶ changes ─▶ sorted sets, each one transaction with its journal entry
 *                                      └─▶ rejects: "line,what was expected,row"
 * The end leaves a journal entry of its own: file, SHA-256, format, counts, operator. Importing a file again changes nothing. */
#pragma once

#include "ledger/import.h"
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
	int (*on_begin)(void *arg, const struct import_place *from, struct err *err); /* before the first row; FROM is where an interrupted run was */
	int (*on_rejects)(void *arg, struct buf *rejects, struct err *err);
	void (*progress)(void *arg, uint64_t rows);
	void *arg;
	struct view actor;
};

struct import_report {
	const char *format;
	uint64_t id;                  /* of the import; 0 of a dry run */
	uint64_t resumed;             /* rows that an interrupted run had done already */
	struct import_counts counts;  /* of the whole list. Of a dry run: .changed would be */
	char sha256[2 * SHA256_BYTES + 1];
};

/* Cuts a file of rejects off where the row FROM is: those behind it are about to be found again. */
int import_rejects_cut(const char *path, const struct import_place *from, struct err *err) MUST_CHECK;

/* Rows that were taken before a failure stay, and are told in RET. The same file again, by the same person with the same settings, goes on where
 * an interrupted import was. */
int import_list(const struct import_settings *s, struct import_report *ret, struct err *err) MUST_CHECK;
