/* Journal entries: a core that is chained by hashes, and a detail that hangs on it. format.h has the layout. */
#include "format.h"

#include "base/be.h"
#include "crypto/hash.h"

static void detail_encode(struct buf *out, const struct journal_record *r)
{
	const struct journal_entry *e = &r->entry;
	buf_add(out, view_n(r->salt, JOURNAL_SALT));
	be_add_view(out, e->actor, 1);
	be_add_view(out, e->source, 1);
	be_add_view(out, e->note, 1);
	be_add_view(out, e->wording, 1);
	be_add_view(out, e->evidence, 1);
}

static void core_encode(struct buf *out, const struct journal_record *r)
{
	const struct journal_entry *e = &r->entry;
	be_add(out, FORMAT_VERSION, 1);
	buf_add(out, view_n(e->previous, HASH_BYTES));
	be_add(out, (uint64_t)e->event_ms, 8);
	be_add(out, (uint64_t)e->arrived_ms, 8);
	be_add(out, e->kind, 1);
	be_add(out, e->channel, 1);
	buf_add(out, view_n(e->who.b, PERSON_KEY_BYTES));
	be_add(out, e->scope.level, 1);
	buf_add(out, view_n(e->scope.id, SCOPE_ID_BYTES));
	be_add(out, e->reason, 1);
	be_add(out, e->basis, 1);
	be_add(out, (uint64_t)e->expires_ms, 8);
	be_add(out, e->kept_only ? ENTRY_KEPT_ONLY : 0, 1);
	buf_add(out, view_n(r->detail_hash, HASH_BYTES));
}

static void entry_hash(uint64_t seq, struct view core, uint8_t out[HASH_BYTES])
{
	char bytes[8 + JOURNAL_CORE];
	be_put(bytes, seq, 8);
	memcpy(bytes + 8, core.p, JOURNAL_CORE);
	sha256(view_n(bytes, sizeof bytes), out);
}

void journal_encode(struct buf *out, struct journal_record *r)
{
	struct buf detail;
	buf_init(&detail, JOURNAL_MOST);
	detail_encode(&detail, r);
	sha256(buf_view(&detail), r->detail_hash);
	size_t start = out->n;
	core_encode(out, r);
	if (detail.failed || out->failed)
		out->failed = true;
	else
		entry_hash(r->entry.seq, view_n(out->p + start, JOURNAL_CORE), r->entry.hash);
	buf_add(out, buf_view(&detail));
	buf_free(&detail);
}

static void take_into(struct be_reader *r, void *dst, size_t n)
{
	struct view v = be_take(r, n);
	if (v.p)
		memcpy(dst, v.p, n);
}

static void core_decode(struct be_reader *r, struct journal_record *ret)
{
	struct journal_entry *e = &ret->entry;
	if (be_take_u(r, 1) != FORMAT_VERSION)
		r->bad = true;
	take_into(r, e->previous, HASH_BYTES);
	e->event_ms = (int64_t)be_take_u(r, 8);
	e->arrived_ms = (int64_t)be_take_u(r, 8);
	e->kind = (enum change_kind)be_take_u(r, 1);
	e->channel = (enum channel)be_take_u(r, 1);
	take_into(r, e->who.b, PERSON_KEY_BYTES);
	e->scope.level = (enum scope_level)be_take_u(r, 1);
	take_into(r, e->scope.id, SCOPE_ID_BYTES);
	e->reason = (enum reason)be_take_u(r, 1);
	e->basis = (enum basis)be_take_u(r, 1);
	e->expires_ms = (int64_t)be_take_u(r, 8);
	uint64_t flags = be_take_u(r, 1);
	e->kept_only = flags & ENTRY_KEPT_ONLY;
	take_into(r, ret->detail_hash, HASH_BYTES);
	if (flags > ENTRY_KEPT_ONLY || !change_word(e->kind) || e->scope.level > SCOPE_TOPIC)
		r->bad = true;
}

static void detail_decode(struct be_reader *r, struct journal_record *ret)
{
	struct journal_entry *e = &ret->entry;
	take_into(r, ret->salt, JOURNAL_SALT);
	e->actor = be_take_view(r, 1);
	e->source = be_take_view(r, 1);
	e->note = be_take_view(r, 1);
	e->wording = be_take_view(r, 1);
	e->evidence = be_take_view(r, 1);
}

bool journal_decode(struct view key, struct view value, struct journal_record *ret)
{
	struct be_reader r = {.rest = value};
	memset(ret, 0, sizeof *ret);
	if (key.n != 8)
		return false;
	ret->entry.seq = be_get(key.p, 8);
	core_decode(&r, ret);
	ret->detail = r.rest;
	if (!r.bad && ret->detail.n)
		detail_decode(&r, ret);
	if (r.bad || r.rest.n)
		return false;
	entry_hash(ret->entry.seq, value, ret->entry.hash);
	return true;
}

bool journal_detail_matches(const struct journal_record *r)
{
	uint8_t hash[HASH_BYTES];
	if (r->detail.n == 0)
		return true;
	sha256(r->detail, hash);
	return memcmp(hash, r->detail_hash, HASH_BYTES) == 0;
}
