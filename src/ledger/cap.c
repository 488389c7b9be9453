/* Wishes for fewer mails: one row for each person and scope that something was said of. A limit that was taken back leaves its row, which
 * remembers when. */
#include "ledger/cap.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/be.h"
#include "ledger_internal.h"

#define VALUE_MOST (1 + 1 + 4 + 4 + 8 + 8 + 8 + 2 * 256)
#define COPY_PAGE  256

/* ---- the stored form ---- */

static void encode(struct buf *out, enum channel channel, const struct cap *c)
{
	be_add(out, FORMAT_VERSION, 1);
	be_add(out, channel, 1);
	be_add(out, c->week, 4);
	be_add(out, c->month, 4);
	be_add(out, (uint64_t)c->event_ms, 8);
	be_add(out, (uint64_t)c->own_ms, 8);
	be_add(out, c->seq, 8);
	be_add_view(out, view_of(c->source), 1);
	be_add_view(out, view_of(c->actor), 1);
}

static bool decode(struct view value, enum channel *ret_channel, struct cap *ret)
{
	struct be_reader in = {.rest = value};
	bool known = be_take_u(&in, 1) == FORMAT_VERSION;
	*ret_channel = (enum channel)be_take_u(&in, 1);
	ret->week = (unsigned)be_take_u(&in, 4);
	ret->month = (unsigned)be_take_u(&in, 4);
	ret->event_ms = (int64_t)be_take_u(&in, 8);
	ret->own_ms = (int64_t)be_take_u(&in, 8);
	ret->seq = be_take_u(&in, 8);
	struct view source = be_take_view(&in, 1), actor = be_take_view(&in, 1);
	return known && !in.bad && in.rest.n == 0 && channel_word(*ret_channel) && ret->week <= CAP_MOST && ret->month <= CAP_MOST &&
	       view_str(source, ret->source, sizeof ret->source) && view_str(actor, ret->actor, sizeof ret->actor);
}

/* 1; 0: there is no row; -1: it can't be read. */
static int cap_read(struct txn *t, struct view key, struct cap *ret)
{
	struct view value;
	enum channel channel;
	*ret = (struct cap){0};
	if (!txn_get(t, TABLE_CAPS, key, &value))
		return 0;
	return decode(value, &channel, ret) ? 1 : -1;
}

static int corrupt(struct err *err)
{
	return err_set(err, ERR_CORRUPT, "ledger: a person's limit can't be read");
}

/* ---- words ---- */

void cap_evidence(unsigned week, unsigned month, char dst[CAP_EVIDENCE])
{
	snprintf(dst, CAP_EVIDENCE, "week=%u month=%u", week, month);
}

unsigned cap_lower(unsigned a, unsigned b)
{
	return a == 0 || (b && b < a) ? b : a;
}

static bool number_of(struct view evidence, struct view name, unsigned *ret)
{
	uint64_t n = 0;
	struct view text = evidence_value(evidence, name);
	bool good = text.n == 0 || view_u64(text, CAP_MOST, &n);
	*ret = (unsigned)n;
	return good;
}

static bool numbers_of(const struct change *c, struct cap *ret)
{
	return number_of(c->evidence, V("week"), &ret->week) && number_of(c->evidence, V("month"), &ret->month);
}

static bool is_own(const struct change *c)
{
	return view_eq(c->actor, V(ACTOR_RECIPIENT));
}

int cap_check(const struct change *c, struct err *err)
{
	struct cap asked;
	if (c->scope.level > SCOPE_BRAND)
		return err_set(err, ERR_REFUSED, "a person's limit is a brand's, or of all brands");
	if (c->kind == CHANGE_UNCAP)
		return is_own(c) ? 0 : err_set(err, ERR_REFUSED, "only the person can take their own limit back");
	if (!numbers_of(c, &asked) || (!asked.week && !asked.month))
		return err_set(err, ERR_SYNTAX, "a person's limit: expected week= or month= with a number from 1 to %d", CAP_MOST);
	return 0;
}

/* ---- merging ---- */

/* False: it stays as it is. The person's own latest word counts; others only lower what it has left. */
static bool merge(struct cap *row, const struct change *c, int64_t event_ms)
{
	struct cap asked = {0};
	const struct cap was = *row;
	if (event_ms <= row->own_ms)
		return false;
	if (c->kind == CHANGE_CAP)
		ALWAYS(numbers_of(c, &asked)); /* cap_check has seen to it */
	if (is_own(c)) {
		row->week = asked.week;
		row->month = asked.month;
		row->own_ms = event_ms;
	} else {
		row->week = cap_lower(row->week, asked.week);
		row->month = cap_lower(row->month, asked.month);
	}
	return row->week != was.week || row->month != was.month || row->own_ms != was.own_ms;
}

static void cap_put(struct apply *a, struct view key, enum channel channel, const struct cap *row)
{
	struct buf b;
	buf_init(&b, VALUE_MOST);
	encode(&b, channel, row);
	apply_put(a, TABLE_CAPS, key, &b);
	buf_free(&b);
}

int apply_cap(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	uint8_t key_bytes[CONSENT_KEY];
	struct cap row;
	struct view key = view_n(key_bytes, sizeof key_bytes);
	consent_key(key_bytes, &c->who, &c->scope);
	if (cap_read(a->txn, key, &row) < 0)
		return corrupt(err);
	ret->seq = row.seq;
	/* Their word now is their latest, whatever the clock says. */
	int64_t event_ms = is_own(c) && !c->event_ms && a->event_ms <= row.own_ms ? row.own_ms + 1 : a->event_ms;
	if (!merge(&row, c, event_ms)) {
		apply_person_entered(a, c);
		return 0;
	}
	row.event_ms = event_ms;
	ALWAYS(view_str(c->source, row.source, sizeof row.source) && view_str(c->actor, row.actor, sizeof row.actor));
	ret->changed = true;
	ret->seq = row.seq = apply_enter(a, c, event_ms, false);
	cap_put(a, key, c->channel, &row);
	kinds_add(a->txn, KIND_CAP);
	apply_person(a, c);
	return 0;
}

void cap_bare(struct apply *a, struct view key)
{
	struct view value;
	struct cap row;
	enum channel channel;
	if (!txn_get(a->txn, TABLE_CAPS, key, &value) || !decode(value, &channel, &row))
		return; /* what can't be read stays as strict as it is */
	row.source[0] = row.actor[0] = '\0';
	cap_put(a, key, channel, &row);
}

/* ---- reading ---- */

int ledger_cap(struct ledger *l, const struct person_key *who, const struct scope *scope, struct cap *ret, struct err *err)
{
	uint8_t key[CONSENT_KEY];
	struct txn *t = NULL;
	if (store_read(l->store, &t, err) < 0)
		return -1;
	consent_key(key, who, scope);
	int there = cap_read(t, view_n(key, sizeof key), ret), rc = txn_check(t, err);
	txn_end(&t);
	return rc < 0 ? -1 : there < 0 ? corrupt(err) : 0;
}

static bool visit_cap(void *arg, struct view key, struct view value)
{
	struct visit *v = arg;
	struct cap c;
	enum channel channel;
	struct cap_row row = {0};
	v->bad |= key.n != CONSENT_KEY || !decode(value, &channel, &c);
	if (v->bad)
		return false;
	row.level = (enum scope_level)key.p[PERSON_KEY_BYTES];
	memcpy(row.scope_id, key.p + PERSON_KEY_BYTES + 1, SCOPE_ID_BYTES);
	row.week = c.week;
	row.month = c.month;
	row.seq = c.seq;
	if (c.week || c.month)
		v->visitor->cap(v->arg, &row);
	return true;
}

void visit_caps(struct txn *t, const struct person_key *who, struct visit *v)
{
	if (v->visitor->cap && !v->bad)
		txn_each(t, TABLE_CAPS, view_n(who->b, PERSON_KEY_BYTES), PERSON_KEY_BYTES, visit_cap, v);
}

/* ---- from a copy ---- */

struct cap_page {
	struct ledger *from;
	struct txn *txn;
	struct change changes[COPY_PAGE];
	char evidence[COPY_PAGE][CAP_EVIDENCE];
	unsigned count, at;
	char next[CONSENT_KEY + 1];
	size_t next_n;
	bool bad, ended;
	struct err err;
};

static bool page_add(void *arg, struct view key, struct view value)
{
	struct cap_page *p = arg;
	struct cap row;
	struct change *c = &p->changes[p->count];
	*c = (struct change){.kind = CHANGE_CAP};
	p->bad |= key.n != CONSENT_KEY || !decode(value, &c->channel, &row);
	if (p->bad)
		return false;
	memcpy(p->next, key.p, key.n);
	p->next[key.n] = 0;
	p->next_n = key.n + 1;
	if (!row.week && !row.month)
		return true; /* taken back */
	memcpy(c->who.b, key.p, PERSON_KEY_BYTES);
	c->scope.level = (enum scope_level)key.p[PERSON_KEY_BYTES];
	memcpy(c->scope.id, key.p + PERSON_KEY_BYTES + 1, SCOPE_ID_BYTES);
	scope_name_read(p->txn, &c->scope);
	cap_evidence(row.week, row.month, p->evidence[p->count]);
	c->evidence = view_of(p->evidence[p->count]);
	c->event_ms = row.event_ms;
	return ++p->count < COPY_PAGE;
}

static void page_turn(struct cap_page *p)
{
	p->count = p->at = 0;
	if (store_read(p->from->store, &p->txn, &p->err) < 0) {
		p->bad = true;
		return;
	}
	txn_each(p->txn, TABLE_CAPS, view_n(p->next, p->next_n), 0, page_add, p);
	if (p->bad)
		(void)corrupt(&p->err);
	else
		p->bad = txn_check(p->txn, &p->err) < 0;
	p->ended = p->count < COPY_PAGE;
	txn_end(&p->txn);
}

static bool page_next(void *arg, struct change *ret)
{
	struct cap_page *p = arg;
	if (p->at == p->count && !p->ended && !p->bad)
		page_turn(p);
	if (p->at == p->count || p->bad)
		return false;
	*ret = p->changes[p->at++];
	return true;
}

int caps_copy(struct ledger *into, struct ledger *from, struct view source, struct view actor, uint64_t *ret_changed, struct err *err)
{
	struct cap_page *p = mem_zero(sizeof *p);
	p->from = from;
	p->next_n = 1; /* no key is empty: one zero stands before all */
	int rc = ledger_load(into, page_next, p, source, actor, ret_changed, err);
	if (rc == 0 && p->bad) {
		if (err)
			*err = p->err;
		rc = -1;
	}
	free(p);
	return rc;
}
