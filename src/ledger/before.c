/* What an undo must know of the rows that imports have made. Most rows of an import are new, and nobody else speaks of them: of these nothing is
 * kept. The others have an entry under their key and the CHANGE_LOAD entry that they are of. */
#include "ledger_internal.h"

#include "base/be.h"

#define BEFORE_KEY  (SUPPRESSION_KEY + 1 + 8)
#define BEFORE_MOST (2 + CONSENT_MOST)

static const struct kind {
	enum table table;
	uint8_t code; /* stored */
} kinds[] = {{TABLE_SUPPRESSIONS, 1}, {TABLE_BLOCKS, 2}, {TABLE_CONSENTS, 3}, {TABLE_ALLOWS, 4}};

/* All entries about a row begin with its key and its table. */
static size_t row_prefix(uint8_t dst[BEFORE_KEY], enum table table, struct view key)
{
	const struct kind *k = kinds;
	while (k->table != table)
		k++;
	ALWAYS(key.n <= SUPPRESSION_KEY);
	memcpy(dst, key.p, key.n);
	dst[key.n] = k->code;
	return key.n + 1;
}

static struct view before_key(uint8_t dst[BEFORE_KEY], enum table table, struct view key, uint64_t seq)
{
	size_t n = row_prefix(dst, table, key);
	be_put(dst + n, seq, 8);
	return view_n(dst, n + 8);
}

bool load_import(struct txn *t, uint64_t seq, uint64_t *ret_id)
{
	uint8_t key[8];
	struct view value;
	be_put(key, seq, 8);
	if (!txn_get(t, TABLE_LOADS, view_n(key, 8), &value) || value.n != 8)
		return false;
	*ret_id = be_get(value.p, 8);
	return true;
}

void load_put(struct apply *a, uint64_t seq, uint64_t id)
{
	uint8_t key[8], value[8];
	be_put(key, seq, 8);
	be_put(value, id, 8);
	txn_put(a->txn, TABLE_LOADS, view_n(key, 8), view_n(value, 8));
}

/* What can't be read was said again: the row stays. */
bool before_read(struct txn *t, enum table table, struct view key, uint64_t seq, struct before *ret)
{
	uint8_t bytes[BEFORE_KEY];
	struct view value;
	*ret = (struct before){0};
	if (!txn_get(t, TABLE_BEFORE, before_key(bytes, table, key, seq), &value))
		return false;
	bool good = value.n >= 2 && value.p[0] == FORMAT_VERSION;
	*ret = (struct before){.again = !good || (value.p[1] & BEFORE_AGAIN), .row = good ? view_sub(value, 2, value.n) : V("")};
	return true;
}

static void before_put(struct apply *a, enum table table, struct view key, uint64_t seq, bool again, struct view row)
{
	uint8_t bytes[BEFORE_KEY];
	struct buf b;
	buf_init(&b, BEFORE_MOST);
	be_add(&b, FORMAT_VERSION, 1);
	be_add(&b, again ? BEFORE_AGAIN : 0, 1);
	buf_add(&b, row);
	ALWAYS(!b.failed);
	txn_put(a->txn, TABLE_BEFORE, before_key(bytes, table, key, seq), buf_view(&b));
	buf_free(&b);
}

void before_drop(struct apply *a, enum table table, struct view key, uint64_t seq)
{
	uint8_t bytes[BEFORE_KEY];
	struct before entry;
	if (before_read(a->txn, table, key, seq, &entry))
		txn_delete(a->txn, TABLE_BEFORE, before_key(bytes, table, key, seq));
}

/* ---- beside the changes ---- */

/* The same list, imported again by the same person, says nothing new. */
static bool is_own_word(struct apply *a, uint64_t id)
{
	static const uint8_t unknown[SHA256_BYTES];
	struct import_record old;
	if (!a->import || id == a->import->id)
		return a->import != NULL;
	return import_read(a->txn, id, &old) && memcmp(old.list, unknown, sizeof unknown) != 0 &&
	       memcmp(old.list, a->import->list, sizeof old.list) == 0 && strcmp(old.actor, a->import->actor) == 0;
}

/* Is the entry SEQ an import's, and not by the one that speaks now? */
static bool is_anothers(struct apply *a, uint64_t seq)
{
	uint64_t id;
	if (a->seen.seq != seq || !seq) {
		bool imported = load_import(a->txn, seq, &id);
		a->seen.seq = seq;
		a->seen.anothers = imported && !is_own_word(a, id);
	}
	return a->seen.anothers;
}

void said_again(struct apply *a, enum table table, struct view key, uint64_t seq)
{
	struct before entry;
	if (!is_anothers(a, seq))
		return;
	bool there = before_read(a->txn, table, key, seq, &entry);
	if (there && entry.again)
		return;
	struct buf row;
	buf_init(&row, CONSENT_MOST);
	buf_add(&row, entry.row);
	before_put(a, table, key, seq, true, buf_view(&row));
	buf_free(&row);
}

/* An import that has made the row itself goes on from what was there before its first word. */
static bool move_own(struct apply *a, enum table table, struct view key, uint64_t from, uint64_t to)
{
	struct before entry;
	uint64_t id;
	if (!load_import(a->txn, from, &id) || id != a->import->id)
		return from == to;
	if (from == to || !before_read(a->txn, table, key, from, &entry))
		return true;
	struct buf row;
	buf_init(&row, CONSENT_MOST);
	buf_add(&row, entry.row);
	before_drop(a, table, key, from);
	before_put(a, table, key, to, entry.again, buf_view(&row));
	buf_free(&row);
	return true;
}

void before_keep(struct apply *a, enum table table, struct view key, struct view row, uint64_t seq)
{
	uint64_t now = a->tail.seq + 1;
	struct buf copy;
	if (!a->import)
		return;
	buf_init(&copy, CONSENT_MOST);
	buf_add(&copy, row);
	if (!move_own(a, table, key, seq, now))
		before_put(a, table, key, now, false, buf_view(&copy));
	buf_free(&copy);
}

/* ---- an erased person's ---- */

static bool keep_key(void *arg, struct view key, struct view value)
{
	if (value.n > 2 || (value.n == 2 && !(value.p[1] & BEFORE_AGAIN)))
		buf_add(arg, view_n(key.p, key.n));
	return ((struct buf *)arg)->n == 0;
}

/* The words of older rows go. The rows that hang on them stay as they are: the strongest that anybody has said. */
void before_forget(struct apply *a, const struct person_key *who)
{
	static const char bare[2] = {FORMAT_VERSION, BEFORE_AGAIN};
	struct buf key;
	buf_init(&key, BEFORE_KEY);
	for (;;) {
		buf_clear(&key);
		txn_each(a->txn, TABLE_BEFORE, view_n(who->b, PERSON_KEY_BYTES), PERSON_KEY_BYTES, keep_key, &key);
		if (!key.n)
			break;
		txn_put(a->txn, TABLE_BEFORE, buf_view(&key), view_n(bare, sizeof bare));
	}
	buf_free(&key);
}
