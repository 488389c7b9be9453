/* Families: under the key of the plain form, the keys of the other forms that were ever named. An index, no statement of its own: what it
 * leads to are the members' rows. */
#include "ledger_internal.h"

#include <stdlib.h>

#include "ledger/blocks.h"
#include "mail/fold.h"

#define FAMILY_BYTE 40 /* in the place of a channel, where keys are made; never stored */
#define SET_ROWS    512

void family_keys(const struct ledger *l, struct view address, struct person_key *ret_plain, struct person_key *ret_family)
{
	char text[ADDRESS_MAX + 1];
	struct view plain = address_fold(address, text) ? view_of(text) : address;
	ledger_person_key(l, CHANNEL_EMAIL, plain, ret_plain);
	ledger_person_key(l, (enum channel)FAMILY_BYTE, plain, ret_family);
}

static bool member_key(const struct ledger *l, const struct person_key *who, struct view address, uint8_t dst[FAMILY_KEY])
{
	char text[ADDRESS_MAX + 1];
	struct person_key family;
	if (!address_fold(address, text))
		return false;
	ledger_person_key(l, (enum channel)FAMILY_BYTE, view_of(text), &family);
	memcpy(dst, family.b, PERSON_KEY_BYTES);
	memcpy(dst + PERSON_KEY_BYTES, who->b, PERSON_KEY_BYTES);
	return true;
}

static void member_put(struct txn *t, const void *key_bytes)
{
	uint8_t version = FORMAT_VERSION;
	struct view old, key = view_n(key_bytes, FAMILY_KEY);
	if (txn_get(t, TABLE_FAMILIES, key, &old))
		return;
	txn_put(t, TABLE_FAMILIES, key, view_n(&version, 1));
	kinds_add(t, KIND_FAMILY);
}

void family_keep(const struct ledger *l, struct txn *t, const struct person_key *who, struct view address)
{
	uint8_t key[FAMILY_KEY];
	if (member_key(l, who, address, key))
		member_put(t, key);
}

/* 1: it is, or is nothing to know; 0: it is not. */
static int is_known(struct ledger *l, const struct person_key *who, struct view address, struct err *err)
{
	struct txn *t = NULL;
	struct view value;
	uint8_t key[FAMILY_KEY];
	if (!member_key(l, who, address, key))
		return 1;
	if (store_read(l->store, &t, err) < 0)
		return -1;
	bool known = txn_get(t, TABLE_FAMILIES, view_n(key, sizeof key), &value);
	int rc = txn_check(t, err);
	txn_end(&t);
	return rc < 0 ? -1 : known;
}

int ledger_know_family(struct ledger *l, const struct person_key *who, struct view address, struct err *err)
{
	const struct change c = {.kind = CHANGE_FAMILY, .channel = CHANNEL_EMAIL, .who = *who, .address = address};
	struct change_result r;
	int known = is_known(l, who, address, err);
	return known ? (known < 0 ? -1 : 0) : ledger_change(l, &c, &r, err);
}

void ledger_submit_family(struct ledger *l, const struct person_key *who, struct view address, ledger_done *done, void *arg)
{
	const struct change c = {.kind = CHANGE_FAMILY, .channel = CHANNEL_EMAIL, .who = *who, .address = address};
	if (is_known(l, who, address, NULL) != 1)
		ledger_submit(l, &c, 1, done, arg);
}

/* ---- many at once: sets of keys, each read in one transaction and written in another ---- */

struct set {
	const struct ledger *from;
	struct buf keys;
	char next[FAMILY_KEY + 1]; /* where the next set begins */
	size_t next_n;
	unsigned seen;
};

static bool set_seen(struct set *s, struct view key)
{
	memcpy(s->next, key.p, key.n);
	s->next[key.n] = 0;
	s->next_n = key.n + 1;
	return ++s->seen < SET_ROWS;
}

static bool take_member(void *arg, struct view key, struct view value)
{
	struct set *s = arg;
	(void)value;
	if (key.n != FAMILY_KEY)
		return false;
	buf_add(&s->keys, key);
	return set_seen(s, key);
}

/* A record that doesn't open is passed over: nobody's family is known by it. */
static bool take_person(void *arg, struct view key, struct view value)
{
	struct set *s = arg;
	struct person_key who;
	struct buf address;
	uint8_t member[FAMILY_KEY];
	if (key.n != PERSON_KEY_BYTES)
		return false;
	memcpy(who.b, key.p, PERSON_KEY_BYTES);
	buf_init(&address, 1024);
	bool email = value.n > 1 && value.p[1] == CHANNEL_EMAIL && person_unseal(s->from, &who, value, &address);
	if (email && member_key(s->from, &who, buf_view(&address), member))
		buf_add(&s->keys, view_n(member, sizeof member));
	buf_free(&address);
	return set_seen(s, key);
}

static int set_read(struct ledger *from, enum table table, store_row *take, struct set *s, struct err *err)
{
	struct txn *t = NULL;
	buf_clear(&s->keys);
	s->seen = 0;
	if (store_read(from->store, &t, err) < 0)
		return -1;
	txn_each(t, table, view_n(s->next, s->next_n), 0, take, s);
	int rc = txn_check(t, err);
	txn_end(&t);
	return rc;
}

static int set_write(struct ledger *into, const struct set *s, struct err *err)
{
	bool again = false;
	int rc;
	do {
		struct txn *t = NULL;
		if (store_write(into->store, &t, err) < 0)
			return -1;
		for (size_t at = 0; at < s->keys.n; at += FAMILY_KEY)
			member_put(t, s->keys.p + at);
		rc = txn_commit(&t, &again, err);
	} while (rc < 0 && again);
	return rc;
}

static int add_members(struct ledger *into, struct ledger *from, enum table table, store_row *take, uint64_t *ret_count, struct err *err)
{
	struct set s = {.from = from, .next_n = 1};
	int rc;
	buf_init(&s.keys, SET_ROWS * FAMILY_KEY);
	do {
		rc = set_read(from, table, take, &s, err);
		if (rc == 0 && s.keys.n)
			rc = set_write(into, &s, err);
		*ret_count += s.keys.n / FAMILY_KEY;
	} while (rc == 0 && s.seen == SET_ROWS);
	buf_free(&s.keys);
	return rc;
}

int families_copy(struct ledger *into, struct ledger *from, struct err *err)
{
	uint64_t count = 0;
	return add_members(into, from, TABLE_FAMILIES, take_member, &count, err);
}

int ledger_families(struct ledger *l, uint64_t *ret_count, struct err *err)
{
	*ret_count = 0;
	if (l->read_only)
		return err_set(err, ERR_REFUSED, "the ledger is open for reading only");
	return add_members(l, l, TABLE_PERSONS, take_person, ret_count, err);
}
