/* Why, as JSON: the verdict for one person and one stream, and every row that had a say. */
#include "answers/answers.h"
#include "ledger/address.h"
#include "ledger/blocks.h"
#include "ledger/person.h"

#define EXPLAIN_MAX (4u << 20)

static json_t *allow_json(const struct suppression *s)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "scope", s->scope.name, "reason", "allow", "when", json_time(s->event_ms),
	    "expires", json_time(s->expires_ms), "source", json_text(s->source), "actor", json_text(s->actor), "note", json_text(s->note),
	    "entry", (json_int_t)s->seq);
}

static json_t *finding_json(const struct finding *f)
{
	json_t *o = json_pack("{s:s, s:b, s:b, s:s?}", "rule", rule_word(f->rule), "decides", (int)f->decides, "blocks",
	    (int)f->blocks, "why", f->why);
	const struct suppression *s = f->suppression;
	const struct consent *c = f->consent;
	if (f->by_settings)
		json_object_set_new(o, "by_settings", json_true());
	if (f->about.n)
		json_object_set_new(o, "about", json_view(f->about));
	if (f->allow)
		json_object_update_new(o, allow_json(f->allow));
	if (s)
		json_object_update_new(
		    o, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "scope", s->scope.name, "reason",
			   reason_word(s->reason), "when", json_time(s->event_ms), "expires", json_time(s->expires_ms),
			   "source", json_text(s->source), "actor", json_text(s->actor), "note", json_text(s->note),
			   "entry", (json_int_t)s->seq));
	if (c)
		json_object_update_new(
		    o, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "scope", c->purpose.name,
			   "basis", c->basis ? basis_word(c->basis) : "", "when",
			   json_time(c->withdrawn_ms > c->granted_ms ? c->withdrawn_ms : c->granted_ms), "withdrawn",
			   json_time(c->withdrawn_ms), "expires", json_time(f->ends_ms), "source",
			   json_text(c->source), "actor", json_text(c->actor), "wording", json_text(c->wording), "note",
			   json_text(c->evidence), "entry", (json_int_t)c->seq));
	return o;
}

static json_t *told(const struct question *q, const char *address, const struct explanation *ex)
{
	json_t *findings = json_array();
	for (unsigned i = 0; i < ex->count; i++)
		json_array_append_new(findings, finding_json(&ex->findings[i]));
	return json_pack("{s:s, s:s, s:s?, s:s, s:s, s:b, s:s, s:s, s:s, s:I, s:o}", "address", address, "stream",
	    q->stream->scope.name, "topic", q->topic ? q->topic->name : NULL, "class",
	    mail_class_word(q->stream->class), "verdict", verdict_word(ex->verdict.kind), "shadow", (int)ex->verdict.shadow, "rule",
	    rule_word(ex->verdict.rule), "reason",
	    ex->verdict.kind == VERDICT_ALLOW && !ex->verdict.shadow ? "" : verdict_reason_word(&ex->verdict), "sentence",
	    rule_sentence(ex->verdict.rule), "entry", (json_int_t)ex->verdict.seq, "findings", findings);
}

int linked_json(struct ledger *l, const struct person_key *who, json_t **ret, struct err *err)
{
	struct linked linked[LINKED_MOST];
	unsigned count;
	if (ledger_linked(l, who, linked, &count, err) < 0)
		return -1;
	*ret = json_array();
	for (unsigned i = 0; i < count; i++) {
		struct buf name;
		buf_init(&name, ADDRESS_MAX + 1);
		bool known = ledger_person(l, &linked[i].who, &name, NULL) == 0;
		json_array_append_new(*ret, json_pack("{s:s, s:o}", "channel", channel_word(linked[i].channel), "address",
		    known ? json_view(buf_view(&name)) : hex_json(&linked[i].who, sizeof linked[i].who)));
		buf_free(&name);
	}
	return 0;
}

/* What is known of the person beside: neither decides by itself. */
static int add_person(struct ledger *l, const struct person_key *who, json_t *o, struct err *err)
{
	struct subscriber s;
	json_t *linked;
	if (ledger_subscriber(l, who, &s, err) < 0 || linked_json(l, who, &linked, err) < 0)
		return -1;
	json_object_set_new(o, "corporate", json_boolean(s.corporate));
	json_object_set_new(o, "linked", linked);
	return 0;
}

int explanation_json(struct ledger *l, const struct question *q, const char *address, json_t **ret, enum verdict_kind *ret_kind, struct err *err)
{
	struct arena arena;
	struct explanation ex;
	json_t *o = NULL;
	arena_init(&arena, EXPLAIN_MAX);
	int rc = policy_explain(l, q, &arena, &ex, err);
	if (rc == 0) {
		o = told(q, address, &ex);
		*ret_kind = ex.verdict.kind;
		rc = add_person(l, &q->who, o, err);
	}
	arena_free(&arena);
	if (rc < 0)
		json_decref(o);
	else
		*ret = o;
	return rc;
}
