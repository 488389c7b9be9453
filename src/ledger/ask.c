/* Every row that may speak of an address.
 *
 *   person key ─▶ suppressions, consents, allows
 *   address ─▶ its domain, the domains above, its digests ─▶ blocks; of the domains also allows
 *           └▶ the plain form and its family's other members ─▶ suppressions
 *
 * A kind of row that was never written is not looked for, so that an empty table costs nothing, and a digest is made only for digests. */
#include "ledger_internal.h"

#include "ledger/blocks.h"
#include "mail/address.h"

/* One key under which rows may stand, and what it is the key of. */
typedef void each_name(void *arg, enum channel c, const struct person_key *who);

struct asking {
	struct ledger *ledger;
	struct txn *txn;
	const struct asked *asked;
	unsigned kinds;
	struct view address;
	each_name *each;
	void *arg;
};

static bool same_key(const struct person_key *a, const struct person_key *b)
{
	return memcmp(a->b, b->b, PERSON_KEY_BYTES) == 0;
}

static void name_domain(const struct asking *k, enum channel c, struct view domain)
{
	struct person_key who;
	if (!(k->kinds & (KIND_OF(c) | KIND_ALLOW)))
		return;
	ledger_person_key(k->ledger, c, domain, &who);
	k->each(k->arg, c, &who);
}

static void name_domains(const struct asking *k)
{
	struct view rest = k->address, label;
	while (view_find(rest, 0, '@') < rest.n)
		view_cut(&rest, '@', &label);
	name_domain(k, CHANNEL_DOMAIN, rest);
	while (view_cut(&rest, '.', &label) && rest.n)
		name_domain(k, CHANNEL_BELOW, rest);
}

static void name_digests(const struct asking *k)
{
	struct person_key who;
	for (enum channel c = CHANNEL_MD5; c <= CHANNEL_SHA512; c++) {
		if (!(k->kinds & KIND_OF(c)))
			continue;
		block_digest_key(k->ledger, c, k->address, &who);
		k->each(k->arg, c, &who);
	}
}

static bool name_member(void *arg, struct view key, struct view value)
{
	const struct asking *k = arg;
	struct person_key who;
	(void)value;
	if (key.n != FAMILY_KEY)
		return true;
	memcpy(who.b, key.p + PERSON_KEY_BYTES, PERSON_KEY_BYTES);
	if (!same_key(&who, &k->asked->who))
		k->each(k->arg, CHANNEL_EMAIL, &who);
	return true;
}

static void name_family(struct asking *k)
{
	struct person_key plain, family;
	family_keys(k->ledger, k->address, &plain, &family);
	if (!same_key(&plain, &k->asked->who))
		k->each(k->arg, CHANNEL_EMAIL, &plain);
	if (k->kinds & KIND_FAMILY)
		txn_each(k->txn, TABLE_FAMILIES, view_n(family.b, PERSON_KEY_BYTES), PERSON_KEY_BYTES, name_member, k);
}

/* All keys but the person's own. */
static void names_each(struct asking *k)
{
	char text[ADDRESS_MAX + 1];
	struct buf record;
	k->address = k->asked->address;
	if (!k->address.n && (k->kinds || k->asked->family)) {
		buf_init(&record, sizeof text - 1);
		if (name_read(k->ledger, k->txn, &k->asked->who, &record) == 1 && view_str(buf_view(&record), text, sizeof text))
			k->address = view_of(text);
		buf_free(&record);
	}
	if (view_find(k->address, 0, '@') == k->address.n)
		return;
	name_domains(k);
	name_digests(k);
	if (k->asked->family)
		name_family(k);
}

/* ---- the hot path ---- */

struct ask {
	struct txn *txn;
	unsigned kinds;
	struct visit visit;
};

static void ask_name(void *arg, enum channel c, const struct person_key *who)
{
	struct ask *a = arg;
	if (!channel_is_block(c) || a->kinds & KIND_OF(c))
		visit_suppressions(a->txn, rows_table(c), who, &a->visit);
	if (c == CHANNEL_DOMAIN || c == CHANNEL_BELOW)
		if (a->kinds & KIND_ALLOW)
			visit_allows(a->txn, who, &a->visit);
}

int ledger_ask(struct ledger *l, const struct asked *who, const struct ledger_visitor *visitor, void *arg, struct err *err)
{
	struct ask a = {.visit = {visitor, arg, false}};
	if (store_read(l->store, &a.txn, err) < 0)
		return -1;
	visit_person(a.txn, &who->who, &a.visit);
	a.kinds = kinds_of(l, a.txn);
	if (a.kinds & KIND_ALLOW)
		visit_allows(a.txn, &who->who, &a.visit);
	if (a.kinds & KIND_CAP)
		visit_caps(a.txn, &who->who, &a.visit);
	if (a.kinds & KIND_SUBSCRIBER)
		visit_subscriber(a.txn, &who->who, &a.visit);
	a.kinds &= KINDS_OF_NAMES;
	struct asking k = {.ledger = l, .txn = a.txn, .asked = who, .kinds = a.kinds, .each = ask_name, .arg = &a};
	if (a.kinds || who->family)
		names_each(&k);
	return visit_end(&a.txn, &a.visit, err);
}

/* ---- keys alone ---- */

struct naming {
	void (*each)(void *arg, const struct person_key *key);
	void *arg;
};

static void hand_on(void *arg, enum channel c, const struct person_key *who)
{
	const struct naming *n = arg;
	(void)c;
	n->each(n->arg, who);
}

int ledger_ask_names(struct ledger *l, const struct asked *who, void (*each)(void *arg, const struct person_key *key), void *arg, struct err *err)
{
	struct naming n = {each, arg};
	struct txn *t = NULL;
	if (store_read(l->store, &t, err) < 0)
		return -1;
	struct asking k = {.ledger = l, .txn = t, .asked = who, .kinds = kinds_of(l, t), .each = hand_on, .arg = &n};
	each(arg, &who->who);
	names_each(&k);
	int rc = txn_check(t, err);
	txn_end(&t);
	return rc;
}

/* ---- in full: counted, then read ---- */

struct look {
	const struct ledger *ledger;
	struct txn *txn;
	struct arena *arena;
	struct about *about;
	const struct person_key *who; /* of the rows at hand */
	unsigned suppressions, allows; /* that there are */
	bool full, bad;
};

static bool count_suppression(void *arg, struct view key, struct view value)
{
	struct look *k = arg;
	(void)key;
	(void)value;
	k->suppressions++;
	return true;
}

static bool count_allow(void *arg, struct view key, struct view value)
{
	struct look *k = arg;
	(void)key;
	(void)value;
	k->allows++;
	return true;
}

static void look_rows(struct look *k, enum channel c, const struct person_key *who, store_row *suppression, store_row *allow)
{
	struct view key = view_n(who->b, PERSON_KEY_BYTES);
	k->who = who;
	txn_each(k->txn, rows_table(c), key, PERSON_KEY_BYTES, suppression, k);
	if (channel_is_block(c))
		txn_each(k->txn, TABLE_ALLOWS, key, PERSON_KEY_BYTES, allow, k);
}

static void count_name(void *arg, enum channel c, const struct person_key *who)
{
	look_rows(arg, c, who, count_suppression, count_allow);
}

static struct view name_of(struct look *k)
{
	struct buf name;
	struct view kept = {0};
	buf_init(&name, BLOCK_TEXT);
	if (name_read(k->ledger, k->txn, k->who, &name) == 1) {
		kept = arena_view(k->arena, buf_view(&name));
		k->full |= !kept.p;
	}
	buf_free(&name);
	return kept;
}

static bool add_suppression(void *arg, struct view key, struct view value)
{
	struct look *k = arg;
	unsigned at = k->about->suppression_count;
	k->bad |= !suppression_decode(key, value, &k->about->suppressions[at]);
	if (k->bad)
		return false;
	scope_name_read(k->txn, &k->about->suppressions[at].scope);
	k->about->subjects[at] = name_of(k);
	return ++k->about->suppression_count < k->suppressions;
}

static bool add_allow(void *arg, struct view key, struct view value)
{
	struct look *k = arg;
	struct suppression *row = &k->about->allows[k->about->allow_count];
	k->bad |= !allow_decode(key, value, row);
	if (k->bad)
		return false;
	scope_name_read(k->txn, &row->scope);
	return ++k->about->allow_count < k->allows;
}

static void add_name(void *arg, enum channel c, const struct person_key *who)
{
	struct look *k = arg;
	if (!k->bad)
		look_rows(k, c, who, add_suppression, add_allow);
}

static bool make_room(struct look *k)
{
	struct about *a = k->about;
	a->suppressions = arena_alloc(k->arena, (k->suppressions + 1) * sizeof *a->suppressions);
	a->subjects = arena_zero(k->arena, (k->suppressions + 1) * sizeof *a->subjects);
	a->allows = arena_alloc(k->arena, (k->allows + 1) * sizeof *a->allows);
	return a->suppressions && a->subjects && a->allows;
}

static int look_about(struct look *k, struct asking *asking, struct err *err)
{
	const struct person_key *own = &asking->asked->who;
	struct view key = view_n(own->b, PERSON_KEY_BYTES);
	if (look_record(k->txn, own, k->arena, &k->about->own, err) < 0)
		return -1;
	txn_each(k->txn, TABLE_ALLOWS, key, PERSON_KEY_BYTES, count_allow, k);
	names_each(asking);
	k->full = !make_room(k);
	asking->each = add_name;
	if (!k->full) {
		txn_each(k->txn, TABLE_ALLOWS, key, PERSON_KEY_BYTES, add_allow, k);
		names_each(asking);
	}
	if (txn_check(k->txn, err) < 0)
		return -1;
	if (k->bad)
		return err_set(err, ERR_CORRUPT, "ledger: a row can't be read");
	return k->full ? err_set(err, ERR_LIMIT, "ledger: the rows about this address don't fit %zu bytes", k->arena->max) : 0;
}

int ledger_look_about(struct ledger *l, const struct asked *who, struct arena *arena, struct about *ret, struct err *err)
{
	struct look k = {.ledger = l, .arena = arena, .about = ret};
	*ret = (struct about){0};
	if (store_read(l->store, &k.txn, err) < 0)
		return -1;
	struct asking asking = {.ledger = l, .txn = k.txn, .asked = who, .kinds = kinds_of(l, k.txn), .each = count_name, .arg = &k};
	int rc = look_about(&k, &asking, err);
	txn_end(&k.txn);
	return rc;
}
