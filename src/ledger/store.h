/* The store: the one door to LMDB. Tables of bytes, transactions with a sticky error, and the cures.
 *
 *   store_read ──▶ txn_get, txn_each, txn_last ──▶ txn_end            any number at once, never waits for a writer
 *   store_write ─▶ txn_get, txn_put, txn_delete ─▶ txn_commit, or txn_end to drop it all    one at a time
 *
 * A transaction remembers its first failure; later calls on it do nothing, and the caller looks once: with txn_check
 * (reads) or at txn_commit (writes). Views into the store live until the next put or delete of a write transaction, or
 * the end of a read one. Cured here: a map that is full or was grown by another process, reader slots of dead processes,
 * and an environment that LMDB has given up after a failed write. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/view.h"

/* Those before TABLES_FIRST were in every ledger there ever was; the others are made when a ledger is next opened for writing, and read as
 * empty until then. */
enum table {
	TABLE_META, TABLE_SUPPRESSIONS, TABLE_CONSENTS, TABLE_PERSONS, TABLE_JOURNAL, TABLE_NAMES,
	TABLES_FIRST, TABLE_BLOCKS = TABLES_FIRST, TABLE_BLOCK_NAMES, TABLE_ALLOWS, TABLE_FAMILIES, TABLE_WORDINGS, TABLE_SUBSCRIBERS, TABLE_LINKS,
	TABLE_CAPS,
	TABLE_IMPORTS, TABLE_LOADS, TABLE_BEFORE,
	TABLE_COUNT
};

struct store_settings {
	const char *dir;
	uint64_t map_bytes;
	unsigned max_readers;
	bool read_only;
};

struct store;
struct txn;

int store_open(struct store **ret, const struct store_settings *s, struct err *err) MUST_CHECK;
void store_close(struct store **s);

/* Both hold the map in place until txn_end or txn_commit: between them, don't begin another one on the same thread. */
int store_read(struct store *s, struct txn **ret, struct err *err) MUST_CHECK;
int store_write(struct store *s, struct txn **ret, struct err *err) MUST_CHECK;
void txn_end(struct txn **t); /* accepts NULL */
int txn_check(const struct txn *t, struct err *err) MUST_CHECK;
/* Durable when it returns 0. Otherwise nothing was written; *ret_again = the cause is cured, do the whole transaction again. */
int txn_commit(struct txn **t, bool *ret_again, struct err *err) MUST_CHECK;

/* Of the commit that it sees: another one for each. */
uint64_t txn_id(const struct txn *t);
/* False when there is no such row, or the transaction has failed. */
bool txn_get(struct txn *t, enum table table, struct view key, struct view *ret);
bool txn_last(struct txn *t, enum table table, struct view *ret_key, struct view *ret_value);
/* Rows with keys >= FROM that share its first PREFIX bytes, in order, until EACH returns false. EACH must not write. */
typedef bool store_row(void *arg, struct view key, struct view value);
void txn_each(struct txn *t, enum table table, struct view from, size_t prefix, store_row *each, void *arg);
void txn_put(struct txn *t, enum table table, struct view key, struct view value);
/* For a key above all others of the table: fills pages to the brim. */
void txn_put_last(struct txn *t, enum table table, struct view key, struct view value);
void txn_delete(struct txn *t, enum table table, struct view key);

struct store_stats {
	uint64_t rows[TABLE_COUNT];
	uint64_t used_bytes, map_bytes;
	unsigned readers;
};
int store_stats(struct store *s, struct store_stats *ret, struct err *err) MUST_CHECK;
/* All of it as of one moment, compact, into a file that is not there yet. Writers go on. */
int store_copy(struct store *s, const char *path, struct err *err) MUST_CHECK;
/* Gives back reader slots of processes that died. */
void store_reap(struct store *s);
