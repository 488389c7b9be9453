/* Which kinds of rows there may be beside people's. The bits are set in the transaction that writes the first row of a kind and stay set, so
 * that for one commit they never change: what was read once is good for every reader of the same commit. */
#include "ledger_internal.h"

#include <stdatomic.h>

#include "base/be.h"
#include "ledger/blocks.h"

#define KINDS_BYTES 2
#define KINDS_BITS  (8 * KINDS_BYTES)

enum table rows_table(enum channel c)
{
	return channel_is_block(c) ? TABLE_BLOCKS : TABLE_SUPPRESSIONS;
}

enum table names_table(enum channel c)
{
	return channel_is_block(c) ? TABLE_BLOCK_NAMES : TABLE_PERSONS;
}

unsigned kinds_read(struct txn *t)
{
	struct view value;
	bool there = txn_get(t, TABLE_META, V("blocks"), &value) && value.n == KINDS_BYTES;
	return there ? (unsigned)be_get(value.p, KINDS_BYTES) : 0;
}

unsigned kinds_of(struct ledger *l, struct txn *t)
{
	uint64_t known = atomic_load_explicit(&l->kinds_known, memory_order_relaxed), id = txn_id(t);
	if (known >> KINDS_BITS == id)
		return known & ((1u << KINDS_BITS) - 1);
	unsigned kinds = kinds_read(t);
	if (txn_check(t, NULL) == 0)
		atomic_store_explicit(&l->kinds_known, id << KINDS_BITS | kinds, memory_order_relaxed);
	return kinds;
}

void kinds_add(struct txn *t, unsigned kind)
{
	char value[KINDS_BYTES];
	unsigned kinds = kinds_read(t);
	if (kinds & kind)
		return;
	be_put(value, kinds | kind, KINDS_BYTES);
	txn_put(t, TABLE_META, V("blocks"), view_n(value, sizeof value));
}
