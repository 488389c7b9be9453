#include "ledger/walk.h"

#include <stdlib.h>

#include "ledger_internal.h"

#define PAGE_ROWS 512
#define KEY_MOST  64

struct page {
	struct txn *txn;
	unsigned count;
	bool bad;
	char from[KEY_MOST]; /* where the next page begins */
	size_t from_n;
	struct person_key who[PAGE_ROWS];
	union {
		struct suppression suppressions[PAGE_ROWS];
		struct consent consents[PAGE_ROWS];
	};
};

/* Behind KEY: the same bytes and a zero. */
static void keep_place(struct page *p, struct view key)
{
	ALWAYS(key.n < KEY_MOST);
	memcpy(p->from, key.p, key.n);
	p->from[key.n] = 0;
	p->from_n = key.n + 1;
	memcpy(p->who[p->count].b, key.p, PERSON_KEY_BYTES);
}

static bool page_suppression(void *arg, struct view key, struct view value)
{
	struct page *p = arg;
	struct suppression *s = &p->suppressions[p->count];
	p->bad = !suppression_decode(key, value, s);
	if (p->bad)
		return false;
	scope_name_read(p->txn, &s->scope);
	keep_place(p, key);
	return ++p->count < PAGE_ROWS;
}

static bool page_consent(void *arg, struct view key, struct view value)
{
	struct page *p = arg;
	struct consent *c = &p->consents[p->count];
	p->bad = !consent_decode(key, value, c);
	if (p->bad)
		return false;
	scope_name_read(p->txn, &c->purpose);
	keep_place(p, key);
	return ++p->count < PAGE_ROWS;
}

static int read_page(struct ledger *l, struct page *p, enum table table, struct err *err)
{
	p->count = 0;
	if (store_read(l->store, &p->txn, err) < 0)
		return -1;
	txn_each(p->txn, table, view_n(p->from, p->from_n), 0, table == TABLE_CONSENTS ? page_consent : page_suppression, p);
	int rc = p->bad ? err_set(err, ERR_CORRUPT, "ledger: a row can't be read") : txn_check(p->txn, err);
	txn_end(&p->txn);
	return rc;
}

/* 1 goes on, 0 the walker has stopped. */
static int show_page(struct ledger *l, const struct page *p, enum table table, const struct ledger_walk *w, void *arg, struct buf *address, struct err *err)
{
	struct err why;
	for (unsigned i = 0; i < p->count; i++) {
		buf_clear(address);
		if (ledger_person(l, &p->who[i], address, &why) < 0 && why.kind != ERR_MISSING)
			return err_set(err, why.kind, "%s", why.text);
		bool more = table == TABLE_CONSENTS ? w->consent(arg, &p->consents[i], buf_view(address))
		                                    : w->suppression(arg, &p->suppressions[i], buf_view(address));
		if (!more)
			return 0;
	}
	return 1;
}

static int walk_table(struct ledger *l, enum table table, const struct ledger_walk *w, void *arg, struct err *err)
{
	struct page *p = mem_zero(sizeof *p);
	struct buf address;
	int rc = 1;
	buf_init(&address, 1024);
	p->from_n = 1; /* no key is empty: one zero stands before all */
	do {
		rc = read_page(l, p, table, err) < 0 ? -1 : show_page(l, p, table, w, arg, &address, err);
	} while (rc == 1 && p->count == PAGE_ROWS);
	buf_free(&address);
	free(p);
	return rc;
}

int ledger_walk(struct ledger *l, const struct ledger_walk *w, void *arg, struct err *err)
{
	int rc = w->suppression ? walk_table(l, TABLE_SUPPRESSIONS, w, arg, err) : 1;
	if (rc == 1 && w->consent)
		rc = walk_table(l, TABLE_CONSENTS, w, arg, err);
	return rc < 0 ? -1 : 0;
}
