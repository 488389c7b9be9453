/* Questions of doors that keep no message here. */
#include "intake/ask.h"

#include "base/counter.h"
#include "decisions/decisions.h"
#include "intake_internal.h"

COUNTER(asked_allowed, "optgate_verdicts_total{at=\"policy\",verdict=\"allow\"}", "Verdicts by place and kind");
COUNTER(asked_suppressed, "optgate_verdicts_total{at=\"policy\",verdict=\"suppress\"}", "Verdicts by place and kind");
COUNTER(asked_deferred, "optgate_verdicts_total{at=\"policy\",verdict=\"defer\"}", "Verdicts by place and kind");

static void note(const struct intake_session *s, uint64_t id, const struct question *q, const struct verdict *v,
    enum decision_end end)
{
	const struct decision d = {.at_ms = q->now_ms,
	    .ref = id,
	    .at = DECIDED_AT_RCPT,
	    .end = end,
	    .verdict = *v,
	    .class = q->stream->class,
	    .channel = CHANNEL_EMAIL,
	    .who = q->who,
	    .scope = view_of(q->stream->scope.name),
	    .client = view_of(s->client->name)};
	decisions_note(s->intake->decisions, &d);
}

static struct counter *const by_kind[] = {
    [VERDICT_ALLOW] = &asked_allowed, [VERDICT_SUPPRESS] = &asked_suppressed, [VERDICT_DEFER] = &asked_deferred};

const char *intake_client_name(void *session)
{
	const struct intake_session *s = session;
	return s->client ? s->client->name : NULL;
}

bool intake_as_client(void *session, struct view name, struct reply *refused)
{
	struct intake_session *s = session;
	refused->code = 0;
	for (unsigned i = 0; i < s->settings->client_count; i++)
		if (view_eq(view_of(s->settings->clients[i].name), name))
			return session_become(s, &s->settings->clients[i], refused);
	return false;
}

bool intake_knows_user(void *session, struct view user)
{
	return client_of_user(session, user) != NULL;
}

void intake_ask(void *session, const struct address *to, struct reply *reply)
{
	const struct intake_session *s = session;
	struct question q = {.channel = CHANNEL_EMAIL, .address = view_of(to->text), .now_ms = clock_wall(s->intake->clock)};
	if (!may_send(s, reply))
		return;
	q.stream = s->client->default_stream;
	ledger_person_key(s->intake->ledger, CHANNEL_EMAIL, view_of(to->text), &q.who);
	struct verdict v = policy_decide(s->intake->ledger, &q);
	counter_add(by_kind[v.kind], 1);
	if (v.kind != VERDICT_ALLOW) {
		uint64_t id = spool_new_id(s->intake->spool);
		note(s, id, &q, &v, v.kind == VERDICT_DEFER ? END_DEFERRED : END_REFUSED);
		log_refusal(&v, id, 0, s->client, &q.who);
		refuse_by_verdict(&v, id, 0, to, reply);
	} else if (meter_recipient(s->client, s->intake->clock, reply)) {
		reply_set(reply, 250, "2.1.5", "Recipient ok");
	}
}

bool intake_one_recipient_each(void *opaque)
{
	const struct intake_tx *tx = opaque;
	bool each = tx->client->default_stream->class == CLASS_MARKETING;
	for (unsigned i = 0; each && i < tx->client->stream_count; i++)
		each = tx->client->streams[i]->class == CLASS_MARKETING;
	return each;
}

/* Nobody can look at a message that is not kept: what would be held is refused. */
static bool drop_held(struct intake_tx *tx, const struct choice *c, struct reply *refused)
{
	unsigned left = 0, all = tx->rcpt_count;
	for (unsigned i = 0; i < all; i++)
		if (!c->held && !tx->rcpts[i]->held)
			tx->rcpts[left++] = tx->rcpts[i];
	tx->rcpt_count = left;
	if (left || !all)
		return true;
	reply_set(refused, 550, "5.7.1", "The message is to be held for a look, which a milter cannot do");
	return false;
}

static void tell_failure(void *arg, const struct change_result *results, size_t n, const struct err *err)
{
	(void)arg;
	(void)results;
	(void)n;
	if (err)
		log_event(LOG_LEVEL_ERROR, "intake.family.fail", "why=\"%s\"", err->text);
}

/* The link that goes out names a key alone (delivery waits for this; here nobody may). */
static void note_families(const struct intake_tx *tx, const struct stream *s)
{
	for (unsigned i = 0; i < tx->rcpt_count; i++) {
		const struct intake_recipient *r = tx->rcpts[i];
		if (brand_folds(s->brand, view_of(r->address.text)))
			ledger_submit_family(tx->intake->ledger, &r->who, view_of(r->address.text), tell_failure, NULL);
	}
}

bool intake_decide(void *opaque, struct intake_decision *ret, struct reply *refused)
{
	struct intake_tx *tx = opaque;
	struct choice c;
	if (!tx_is_whole(tx, refused) || decide_message(tx, &c, refused) < 0 || !drop_held(tx, &c, refused))
		return false;
	bool any = tx->rcpt_count > 0;
	note_families(tx, c.stream);
	*ret = (struct intake_decision){.id = tx->id,
	    .stream = c.stream,
	    .topic = c.topic,
	    .envelope = envelope_of(tx, &c),
	    .message = buf_view(&tx->message),
	    .left = tx->rcpt_count,
	    .first = any ? &tx->rcpts[0]->address : NULL,
	    .first_who = any ? tx->rcpts[0]->who : (struct person_key){{0}}};
	spool_id_text(tx->id, ret->id_text);
	return true;
}

bool intake_is_left(void *opaque, const struct address *to)
{
	return tx_has_rcpt(opaque, to);
}
