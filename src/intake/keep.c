/* Keeping a message: the verdict again (2) for the stream that the message chose, then the spool, then the yes. */
#include <stdlib.h>

#include "base/counter.h"
#include "intake_internal.h"
#include "mail/envelope.h"
#include "mail/header.h"
#include "mail/lane.h"

COUNTER(messages_kept, "optgate_messages_total{result=\"kept\"}", "Messages at the end of DATA");
COUNTER(messages_refused, "optgate_messages_total{result=\"refused\"}", "Messages at the end of DATA");
COUNTER(messages_dropped, "optgate_messages_total{result=\"dropped\"}", "Messages at the end of DATA");
COUNTER(messages_failed, "optgate_messages_total{result=\"failed\"}", "Messages at the end of DATA");

void end_message(struct intake_tx *tx, const struct reply *reply, intake_done *done, void *arg)
{
	intake_tx_free(tx);
	done(arg, reply);
}

static void refuse(struct intake_tx *tx, const struct reply *reply, intake_done *done, void *arg)
{
	char ref[SPOOL_ID_TEXT], text[300];
	spool_id_text(tx->id, ref);
	counter_add(&messages_refused, 1);
	log_event(LOG_LEVEL_INFO, "intake.message.refuse", "ref=%s client=%s code=%d text=\"%s\"", ref, tx->client->name, reply->code,
	    reply->code == 550 && view_starts(view_of(reply->text), V("<")) ? "no recipient left"
	                                                                    : log_safe(text, sizeof text, reply->text, strlen(reply->text)));
	end_message(tx, reply, done, arg);
}

/* A yes to a client that wants no refusals: nobody is left whom this could be sent to. */
static void drop(struct intake_tx *tx, intake_done *done, void *arg)
{
	char ref[SPOOL_ID_TEXT];
	struct reply reply;
	spool_id_text(tx->id, ref);
	counter_add(&messages_dropped, 1);
	log_event(LOG_LEVEL_INFO, "intake.message.drop", "ref=%s client=%s", ref, tx->client->name);
	reply_set(&reply, 250, "2.0.0", "OK: taken as %s", ref);
	end_message(tx, &reply, done, arg);
}

struct envelope envelope_of(const struct intake_tx *tx, const struct choice *c)
{
	return (struct envelope){
	    .client = view_of(tx->client->name),
	    .client_ip = view_of(tx->peer_ip),
	    .helo = tx->helo,
	    .brand = view_of(tx->client->brand->name),
	    .stream = view_of(c->stream->name),
	    .topic = c->topic ? view_of(c->topic->name) : V(""),
	    .campaign = c->campaign,
	    .return_path = view_of(tx->from.exact),
	    .envid = tx->envid,
	    .ret = tx->ret,
	    .protocol = tx->protocol,
	    .class = (uint8_t)c->stream->class,
	    .named = tx->named_rcpts,
	    .arrived_ms = clock_wall(tx->intake->clock),
	};
}

static void write_envelope(struct intake_tx *tx, const struct choice *c)
{
	const struct envelope e = envelope_of(tx, c);
	buf_init(&tx->envelope, 8192);
	envelope_write(&e, &tx->envelope);
}

/* One item: its lane and the recipient's record, in the transaction's arena. */
static bool write_item(struct intake_tx *tx, const struct choice *c, const struct intake_recipient *r, struct spool_new_item *item)
{
	const struct recipient record = {.address = view_of(r->address.exact), .orcpt = r->orcpt, .notify = r->notify};
	struct buf b;
	buf_init(&b, LANE_MAX);
	mail_lane_write(&(struct mail_lane){.stream = view_of(c->stream->scope.name), .domain = address_domain(&r->address),
	    .client = view_of(tx->client->name), .campaign = c->campaign}, &b);
	item->lane = arena_view(&tx->arena, buf_view(&b));
	bool good = !b.failed;
	buf_clear(&b);
	b.max = 2048;
	recipient_write(&record, &b);
	item->data = arena_view(&tx->arena, buf_view(&b));
	item->held = r->held || c->held;
	good = good && !b.failed && item->lane.p && item->data.p;
	buf_free(&b);
	return good;
}

static bool write_items(struct intake_tx *tx, const struct choice *c)
{
	tx->items = arena_alloc(&tx->arena, tx->rcpt_count * sizeof *tx->items);
	for (unsigned i = 0; tx->items && i < tx->rcpt_count; i++)
		if (!write_item(tx, c, tx->rcpts[i], &tx->items[i]))
			return false;
	return tx->items && !tx->envelope.failed;
}

/* On the spool's committer thread: the message is on disk, or it is not. */
static void kept(void *arg, const struct err *failure)
{
	struct intake_tx *tx = arg;
	struct reply reply;
	char ref[SPOOL_ID_TEXT];
	spool_id_text(tx->id, ref);
	if (!failure) {
		counter_add(&messages_kept, 1);
		log_event(LOG_LEVEL_INFO, "intake.message.keep", "id=%s client=%s ip=%s bytes=%zu recipients=%u refused=%u", ref,
		    tx->client->name, tx->peer_ip, tx->message.n, tx->rcpt_count, tx->refused_rcpts);
		/* Durable: this is the yes (promise 1). */
		reply_set(&reply, 250, "2.0.0", "OK: kept as %s", ref);
	} else {
		counter_add(&messages_failed, 1);
		log_event(LOG_LEVEL_ERROR, "intake.message.fail", "id=%s client=%s why=\"%s\"", ref, tx->client->name, failure->text);
		if (failure->kind == ERR_LIMIT)
			reply_set(&reply, 452, "4.3.1", "The queue is full; try again later (ref %s)", ref);
		else
			reply_set(&reply, 451, "4.3.0", "The message could not be kept; try again later (ref %s)", ref);
	}
	end_message(tx, &reply, tx->done, tx->done_arg);
}

int decide_message(struct intake_tx *tx, struct choice *ret, struct reply *refused)
{
	struct head h;
	struct err err;
	*ret = (struct choice){0};
	if (head_parse(&tx->arena, buf_view(&tx->message), &h, &err) < 0) {
		reply_set(refused, 552, "5.3.4", "%s", err.text);
		return -1;
	}
	return check_origin(tx, &h, refused) < 0 || choose_stream(tx, &h, ret, refused) < 0 ? -1 : judge(tx, ret, refused);
}

void keep_message(struct intake_tx *tx, intake_done *done, void *arg)
{
	struct choice c;
	struct reply refused;
	if (decide_message(tx, &c, &refused) < 0) {
		refuse(tx, &refused, done, arg);
		return;
	}
	if (tx->rcpt_count == 0) {
		drop(tx, done, arg);
		return;
	}
	write_envelope(tx, &c);
	if (!write_items(tx, &c)) {
		reply_set(&refused, 452, "4.5.3", "Too many recipients for one message");
		refuse(tx, &refused, done, arg);
		return;
	}
	tx->done = done;
	tx->done_arg = arg;
	if (c.stream->pass_through && tx->intake->pass) {
		pass_message(tx);
		return;
	}
	const struct spool_submission sub = {
	    .envelope = buf_view(&tx->envelope), .message = buf_view(&tx->message), .items = tx->items, .item_count = tx->rcpt_count};
	spool_submit(tx->intake->spool, tx->id, &sub, kept, tx);
}
