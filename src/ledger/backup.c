/* Copies, and what a copy may add. Rows of the copy are read page by page, each in a short transaction, and go through the same merging as
 * those of a bulk load. */
#include "ledger_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/be.h"
#include "base/file.h"
#include "ledger/upkeep.h"

#define PAGE_ROWS 512
#define PAGE_BYTES (PAGE_ROWS * (size_t)(SUPPRESSION_KEY + CONSENT_MOST + SCOPE_NAME_MAX + 8))

/* ---- out ---- */

/* First under another name: what has its own name is whole. */
int ledger_backup(struct ledger *l, const char *dir, struct err *err)
{
	char part[PATH_MAX], whole[PATH_MAX];
	if (dir_make(dir, 0700, err) < 0 || path_join(part, sizeof part, dir, "data.mdb.part", err) < 0 ||
	    path_join(whole, sizeof whole, dir, "data.mdb", err) < 0)
		return -1;
	if (access(whole, F_OK) == 0)
		return err_set(err, ERR_CONFLICT, "%s: there is one already", whole);
	if (unlink(part) < 0 && errno != ENOENT)
		return err_sys(err, "%s", part);
	if (store_copy(l->store, part, err) < 0)
		return -1;
	if (rename(part, whole) < 0)
		return err_sys(err, "%s", whole);
	return dir_sync(dir, err);
}

/* ---- back ---- */

struct reader {
	struct ledger *from;
	enum table table;
	struct txn *txn;
	struct buf page; /* per row: key 1+n, value 2+n, scope name 1+n */
	struct view rest;
	char next[SUPPRESSION_KEY + 1]; /* the key to go on from */
	size_t next_n;
	unsigned rows;
	bool ended;
	uint64_t given;
	struct err err;
	bool failed;
	/* of the row last given: its texts live until the next */
	struct suppression suppression;
	struct consent consent;
};

/* LMDB knows no empty key. */
static void first_key(struct reader *r)
{
	r->next[0] = 0;
	r->next_n = 1;
}

static bool keep_row(void *arg, struct view key, struct view value)
{
	struct reader *r = arg;
	struct suppression s;
	struct consent c;
	struct scope scope = {0};
	if (r->table == TABLE_SUPPRESSIONS && suppression_decode(key, value, &s))
		scope = s.scope;
	if (r->table == TABLE_CONSENTS && consent_decode(key, value, &c))
		scope = c.purpose;
	scope_name_read(r->txn, &scope);
	be_add_view(&r->page, key, 1);
	be_add_view(&r->page, value, 2);
	be_add_view(&r->page, view_of(scope.name), 1);
	ALWAYS(key.n < sizeof r->next);
	memcpy(r->next, key.p, key.n);
	r->next[key.n] = 0; /* the first key behind this one */
	r->next_n = key.n + 1;
	return ++r->rows < PAGE_ROWS && !r->page.failed;
}

static bool page_fill(struct reader *r)
{
	buf_clear(&r->page);
	r->rows = 0;
	r->failed = store_read(r->from->store, &r->txn, &r->err) < 0;
	if (r->failed)
		return false;
	txn_each(r->txn, r->table, view_n(r->next, r->next_n), 0, keep_row, r);
	r->failed = txn_check(r->txn, &r->err) < 0;
	txn_end(&r->txn);
	if (!r->failed && r->page.failed)
		r->failed = err_set(&r->err, ERR_CORRUPT, "ledger: a row is larger than any that we write") < 0;
	r->rest = buf_view(&r->page);
	return !r->failed && r->rows;
}

static bool suppression_change(struct reader *r, struct view key, struct view value, struct view name, struct change *c)
{
	struct suppression *s = &r->suppression;
	if (!suppression_decode(key, value, s))
		return false;
	view_str(name, s->scope.name, sizeof s->scope.name);
	*c = (struct change){.kind = CHANGE_SUPPRESS, .channel = s->channel, .scope = s->scope, .reason = s->reason, .event_ms = s->event_ms,
	    .expires_ms = s->expires_ms, .note = view_of(s->note)};
	memcpy(c->who.b, key.p, PERSON_KEY_BYTES);
	return true;
}

static bool withdrawal_change(struct reader *r, struct view key, struct view value, struct view name, struct change *c)
{
	struct consent *k = &r->consent;
	if (!consent_decode(key, value, k))
		return false;
	view_str(name, k->purpose.name, sizeof k->purpose.name);
	*c = (struct change){.kind = CHANGE_WITHDRAW, .channel = k->channel, .scope = k->purpose, .event_ms = k->withdrawn_ms};
	memcpy(c->who.b, key.p, PERSON_KEY_BYTES);
	return true;
}

static bool row_take(struct reader *r, struct change *c)
{
	struct be_reader in = {.rest = r->rest};
	struct view key = be_take_view(&in, 1), value = be_take_view(&in, 2), name = be_take_view(&in, 1);
	r->rest = in.rest;
	bool good = r->table == TABLE_SUPPRESSIONS ? suppression_change(r, key, value, name, c) : withdrawal_change(r, key, value, name, c);
	if (!good)
		r->failed = err_set(&r->err, ERR_CORRUPT, "ledger: a row of the copy can't be read") < 0;
	return good;
}

/* Suppressions, then withdrawals. */
static bool next_block(void *arg, struct change *c)
{
	struct reader *r = arg;
	for (;;) {
		while (r->rest.n) {
			if (!row_take(r, c))
				return false;
			if (c->kind == CHANGE_SUPPRESS || c->event_ms) {
				r->given++;
				return true;
			}
		}
		if (page_fill(r))
			continue;
		if (r->failed || r->table == TABLE_CONSENTS)
			return false;
		r->table = TABLE_CONSENTS;
		first_key(r);
	}
}

static bool same_key(const struct ledger *a, const struct ledger *b)
{
	struct person_key x, y;
	ledger_person_key(a, CHANNEL_EMAIL, V("a@example.com"), &x);
	ledger_person_key(b, CHANNEL_EMAIL, V("a@example.com"), &y);
	return memcmp(x.b, y.b, sizeof x.b) == 0;
}

int ledger_restore(struct ledger *into, struct ledger *from, struct view source, struct view actor, struct restored *ret, struct err *err)
{
	if (!same_key(into, from))
		return err_set(err, ERR_REFUSED, "the copy was made with another ledger key: nobody in it can be recognised");
	struct reader *r = mem_zero(sizeof *r);
	*r = (struct reader){.from = from, .table = TABLE_SUPPRESSIONS};
	first_key(r);
	buf_init(&r->page, PAGE_BYTES);
	struct restored done = {0};
	int rc = ledger_load(into, next_block, r, source, actor, &done.changed, err);
	done.blocks = r->given;
	if (rc == 0 && r->failed) {
		if (err)
			*err = r->err;
		rc = -1;
	}
	*ret = done;
	buf_free(&r->page);
	free(r);
	return rc;
}
