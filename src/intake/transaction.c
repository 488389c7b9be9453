/* One transaction: MAIL, each RCPT with its verdict (1), the message's bytes, and its end. */
#include <stdlib.h>

#include "base/counter.h"
#include "decisions/decisions.h"
#include "intake_internal.h"

COUNTER(rcpt_allowed, "optgate_verdicts_total{at=\"rcpt\",verdict=\"allow\"}", "Verdicts by place and kind");
COUNTER(rcpt_suppressed, "optgate_verdicts_total{at=\"rcpt\",verdict=\"suppress\"}", "Verdicts by place and kind");
COUNTER(rcpt_deferred, "optgate_verdicts_total{at=\"rcpt\",verdict=\"defer\"}", "Verdicts by place and kind");
GAUGE(memory_held, "optgate_intake_memory_bytes", "Bytes of all messages being received");


/* What one client's messages may hold of all memory: the rest is left for the others. */
static uint64_t memory_share(const struct intake_settings *s)
{
	return s->memory_bytes - s->memory_bytes / 4;
}

bool may_send(const struct intake_session *s, struct reply *reply)
{
	if (s->intake->draining) {
		reply_set(reply, 421, "4.3.2", "%s is shutting down; try again later", s->settings->hostname);
	} else if (s->crowded.code) {
		*reply = s->crowded;
	} else if (!s->client) {
		reply_set(reply, 530, "5.7.0", "Authentication required");
	} else {
		return true;
	}
	return false;
}

static bool may_begin(const struct intake_session *s, const struct intake_mail *m, struct reply *reply)
{
	if (!may_send(s, reply))
		return false;
	if (m->size > s->settings->max_message_bytes) {
		reply_set(reply, 552, "5.3.4", "Message is larger than %llu bytes", (unsigned long long)s->settings->max_message_bytes);
	} else if (s->intake->memory > s->settings->memory_bytes) {
		reply_set(reply, 452, "4.3.1", "Too many messages are being received; try again later");
	} else {
		return meter_has_memory(s->client, memory_share(s->settings), s->intake->clock, reply) &&
		       meter_message(s->client, s->intake->clock, reply);
	}
	return false;
}

void tx_begin(void *session, const struct intake_mail *m, void **ret_tx, struct reply *reply)
{
	struct intake_session *s = session;
	if (!may_begin(s, m, reply))
		return;
	struct intake_tx *tx = mem_zero(sizeof *tx);
	tx->intake = s->intake;
	tx->settings = (struct intake_settings *)shared_hold(&s->settings->shared);
	tx->client = s->client;
	arena_init(&tx->arena, TX_ARENA_BYTES);
	buf_init(&tx->message, s->settings->max_message_bytes);
	tx->id = spool_new_id(s->intake->spool);
	tx->from = *m->from;
	tx->helo = arena_view(&tx->arena, m->helo);
	tx->envid = arena_view(&tx->arena, m->envid);
	tx->ret = m->ret;
	tx->protocol = m->protocol;
	if (m->client_ip.n)
		view_str(m->client_ip, tx->peer_ip, sizeof tx->peer_ip);
	else
		endpoint_ip_text(&s->peer, tx->peer_ip);
	*ret_tx = tx;
	reply_set(reply, 250, "2.1.0", "Sender ok");
}

void refuse_by_verdict(const struct verdict *v, uint64_t id, unsigned rcpt, const struct address *to, struct reply *reply)
{
	char ref[SPOOL_ID_TEXT];
	spool_id_text(id, ref);
	if (v->kind == VERDICT_DEFER)
		reply_set(reply, 451, "4.3.0", "<%s>: the ledger cannot be read; try again later (ref %s.%u)", to->exact, ref, rcpt);
	else
		reply_set(reply, 550, "5.7.1", "<%s>: refused: %s (ref %s.%u)", to->exact, verdict_reason_word(v), ref, rcpt);
}

/* A recipient may be refused at RCPT only when no stream that the client could still choose in the message's head would let it
 * pass: leaving a newsletter must not stop a receipt (promise 8). The end of DATA asks for the stream chosen. */
static struct verdict ask_all_streams(struct intake_tx *tx, const struct address *to, const struct person_key *who)
{
	struct question q = {.stream = tx->client->default_stream, .channel = CHANNEL_EMAIL, .who = *who,
	    .address = view_of(to->text), .now_ms = clock_wall(tx->intake->clock)};
	struct verdict first = policy_decide(tx->intake->ledger, &q);
	for (unsigned i = 0; first.kind == VERDICT_SUPPRESS && i < tx->client->stream_count; i++) {
		q.stream = tx->client->streams[i];
		struct verdict v = policy_decide(tx->intake->ledger, &q);
		if (v.kind != VERDICT_SUPPRESS)
			return v;
	}
	return first;
}

bool tx_has_rcpt(const struct intake_tx *tx, const struct address *to)
{
	for (unsigned i = 0; i < tx->rcpt_count; i++)
		if (view_eq(view_of(tx->rcpts[i]->address.text), view_of(to->text)))
			return true;
	return false;
}

static bool keep_rcpt(struct intake_tx *tx, const struct intake_rcpt *r, const struct person_key *who, unsigned number)
{
	struct intake_recipient *keep = arena_zero(&tx->arena, sizeof *keep);
	if (!keep)
		return false;
	keep->address = *r->to;
	keep->who = *who;
	keep->number = number;
	keep->orcpt = arena_view(&tx->arena, r->orcpt);
	keep->notify = r->notify;
	if (tx->rcpt_count == tx->rcpt_room) {
		tx->rcpt_room = tx->rcpt_room ? 2 * tx->rcpt_room : 8;
		tx->rcpts = mem_grow(tx->rcpts, tx->rcpt_room * sizeof *tx->rcpts);
	}
	tx->rcpts[tx->rcpt_count++] = keep;
	return true;
}

void log_refusal(
    const struct verdict *v, uint64_t id, unsigned rcpt, const struct client *client, const struct person_key *who)
{
	char ref[SPOOL_ID_TEXT];
	spool_id_text(id, ref);
	log_event(v->kind == VERDICT_DEFER ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "intake.rcpt.refuse",
	    "ref=%s.%u client=%s person=%02x%02x%02x%02x%02x%02x verdict=%s rule=%s reason=%s seq=%llu", ref, rcpt, client->name,
	    who->b[0], who->b[1], who->b[2], who->b[3], who->b[4], who->b[5], verdict_word(v->kind), rule_word(v->rule),
	    verdict_reason_word(v), (unsigned long long)v->seq);
}

void tx_rcpt(void *opaque, const struct intake_rcpt *r, struct reply *reply)
{
	struct intake_tx *tx = opaque;
	unsigned number = tx->rcpt_count + tx->refused_rcpts;
	if (number >= tx->settings->max_recipients) {
		reply_set(reply, 452, "4.5.3", "Too many recipients: at most %u", tx->settings->max_recipients);
		return;
	}
	if (tx_has_rcpt(tx, r->to)) {
		reply_set(reply, 250, "2.1.5", "Recipient ok, named before");
		return;
	}
	tx->named_rcpts++;
	struct person_key who;
	ledger_person_key(tx->intake->ledger, CHANNEL_EMAIL, view_of(r->to->text), &who);
	struct verdict v = ask_all_streams(tx, r->to, &who);
	if (v.kind == VERDICT_DEFER || (v.kind == VERDICT_SUPPRESS && refuses_at_rcpt(tx))) {
		tx->refused_rcpts++;
		counter_add(v.kind == VERDICT_DEFER ? &rcpt_deferred : &rcpt_suppressed, 1);
		log_refusal(&v, tx->id, number, tx->client, &who);
		const struct choice unknown = {.stream = tx->client->default_stream};
		note_decision(tx, &unknown, number, &who, &v, DECIDED_AT_RCPT, v.kind == VERDICT_DEFER ? END_DEFERRED : END_REFUSED);
		refuse_by_verdict(&v, tx->id, number, r->to, reply);
		return;
	}
	if (!meter_recipient(tx->client, tx->intake->clock, reply))
		return;
	if (!keep_rcpt(tx, r, &who, number)) {
		reply_set(reply, 452, "4.5.3", "Too many recipients");
		return;
	}
	counter_add(v.kind == VERDICT_ALLOW ? &rcpt_allowed : &rcpt_suppressed, 1);
	reply_set(reply, 250, "2.1.5", "Recipient ok");
}

/* What the buffer has grown by since the last look counts against all messages' memory; past that it may not grow any more. */
static void account(struct intake_tx *tx)
{
	uint64_t now = tx->message.cap;
	if (now != tx->accounted) {
		uint64_t total = atomic_fetch_add(&tx->intake->memory, now - tx->accounted) + now - tx->accounted;
		counter_add(&memory_held, (int64_t)(now - tx->accounted));
		uint64_t its = atomic_fetch_add(&tx->client->meter->memory, now - tx->accounted) + now - tx->accounted;
		tx->accounted = now;
		if ((total > tx->settings->memory_bytes || its > memory_share(tx->settings)) && !tx->no_memory) {
			tx->no_memory = true;
			tx->message.max = tx->message.n;
		}
	}
}

struct buf *tx_data(void *opaque)
{
	struct intake_tx *tx = opaque;
	account(tx);
	return &tx->message;
}

void intake_tx_free(struct intake_tx *tx)
{
	account(tx);
	atomic_fetch_sub(&tx->intake->memory, tx->accounted);
	atomic_fetch_sub(&tx->client->meter->memory, tx->accounted);
	counter_add(&memory_held, -(int64_t)tx->accounted);
	buf_free(&tx->message);
	buf_free(&tx->envelope);
	free(tx->rcpts);
	arena_free(&tx->arena);
	shared_release(&tx->settings->shared);
	free(tx);
}

void tx_abort(void *opaque)
{
	intake_tx_free(opaque);
}

bool tx_is_whole(const struct intake_tx *tx, struct reply *refused)
{
	if (tx->no_memory)
		reply_set(refused, 452, "4.3.1", "Too many messages are being received; try again later");
	else if (tx->message.failed)
		reply_set(refused, 552, "5.3.4", "Message is larger than %llu bytes", (unsigned long long)tx->settings->max_message_bytes);
	return !tx->no_memory && !tx->message.failed;
}

void tx_commit(void *opaque, const struct reply *refused, intake_done *done, void *arg)
{
	struct intake_tx *tx = opaque;
	struct reply reply;
	if (refused) {
		reply = *refused;
	} else if (tx_is_whole(tx, &reply)) {
		keep_message(tx, done, arg);
		return;
	}
	intake_tx_free(tx);
	done(arg, &reply);
}
