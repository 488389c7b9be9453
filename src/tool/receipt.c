/* consent receipt, consent verify: what somebody agreed to, in words and signed, for them to keep.
 *
 * The names of members are those of the Kantara consent receipt (consentReceiptID, piiPrincipalId, piiControllers, services) where it has one. A
 * receipt is also given once consent was withdrawn, and then says so; the history is what the journal still tells of this person and stream. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "crypto/hash.h"
#include "ledger/wording.h"
#include "optout/token.h"
#include "tool.h"

#define RECEIPT_MAX (1u << 20)
#define LOOK_MAX    (4u << 20)

struct receipt {
	struct tool *tool;
	struct question question;
	struct address address;
	json_t *history;
};

/* ---- parts ---- */

static json_t *wording_of(struct tool *t, const char *id)
{
	struct wording w;
	struct buf text;
	struct err err;
	json_t *o = json_pack("{s:o}", "id", json_text(id));
	buf_init(&text, WORDING_TEXT_MAX);
	if (*id && ledger_wording(t->ledger, view_of(id), &w, &text, &err) == 0)
		json_object_update_new(o, json_pack("{s:s, s:s, s:s, s:s, s:o}", "sha256", w.id, "name", w.name, "version", w.version, "language", w.language,
		    "text", json_view(buf_view(&text))));
	buf_free(&text);
	return o;
}

/* What reaches the question; and without a topic, all topics of the stream. */
static bool is_of(const struct question *q, const struct scope *s)
{
	struct view name = view_of(s->name), stream = view_of(q->stream->scope.name);
	if (!q->topic && view_starts(name, stream) && s->name[stream.n] == '/')
		return true;
	return s->level == SCOPE_GLOBAL || memcmp(s->id, q->stream->brand->scope.id, SCOPE_ID_BYTES) == 0 ||
	       memcmp(s->id, q->stream->scope.id, SCOPE_ID_BYTES) == 0 || (q->topic && memcmp(s->id, q->topic->scope.id, SCOPE_ID_BYTES) == 0);
}

static const char *standing_of(const struct finding *f, int64_t now_ms)
{
	const struct consent *c = f->consent;
	if (!consent_stands(c->basis, c->granted_ms, c->withdrawn_ms, 0, now_ms))
		return "withdrawn";
	return f->ends_ms && f->ends_ms <= now_ms ? "expired" : "given";
}

static json_t *purpose_of(struct receipt *r, const struct finding *f)
{
	const struct consent *c = f->consent;
	struct view how = evidence_value(view_of(c->evidence), V("how"));
	return json_pack("{s:s, s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "purpose", *c->purpose.name ? c->purpose.name : "everything", "standing",
	    standing_of(f, r->question.now_ms), "lawfulBasis", c->basis ? basis_word(c->basis) : NULL, "consentTimestamp", json_time(c->granted_ms), "withdrawn",
	    json_time(c->withdrawn_ms), "termination", json_time(f->ends_ms), "collectionMethod", how.n ? json_view(how) : json_text(c->source), "source",
	    json_text(c->source), "recordedBy", json_text(c->actor), "evidence", json_text(c->evidence), "wording", wording_of(r->tool, c->wording),
	    "entry", (json_int_t)c->seq);
}

static json_t *purposes_of(struct receipt *r, const struct explanation *e)
{
	json_t *purposes = json_array();
	for (unsigned i = 0; i < e->count; i++)
		if (e->findings[i].consent && is_of(&r->question, &e->findings[i].consent->purpose))
			json_array_append_new(purposes, purpose_of(r, &e->findings[i]));
	return purposes;
}

static bool add_entry(void *arg, const struct journal_entry *e)
{
	struct receipt *r = arg;
	bool consent = e->kind == CHANGE_GRANT || e->kind == CHANGE_WITHDRAW, stop = e->kind == CHANGE_SUPPRESS || e->kind == CHANGE_UNSUPPRESS;
	if ((consent || stop) && memcmp(e->who.b, r->question.who.b, PERSON_KEY_BYTES) == 0 && is_of(&r->question, &e->scope))
		json_array_append_new(r->history, json_pack("{s:I, s:s, s:o, s:s, s:s?, s:o, s:o, s:o, s:o}", "entry", (json_int_t)e->seq, "change",
		    change_word(e->kind), "when", json_time(e->event_ms), "scope", e->scope.name, consent ? "basis" : "reason",
		    consent ? basis_word(e->basis) : reason_word(e->reason), "source", json_view(e->source), "wording", json_view(e->wording), "evidence",
		    json_view(e->evidence), "hash", hex_json(e->hash, sizeof e->hash)));
	return true;
}

/* The page where it can be taken back, as a mail of today would name it. */
static int withdrawal_link(const struct receipt *r, json_t **ret, struct err *err)
{
	struct token_keys *keys;
	struct buf link, masked;
	const struct question *q = &r->question;
	const struct scope *scope = q->topic ? &q->topic->scope : &q->stream->scope;
	if (token_keys_load(&keys, r->tool->config->key_dir, err) < 0)
		return -1;
	struct token k = {.channel = q->channel, .level = scope->level, .who = q->who, .minted_ms = q->now_ms};
	memcpy(k.scope_id, scope->id, SCOPE_ID_BYTES);
	memcpy(k.brand_id, q->stream->brand->scope.id, SCOPE_ID_BYTES);
	memcpy(k.stream_id, q->stream->scope.id, SCOPE_ID_BYTES);
	buf_init(&masked, TOKEN_MASK_MAX);
	if (q->channel == CHANNEL_EMAIL)
		address_mask(&r->address, &masked);
	ALWAYS(view_str(buf_view(&masked), k.masked, sizeof k.masked));
	buf_init(&link, CONFIG_PATH_MAX);
	buf_fmt(&link, "%s/u/", q->stream->brand->public_url);
	token_mint_link(keys, &k, &link);
	*ret = json_view(buf_view(&link));
	buf_free(&link);
	buf_free(&masked);
	token_keys_free(&keys);
	return 0;
}

static json_t *receipt_id(void)
{
	uint8_t b[16];
	random_bytes(b, sizeof b);
	return hex_json(b, sizeof b);
}

static int receipt_make(struct receipt *r, const struct explanation *e, json_t **ret, struct err *err)
{
	const struct question *q = &r->question;
	const struct brand *b = q->stream->brand;
	json_t *link, *purposes = purposes_of(r, e);
	const uint64_t position = ledger_journal_last(r->tool->ledger);
	if (ledger_journal(r->tool->ledger, 1, add_entry, r, err) < 0 || withdrawal_link(r, &link, err) < 0) {
		json_decref(purposes);
		return -1;
	}
	*ret = json_pack("{s:s, s:i, s:o, s:o, s:s, s:s, s:[{s:s, s:s}], s:[{s:s, s:s, s:o}], s:s, s:O, s:o, s:I}", "what", "optgate consent receipt", "version", 1,
	    "consentReceiptID", receipt_id(), "issued", json_time(q->now_ms), "piiPrincipalId", r->address.text, "channel", channel_word(q->channel), "piiControllers",
	    "piiController", b->title ? b->title : b->name, "url", b->public_url, "services", "service", q->stream->title ? q->stream->title : q->stream->name, "stream",
	    q->stream->scope.name, "purposes", purposes, "maySend", verdict_word(e->verdict.kind), "history", r->history, "withdrawal", link, "ledgerPosition",
	    (json_int_t)position);
	return 0;
}

/* ---- the verbs ---- */

static int receipt_find(struct receipt *r, struct err *err)
{
	struct tool *t = r->tool;
	const char *stream = option(&t->args, OPT_STREAM), *topic = option(&t->args, OPT_TOPIC);
	struct question *q = &r->question;
	if (read_channel(&t->args, &q->channel, err) < 0 || need_config(t, err) < 0 || need_ledger(t, false, err) < 0 ||
	    read_person(t, q->channel, &r->address, &q->who, err) < 0)
		return -1;
	q->address = view_of(r->address.text);
	q->stream = policy_stream(t->config->policy, view_of(stream));
	if (!q->stream)
		return err_set(err, ERR_MISSING, "--stream: the settings have no \"%s\"; expected BRAND/STREAM", stream);
	q->topic = topic ? stream_topic(q->stream, view_of(topic)) : NULL;
	return topic && !q->topic ? err_set(err, ERR_MISSING, "--topic: stream %s has no topic \"%s\"", stream, topic) : 0;
}

int run_consent_receipt(struct tool *t)
{
	struct receipt r = {.tool = t, .question = {.now_ms = clock_wall(&clock_system)}, .history = json_array()};
	struct explanation e;
	struct arena arena;
	struct err err;
	json_t *o = NULL;
	arena_init(&arena, LOOK_MAX);
	int rc = receipt_find(&r, &err);
	if (rc == 0)
		rc = policy_explain(t->ledger, &r.question, &arena, &e, &err);
	if (rc == 0)
		rc = receipt_make(&r, &e, &o, &err);
	arena_free(&arena);
	if (rc == 0 && !json_array_size(json_object_get(json_array_get(json_object_get(o, "services"), 0), "purposes")))
		rc = err_set(&err, ERR_MISSING, "%s: nothing is on record for this stream that a receipt could be given of", r.address.text);
	if (rc == 0)
		rc = document_sign(t, o, RECEIPT_KEY, &err);
	json_decref(r.history);
	if (rc < 0) {
		json_decref(o);
		return failed(t, &err);
	}
	print_json(t, o);
	return EXIT_DONE;
}

int run_consent_verify(struct tool *t)
{
	struct err err = {0};
	struct buf text;
	json_error_t why;
	const char *path = t->args.operands[0];
	buf_init(&text, RECEIPT_MAX);
	int rc = file_read(path, &text, &err);
	json_t *o = rc == 0 ? json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why) : NULL;
	if (rc == 0 && !json_is_object(o))
		rc = err_set(&err, ERR_SYNTAX, "%s: expected a receipt (JSON)", path);
	if (rc == 0 && !document_is_ours(t, o, RECEIPT_KEY, t->args.operand_count > 1 ? t->args.operands[1] : NULL))
		rc = err_set(&err, ERR_REFUSED, "%s: not signed with this key, or altered", path);
	json_decref(o);
	buf_free(&text);
	if (rc < 0)
		return failed(t, &err);
	print_safe(t, "%s: ours, and unaltered", path);
	return EXIT_DONE;
}
