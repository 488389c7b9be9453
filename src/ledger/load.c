/* Bulk loading: gather, sort by person, apply in slices. Each slice is one transaction with one journal entry that names its rows by
 * count and hash, so that at no instant there are rows without an entry. Sorted, neighbours share pages: random inserts into a large tree cost
 * forty times as much. */
#include "ledger_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/be.h"
#include "base/codec.h"

#define GATHER_ROWS 1000000
#define GATHER_BYTES ((size_t)512 << 20)
#define SLICE_ROWS 50000
#define BREATH_NS 2000000

struct gathered {
	struct person_key who;
	uint64_t at; /* in bytes */
};

struct load {
	struct ledger *ledger;
	struct view source, actor;
	struct buf bytes;
	struct gathered *rows;
	size_t count;
	bool ended; /* there is nothing more to gather */
	uint64_t changed;
};

/* ---- gathering ---- */

static void pack(struct buf *b, const struct change *c)
{
	be_add(b, c->kind, 1);
	be_add(b, c->channel, 1);
	be_add(b, c->scope.level, 1);
	buf_add(b, view_n(c->scope.id, SCOPE_ID_BYTES));
	be_add_view(b, view_of(c->scope.name), 1);
	be_add(b, c->reason, 1);
	be_add(b, c->basis, 1);
	be_add(b, (uint64_t)c->event_ms, 8);
	be_add(b, (uint64_t)c->expires_ms, 8);
	be_add_view(b, c->address, 2);
	be_add_view(b, c->wording, 1);
	be_add_view(b, c->note, 1);
	be_add_view(b, c->evidence, 1);
}

static void unpack(const struct load *l, const struct gathered *g, struct change *c)
{
	struct be_reader r = {.rest = view_sub(buf_view(&l->bytes), g->at, l->bytes.n)};
	memset(c, 0, sizeof *c);
	c->who = g->who;
	c->kind = (enum change_kind)be_take_u(&r, 1);
	c->channel = (enum channel)be_take_u(&r, 1);
	c->scope.level = (enum scope_level)be_take_u(&r, 1);
	struct view id = be_take(&r, SCOPE_ID_BYTES), name = be_take_view(&r, 1);
	ALWAYS(id.p && view_str(name, c->scope.name, sizeof c->scope.name));
	memcpy(c->scope.id, id.p, SCOPE_ID_BYTES);
	c->reason = (enum reason)be_take_u(&r, 1);
	c->basis = (enum basis)be_take_u(&r, 1);
	c->event_ms = (int64_t)be_take_u(&r, 8);
	c->expires_ms = (int64_t)be_take_u(&r, 8);
	c->address = be_take_view(&r, 2);
	c->wording = be_take_view(&r, 1);
	c->note = be_take_view(&r, 1);
	c->evidence = be_take_view(&r, 1);
	c->source = l->source;
	c->actor = l->actor;
	ALWAYS(!r.bad);
}

/* By person, then in the order given. */
static int by_person(const void *a, const void *b)
{
	const struct gathered *x = a, *y = b;
	int c = memcmp(x->who.b, y->who.b, PERSON_KEY_BYTES);
	return c ? c : (x->at > y->at) - (x->at < y->at);
}

static int gather_one(struct load *l, struct change *c, struct err *err)
{
	c->source = l->source;
	c->actor = l->actor;
	if (change_check(c, err) < 0)
		return -1;
	l->rows[l->count++] = (struct gathered){c->who, l->bytes.n};
	pack(&l->bytes, c);
	if (l->bytes.failed)
		return err_set(err, ERR_LIMIT, "bulk load: rows of more than %zu bytes at once", GATHER_BYTES);
	return 0;
}

static int gather(struct load *l, bool (*next)(void *arg, struct change *c), void *arg, struct err *err)
{
	struct change c;
	buf_clear(&l->bytes);
	l->count = 0;
	while (l->count < GATHER_ROWS && l->bytes.n < GATHER_BYTES - 4096) {
		memset(&c, 0, sizeof c);
		l->ended = !next(arg, &c);
		if (l->ended)
			break;
		if (gather_one(l, &c, err) < 0)
			return -1;
	}
	qsort(l->rows, l->count, sizeof *l->rows, by_person);
	return 0;
}

/* ---- applying ---- */

static void slice_enter(struct load *l, struct apply *a, struct bulk *b)
{
	uint8_t hash[SHA256_BYTES];
	char text[NOTE_MAX + 1];
	struct buf hex;
	buf_init(&hex, 2 * SHA256_BYTES + 1);
	hasher_end(b->hasher, hash);
	hex_encode(&hex, view_n(hash, sizeof hash));
	snprintf(text, sizeof text, "rows=%llu sha256=%s", (unsigned long long)b->rows, buf_cstr(&hex));
	buf_free(&hex);
	struct change c = {.kind = CHANGE_LOAD, .source = l->source, .actor = l->actor, .note = view_of(text)};
	if (b->rows)
		journal_append(a->txn, &a->tail, &c, a->now_ms, a->now_ms, false);
}

static int slice_apply(
    struct load *l, size_t from, size_t to, struct hasher *hasher, uint64_t *ret_rows, bool *ret_again, struct err *err)
{
	struct txn *t = NULL;
	struct apply a;
	struct bulk bulk;
	*ret_again = false;
	if (store_write(l->ledger->store, &t, err) < 0)
		return -1;
	apply_begin(&a, l->ledger, t);
	bulk_begin(&bulk, t, hasher);
	a.bulk = &bulk;
	for (size_t i = from; i < to; i++) {
		struct change c;
		struct change_result result;
		unpack(l, &l->rows[i], &c);
		if (apply_change(&a, &c, &result, err) < 0) {
			txn_end(&t);
			return -1;
		}
	}
	slice_enter(l, &a, &bulk);
	*ret_rows = bulk.rows;
	return txn_commit(&t, ret_again, err);
}

/* A slice that the store was cured of is done again, from a hash of nothing. */
static int slice_load(struct load *l, size_t from, size_t to, struct err *err)
{
	bool again;
	int rc;
	do {
		uint64_t rows = 0;
		struct hasher *hasher = hasher_new();
		rc = slice_apply(l, from, to, hasher, &rows, &again, err);
		hasher_free(&hasher);
		if (rc == 0)
			l->changed += rows;
		/* The writer's lock is not a fair one: without a pause an import would keep every opt-out waiting to its end. */
		nanosleep(&(struct timespec){.tv_nsec = BREATH_NS}, NULL);
	} while (rc < 0 && again);
	return rc;
}

int ledger_load(struct ledger *ledger, bool (*next)(void *arg, struct change *c), void *arg, struct view source,
    struct view actor, uint64_t *ret_rows, struct err *err)
{
	struct load l = {.ledger = ledger, .source = source, .actor = actor};
	int rc;
	*ret_rows = 0;
	if (ledger->read_only)
		return err_set(err, ERR_REFUSED, "the ledger is open for reading only");
	buf_init(&l.bytes, GATHER_BYTES);
	l.rows = mem_alloc(GATHER_ROWS * sizeof *l.rows);
	do {
		rc = gather(&l, next, arg, err);
		for (size_t at = 0; rc == 0 && at < l.count; at += SLICE_ROWS)
			rc = slice_load(&l, at, at + SLICE_ROWS < l.count ? at + SLICE_ROWS : l.count, err);
	} while (rc == 0 && !l.ended);
	*ret_rows = l.changed;
	free(l.rows);
	buf_free(&l.bytes);
	return rc;
}
