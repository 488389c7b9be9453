/* POST /v1/suppressions, /v1/optout, /v1/removals, /v1/approvals: changes by those who hold a key. The request waits until they are durable. */
#include "admin_internal.h"
#include "optout/stop.h"

struct order { /* a body's members, checked; in the request's arena */
	struct party party;
	char actor[ACTOR_MAX + 1];
};

/* A time of the body; false: it has been answered. */
static bool when_of(struct web_request *r, const json_t *q, const char *name, int64_t *ret_ms)
{
	struct view text = json_text_of(q, name);
	*ret_ms = 0;
	if (!text.n || time_parse(text.p, text.n, ret_ms))
		return true;
	json_refuse(r, 400, name, "expected a time such as 2027-01-31T12:00:00Z");
	return false;
}

/* A scope that the settings know: a typing mistake would block nobody. */
static bool scope_of(struct web_request *r, struct view name, struct scope *ret)
{
	struct err err;
	const struct topic *topic;
	if (scope_parse(name, ret, &err) < 0) {
		json_refuse(r, 400, "scope", "%s", err.text);
		return false;
	}
	if (ret->level <= SCOPE_BRAND) {
		if (ret->level == SCOPE_GLOBAL || policy_brand(settings_of(r)->policy, name))
			return true;
		json_refuse(r, 400, "scope", "the settings have no brand of that name");
		return false;
	}
	return stream_of(r, name, &topic) != NULL;
}

static bool text_fits(struct web_request *r, const json_t *q, const char *name, size_t most, struct view *ret)
{
	*ret = arena_view(&r->arena, json_text_of(q, name));
	if (ret->n <= most)
		return true;
	json_refuse(r, 400, name, "expected at most %zu bytes", most);
	return false;
}

static void refused(struct submission *s)
{
	json_failed(s->request, &s->err);
}

/* What all changes have in common. NULL: it has been answered. */
static struct change *begin(struct web *w, struct web_request *r, const json_t *q, struct submission *s, const char *source)
{
	struct order *o = arena_zero(&r->arena, sizeof *o);
	struct change *c = submission_add(s);
	struct view given;
	s->refuse = refused;
	if (!party_of(w, r, json_text_of(q, "channel"), json_text_of(q, "address"), json_text_of(q, "scope"), &o->party) || !scope_of(r, json_text_of(q, "scope"), &c->scope) ||
	    !when_of(r, q, "when", &c->event_ms) || !when_of(r, q, "expires", &c->expires_ms) || !text_fits(r, q, "note", NOTE_MAX, &c->note) ||
	    !text_fits(r, q, "evidence", NOTE_MAX, &c->evidence) || !text_fits(r, q, "source", SOURCE_MAX, &given))
		return NULL;
	c->kind = CHANGE_SUPPRESS;
	c->channel = o->party.channel;
	c->who = o->party.who;
	c->address = view_of(o->party.address.text);
	c->source = given.n ? given : view_of(source);
	c->actor = actor_of(r, o->actor);
	return c;
}

static void durable(struct submission *s)
{
	const struct change *c = &s->changes[0];
	json_answer(s->request, 200, json_pack("{s:s, s:s, s:s, s:s, s:b, s:I}", "address", c->address.p, "channel", channel_word(c->channel), "scope",
	    c->scope.name, "reason", reason_word(c->reason), "changed", (int)s->first.changed, "entry", (json_int_t)s->first.seq));
}

/* The body's reason; REASON_NONE: it has been answered. */
static enum reason reason_asked(struct web_request *r, const json_t *q)
{
	struct view word = json_text_of(q, "reason");
	enum reason reason = word.n ? reason_of(word) : REASON_MANUAL;
	if (!reason)
		json_refuse(r, 400, "reason", "expected objection, unsubscribe, complaint, bounce, manual, register, legal or erasure");
	return reason;
}

static enum web_when suppress(struct web *w, struct web_request *r, const json_t *q)
{
	struct submission *s = submission_new(w, r);
	struct change *c = begin(w, r, q, s, "api");
	if (!c)
		return WEB_NOW;
	c->reason = reason_asked(r, q);
	if (!c->reason)
		return WEB_NOW;
	s->answer = durable;
	return submit_changes(s);
}

/* ---- removals: by one key, or asked for by one and approved by another ---- */

static void asked(struct submission *s)
{
	durable(s);
	s->request->answer.status = s->first.changed ? 202 : 200;
}

static enum web_when remove_one(struct web *w, struct web_request *r, const json_t *q)
{
	struct submission *s = submission_new(w, r);
	struct change *c = begin(w, r, q, s, "api");
	if (!c)
		return WEB_NOW;
	c->reason = reason_asked(r, q);
	if (!c->reason)
		return WEB_NOW;
	bool two = removal_asks_two(c->reason);
	c->kind = two ? CHANGE_REQUEST : CHANGE_UNSUPPRESS;
	s->answer = two ? asked : durable;
	return submit_changes(s);
}

static void approved(struct submission *s)
{
	const struct change *c = &s->changes[0];
	json_answer(s->request, 200, json_pack("{s:I, s:s, s:s, s:s, s:b, s:I}", "request", (json_int_t)c->request, "channel", channel_word(c->channel),
	    "scope", c->scope.name, "reason", reason_word(c->reason), "changed", (int)s->first.changed, "entry", (json_int_t)s->first.seq));
}

static enum web_when approve(struct web *w, struct web_request *r, const json_t *q)
{
	struct submission *s = submission_new(w, r);
	struct order *o = arena_zero(&r->arena, sizeof *o);
	struct change *c = submission_add(s);
	struct err err;
	struct view note;
	json_int_t seq = json_integer_value(json_object_get(q, "request"));
	if (seq <= 0)
		return json_refuse(r, 400, "request", "expected the number of a journal entry: the answer of /v1/removals has it");
	if (!text_fits(r, q, "note", NOTE_MAX, &note))
		return WEB_NOW;
	if (ledger_request(w->ledger, (uint64_t)seq, c, &err) < 0)
		return err.kind == ERR_MISSING ? json_refuse(r, 404, "request", "%s", err.text) : json_failed(r, &err);
	c->note = note;
	c->source = V("api");
	c->actor = actor_of(r, o->actor);
	s->refuse = refused;
	s->answer = approved;
	return submit_changes(s);
}

static enum web_when opt_out(struct web *w, struct web_request *r, const json_t *q)
{
	struct submission *s = submission_new(w, r);
	struct view keyword = json_text_of(q, "keyword");
	struct change *c = begin(w, r, q, s, "api");
	if (!c)
		return WEB_NOW;
	if (keyword.n && !is_stop_word(keyword))
		return json_answer(r, 200, json_pack("{s:b, s:s}", "changed", 0, "why", "no word that stops; nothing has changed"));
	if (keyword.n && !c->evidence.n) {
		struct buf b;
		buf_init(&b, NOTE_MAX);
		buf_fmt(&b, "keyword=%.*s", VFMT(view_sub(keyword, 0, 40)));
		c->evidence = arena_view(&r->arena, buf_view(&b));
		buf_free(&b);
	}
	c->reason = REASON_UNSUBSCRIBE;
	c->expires_ms = 0;
	struct change *withdrawal = submission_add(s);
	*withdrawal = *c;
	withdrawal->kind = CHANGE_WITHDRAW;
	withdrawal->reason = 0;
	s->answer = durable;
	return submit_changes(s);
}

static enum web_when with_body(struct web *w, struct web_request *r, enum web_when (*act)(struct web *, struct web_request *, const json_t *))
{
	json_t *q = json_body(r);
	enum web_when when = q ? act(w, r, q) : WEB_NOW;
	json_decref(q);
	return when;
}

enum web_when suppress_do(struct web *w, struct web_request *r)
{
	return with_body(w, r, suppress);
}

enum web_when removal_do(struct web *w, struct web_request *r)
{
	return with_body(w, r, remove_one);
}

enum web_when approval_do(struct web *w, struct web_request *r)
{
	return with_body(w, r, approve);
}

enum web_when admin_optout_do(struct web *w, struct web_request *r)
{
	return with_body(w, r, opt_out);
}
