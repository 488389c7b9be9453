/* Reading a page, and keeping the place where the next begins. */
#include "page.h"

/* Behind KEY: the same bytes and a zero. */
static void keep_place(struct row_page *p, struct view key)
{
	ALWAYS(key.n < KEY_MOST);
	memcpy(p->from, key.p, key.n);
	p->from[key.n] = 0;
	p->from_n = key.n + 1;
	memcpy(p->who[p->count].b, key.p, PERSON_KEY_BYTES);
}

static bool page_suppression(void *arg, struct view key, struct view value)
{
	struct row_page *p = arg;
	struct suppression *s = &p->suppressions[p->count];
	p->bad = !(p->table == TABLE_ALLOWS ? allow_decode : suppression_decode)(key, value, s);
	if (p->bad)
		return false;
	scope_name_read(p->txn, &s->scope);
	keep_place(p, key);
	return ++p->count < PAGE_ROWS;
}

static bool page_consent(void *arg, struct view key, struct view value)
{
	struct row_page *p = arg;
	struct consent *c = &p->consents[p->count];
	p->bad = !consent_decode(key, value, c);
	if (p->bad)
		return false;
	scope_name_read(p->txn, &c->purpose);
	keep_place(p, key);
	return ++p->count < PAGE_ROWS;
}

void row_page_begin(struct row_page *p, enum table table)
{
	p->table = table;
	p->count = 0;
	p->bad = false;
	p->from[0] = 0; /* no key is empty: one zero stands before all */
	p->from_n = 1;
}

int row_page_read(struct ledger *l, struct row_page *p, struct err *err)
{
	p->count = 0;
	if (store_read(l->store, &p->txn, err) < 0)
		return -1;
	txn_each(p->txn, p->table, view_n(p->from, p->from_n), 0, p->table == TABLE_CONSENTS ? page_consent : page_suppression, p);
	int rc = p->bad ? err_set(err, ERR_CORRUPT, "ledger: a row can't be read") : txn_check(p->txn, err);
	txn_end(&p->txn);
	return rc;
}
