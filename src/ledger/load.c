/* Bulk loading: gather, sort by person, apply in slices. Each slice is one transaction with one journal entry that names its rows by
 * count and hash, so that at no instant there are rows without an entry. Sorted, neighbours share pages: random inserts into a large tree cost
 * forty times as much. */
#include "ledger_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/codec.h"

#define GATHER_BYTES ((size_t)512 << 20)
#define SLICE_ROWS 50000

struct gathered {
	struct person_key who;
	uint64_t at; /* in bytes */
};

struct load {
	struct ledger *ledger;
	struct view source, actor;
	struct buf bytes;
	struct gathered *rows;
	size_t count;
	size_t most; /* of .rows */
	bool ended;  /* there is nothing more to gather */
	uint64_t changed;
	struct import_record *import; /* NULL: of no import */
	struct import_record mark;    /* where the list is, behind what was gathered */
	bool marked;
	struct import_record written; /* by the slice at hand */
};

/* ---- gathering ---- */

static void pack(struct buf *b, const struct change *c)
{
	be_add(b, c->kind, 1);
	be_add(b, c->channel, 1);
	be_add(b, c->scope.level, 1);
	buf_add(b, view_n(c->scope.id, SCOPE_ID_BYTES));
	be_add_view(b, view_of(c->scope.name), 1);
	be_add(b, c->reason, 1);
	be_add(b, c->basis, 1);
	be_add(b, (uint64_t)c->event_ms, 8);
	be_add(b, (uint64_t)c->expires_ms, 8);
	be_add_view(b, c->address, 2);
	be_add_view(b, c->wording, 1);
	be_add_view(b, c->note, 1);
	be_add_view(b, c->evidence, 1);
}

static void unpack(const struct load *l, const struct gathered *g, struct change *c)
{
	struct be_reader r = {.rest = view_sub(buf_view(&l->bytes), g->at, l->bytes.n)};
	memset(c, 0, sizeof *c);
	c->who = g->who;
	c->kind = (enum change_kind)be_take_u(&r, 1);
	c->channel = (enum channel)be_take_u(&r, 1);
	c->scope.level = (enum scope_level)be_take_u(&r, 1);
	struct view id = be_take(&r, SCOPE_ID_BYTES), name = be_take_view(&r, 1);
	ALWAYS(id.p && view_str(name, c->scope.name, sizeof c->scope.name));
	memcpy(c->scope.id, id.p, SCOPE_ID_BYTES);
	c->reason = (enum reason)be_take_u(&r, 1);
	c->basis = (enum basis)be_take_u(&r, 1);
	c->event_ms = (int64_t)be_take_u(&r, 8);
	c->expires_ms = (int64_t)be_take_u(&r, 8);
	c->address = be_take_view(&r, 2);
	c->wording = be_take_view(&r, 1);
	c->note = be_take_view(&r, 1);
	c->evidence = be_take_view(&r, 1);
	c->source = l->source;
	c->actor = l->actor;
	ALWAYS(!r.bad);
}

/* By person, then in the order given. */
static int by_person(const void *a, const void *b)
{
	const struct gathered *x = a, *y = b;
	int c = memcmp(x->who.b, y->who.b, PERSON_KEY_BYTES);
	return c ? c : (x->at > y->at) - (x->at < y->at);
}

static int gather_one(struct load *l, struct change *c, struct err *err)
{
	c->source = l->source;
	c->actor = l->actor;
	if (change_check(c, err) < 0)
		return -1;
	l->rows[l->count++] = (struct gathered){c->who, l->bytes.n};
	pack(&l->bytes, c);
	if (l->bytes.failed)
		return err_set(err, ERR_LIMIT, "bulk load: rows of more than %zu bytes at once", GATHER_BYTES);
	return 0;
}

static int gather(struct load *l, bool (*next)(void *arg, struct change *c), void *arg, struct err *err)
{
	struct change c;
	buf_clear(&l->bytes);
	l->count = 0;
	while (l->count < l->most && l->bytes.n < GATHER_BYTES - 4096) {
		memset(&c, 0, sizeof c);
		l->ended = !next(arg, &c);
		if (l->ended)
			break;
		if (gather_one(l, &c, err) < 0)
			return -1;
	}
	qsort(l->rows, l->count, sizeof *l->rows, by_person);
	return 0;
}

/* ---- applying ---- */

struct slice {
	struct load *load;
	size_t from, to;
	bool last; /* of what was gathered */
	struct bulk bulk;
};

static void slice_enter(struct load *l, struct apply *a, struct bulk *b)
{
	uint8_t hash[SHA256_BYTES];
	char text[NOTE_MAX + 1], number[32] = "";
	struct buf hex;
	buf_init(&hex, 2 * SHA256_BYTES + 1);
	hasher_end(b->hasher, hash);
	hex_encode(&hex, view_n(hash, sizeof hash));
	snprintf(text, sizeof text, "rows=%llu sha256=%s", (unsigned long long)b->rows, buf_cstr(&hex));
	buf_free(&hex);
	if (l->import)
		snprintf(number, sizeof number, "import=%llu", (unsigned long long)l->import->id);
	if (!b->rows)
		return;
	uint64_t seq = import_enter(a, CHANGE_LOAD, l->source, l->actor, view_of(text), view_of(number));
	if (l->import)
		load_put(a, seq, l->import->id);
}

/* How far the import is, in the same transaction as its rows. */
static void slice_mark(const struct slice *s, struct apply *a)
{
	struct import_record im = s->load->import ? *s->load->import : (struct import_record){0};
	if (!im.id)
		return;
	im.counts.changed += s->bulk.rows;
	if (s->last && s->load->marked) {
		im.place = s->load->mark.place;
		uint64_t changed = im.counts.changed;
		im.counts = s->load->mark.counts;
		im.counts.changed = changed;
	}
	import_put(a, &im);
	s->load->written = im;
}

static int slice_rows(struct slice *s, struct apply *a, struct err *err)
{
	for (size_t i = s->from; i < s->to; i++) {
		struct change c;
		struct change_result result;
		unpack(s->load, &s->load->rows[i], &c);
		if (apply_change(a, &c, &result, err) < 0)
			return -1;
	}
	return 0;
}

static int slice_apply(struct apply *a, void *arg, struct err *err)
{
	struct slice *s = arg;
	struct hasher *hasher = hasher_new();
	bulk_begin(&s->bulk, a->txn, hasher);
	a->bulk = &s->bulk;
	a->import = s->load->import;
	int rc = a->import ? import_is_ours(a, a->import, err) : 0;
	if (rc == 0)
		rc = slice_rows(s, a, err);
	if (rc == 0)
		slice_enter(s->load, a, &s->bulk);
	if (rc == 0)
		slice_mark(s, a);
	hasher_free(&hasher);
	return rc;
}

static int slice_load(struct load *l, size_t from, struct err *err)
{
	struct slice s = {.load = l, .from = from, .to = from + SLICE_ROWS < l->count ? from + SLICE_ROWS : l->count};
	s.last = s.to == l->count;
	if (ledger_transact(l->ledger, slice_apply, &s, err) < 0)
		return -1;
	l->changed += s.bulk.rows;
	if (l->import)
		*l->import = l->written;
	return 0;
}

static int load_gathered(struct load *l, struct err *err)
{
	int rc = 0;
	for (size_t at = 0; rc == 0 && at < l->count; at += SLICE_ROWS)
		rc = slice_load(l, at, err);
	return rc;
}

static int load_all(struct load *l, const struct import_load *list, struct err *err)
{
	int rc;
	if (l->ledger->read_only)
		return err_set(err, ERR_REFUSED, "the ledger is open for reading only");
	l->most = l->ledger->load_rows;
	buf_init(&l->bytes, GATHER_BYTES);
	l->rows = mem_alloc(l->most * sizeof *l->rows);
	do {
		rc = gather(l, list->next, list->arg, err);
		l->marked = rc == 0 && list->mark && list->mark(list->arg, &l->mark);
		if (rc == 0)
			rc = load_gathered(l, err);
	} while (rc == 0 && !l->ended);
	free(l->rows);
	buf_free(&l->bytes);
	return rc;
}

int ledger_load(struct ledger *ledger, bool (*next)(void *arg, struct change *c), void *arg, struct view source,
    struct view actor, uint64_t *ret_rows, struct err *err)
{
	const struct import_load list = {.next = next, .arg = arg};
	struct load l = {.ledger = ledger, .source = source, .actor = actor};
	int rc = load_all(&l, &list, err);
	*ret_rows = l.changed;
	return rc;
}

int ledger_import_load(struct ledger *ledger, struct import_record *im, const struct import_load *list, struct err *err)
{
	struct load l = {.ledger = ledger, .source = view_of(im->source), .actor = view_of(im->actor), .import = im};
	return load_all(&l, list, err);
}
