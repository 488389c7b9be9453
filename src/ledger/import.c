/* What is kept of an import: one record, written anew with every set of its rows. */
#include "base/be.h"
#include "base/codec.h"
#include "ledger_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define COUNTS      (sizeof(struct import_counts) / sizeof(uint64_t))
#define RECORD_MOST (2 + 4 * 8 + 2 * SHA256_BYTES + COUNTS * 8 + 3 * 8 + 2 * 8 + 5 * 256)

const char *import_state_word(enum import_state s)
{
	static const char *const words[] = {[IMPORT_RUNNING] = "unfinished", [IMPORT_DONE] = "done", [IMPORT_UNDONE] = "undone"};
	return (unsigned)s < sizeof words / sizeof *words ? words[s] : NULL;
}

/* ---- the record ---- */

static void counts_encode(struct buf *out, const struct import_counts *c)
{
	uint64_t numbers[COUNTS];
	memcpy(numbers, c, sizeof numbers);
	for (size_t i = 0; i < COUNTS; i++)
		be_add(out, numbers[i], 8);
}

static void counts_take(struct be_reader *in, struct import_counts *ret)
{
	uint64_t numbers[COUNTS] = {0};
	for (size_t i = 0; i < COUNTS; i++)
		numbers[i] = be_take_u(in, 8);
	memcpy(ret, numbers, sizeof numbers);
}

struct text {
	char *at;
	size_t size;
};
#define TEXTS 5
static void texts_of(struct import_record *im, struct text ret[TEXTS])
{
	const struct text all[TEXTS] = {{im->name, sizeof im->name}, {im->source, sizeof im->source}, {im->actor, sizeof im->actor},
	    {im->requester, sizeof im->requester}, {im->undoer, sizeof im->undoer}};
	memcpy(ret, all, sizeof all);
}

static void encode(struct buf *out, struct import_record *im)
{
	struct text texts[TEXTS];
	be_add(out, FORMAT_VERSION, 1);
	be_add(out, im->state, 1);
	be_add(out, (uint64_t)im->began_ms, 8);
	be_add(out, (uint64_t)im->ended_ms, 8);
	be_add(out, im->run, 8);
	buf_add(out, view_n(im->list, sizeof im->list));
	buf_add(out, view_n(im->terms, sizeof im->terms));
	counts_encode(out, &im->counts);
	be_add(out, im->place.offset, 8);
	be_add(out, im->place.line, 8);
	be_add(out, im->place.rows, 8);
	be_add(out, im->request, 8);
	be_add(out, (uint64_t)im->request_ms, 8);
	texts_of(im, texts);
	for (size_t i = 0; i < TEXTS; i++)
		be_add_view(out, view_of(texts[i].at), 1);
}

static void take_hash(struct be_reader *in, uint8_t dst[SHA256_BYTES])
{
	struct view v = be_take(in, SHA256_BYTES);
	if (v.p)
		memcpy(dst, v.p, SHA256_BYTES);
}

static bool decode(struct view key, struct view value, struct import_record *ret)
{
	struct be_reader in = {.rest = value};
	struct text texts[TEXTS];
	*ret = (struct import_record){.id = key.n == 8 ? be_get(key.p, 8) : 0};
	bool good = ret->id && be_take_u(&in, 1) == FORMAT_VERSION;
	ret->state = (enum import_state)be_take_u(&in, 1);
	ret->began_ms = (int64_t)be_take_u(&in, 8);
	ret->ended_ms = (int64_t)be_take_u(&in, 8);
	ret->run = be_take_u(&in, 8);
	take_hash(&in, ret->list);
	take_hash(&in, ret->terms);
	counts_take(&in, &ret->counts);
	ret->place.offset = be_take_u(&in, 8);
	ret->place.line = be_take_u(&in, 8);
	ret->place.rows = be_take_u(&in, 8);
	ret->request = be_take_u(&in, 8);
	ret->request_ms = (int64_t)be_take_u(&in, 8);
	texts_of(ret, texts);
	for (size_t i = 0; i < TEXTS; i++)
		good = view_str(be_take_view(&in, 1), texts[i].at, texts[i].size) && good;
	return good && !in.bad && in.rest.n == 0 && import_state_word(ret->state);
}

void import_put(struct apply *a, struct import_record *im)
{
	uint8_t key[8];
	struct buf b;
	be_put(key, im->id, 8);
	buf_init(&b, RECORD_MOST);
	encode(&b, im);
	ALWAYS(!b.failed);
	txn_put(a->txn, TABLE_IMPORTS, view_n(key, 8), buf_view(&b));
	buf_free(&b);
}

bool import_read(struct txn *t, uint64_t id, struct import_record *ret)
{
	uint8_t key[8];
	struct view value;
	be_put(key, id, 8);
	return txn_get(t, TABLE_IMPORTS, view_n(key, 8), &value) && decode(view_n(key, 8), value, ret);
}

uint64_t import_enter(struct apply *a, enum change_kind kind, struct view source, struct view actor, struct view note, struct view evidence)
{
	const struct change c = {.kind = kind, .channel = CHANNEL_EMAIL, .source = source, .actor = actor, .note = note, .evidence = evidence};
	return journal_append(a->txn, &a->tail, &c, a->now_ms, a->now_ms, false);
}

/* ---- begin ---- */

struct search {
	const struct import_record *like;
	struct import_record found;
};

/* The last one that matches. */
static bool match(void *arg, struct view key, struct view value)
{
	static const uint8_t unknown[SHA256_BYTES];
	struct search *s = arg;
	struct import_record im;
	if (decode(key, value, &im) && im.state == IMPORT_RUNNING && memcmp(im.list, unknown, sizeof unknown) != 0 &&
	    memcmp(im.list, s->like->list, sizeof im.list) == 0 && memcmp(im.terms, s->like->terms, sizeof im.terms) == 0 &&
	    strcmp(im.actor, s->like->actor) == 0)
		s->found = im;
	return true;
}

static void enter_begin(struct apply *a, struct import_record *im)
{
	char note[NOTE_MAX + 1];
	snprintf(note, sizeof note, "%s: begun", im->name);
	im->state = IMPORT_RUNNING;
	im->began_ms = a->now_ms;
	im->counts = (struct import_counts){0};
	im->place = (struct import_place){0};
	im->id = import_enter(a, CHANGE_IMPORT, view_of(im->source), view_of(im->actor), view_of(note), V(""));
}

static int begin(struct apply *a, void *arg, struct err *err)
{
	struct import_record *im = arg;
	struct search s = {.like = im};
	(void)err;
	txn_each(a->txn, TABLE_IMPORTS, V("\0"), 0, match, &s);
	if (s.found.id)
		*im = s.found;
	else
		enter_begin(a, im);
	random_bytes(&im->run, sizeof im->run);
	import_put(a, im);
	return 0;
}

int ledger_import_begin(struct ledger *l, struct import_record *im, struct err *err)
{
	return ledger_transact(l, begin, im, err);
}

int import_is_ours(struct apply *a, const struct import_record *im, struct err *err)
{
	struct import_record now;
	if (!import_read(a->txn, im->id, &now))
		return err_set(err, ERR_CORRUPT, "ledger: the record of import %" PRIu64 " can't be read", im->id);
	if (now.state == IMPORT_UNDONE)
		return err_set(err, ERR_CONFLICT, "import %" PRIu64 " was undone by %s", im->id, now.undoer);
	if (now.state != IMPORT_RUNNING || now.run != im->run)
		return err_set(err, ERR_CONFLICT, "import %" PRIu64 " was taken over by another process", im->id);
	return 0;
}

/* ---- end ---- */

static int end(struct apply *a, void *arg, struct err *err)
{
	struct import_record *im = arg;
	const struct import_counts *c = &im->counts;
	char note[NOTE_MAX + 1], number[32];
	struct buf hex;
	if (import_is_ours(a, im, err) < 0)
		return -1;
	buf_init(&hex, 2 * SHA256_BYTES + 1);
	hex_encode(&hex, view_n(im->list, sizeof im->list));
	snprintf(note, sizeof note, "%.48s sha256=%.32s rows=%" PRIu64 " changed=%" PRIu64 " rejected=%" PRIu64 " skipped=%" PRIu64, im->name, buf_cstr(&hex),
	    c->rows, c->changed, c->rejected, c->skipped);
	snprintf(number, sizeof number, "import=%" PRIu64, im->id);
	buf_free(&hex);
	im->state = IMPORT_DONE;
	im->ended_ms = a->now_ms;
	import_enter(a, CHANGE_NOTE, V("import"), view_of(im->actor), view_of(note), view_of(number));
	import_put(a, im);
	return 0;
}

int ledger_import_end(struct ledger *l, struct import_record *im, struct err *err)
{
	return ledger_transact(l, end, im, err);
}

/* ---- reading ---- */

int ledger_import(struct ledger *l, uint64_t id, struct import_record *ret, struct err *err)
{
	struct txn *t = NULL;
	if (store_read(l->store, &t, err) < 0)
		return -1;
	bool there = import_read(t, id, ret);
	int rc = txn_check(t, err);
	txn_end(&t);
	return rc == 0 && !there ? err_set(err, ERR_MISSING, "there is no import %" PRIu64 " (optgate import list)", id) : rc;
}

struct listing {
	bool (*each)(void *arg, const struct import_record *im);
	void *arg;
	bool bad;
};

static bool show(void *arg, struct view key, struct view value)
{
	struct listing *s = arg;
	struct import_record im;
	s->bad = !decode(key, value, &im);
	return !s->bad && s->each(s->arg, &im);
}

int ledger_imports(struct ledger *l, bool (*each)(void *arg, const struct import_record *im), void *arg, struct err *err)
{
	struct listing s = {.each = each, .arg = arg};
	struct txn *t = NULL;
	if (store_read(l->store, &t, err) < 0)
		return -1;
	txn_each(t, TABLE_IMPORTS, V("\0"), 0, show, &s);
	int rc = s.bad ? err_set(err, ERR_CORRUPT, "ledger: the record of an import can't be read") : txn_check(t, err);
	txn_end(&t);
	return rc;
}
