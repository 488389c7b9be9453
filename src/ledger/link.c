/* Addresses that are one person's. A link is two rows, one under each key, so that either side finds the other. */
#include "base/be.h"
#include "ledger/person.h"
#include "ledger_internal.h"

#include <stdio.h>

#define LINK_KEY      (2 * PERSON_KEY_BYTES)
#define VALUE_MOST    (1 + 1 + 8 + 8 + 2 * 256)
#define OBJECTIONS_MOST 1024 /* scopes in which one person has objected */

static void link_key(uint8_t dst[LINK_KEY], const struct person_key *a, const struct person_key *b)
{
	memcpy(dst, a->b, PERSON_KEY_BYTES);
	memcpy(dst + PERSON_KEY_BYTES, b->b, PERSON_KEY_BYTES);
}

/* ---- who is who ---- */

struct people {
	struct linked at[LINKED_MOST + 1]; /* the first is the one that was asked for */
	unsigned count;
	bool too_many, bad;
};

static bool is_among(const struct people *p, const struct person_key *who)
{
	for (unsigned i = 0; i < p->count; i++)
		if (memcmp(p->at[i].who.b, who->b, PERSON_KEY_BYTES) == 0)
			return true;
	return false;
}

static bool add_linked(void *arg, struct view key, struct view value)
{
	struct people *p = arg;
	struct be_reader in = {.rest = value};
	struct linked other;
	bool known = be_take_u(&in, 1) == FORMAT_VERSION;
	other.channel = (enum channel)be_take_u(&in, 1);
	p->bad |= key.n != LINK_KEY || !known || in.bad || !channel_word(other.channel);
	if (p->bad)
		return false;
	memcpy(other.who.b, key.p + PERSON_KEY_BYTES, PERSON_KEY_BYTES);
	if (is_among(p, &other.who))
		return true;
	p->too_many = p->count > LINKED_MOST;
	if (!p->too_many)
		p->at[p->count++] = other;
	return !p->too_many;
}

static void people_of(struct txn *t, enum channel c, const struct person_key *who, struct people *ret)
{
	*ret = (struct people){.at = {{c, *who}}, .count = 1};
	for (unsigned i = 0; i < ret->count && !ret->too_many && !ret->bad; i++) {
		const struct person_key from = ret->at[i].who;
		txn_each(t, TABLE_LINKS, view_n(from.b, PERSON_KEY_BYTES), PERSON_KEY_BYTES, add_linked, ret);
	}
}

/* ---- what is said of one is said of all ---- */

static int say_to(struct apply *a, const struct change *c, const struct linked *who, uint64_t seq, struct err *err)
{
	char note[NOTE_MAX + 1];
	struct change_result r;
	struct change also = *c;
	snprintf(note, sizeof note, "said by another address of the same person (entry %llu)", (unsigned long long)seq);
	also.kind = CHANGE_SUPPRESS;
	also.channel = who->channel;
	also.who = who->who;
	also.address = V("");
	also.note = view_of(note);
	r = (struct change_result){0};
	return suppress_one(a, &also, &r, err);
}

int links_spread(struct apply *a, const struct change *c, uint64_t seq, struct err *err)
{
	struct people people;
	if (c->reason != REASON_OBJECTION || channel_is_block(c->channel) || !(kinds_read(a->txn) & KIND_LINK))
		return 0;
	people_of(a->txn, c->channel, &c->who, &people);
	if (people.bad)
		return err_set(err, ERR_CORRUPT, "ledger: a link can't be read; an objection would not reach everybody");
	for (unsigned i = 1; i < people.count; i++)
		if (say_to(a, c, &people.at[i], seq, err) < 0)
			return -1;
	return 0;
}

static bool keep_objection(void *arg, struct view key, struct view value)
{
	struct suppression s;
	if (suppression_decode(key, value, &s) && s.reason == REASON_OBJECTION)
		buf_add(arg, key);
	return true;
}

/* WHO's objections, to all others of PEOPLE. */
static int share_objections(struct apply *a, const struct change *c, const struct people *people, unsigned who, struct err *err)
{
	struct buf keys;
	int rc = 0;
	buf_init(&keys, OBJECTIONS_MOST * SUPPRESSION_KEY);
	txn_each(a->txn, TABLE_SUPPRESSIONS, view_n(people->at[who].who.b, PERSON_KEY_BYTES), PERSON_KEY_BYTES, keep_objection, &keys);
	if (keys.failed)
		rc = err_set(err, ERR_LIMIT, "more than %d objections of one person", OBJECTIONS_MOST);
	for (size_t at = 0; rc == 0 && at < keys.n; at += SUPPRESSION_KEY) {
		struct suppression s;
		struct view value, key = view_n(keys.p + at, SUPPRESSION_KEY);
		if (!txn_get(a->txn, TABLE_SUPPRESSIONS, key, &value) || !suppression_decode(key, value, &s))
			continue;
		struct change objection = {.reason = REASON_OBJECTION, .scope = s.scope, .expires_ms = s.expires_ms, .source = c->source, .actor = c->actor};
		scope_name_read(a->txn, &objection.scope);
		int64_t link_ms = a->event_ms;
		a->event_ms = s.event_ms;
		for (unsigned i = 0; rc == 0 && i < people->count; i++)
			if (i != who)
				rc = say_to(a, &objection, &people->at[i], s.seq, err);
		a->event_ms = link_ms;
	}
	buf_free(&keys);
	return rc;
}

/* ---- the changes ---- */

int link_check(const struct change *c, struct err *err)
{
	if (!channel_word(c->other_channel) || channel_is_block(c->other_channel))
		return err_set(err, ERR_SYNTAX, "%s: the other address has no channel", change_word(c->kind));
	if (memcmp(c->who.b, c->other.b, PERSON_KEY_BYTES) == 0)
		return err_set(err, ERR_REFUSED, "%s: the two are one address", change_word(c->kind));
	if (view_trim(c->actor).n == 0)
		return err_set(err, ERR_REFUSED, "%s: needs a named actor", change_word(c->kind));
	return 0;
}

static void row_put(struct apply *a, const struct change *c, const struct person_key *from, const struct linked *to, uint64_t seq)
{
	uint8_t key[LINK_KEY];
	struct buf b;
	link_key(key, from, &to->who);
	buf_init(&b, VALUE_MOST);
	be_add(&b, FORMAT_VERSION, 1);
	be_add(&b, to->channel, 1);
	be_add(&b, (uint64_t)a->event_ms, 8);
	be_add(&b, seq, 8);
	be_add_view(&b, c->source, 1);
	be_add_view(&b, c->actor, 1);
	apply_put(a, TABLE_LINKS, view_n(key, sizeof key), &b);
	buf_free(&b);
}

/* The entry is about the first address; the other's key is said in its evidence. */
static uint64_t enter(struct apply *a, const struct change *c)
{
	char text[NOTE_MAX + 1];
	struct change entry = *c;
	size_t n = (size_t)snprintf(text, sizeof text, "channel=%s other=", channel_word(c->other_channel));
	for (size_t i = 0; i < PERSON_KEY_BYTES; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%02x", c->other.b[i]);
	entry.evidence = view_n(text, n);
	return apply_enter(a, &entry, a->event_ms, false);
}

static bool link_stands(struct apply *a, const struct change *c, uint64_t *ret_seq)
{
	uint8_t key[LINK_KEY];
	struct view value;
	link_key(key, &c->who, &c->other);
	if (!txn_get(a->txn, TABLE_LINKS, view_n(key, sizeof key), &value))
		return false;
	*ret_seq = value.n >= 18 ? be_get(value.p + 10, 8) : 0;
	return true;
}

static int check_size(struct apply *a, const struct change *c, struct err *err)
{
	struct people one, other;
	people_of(a->txn, c->channel, &c->who, &one);
	people_of(a->txn, c->other_channel, &c->other, &other);
	if (one.bad || other.bad)
		return err_set(err, ERR_CORRUPT, "ledger: a link can't be read");
	return one.count + other.count <= LINKED_MOST ? 0 : err_set(err, ERR_LIMIT, "more than %d addresses of one person", LINKED_MOST);
}

int apply_link(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	const struct linked who = {c->channel, c->who}, other = {c->other_channel, c->other};
	struct change second = *c;
	struct people people;
	if (link_stands(a, c, &ret->seq))
		return 0;
	if (check_size(a, c, err) < 0)
		return -1;
	ret->changed = true;
	ret->seq = enter(a, c);
	row_put(a, c, &who.who, &other, ret->seq);
	row_put(a, c, &other.who, &who, ret->seq);
	kinds_add(a->txn, KIND_LINK);
	second.channel = c->other_channel;
	second.who = c->other;
	second.address = c->other_address;
	apply_person(a, c);
	apply_person(a, &second);
	if (second.channel == CHANNEL_EMAIL && second.address.n)
		family_keep(a->ledger, a->txn, &second.who, second.address);
	people_of(a->txn, c->channel, &c->who, &people);
	for (unsigned i = 0; i < people.count; i++)
		if (share_objections(a, c, &people, i, err) < 0)
			return -1;
	return 0;
}

static void rows_delete(struct txn *t, const struct person_key *a, const struct person_key *b)
{
	uint8_t key[LINK_KEY];
	link_key(key, a, b);
	txn_delete(t, TABLE_LINKS, view_n(key, sizeof key));
	link_key(key, b, a);
	txn_delete(t, TABLE_LINKS, view_n(key, sizeof key));
}

int apply_unlink(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	(void)err;
	if (!link_stands(a, c, &ret->seq))
		return 0;
	ret->changed = true;
	ret->seq = enter(a, c);
	rows_delete(a->txn, &c->who, &c->other);
	return 0;
}

void links_drop(struct apply *a, const struct person_key *who)
{
	struct people near;
	do {
		near = (struct people){.at = {{CHANNEL_EMAIL, *who}}, .count = 1};
		txn_each(a->txn, TABLE_LINKS, view_n(who->b, PERSON_KEY_BYTES), PERSON_KEY_BYTES, add_linked, &near);
		for (unsigned i = 1; i < near.count; i++)
			rows_delete(a->txn, who, &near.at[i].who);
	} while (near.too_many);
}

int ledger_linked(struct ledger *l, const struct person_key *who, struct linked ret[LINKED_MOST], unsigned *ret_count, struct err *err)
{
	struct people people;
	struct txn *t = NULL;
	if (store_read(l->store, &t, err) < 0)
		return -1;
	people_of(t, CHANNEL_EMAIL, who, &people);
	int rc = people.bad ? err_set(err, ERR_CORRUPT, "ledger: a link can't be read") : txn_check(t, err);
	txn_end(&t);
	*ret_count = people.count - 1;
	memcpy(ret, people.at + 1, *ret_count * sizeof *ret);
	return rc;
}
