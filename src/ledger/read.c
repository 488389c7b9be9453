/* Looking: one read transaction from the pool, one seek each for suppressions and consents. */
#include "ledger_internal.h"

#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"

static int corrupt(struct err *err)
{
	return err_set(err, ERR_CORRUPT, "ledger: a row can't be read");
}

static struct view key_view(const struct person_key *who)
{
	return view_n(who->b, PERSON_KEY_BYTES);
}

void scope_name_read(struct txn *t, struct scope *scope)
{
	struct view value;
	if (scope->level != SCOPE_GLOBAL && txn_get(t, TABLE_NAMES, view_n(scope->id, SCOPE_ID_BYTES), &value))
		name_decode(value, scope);
}

/* ---- the hot path ---- */

static bool visit_suppression(void *arg, struct view key, struct view value)
{
	struct visit *v = arg;
	struct suppression_row row;
	if (!suppression_row_decode(key, value, &row))
		v->bad = true;
	else
		v->visitor->suppression(v->arg, &row);
	return !v->bad;
}

static bool visit_consent(void *arg, struct view key, struct view value)
{
	struct visit *v = arg;
	struct consent_row row;
	if (!consent_row_decode(key, value, &row))
		v->bad = true;
	else
		v->visitor->consent(v->arg, &row);
	return !v->bad;
}

static bool visit_allow(void *arg, struct view key, struct view value)
{
	struct visit *v = arg;
	struct suppression_row row;
	if (!allow_row_decode(key, value, &row))
		v->bad = true;
	else
		v->visitor->allow(v->arg, &row);
	return !v->bad;
}

void visit_suppressions(struct txn *t, enum table table, const struct person_key *who, struct visit *v)
{
	if (v->visitor->suppression && !v->bad)
		txn_each(t, table, key_view(who), PERSON_KEY_BYTES, visit_suppression, v);
}

void visit_allows(struct txn *t, const struct person_key *who, struct visit *v)
{
	if (v->visitor->allow && !v->bad)
		txn_each(t, TABLE_ALLOWS, key_view(who), PERSON_KEY_BYTES, visit_allow, v);
}

void visit_subscriber(struct txn *t, const struct person_key *who, struct visit *v)
{
	struct subscriber s;
	if (v->visitor->corporate && !v->bad && subscriber_read(t, who, &s) && s.corporate)
		v->visitor->corporate(v->arg, s.seq);
}

void visit_person(struct txn *t, const struct person_key *who, struct visit *v)
{
	visit_suppressions(t, TABLE_SUPPRESSIONS, who, v);
	if (v->visitor->consent && !v->bad)
		txn_each(t, TABLE_CONSENTS, key_view(who), PERSON_KEY_BYTES, visit_consent, v);
}

int visit_end(struct txn **t, const struct visit *v, struct err *err)
{
	int rc = v->bad ? corrupt(err) : txn_check(*t, err);
	txn_end(t);
	return rc;
}

int ledger_visit(
    struct ledger *l, const struct person_key *who, const struct ledger_visitor *visitor, void *arg, struct err *err)
{
	struct visit v = {visitor, arg, false};
	struct txn *t = NULL;
	if (store_read(l->store, &t, err) < 0)
		return -1;
	visit_person(t, who, &v);
	visit_suppressions(t, TABLE_BLOCKS, who, &v);
	visit_allows(t, who, &v);
	visit_subscriber(t, who, &v);
	visit_caps(t, who, &v);
	return visit_end(&t, &v, err);
}

/* ---- whole rows ---- */

struct look {
	struct arena *arena;
	struct txn *txn;
	struct record *record;
	unsigned room; /* rows that the array holds */
	bool full, bad;
};

static bool count_row(void *arg, struct view key, struct view value)
{
	(void)key;
	(void)value;
	++*(unsigned *)arg;
	return true;
}

static unsigned count_rows(struct txn *t, enum table table, const struct person_key *who)
{
	unsigned n = 0;
	txn_each(t, table, key_view(who), PERSON_KEY_BYTES, count_row, &n);
	return n;
}

static bool add_suppression(void *arg, struct view key, struct view value)
{
	struct look *k = arg;
	struct suppression *row = &k->record->suppressions[k->record->suppression_count];
	if (!suppression_decode(key, value, row)) {
		k->bad = true;
		return false;
	}
	scope_name_read(k->txn, &row->scope);
	return ++k->record->suppression_count < k->room;
}

static bool add_consent(void *arg, struct view key, struct view value)
{
	struct look *k = arg;
	struct consent *row = &k->record->consents[k->record->consent_count];
	if (!consent_decode(key, value, row)) {
		k->bad = true;
		return false;
	}
	scope_name_read(k->txn, &row->purpose);
	return ++k->record->consent_count < k->room;
}

/* WHO may be a person's or a subject's key: never both. */
static void look_suppressions(struct look *k, const struct person_key *who)
{
	k->room = count_rows(k->txn, TABLE_SUPPRESSIONS, who) + count_rows(k->txn, TABLE_BLOCKS, who);
	k->record->suppressions = k->room ? arena_alloc(k->arena, k->room * sizeof(struct suppression)) : NULL;
	k->full |= k->room && !k->record->suppressions;
	if (!k->room || k->full)
		return;
	txn_each(k->txn, TABLE_SUPPRESSIONS, key_view(who), PERSON_KEY_BYTES, add_suppression, k);
	txn_each(k->txn, TABLE_BLOCKS, key_view(who), PERSON_KEY_BYTES, add_suppression, k);
}

static void look_consents(struct look *k, const struct person_key *who)
{
	k->room = count_rows(k->txn, TABLE_CONSENTS, who);
	k->record->consents = k->room ? arena_alloc(k->arena, k->room * sizeof(struct consent)) : NULL;
	k->full |= k->room && !k->record->consents;
	if (k->room && !k->full)
		txn_each(k->txn, TABLE_CONSENTS, key_view(who), PERSON_KEY_BYTES, add_consent, k);
}

int look_record(struct txn *t, const struct person_key *who, struct arena *arena, struct record *ret, struct err *err)
{
	struct look k = {.txn = t, .arena = arena, .record = ret};
	struct view value;
	*ret = (struct record){0};
	look_suppressions(&k, who);
	look_consents(&k, who);
	subscriber_read(t, who, &ret->subscriber);
	ret->known = txn_get(t, TABLE_PERSONS, key_view(who), &value);
	if (txn_check(t, err) < 0)
		return -1;
	if (k.bad)
		return corrupt(err);
	return k.full ? err_set(err, ERR_LIMIT, "ledger: the rows of this person don't fit %zu bytes", arena->max) : 0;
}

int ledger_look(
    struct ledger *l, const struct person_key *who, struct arena *arena, struct record *ret, struct err *err)
{
	struct txn *t = NULL;
	if (store_read(l->store, &t, err) < 0)
		return -1;
	int rc = look_record(t, who, arena, ret, err);
	txn_end(&t);
	return rc;
}

int name_read(const struct ledger *l, struct txn *t, const struct person_key *who, struct buf *ret)
{
	struct view value;
	if (!txn_get(t, TABLE_PERSONS, key_view(who), &value) && !txn_get(t, TABLE_BLOCK_NAMES, key_view(who), &value))
		return 0;
	return person_unseal(l, who, value, ret) ? 1 : -1;
}

int ledger_person(struct ledger *l, const struct person_key *who, struct buf *ret_address, struct err *err)
{
	struct txn *t = NULL;
	if (store_read(l->store, &t, err) < 0)
		return -1;
	int there = name_read(l, t, who, ret_address), rc = txn_check(t, err);
	if (rc == 0 && there == 0)
		rc = err_set(err, ERR_MISSING, "no person record");
	else if (rc == 0 && there < 0)
		rc = err_set(err, ERR_CORRUPT, "the person record does not open under person.key");
	txn_end(&t);
	return rc;
}

int ledger_stats(struct ledger *l, struct ledger_stats *ret, struct err *err)
{
	struct store_stats s;
	struct stat st;
	char path[PATH_MAX];
	if (store_stats(l->store, &s, err) < 0 || path_join(path, sizeof path, l->dir, "data.mdb", err) < 0)
		return -1;
	*ret = (struct ledger_stats){
	    .suppressions = s.rows[TABLE_SUPPRESSIONS],
	    .consents = s.rows[TABLE_CONSENTS],
	    .persons = s.rows[TABLE_PERSONS],
	    .journal_entries = s.rows[TABLE_JOURNAL],
	    .blocks = s.rows[TABLE_BLOCKS],
	    .allows = s.rows[TABLE_ALLOWS],
	    .wordings = s.rows[TABLE_WORDINGS],
	    .links = s.rows[TABLE_LINKS] / 2,
	    .used_bytes = s.used_bytes,
	    .map_bytes = s.map_bytes,
	    .file_bytes = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0,
	    .readers = s.readers,
	};
	return 0;
}
