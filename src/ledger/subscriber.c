/* Companies' addresses: one row for each that something was said of. */
#include "base/be.h"
#include "ledger/person.h"
#include "ledger_internal.h"

#define VALUE_MOST (1 + 1 + 8 + 8 + 2 * 256)

static void encode(struct buf *out, const struct subscriber *s)
{
	be_add(out, FORMAT_VERSION, 1);
	be_add(out, s->corporate, 1);
	be_add(out, (uint64_t)s->event_ms, 8);
	be_add(out, s->seq, 8);
	be_add_view(out, view_of(s->source), 1);
	be_add_view(out, view_of(s->actor), 1);
}

static bool decode(struct view value, struct subscriber *ret)
{
	struct be_reader in = {.rest = value};
	bool known = be_take_u(&in, 1) == FORMAT_VERSION;
	uint64_t corporate = be_take_u(&in, 1);
	ret->corporate = corporate == 1;
	ret->event_ms = (int64_t)be_take_u(&in, 8);
	ret->seq = be_take_u(&in, 8);
	struct view source = be_take_view(&in, 1), actor = be_take_view(&in, 1);
	return known && !in.bad && in.rest.n == 0 && corporate <= 1 && view_str(source, ret->source, sizeof ret->source) &&
	       view_str(actor, ret->actor, sizeof ret->actor);
}

/* What can't be read is an individual's: the stricter side. */
bool subscriber_read(struct txn *t, const struct person_key *who, struct subscriber *ret)
{
	struct view value;
	*ret = (struct subscriber){0};
	if (!txn_get(t, TABLE_SUBSCRIBERS, view_n(who->b, PERSON_KEY_BYTES), &value))
		return false;
	bool good = decode(value, ret);
	if (!good)
		*ret = (struct subscriber){0};
	return good;
}

int apply_subscriber(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	struct subscriber old, s = {.corporate = c->kind == CHANGE_CORPORATE, .event_ms = a->event_ms};
	(void)err;
	bool there = subscriber_read(a->txn, &c->who, &old);
	bool newer = s.event_ms > old.event_ms || (s.event_ms == old.event_ms && !s.corporate);
	ret->seq = old.seq;
	if (there && (!newer || (old.corporate == s.corporate && old.event_ms == s.event_ms))) {
		apply_person_entered(a, c);
		return 0;
	}
	ALWAYS(view_str(c->source, s.source, sizeof s.source) && view_str(c->actor, s.actor, sizeof s.actor));
	ret->changed = true;
	ret->seq = s.seq = apply_enter(a, c, a->event_ms, false);
	struct buf b;
	buf_init(&b, VALUE_MOST);
	encode(&b, &s);
	apply_put(a, TABLE_SUBSCRIBERS, view_n(c->who.b, PERSON_KEY_BYTES), &b);
	buf_free(&b);
	kinds_add(a->txn, KIND_SUBSCRIBER);
	apply_person(a, c);
	return 0;
}

int ledger_subscriber(struct ledger *l, const struct person_key *who, struct subscriber *ret, struct err *err)
{
	struct txn *t = NULL;
	if (store_read(l->store, &t, err) < 0)
		return -1;
	subscriber_read(t, who, ret);
	int rc = txn_check(t, err);
	txn_end(&t);
	return rc;
}
