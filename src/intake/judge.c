/* Verdict 2: who is left. Each recipient that may not be sent this is refused, dropped or held, as client and stream want it; each is told by
 * an event and noted. One that can't be judged makes the whole message wait: nothing of it is kept. */
#include "base/counter.h"
#include "decisions/decisions.h"
#include "intake_internal.h"

COUNTER(data_allowed, "optgate_verdicts_total{at=\"data\",verdict=\"allow\"}", "Verdicts by place and kind");
COUNTER(data_suppressed, "optgate_verdicts_total{at=\"data\",verdict=\"suppress\"}", "Verdicts by place and kind");
COUNTER(data_deferred, "optgate_verdicts_total{at=\"data\",verdict=\"defer\"}", "Verdicts by place and kind");
COUNTER(data_shadowed, "optgate_shadowed_total{at=\"data\"}", "Recipients allowed only because their stream is on trial");

static const struct way {
	const char *event;
	enum decision_end end;
	bool stays; /* the recipient goes into the queue */
} ways[] = {
    [REFUSAL_REFUSE] = {"intake.rcpt.suppress", END_REFUSED, false},
    [REFUSAL_DROP] = {"intake.rcpt.drop", END_DROPPED, false},
    [REFUSAL_HOLD] = {"intake.rcpt.hold", END_HELD, true},
};

enum refusal_way refusal_of(const struct client *c, const struct stream *s)
{
	enum refusal_way r = c->refusal ? c->refusal : s->refusal;
	return r ? r : REFUSAL_REFUSE;
}

bool refuses_at_rcpt(const struct intake_tx *tx)
{
	const struct client *c = tx->client;
	bool refuses = refusal_of(c, c->default_stream) == REFUSAL_REFUSE;
	for (unsigned i = 0; refuses && i < c->stream_count; i++)
		refuses = refusal_of(c, c->streams[i]) == REFUSAL_REFUSE;
	return refuses;
}

void note_decision(const struct intake_tx *tx, const struct choice *c, unsigned rcpt, const struct person_key *who,
    const struct verdict *v, int at, int end)
{
	const struct decision d = {.at_ms = clock_wall(tx->intake->clock), .ref = tx->id, .rcpt = rcpt, .at = (enum decision_at)at,
	    .end = (enum decision_end)end, .verdict = *v, .class = c->stream->class, .channel = CHANNEL_EMAIL, .who = *who,
	    .signals = c->signals, .body = c->body, .scope = view_of(c->topic ? c->topic->scope.name : c->stream->scope.name),
	    .client = view_of(tx->client->name), .campaign = c->campaign};
	decisions_note(tx->intake->decisions, &d);
}

static void tell(const struct intake_tx *tx, const struct choice *c, const struct intake_recipient *r, const struct verdict *v,
    const char *event)
{
	char ref[SPOOL_ID_TEXT];
	spool_id_text(tx->id, ref);
	log_event(LOG_LEVEL_INFO, event, "ref=%s.%u client=%s stream=%s person=%02x%02x%02x%02x%02x%02x rule=%s reason=%s seq=%llu", ref,
	    r->number, tx->client->name, c->stream->scope.name, r->who.b[0], r->who.b[1], r->who.b[2], r->who.b[3], r->who.b[4], r->who.b[5],
	    rule_word(v->rule), verdict_reason_word(v), (unsigned long long)v->seq);
}

static struct verdict ask(const struct intake_tx *tx, const struct choice *c, const struct intake_recipient *r)
{
	const struct question q = {.stream = c->stream, .topic = c->topic, .channel = CHANNEL_EMAIL, .who = r->who,
	    .address = view_of(r->address.text), .now_ms = clock_wall(tx->intake->clock)};
	return policy_decide(tx->intake->ledger, &q);
}

/* Allowed, or only because its stream is on trial. STAYS_AS is its place among those that are kept. */
static void allow(const struct intake_tx *tx, const struct choice *c, const struct intake_recipient *r, const struct verdict *v,
    unsigned stays_as)
{
	counter_add(&data_allowed, 1);
	if (v->shadow) {
		counter_add(&data_shadowed, 1);
		tell(tx, c, r, v, "intake.rcpt.shadow");
	}
	note_decision(tx, c, stays_as, &r->who, v, DECIDED_AT_DATA, c->held ? END_HELD : END_ACCEPTED);
}

int judge(struct intake_tx *tx, const struct choice *c, struct reply *refused)
{
	const struct way *way = &ways[refusal_of(tx->client, c->stream)];
	unsigned left = 0, told = 0;
	for (unsigned i = 0; i < tx->rcpt_count; i++) {
		struct intake_recipient *r = tx->rcpts[i];
		struct verdict v = ask(tx, c, r);
		if (v.kind == VERDICT_ALLOW) {
			allow(tx, c, r, &v, left);
			tx->rcpts[left++] = r;
			continue;
		}
		bool defer = v.kind == VERDICT_DEFER;
		counter_add(defer ? &data_deferred : &data_suppressed, 1);
		note_decision(tx, c, way->stays && !defer ? left : r->number, &r->who, &v, DECIDED_AT_DATA, defer ? END_DEFERRED : way->end);
		if (defer || !told++)
			refuse_by_verdict(&v, tx->id, r->number, &r->address, refused);
		if (defer)
			return -1;
		tell(tx, c, r, &v, way->event);
		r->held = way->stays;
		if (way->stays)
			tx->rcpts[left++] = r;
	}
	tx->rcpt_count = left;
	return left || way->end == END_DROPPED ? 0 : -1;
}
