/* The store of wordings: one row a text, under its hash. */
#include "ledger/wording.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/codec.h"
#include "ledger_internal.h"

#define VALUE_MOST (1 + 8 + 8 + 5 * 256 + 2 + WORDING_TEXT_MAX)

/* ---- the text ---- */

/* Length of the UTF-8 character at P (RFC 3629), 0 when it is none. */
static size_t utf8_length(const uint8_t *p, size_t n)
{
	static const struct {
		uint8_t low, high, second_low, second_high;
		size_t length;
	} forms[] = {{0x01, 0x7f, 0, 0, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
	    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
	    {0xf4, 0xf4, 0x80, 0x8f, 4}};
	size_t i = 0, k;
	while (i < sizeof forms / sizeof *forms && (p[0] < forms[i].low || p[0] > forms[i].high))
		i++;
	if (i == sizeof forms / sizeof *forms || forms[i].length > n)
		return 0;
	if (forms[i].length > 1 && (p[1] < forms[i].second_low || p[1] > forms[i].second_high))
		return 0;
	for (k = 2; k < forms[i].length; k++)
		if ((p[k] & 0xc0) != 0x80)
			return 0;
	return forms[i].length;
}

static bool is_utf8(struct view v)
{
	size_t at = 0, length = 1;
	for (; at < v.n && length; at += length)
		length = utf8_length((const uint8_t *)v.p + at, v.n - at);
	return length != 0;
}

int wording_normalise(struct view text, struct buf *out, struct err *err)
{
	struct view line;
	if (view_starts(text, V("\xef\xbb\xbf")))
		text = view_sub(text, 3, text.n);
	text = view_trim(text);
	if (text.n == 0 || !is_utf8(text))
		return err_set(err, ERR_SYNTAX, "a wording: expected a text in UTF-8");
	if (text.n > WORDING_TEXT_MAX)
		return err_set(err, ERR_LIMIT, "a wording: longer than %d bytes", WORDING_TEXT_MAX);
	for (bool first = true; view_cut(&text, '\n', &line); first = false) {
		if (!first)
			buf_str(out, "\n");
		if (view_ends(line, V("\r")))
			line.n--;
		buf_add(out, line);
	}
	return out->failed ? err_set(err, ERR_LIMIT, "a wording: longer than its place") : 0;
}

static void id_of(struct view text, uint8_t ret[SHA256_BYTES])
{
	sha256(text, ret);
}

void wording_id(struct view normalised, char ret[WORDING_ID_TEXT])
{
	uint8_t hash[SHA256_BYTES];
	struct buf hex;
	id_of(normalised, hash);
	buf_init(&hex, WORDING_ID_TEXT);
	hex_encode(&hex, view_n(hash, sizeof hash));
	ALWAYS(view_str(buf_view(&hex), ret, WORDING_ID_TEXT));
	buf_free(&hex);
}

/* ---- the row ---- */

struct row {
	struct view texts[5]; /* name, version, language, source, actor */
	struct view text;
	int64_t added_ms;
	uint64_t seq;
};

static void row_encode(struct buf *out, const struct row *r)
{
	be_add(out, FORMAT_VERSION, 1);
	be_add(out, (uint64_t)r->added_ms, 8);
	be_add(out, r->seq, 8);
	for (size_t i = 0; i < 5; i++)
		be_add_view(out, r->texts[i], 1);
	be_add_view(out, r->text, 2);
}

static bool row_decode(struct view value, struct row *ret)
{
	struct be_reader in = {.rest = value};
	bool known = be_take_u(&in, 1) == FORMAT_VERSION;
	ret->added_ms = (int64_t)be_take_u(&in, 8);
	ret->seq = be_take_u(&in, 8);
	for (size_t i = 0; i < 5; i++)
		ret->texts[i] = be_take_view(&in, 1);
	ret->text = be_take_view(&in, 2);
	return known && !in.bad && in.rest.n == 0;
}

static bool wording_decode(struct view key, struct view value, struct wording *ret, struct view *ret_text)
{
	struct row r;
	*ret = (struct wording){0};
	if (key.n != SHA256_BYTES || !row_decode(value, &r))
		return false;
	struct buf hex;
	buf_init(&hex, WORDING_ID_TEXT);
	hex_encode(&hex, key);
	bool good = view_str(buf_view(&hex), ret->id, sizeof ret->id) && view_str(r.texts[0], ret->name, sizeof ret->name) &&
		    view_str(r.texts[1], ret->version, sizeof ret->version) && view_str(r.texts[2], ret->language, sizeof ret->language) &&
		    view_str(r.texts[3], ret->source, sizeof ret->source) && view_str(r.texts[4], ret->actor, sizeof ret->actor);
	buf_free(&hex);
	ret->added_ms = r.added_ms;
	ret->seq = r.seq;
	*ret_text = r.text;
	return good;
}

/* ---- the change: .wording is the id, .note "NAME VERSION LANGUAGE", .text the words ---- */

static bool is_label(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!isalnum((unsigned char)v.p[i]) && !memchr("._-", v.p[i], 3))
			return false;
	return v.n > 0 && v.n <= WORDING_LABEL_MAX;
}

static bool labels_of(struct view note, struct view ret[3])
{
	struct view more;
	for (size_t i = 0; i < 3; i++)
		if (!view_word(&note, &ret[i]) || !is_label(ret[i]))
			return false;
	return !view_word(&note, &more);
}

int wording_check(const struct change *c, struct err *err)
{
	struct view labels[3];
	char id[WORDING_ID_TEXT];
	if (!labels_of(c->note, labels))
		return err_set(err, ERR_SYNTAX, "a wording: expected name, version and language, each 1 to %d of A-Z a-z 0-9 . _ -", WORDING_LABEL_MAX);
	if (c->text.n == 0 || c->text.n > WORDING_TEXT_MAX)
		return err_set(err, ERR_LIMIT, "a wording: expected 1 to %d bytes", WORDING_TEXT_MAX);
	wording_id(c->text, id);
	return view_eq(c->wording, view_of(id)) ? 0 : err_set(err, ERR_SYNTAX, "a wording: its id is not that of its text");
}

static struct view key_of(struct view id, uint8_t dst[SHA256_BYTES])
{
	return hex_decode(id, dst, SHA256_BYTES) ? view_n(dst, SHA256_BYTES) : V("");
}

bool wording_is_kept(struct txn *t, struct view id)
{
	uint8_t bytes[SHA256_BYTES];
	struct view value, key = key_of(id, bytes);
	return key.n && txn_get(t, TABLE_WORDINGS, key, &value);
}

int apply_wording(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	uint8_t bytes[SHA256_BYTES];
	struct row row = {0};
	struct view value, key = key_of(c->wording, bytes);
	if (txn_get(a->txn, TABLE_WORDINGS, key, &value)) {
		if (!row_decode(value, &row))
			return err_set(err, ERR_CORRUPT, "ledger: a wording can't be read; nothing is written over it");
		ret->seq = row.seq;
		return 0;
	}
	ALWAYS(labels_of(c->note, row.texts));
	row.texts[3] = c->source;
	row.texts[4] = c->actor;
	row.text = c->text;
	row.added_ms = a->event_ms;
	ret->changed = true;
	ret->seq = row.seq = apply_enter(a, c, a->event_ms, false);
	struct buf b;
	buf_init(&b, VALUE_MOST);
	row_encode(&b, &row);
	apply_put(a, TABLE_WORDINGS, key, &b);
	buf_free(&b);
	return 0;
}

static int wording_submit(struct ledger *l, const struct wording_new *w, struct view normalised, char id[WORDING_ID_TEXT], int64_t added_ms,
    struct change_result *ret, struct err *err)
{
	char labels[NOTE_MAX + 1];
	if (!is_label(w->name) || !is_label(w->version) || !is_label(w->language))
		labels[0] = 0; /* wording_check says what was expected */
	else
		snprintf(labels, sizeof labels, "%.*s %.*s %.*s", VFMT(w->name), VFMT(w->version), VFMT(w->language));
	wording_id(normalised, id);
	const struct change c = {.kind = CHANGE_WORDING, .wording = view_of(id), .note = view_of(labels), .text = normalised, .source = w->source,
	    .actor = w->actor, .event_ms = added_ms};
	return ledger_change(l, &c, ret, err);
}

int ledger_wording_add(struct ledger *l, const struct wording_new *w, char ret_id[WORDING_ID_TEXT], struct change_result *ret, struct err *err)
{
	struct buf text;
	buf_init(&text, WORDING_TEXT_MAX);
	int rc = wording_normalise(w->text, &text, err);
	if (rc == 0)
		rc = wording_submit(l, w, buf_view(&text), ret_id, 0, ret, err);
	buf_free(&text);
	return rc;
}

/* ---- reading ---- */

int ledger_wording(struct ledger *l, struct view id, struct wording *ret, struct buf *out, struct err *err)
{
	uint8_t bytes[SHA256_BYTES], sum[SHA256_BYTES];
	struct view value, text, key = key_of(id, bytes);
	struct txn *t = NULL;
	if (store_read(l->store, &t, err) < 0)
		return -1;
	bool there = key.n && txn_get(t, TABLE_WORDINGS, key, &value);
	int rc = txn_check(t, err);
	if (rc == 0 && !there)
		rc = err_set(err, ERR_MISSING, "no wording %.*s is kept", VFMT(id));
	if (rc == 0 && !wording_decode(key, value, ret, &text))
		rc = err_set(err, ERR_CORRUPT, "ledger: a wording can't be read");
	if (rc == 0) {
		id_of(text, sum);
		buf_add(out, text);
		if (memcmp(sum, bytes, sizeof sum) != 0)
			rc = err_set(err, ERR_CORRUPT, "wording %.*s: the text is not the one that was hashed", VFMT(id));
	}
	txn_end(&t);
	return rc == 0 && out->failed ? err_set(err, ERR_LIMIT, "a wording: longer than its place") : rc;
}

bool ledger_wording_is_kept(struct ledger *l, struct view id)
{
	struct txn *t = NULL;
	bool kept = store_read(l->store, &t, NULL) == 0 && wording_is_kept(t, id);
	txn_end(&t);
	return kept;
}

struct listing {
	bool (*each)(void *arg, const struct wording *w);
	void *arg;
	bool bad;
};

static bool list_one(void *arg, struct view key, struct view value)
{
	struct listing *k = arg;
	struct wording w;
	struct view text;
	k->bad = !wording_decode(key, value, &w, &text);
	return !k->bad && k->each(k->arg, &w);
}

int ledger_wordings(struct ledger *l, bool (*each)(void *arg, const struct wording *w), void *arg, struct err *err)
{
	static const uint8_t lowest[SHA256_BYTES];
	struct listing k = {each, arg, false};
	struct txn *t = NULL;
	if (store_read(l->store, &t, err) < 0)
		return -1;
	txn_each(t, TABLE_WORDINGS, view_n(lowest, sizeof lowest), 0, list_one, &k);
	int rc = k.bad ? err_set(err, ERR_CORRUPT, "ledger: a wording can't be read") : txn_check(t, err);
	txn_end(&t);
	return rc;
}

/* ---- from a copy: one by one, each as of one moment ---- */

struct taken {
	struct wording *all;
	size_t count, room;
};

static bool take(void *arg, const struct wording *w)
{
	struct taken *k = arg;
	if (k->count == k->room) {
		k->room = k->room ? 2 * k->room : 64;
		k->all = mem_grow(k->all, k->room * sizeof *k->all);
	}
	k->all[k->count++] = *w;
	return true;
}

static int copy_one(struct ledger *into, struct ledger *from, const struct wording *w, struct err *err)
{
	struct wording same;
	struct change_result r;
	char id[WORDING_ID_TEXT];
	struct buf text;
	buf_init(&text, WORDING_TEXT_MAX);
	int rc = ledger_wording(from, view_of(w->id), &same, &text, err);
	const struct wording_new n = {view_of(w->name), view_of(w->version), view_of(w->language), buf_view(&text), view_of(w->source), view_of(w->actor)};
	if (rc == 0)
		rc = wording_submit(into, &n, n.text, id, w->added_ms, &r, err);
	buf_free(&text);
	return rc;
}

int wordings_copy(struct ledger *into, struct ledger *from, struct err *err)
{
	struct taken k = {0};
	int rc = ledger_wordings(from, take, &k, err);
	for (size_t i = 0; rc == 0 && i < k.count; i++)
		rc = copy_one(into, from, &k.all[i], err);
	free(k.all);
	return rc;
}
