/* DATA (RFC 5321 4.1.1.4) and BDAT (RFC 3030): the message's bytes, and the hand-over at their end. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/counter.h"
#include "base/log.h"
#include "chunk.h"
#include "pending.h"

COUNTER(messages_accepted, "optgate_smtp_messages_total{answer=\"accepted\"}", "Messages by the answer to their end");
COUNTER(messages_refused, "optgate_smtp_messages_total{answer=\"refused\"}", "Messages by the answer to their end");
COUNTER(messages_deferred, "optgate_smtp_messages_total{answer=\"deferred\"}", "Messages by the answer to their end");
COUNTER(smuggled, "optgate_smtp_bare_line_ends_total", "Messages refused for a bare CR or LF");

static void message_answered(struct session *s, const struct reply *r)
{
	bool accepted = r->code / 100 == 2;
	counter_add(accepted ? &messages_accepted : r->code / 100 == 4 ? &messages_deferred : &messages_refused, 1);
	/* who keeps the message tells of it; a refusal may be known here only */
	log_event(accepted ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "smtp.mail.answer",
	    "session=%" PRIx64 " code=%d enhanced=%s recipients=%u refused=%u ms=%" PRId64, s->id, r->code, r->enhanced,
	    s->accepted, s->refused, s->loop ? loop_now(s->loop) - s->mail_ms : 0);
	s->messages += accepted;
	s->accepted = s->refused = 0;
	say_reply(s, r);
}

/* What the protocol itself has against the message. That it is too large is the taker's to say. */
static void judge(const struct buf *data, bool bare, bool nul, struct reply *refused)
{
	if (bare) {
		reply_set(refused, 550, "5.6.0", "The message holds a bare CR or LF; lines end with CR LF");
		counter_add(&smuggled, 1);
	} else if (nul && nul_hides_dot(buf_view(data))) {
		reply_set(refused, 550, "5.6.0", "The message hides a dot behind a NUL octet at a line's start");
	}
}

/* The end of the message. From here on it is intake's; the 250 is intake's too, and comes when the message is durable. */
static void hand_over(struct session *s, const struct buf *data, bool bare, bool nul)
{
	struct pending *p = pending_new(s, message_answered);
	void *tx = s->tx;
	judge(data, bare, nul, &p->refused);
	s->tx = NULL;
	free(s->forwarded);
	s->forwarded = NULL;
	s->mode = MODE_COMMAND;
	s->state = STATE_READY;
	s->bdat_started = false;
	s->idle_commands = 0;
	s->mail_ms = s->loop ? loop_now(s->loop) : 0;
	s->env->verbs->commit(tx, p->refused.code ? &p->refused : NULL, pending_done, p);
	pending_settle(p);
}

static bool has_recipients(struct session *s)
{
	if (s->accepted)
		return true;
	if (s->refused)
		say(s, 554, "5.5.1", "No recipient was accepted");
	else
		refuse(s, 503, "5.5.1", "RCPT first");
	return false;
}

void verb_data(struct session *s, struct view args)
{
	(void)args;
	if (s->bdat_started) {
		refuse(s, 503, "5.5.1", "BDAT has begun this message");
		return;
	}
	if (!has_recipients(s))
		return;
	dot_init(&s->dot);
	s->mode = MODE_DATA;
	say(s, 354, "", "End with a dot alone on a line");
}

size_t eat_data(struct session *s, struct view in)
{
	struct buf *data = s->env->verbs->data(s->tx);
	size_t n = dot_eat(&s->dot, in, data);
	if (s->dot.state == DOT_END)
		hand_over(s, data, s->dot.bare_cr_or_lf, s->dot.nul);
	return n;
}

/* ---- BDAT chunk-size [LAST] */

static void end_chunk(struct session *s)
{
	s->mode = MODE_COMMAND;
	if (s->bdat_refused) {
		s->bdat_refused = false;
		if (s->tx)
			has_recipients(s);
		else if (s->mail_refused)
			say(s, 503, "5.5.1", "MAIL was refused");
		else
			refuse(s, 503, "5.5.1", "MAIL first");
		return;
	}
	struct buf *data = s->env->verbs->data(s->tx);
	if (s->bdat_last) {
		if (!s->chunk.cr && data->n && !view_ends(buf_view(data), V("\r\n")))
			buf_add(data, V("\r\n")); /* the way on is by lines */
		hand_over(s, data, s->chunk.bare || s->chunk.cr, s->chunk.nul);
	} else if (data->failed) {
		hand_over(s, data, false, false); /* its answer is the refusal */
		s->mail_refused = true;
	} else {
		buf_fmt(s->out, "250 2.0.0 %" PRIu64 " octets received\r\n", s->bdat_size);
	}
}

static bool read_chunk_args(struct session *s, struct view args)
{
	struct view size = {0}, last = {0};
	s->bdat_last = false;
	if (!view_word(&args, &size) || !view_u64(size, UINT64_MAX / 2, &s->bdat_size))
		return false;
	if (view_word(&args, &last))
		s->bdat_last = view_ieq(last, V("LAST"));
	return (!last.n || s->bdat_last) && !view_trim(args).n;
}

/* Its octets follow at once, wanted or not: where their end is not known, the connection is of no more use. */
void verb_bdat(struct session *s, struct view args)
{
	if (!read_chunk_args(s, args)) {
		refuse(s, 501, "5.5.4", "Syntax: BDAT octets [LAST]");
		end_with(s, "BDAT without a size");
		return;
	}
	if (s->bdat_size > BDAT_SWALLOW_MAX) {
		say(s, 552, "5.3.4", "Chunk is larger than SIZE allows");
		end_with(s, "BDAT of an absurd size");
		return;
	}
	s->bdat_refused = !s->tx || !s->accepted;
	if (!s->bdat_refused && !s->bdat_started) {
		s->bdat_started = true;
		s->chunk = (struct chunk){0};
	}
	if (!s->bdat_refused)
		s->idle_commands = 0;
	s->bdat_left = s->bdat_size;
	s->mode = MODE_BDAT;
	if (!s->bdat_left)
		end_chunk(s);
}

size_t eat_bdat(struct session *s, struct view in)
{
	struct view piece = view_sub(in, 0, s->bdat_left < in.n ? (size_t)s->bdat_left : in.n);
	if (!s->bdat_refused) {
		chunk_check(&s->chunk, piece);
		buf_add(s->env->verbs->data(s->tx), piece);
	}
	s->bdat_left -= piece.n;
	if (!s->bdat_left)
		end_chunk(s);
	return piece.n;
}
