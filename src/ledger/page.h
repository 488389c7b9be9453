/* Rows of one table, a page at a time: each as of one moment, decoded, with its scope's name; no transaction is held between pages. */
#pragma once

#include "ledger_internal.h"

#define PAGE_ROWS 512
#define KEY_MOST  64

struct row_page {
	enum table table; /* suppressions, blocks, allows or consents */
	struct txn *txn;
	unsigned count;
	bool bad;
	char from[KEY_MOST]; /* where the next page begins */
	size_t from_n;
	struct person_key who[PAGE_ROWS];
	union {
		struct suppression suppressions[PAGE_ROWS]; /* allow rows, too */
		struct consent consents[PAGE_ROWS];
	};
};

/* Before the first row of TABLE. */
void row_page_begin(struct row_page *p, enum table table);
/* The next rows; p->count < PAGE_ROWS: there are no more. ERR_CORRUPT for a row that can't be read. */
int row_page_read(struct ledger *l, struct row_page *p, struct err *err) MUST_CHECK;
