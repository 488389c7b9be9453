/* Mail of a stream that is passed through: somebody else hands it on and brings the answer. */
#include "base/counter.h"
#include "intake_internal.h"

COUNTER(messages_passed, "optgate_messages_total{result=\"passed\"}", "Messages at the end of DATA");
COUNTER(messages_not_passed, "optgate_messages_total{result=\"not-passed\"}", "Messages at the end of DATA");

static void passed(void *arg, const struct reply *reply)
{
	struct intake_tx *tx = arg;
	char ref[SPOOL_ID_TEXT], text[300];
	spool_id_text(tx->id, ref);
	counter_add(reply->code < 300 ? &messages_passed : &messages_not_passed, 1);
	log_event(LOG_LEVEL_INFO, "intake.message.pass", "id=%s client=%s ip=%s bytes=%zu code=%d text=\"%s\"", ref, tx->client->name, tx->peer_ip,
	    tx->message.n, reply->code, log_safe(text, sizeof text, reply->text, strlen(reply->text)));
	/* The next hop has it, or nobody has: this is its answer. */
	end_message(tx, reply, tx->done, tx->done_arg);
}

void pass_message(struct intake_tx *tx)
{
	struct reply refused;
	if (tx->rcpt_count > 1) { /* one answer can't speak for several copies */
		reply_set(&refused, 554, "5.5.3", "Mail of this stream is passed through: one recipient a message");
		passed(tx, &refused);
		return;
	}
	const struct intake_passing p = {.id = tx->id, .envelope = buf_view(&tx->envelope), .recipient = tx->items[0].data,
	    .lane = tx->items[0].lane, .message = buf_view(&tx->message), .done = passed, .arg = tx};
	tx->intake->pass(tx->intake->pass_arg, &p);
}
