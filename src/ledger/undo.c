/* Taking an import back: all tables are walked in key order, a set of rows at a time; each set is judged again within the transaction that
 * takes it back, which leaves one CHANGE_UNDO entry. */
#include "base/be.h"
#include "base/codec.h"
#include "ledger_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SET_ROWS 20000
#define DAY_MS   INT64_C(86400000)

static const enum table tables[] = {TABLE_SUPPRESSIONS, TABLE_BLOCKS, TABLE_CONSENTS, TABLE_ALLOWS};
#define TABLES (sizeof tables / sizeof *tables)

struct undoing {
	const struct undo *say;
	struct undone *told;
	struct buf loads; /* the import's CHANGE_LOAD entries, 8 bytes each, ascending */
	uint64_t limit;   /* rows of later entries stay */
	/* the set at hand */
	enum table table;
	struct txn *txn;
	struct buf keys; /* one byte of length before each */
	unsigned count, seen;
	char from[SUPPRESSION_KEY + 1];
	size_t from_n;
	bool more, changes;
	struct hasher *hasher;
	uint64_t gone;
	struct undone told_before; /* this set */
};

/* ---- whose row it is ---- */

static bool keep_load(void *arg, struct view key, struct view value)
{
	struct undoing *u = arg;
	if (value.n == 8 && be_get(value.p, 8) == u->say->id)
		buf_add(&u->loads, key);
	return !u->loads.failed;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

static bool is_of_import(const struct undoing *u, uint64_t seq)
{
	uint8_t key[8];
	be_put(key, seq, 8);
	return u->loads.n && bsearch(key, u->loads.p, u->loads.n / 8, 8, by_bytes);
}

/* What a row says, of whichever table. */
struct said {
	uint64_t seq;
	enum reason reason;
	int64_t withdrawn_ms, granted_ms;
};

static bool said_read(enum table table, struct view key, struct view value, struct said *ret)
{
	struct suppression_row s;
	struct consent_row c;
	bool good;
	*ret = (struct said){0};
	if (table == TABLE_CONSENTS) {
		good = consent_row_decode(key, value, &c);
		if (good)
			*ret = (struct said){.seq = c.seq, .withdrawn_ms = c.withdrawn_ms, .granted_ms = c.granted_ms};
		return good;
	}
	good = table == TABLE_ALLOWS ? allow_row_decode(key, value, &s) : suppression_row_decode(key, value, &s);
	if (good)
		*ret = (struct said){.seq = s.seq, .reason = s.reason};
	return good;
}

enum fate { FATE_NOT_OURS, FATE_STAYS, FATE_GOES };

/* *RET_BEFORE: what stands once it is gone; nothing when .row is empty. */
static enum fate judge(const struct undoing *u, struct view key, struct view value, struct said *ret, struct before *ret_before)
{
	if (!said_read(u->table, key, value, ret) || !is_of_import(u, ret->seq))
		return FATE_NOT_OURS;
	bool there = before_read(u->txn, u->table, key, ret->seq, ret_before);
	return ret->seq > u->limit || (there && ret_before->again) ? FATE_STAYS : FATE_GOES;
}

static void tell(struct undoing *u, const struct said *said, struct view key, const struct before *before)
{
	struct undone *t = u->told;
	struct said old = {0};
	if (before->row.n)
		said_read(u->table, key, before->row, &old);
	t->removed++;
	if (u->table == TABLE_ALLOWS)
		t->allows++;
	else if (u->table != TABLE_CONSENTS)
		t->reasons[said->reason]++;
	else if (said->withdrawn_ms > old.withdrawn_ms)
		t->withdrawals++;
	else
		t->grants++;
}

/* ---- a set of rows ---- */

static bool look(void *arg, struct view key, struct view value)
{
	struct undoing *u = arg;
	struct before before;
	struct said said;
	enum fate fate = judge(u, key, value, &said, &before);
	ALWAYS(key.n < sizeof u->from);
	memcpy(u->from, key.p, key.n);
	u->from[key.n] = 0;
	u->from_n = key.n + 1;
	if (fate == FATE_STAYS)
		u->told->kept++;
	if (fate == FATE_GOES && u->changes)
		be_add_view(&u->keys, key, 1);
	else if (fate == FATE_GOES)
		tell(u, &said, key, &before);
	u->more = ++u->seen == SET_ROWS;
	return !u->more;
}

static int next_set(struct ledger *l, struct undoing *u, struct err *err)
{
	buf_clear(&u->keys);
	u->seen = 0;
	u->more = false;
	if (store_read(l->store, &u->txn, err) < 0)
		return -1;
	txn_each(u->txn, u->table, view_n(u->from, u->from_n), 0, look, u);
	int rc = txn_check(u->txn, err);
	txn_end(&u->txn);
	return rc;
}

static bool is_there(void *arg, struct view key, struct view value)
{
	(void)key;
	(void)value;
	*(bool *)arg = true;
	return false;
}

/* An address that only the import had named is no longer kept. */
static void person_drop(struct apply *a, const struct person_key *who)
{
	static const enum table about[] = {TABLE_SUPPRESSIONS, TABLE_CONSENTS, TABLE_ALLOWS, TABLE_SUBSCRIBERS, TABLE_LINKS, TABLE_CAPS};
	bool there = false;
	struct view key = view_n(who->b, PERSON_KEY_BYTES), value;
	for (size_t i = 0; !there && i < sizeof about / sizeof *about; i++)
		txn_each(a->txn, about[i], key, PERSON_KEY_BYTES, is_there, &there);
	if (!there && txn_get(a->txn, TABLE_PERSONS, key, &value))
		txn_delete(a->txn, TABLE_PERSONS, key);
}

static void put_back(struct apply *a, enum table table, struct view key, uint64_t seq, const struct before *before)
{
	struct change about = {.channel = table == TABLE_SUPPRESSIONS || table == TABLE_CONSENTS ? CHANNEL_EMAIL : CHANNEL_DOMAIN};
	struct buf row;
	memcpy(about.who.b, key.p, PERSON_KEY_BYTES);
	buf_init(&row, CONSENT_MOST);
	buf_add(&row, before->row);
	before_drop(a, table, key, seq);
	if (row.n) {
		txn_put(a->txn, table, key, buf_view(&row));
	} else {
		txn_delete(a->txn, table, key);
		block_name_drop(a, &about);
		person_drop(a, &about.who);
	}
	buf_free(&row);
}

static void take_back(struct undoing *u, struct apply *a, struct view key)
{
	struct before before;
	struct view value;
	struct said said;
	if (!txn_get(a->txn, u->table, key, &value) || judge(u, key, value, &said, &before) != FATE_GOES)
		return;
	hasher_add(u->hasher, key);
	hasher_add(u->hasher, value);
	tell(u, &said, key, &before);
	u->gone++;
	put_back(a, u->table, key, said.seq, &before);
}

static void enter_set(const struct undoing *u, struct apply *a)
{
	uint8_t hash[SHA256_BYTES];
	char text[NOTE_MAX + 1];
	struct buf hex;
	buf_init(&hex, 2 * SHA256_BYTES + 1);
	hasher_end(u->hasher, hash);
	hex_encode(&hex, view_n(hash, sizeof hash));
	snprintf(text, sizeof text, "import=%" PRIu64 " rows=%" PRIu64 " sha256=%s", u->say->id, u->gone, buf_cstr(&hex));
	buf_free(&hex);
	if (u->gone)
		import_enter(a, CHANGE_UNDO, V("import"), u->say->actor, u->say->note, view_of(text));
}

static int take_set_back(struct apply *a, void *arg, struct err *err)
{
	struct undoing *u = arg;
	struct be_reader in = {.rest = buf_view(&u->keys)};
	(void)err;
	*u->told = u->told_before;
	u->txn = a->txn;
	u->gone = 0;
	u->hasher = hasher_new();
	while (in.rest.n)
		take_back(u, a, be_take_view(&in, 1));
	enter_set(u, a);
	hasher_free(&u->hasher);
	return 0;
}

static int walk_table(struct ledger *l, struct undoing *u, enum table table, struct err *err)
{
	int rc;
	u->table = table;
	u->from[0] = 0;
	u->from_n = 1;
	do {
		rc = next_set(l, u, err);
		u->told_before = *u->told;
		if (rc == 0 && u->keys.n)
			rc = ledger_transact(l, take_set_back, u, err);
	} while (rc == 0 && u->more);
	return rc;
}

static int walk(struct ledger *l, struct undoing *u, bool changes, struct err *err)
{
	int rc = 0;
	*u->told = (struct undone){0};
	u->changes = changes;
	for (size_t i = 0; rc == 0 && i < TABLES; i++)
		rc = walk_table(l, u, tables[i], err);
	return rc;
}

/* ---- who may ---- */

static bool asks_two(const struct undone *t)
{
	bool two = t->withdrawals > 0;
	for (enum reason r = REASON_OBJECTION; r <= REASON_ERASURE; r++)
		two |= t->reasons[r] && removal_asks_two(r);
	return two;
}

static int check_approval(const struct undo *u, const struct import_record *im, int64_t now_ms, struct err *err)
{
	if (!im->request)
		return err_set(err, ERR_REFUSED, "nobody has asked for the undoing of import %" PRIu64, im->id);
	if (view_eq(view_of(im->requester), u->actor))
		return err_set(err, ERR_REFUSED, "the undoing of import %" PRIu64 " was asked for by %s: somebody else must approve it", im->id, im->requester);
	if (im->request_ms > now_ms || now_ms - im->request_ms > REMOVAL_REQUEST_DAYS * DAY_MS)
		return err_set(err, ERR_REFUSED, "that request is not of the last %d days: ask again", REMOVAL_REQUEST_DAYS);
	return 0;
}

static int check(const struct undo *u, struct err *err)
{
	if (view_trim(u->note).n == 0 || view_trim(u->actor).n == 0)
		return err_set(err, ERR_REFUSED, "undoing an import needs a reason in words (a note) and a named actor");
	if (u->note.n > NOTE_MAX || u->actor.n > ACTOR_MAX)
		return err_set(err, ERR_LIMIT, "a note of at most %d bytes, and an actor of at most %d", NOTE_MAX, ACTOR_MAX);
	return 0;
}

/* ---- the request, and the record of what was done ---- */

static int enter_request(struct apply *a, void *arg, struct err *err)
{
	const struct undoing *u = arg;
	struct import_record im;
	char text[NOTE_MAX + 1];
	if (!import_read(a->txn, u->say->id, &im))
		return err_set(err, ERR_CORRUPT, "ledger: the record of import %" PRIu64 " can't be read", u->say->id);
	snprintf(text, sizeof text, "import=%" PRIu64 " rows=%" PRIu64, im.id, u->told->removed);
	im.request = import_enter(a, CHANGE_UNDO_REQUEST, V("import"), u->say->actor, u->say->note, view_of(text));
	im.request_ms = a->now_ms;
	ALWAYS(view_str(u->say->actor, im.requester, sizeof im.requester));
	import_put(a, &im);
	u->told->asked = true;
	u->told->request = im.request;
	return 0;
}

/* First of all, so that a process at work on the import stops, and nobody goes on with it. */
static int enter_undone(struct apply *a, void *arg, struct err *err)
{
	const struct undoing *u = arg;
	struct import_record im;
	if (!import_read(a->txn, u->say->id, &im))
		return err_set(err, ERR_CORRUPT, "ledger: the record of import %" PRIu64 " can't be read", u->say->id);
	im.state = IMPORT_UNDONE;
	im.ended_ms = a->now_ms;
	ALWAYS(view_str(u->say->actor, im.undoer, sizeof im.undoer));
	import_put(a, &im);
	return 0;
}

static int find_loads(struct ledger *l, struct undoing *u, struct err *err)
{
	struct txn *t = NULL;
	if (store_read(l->store, &t, err) < 0)
		return -1;
	txn_each(t, TABLE_LOADS, V("\0"), 0, keep_load, u);
	int rc = u->loads.failed ? err_set(err, ERR_LIMIT, "import %" PRIu64 " has too many parts", u->say->id) : txn_check(t, err);
	txn_end(&t);
	return rc;
}

static int decide(struct ledger *l, struct undoing *u, struct err *err)
{
	if (find_loads(l, u, err) < 0)
		return -1;
	if (!u->say->approves) {
		if (walk(l, u, false, err) < 0)
			return -1;
		if (asks_two(u->told))
			return ledger_transact(l, enter_request, u, err);
	}
	return ledger_transact(l, enter_undone, u, err) < 0 ? -1 : walk(l, u, true, err);
}

int ledger_import_undo(struct ledger *l, const struct undo *say, struct undone *ret, struct err *err)
{
	struct import_record im;
	struct undoing u = {.say = say, .told = ret, .limit = ledger_journal_last(l)};
	*ret = (struct undone){0};
	if (check(say, err) < 0 || ledger_import(l, say->id, &im, err) < 0)
		return -1;
	if (say->approves && check_approval(say, &im, clock_wall(l->clock), err) < 0)
		return -1;
	if (say->approves)
		u.limit = im.request;
	buf_init(&u.loads, 16u << 20);
	buf_init(&u.keys, SET_ROWS * (SUPPRESSION_KEY + 1));
	int rc = decide(l, &u, err);
	buf_free(&u.keys);
	buf_free(&u.loads);
	return rc;
}
