/* GET /v1/explain, POST /v1/check: what may be sent to whom, and why. */
#include "admin_internal.h"

static struct question question_of(const struct web_request *r, const struct party *p, const struct stream *s, const struct topic *t)
{
	return (struct question){.stream = s, .topic = t, .channel = p->channel, .who = p->who, .now_ms = r->at_ms,
	    .address = p->channel == CHANNEL_EMAIL ? view_of(p->address.text) : V("")};
}

/* ---- of a message that was seen ---- */

struct past {
	struct errand errand; /* the first member */
	char ref[40];
	json_t *rows; /* NULL: why it is none */
	struct err err;
};

static void look_up(struct errand *e)
{
	struct past *p = (struct past *)e;
	if (past_json(e->web->ledger, settings_of(e->request)->decisions_dir, p->ref, &p->rows, &p->err) < 0)
		p->rows = NULL;
}

static void tell_past(struct web_request *r)
{
	struct past *p = r->state;
	if (p->rows)
		json_answer(r, 200, p->rows);
	else if (p->err.kind == ERR_MISSING || p->err.kind == ERR_SYNTAX)
		json_refuse(r, p->err.kind == ERR_MISSING ? 404 : 400, "ref", "%s", p->err.text);
	else
		json_failed(r, &p->err);
}

static enum web_when explain_past(struct web *w, struct web_request *r, struct view ref)
{
	struct past *p = arena_zero(&r->arena, sizeof *p);
	p->errand = (struct errand){.web = w, .request = r, .work = look_up};
	if (!view_str(ref, p->ref, sizeof p->ref))
		return json_refuse(r, 400, "ref", "expected the reference of a reply or a log line");
	r->state = p;
	r->later = tell_past;
	if (desk_take(w->desk, &p->errand))
		return WEB_LATER;
	web_response_header(&r->answer, "Retry-After", WEB_RETRY_AFTER);
	return json_refuse(r, 503, NULL, "too many such questions at a time");
}

enum web_when explain_show(struct web *w, struct web_request *r)
{
	struct view ref = http_argument(r, "ref");
	struct party party;
	struct err err;
	enum verdict_kind kind;
	const struct topic *topic;
	json_t *o;
	if (ref.p)
		return explain_past(w, r, ref);
	if (!party_of(w, r, http_argument(r, "channel"), http_argument(r, "address"), http_argument(r, "stream"), &party))
		return WEB_NOW;
	const struct stream *stream = stream_of(r, http_argument(r, "stream"), &topic);
	if (!stream)
		return WEB_NOW;
	struct question q = question_of(r, &party, stream, topic);
	if (explanation_json(w->ledger, &q, party.address.text, &o, &kind, &err) < 0)
		return json_failed(r, &err);
	return json_answer(r, 200, o);
}

/* One address's row; one that is no address has an error instead of a verdict: it may not be sent to. */
static json_t *checked(struct web *w, struct web_request *r, const struct stream *s, const struct topic *t, struct view channel, const json_t *text)
{
	struct party party;
	struct view v = json_is_string(text) ? view_n(json_string_value(text), json_string_length(text)) : V("");
	json_t *o = json_pack("{s:o}", "address", json_view(v));
	if (!party_of(w, r, channel, v, view_of(s->scope.name), &party)) {
		buf_clear(&r->answer.body);
		json_object_set_new(o, "verdict", json_string("suppress"));
		json_object_set_new(o, "reason", json_string("bad-address"));
		return o;
	}
	struct question q = question_of(r, &party, s, t);
	struct verdict verdict = policy_decide(w->ledger, &q);
	json_object_set_new(o, "verdict", json_string(verdict_word(verdict.kind)));
	if (verdict.kind != VERDICT_ALLOW || verdict.shadow)
		json_object_set_new(o, "reason", json_string(verdict_reason_word(&verdict)));
	if (verdict.seq)
		json_object_set_new(o, "entry", json_integer((json_int_t)verdict.seq));
	return o;
}

static enum web_when check(struct web *w, struct web_request *r, const json_t *q)
{
	const struct topic *topic;
	const json_t *addresses = json_object_get(q, "addresses");
	struct view channel = json_text_of(q, "channel");
	const struct stream *stream = stream_of(r, json_text_of(q, "stream"), &topic);
	if (!stream)
		return WEB_NOW;
	if (channel.n && !channel_of(channel))
		return json_refuse(r, 400, "channel", "expected email, sms, phone, post or social");
	if (!json_is_array(addresses) || json_array_size(addresses) > ADMIN_CHECK_MOST)
		return json_refuse(r, 400, "addresses", "expected a list of at most %d addresses", ADMIN_CHECK_MOST);
	json_t *rows = json_array();
	for (size_t i = 0; i < json_array_size(addresses); i++)
		json_array_append_new(rows, checked(w, r, stream, topic, channel, json_array_get(addresses, i)));
	return json_answer(r, 200, json_pack("{s:s, s:I, s:o}", "stream", stream->scope.name, "ledger", (json_int_t)ledger_journal_last(w->ledger),
	    "results", rows));
}

enum web_when check_do(struct web *w, struct web_request *r)
{
	json_t *q = json_body(r);
	if (q)
		check(w, r, q);
	json_decref(q);
	return WEB_NOW;
}
