/* The journal: append, walk, prove. A walk copies a few entries in one short read transaction, ends it, and only then calls back, so that
 * a slow reader pins no pages and may itself use the ledger. */
#include "ledger_internal.h"

#include "base/be.h"

#define WALK_ENTRIES 128
#define WALK_BYTES (WALK_ENTRIES * (size_t)(8 + 2 + JOURNAL_MOST + 1 + SCOPE_NAME_MAX))

/* ---- appending ---- */

void journal_tail_read(struct txn *t, struct journal_tail *ret)
{
	struct view key, value;
	struct journal_record r;
	*ret = (struct journal_tail){0};
	if (!txn_last(t, TABLE_JOURNAL, &key, &value))
		return;
	/* A last entry that can't be read still has a number; the break in the chain is what verify reports. */
	if (journal_decode(key, value, &r))
		memcpy(ret->hash, r.entry.hash, HASH_BYTES);
	ret->seq = key.n == 8 ? be_get(key.p, 8) : 0;
}

uint64_t journal_append(
    struct txn *t, struct journal_tail *tail, const struct change *c, int64_t event_ms, int64_t now_ms, bool kept_only)
{
	struct journal_record r = {.entry = {.seq = tail->seq + 1, .event_ms = event_ms, .arrived_ms = now_ms}};
	struct journal_entry *e = &r.entry;
	e->kind = c->kind;
	e->channel = c->channel;
	e->who = c->who;
	e->scope = c->scope;
	e->reason = c->reason;
	e->basis = c->basis;
	e->expires_ms = c->expires_ms;
	e->kept_only = kept_only;
	e->actor = c->actor;
	e->source = c->source;
	e->note = c->note;
	e->wording = c->wording;
	e->evidence = c->evidence;
	uint8_t key[8];
	struct buf value;
	memcpy(e->previous, tail->hash, HASH_BYTES);
	random_bytes(r.salt, sizeof r.salt);
	buf_init(&value, JOURNAL_MOST);
	journal_encode(&value, &r);
	ALWAYS(!value.failed);
	be_put(key, e->seq, 8);
	txn_put_last(t, TABLE_JOURNAL, view_n(key, sizeof key), buf_view(&value));
	buf_free(&value);
	tail->seq = e->seq;
	memcpy(tail->hash, e->hash, HASH_BYTES);
	return e->seq;
}

/* ---- walking ---- */

struct page {
	struct txn *txn;
	struct buf bytes; /* per entry: key 8, value (length 2), scope name (length 1) */
	unsigned count;
};

static bool page_add(void *arg, struct view key, struct view value)
{
	struct page *p = arg;
	struct journal_record r;
	struct scope scope = {0};
	if (journal_decode(key, value, &r)) {
		scope = r.entry.scope;
		scope_name_read(p->txn, &scope);
	}
	be_add_view(&p->bytes, key, 1);
	be_add_view(&p->bytes, value, 2);
	be_add_view(&p->bytes, view_of(scope.name), 1);
	return ++p->count < WALK_ENTRIES && !p->bytes.failed;
}

static int page_read(struct ledger *l, uint64_t from, struct page *p, struct err *err)
{
	uint8_t key[8];
	be_put(key, from, 8);
	buf_clear(&p->bytes);
	p->count = 0;
	if (store_read(l->store, &p->txn, err) < 0)
		return -1;
	txn_each(p->txn, TABLE_JOURNAL, view_n(key, sizeof key), 0, page_add, p);
	int rc = txn_check(p->txn, err);
	txn_end(&p->txn);
	if (rc == 0 && p->bytes.failed)
		return err_set(err, ERR_CORRUPT, "journal: an entry is larger than any that we write");
	return rc;
}

typedef bool each_record(void *arg, const struct journal_record *r);

/* *FROM moves past what was read; *STOPPED when EACH wanted no more. */
static int page_walk(const struct page *p, uint64_t *from, each_record *each, void *arg, bool *stopped, struct err *err)
{
	struct be_reader in = {.rest = buf_view(&p->bytes)};
	while (in.rest.n && !*stopped) {
		struct journal_record r;
		struct view key = be_take_view(&in, 1), value = be_take_view(&in, 2), name = be_take_view(&in, 1);
		if (!journal_decode(key, value, &r))
			return err_set(err, ERR_CORRUPT, "journal: entry %llu can't be read",
			    (unsigned long long)(key.n == 8 ? be_get(key.p, 8) : 0));
		view_str(name, r.entry.scope.name, sizeof r.entry.scope.name);
		*from = r.entry.seq + 1;
		*stopped = !each(arg, &r);
	}
	return 0;
}

static int walk(struct ledger *l, uint64_t from, each_record *each, void *arg, struct err *err)
{
	struct page p = {0};
	bool stopped = false;
	int rc;
	buf_init(&p.bytes, WALK_BYTES);
	do {
		rc = page_read(l, from, &p, err);
		if (rc == 0)
			rc = page_walk(&p, &from, each, arg, &stopped, err);
	} while (rc == 0 && !stopped && p.count);
	buf_free(&p.bytes);
	return rc;
}

struct entry_reader {
	bool (*each)(void *arg, const struct journal_entry *e);
	void *arg;
};

static bool hand_on(void *arg, const struct journal_record *r)
{
	const struct entry_reader *e = arg;
	return e->each(e->arg, &r->entry);
}

int ledger_journal(
    struct ledger *l, uint64_t from, bool (*each)(void *arg, const struct journal_entry *e), void *arg, struct err *err)
{
	struct entry_reader e = {each, arg};
	return walk(l, from, hand_on, &e, err);
}

static bool take_request(void *arg, const struct journal_entry *e)
{
	struct change *c = arg;
	if (e->seq == c->request && e->kind == CHANGE_REQUEST) {
		c->kind = CHANGE_UNSUPPRESS;
		c->channel = e->channel;
		c->who = e->who;
		c->scope = e->scope;
		c->reason = e->reason;
	}
	return false;
}

int ledger_request(struct ledger *l, uint64_t seq, struct change *ret, struct err *err)
{
	*ret = (struct change){.request = seq};
	if (ledger_journal(l, seq, take_request, ret, err) < 0)
		return -1;
	return ret->kind ? 0 : err_set(err, ERR_MISSING, "journal entry %llu is no request for a removal", (unsigned long long)seq);
}

uint64_t ledger_journal_last(struct ledger *l)
{
	struct txn *t = NULL;
	struct view key, value;
	uint64_t seq = 0;
	if (store_read(l->store, &t, NULL) < 0)
		return 0;
	if (txn_last(t, TABLE_JOURNAL, &key, &value) && key.n == 8)
		seq = be_get(key.p, 8);
	txn_end(&t);
	return seq;
}

/* ---- proving ---- */

struct proof {
	struct journal_tail tail;
	const char *broken; /* NULL while all is well */
	uint64_t at;
};

static bool prove(void *arg, const struct journal_record *r)
{
	struct proof *p = arg;
	if (r->entry.seq != p->tail.seq + 1)
		p->broken = "entries before it are missing";
	else if (memcmp(r->entry.previous, p->tail.hash, HASH_BYTES) != 0)
		p->broken = "it does not continue the entry before";
	else if (!journal_detail_matches(r))
		p->broken = "its detail was altered";
	if (p->broken) {
		p->at = r->entry.seq;
		return false;
	}
	p->tail.seq = r->entry.seq;
	memcpy(p->tail.hash, r->entry.hash, HASH_BYTES);
	return true;
}

int ledger_journal_verify(struct ledger *l, uint64_t *ret_count, struct err *err)
{
	struct proof p = {0};
	int rc = walk(l, 1, prove, &p, err);
	*ret_count = p.tail.seq;
	if (rc == 0 && p.broken)
		return err_set(err, ERR_CORRUPT, "journal: entry %llu: %s", (unsigned long long)p.at, p.broken);
	return rc;
}
