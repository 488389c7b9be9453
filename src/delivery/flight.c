/* A mail's way through libesmtp, and the cures for what goes wrong on it:
 *
 *   - errno is an input of the message callback: 0 on every return, except where the connection must be dropped
 *   - a reply line over 1023 bytes is read as two: the mail it belongs to counts, no other follows on that connection
 *   - a reply that lies there before the message has ended is taken for the answer to its end
 *   - MAIL and RCPT lines are cut at 1024 bytes without a word, and no address is looked at: unclean ones don't get there */
#include "flight.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"

#define PIECE_BYTES 32768 /* of the message at a time */

/* ---- results ---- */

/* The whole of what the hop said, codes included, as one line. */
static void read_status(const smtp_status_t *st, struct reply *ret)
{
	char line[500], codes[40] = "";
	if (st->enh_class)
		snprintf(codes, sizeof codes, "%d.%d.%d ", st->enh_class, st->enh_subject, st->enh_detail);
	snprintf(line, sizeof line, "%d %s%s", st->code, codes, st->text ? st->text : "");
	for (char *p = line; *p; p++)
		if (*p == '\r' || *p == '\n')
			*p = ' ';
	if (!reply_parse(view_of(line), ret))
		reply_set(ret, st->code >= 200 && st->code <= 599 ? st->code : 0, "", "reply could not be read");
}

/* A line longer than libesmtp's buffer: its tail would be taken for the next reply. */
static bool is_torn(const smtp_status_t *st)
{
	struct view text = view_of(st->text ? st->text : "");
	return text.n == 0 || text.p[text.n - 1] != '\n';
}

void flight_tell(struct flight *f, struct session_result *r)
{
	struct session *s = f->session;
	enum wire_cut cut = wire_was_cut(s->plan->wire);
	if (cut != WIRE_WHOLE) { /* what was read after the cut proves nothing */
		r->complete = false;
		if (!f->gated)
			reply_set(&r->reply, 0, "", "%s", wire_cut_sentence(cut));
	}
	r->connect_ms = s->connect_ms;
	r->transfer_ms = session_now(s) - f->began_ms;
	s->connect_ms = 0;
	f->live = false;
	s->calls->result(s->arg, f->slot, r);
}

void flight_tell_status(struct flight *f, enum session_stage stage, const smtp_status_t *st, bool complete)
{
	struct session_result r = {.stage = stage, .complete = complete};
	read_status(st, &r.reply);
	if (r.reply.code == 421 || is_torn(st))
		f->session->closing = true;
	flight_tell(f, &r);
}

static void say_why(const struct session *s, enum session_stage stage, struct reply *ret)
{
	const struct dialogue *d = &s->dialogue;
	char why[128];
	if (stage == STAGE_CONNECT && s->pump_err.kind)
		reply_set(ret, 0, "", "%s", s->pump_err.text);
	else if (stage == STAGE_CONNECT)
		reply_set(ret, 0, "", "%s", strerror_r(s->plan->wire->connect_errno, why, sizeof why));
	else if (stage == STAGE_AUTH && d->auth_code >= 400)
		reply_set(ret, d->auth_code, "", "AUTH was refused");
	else if (!d->no_code || !reply_parse(view_of(d->no_text), ret))
		reply_set(ret, 0, "", "%s", smtp_strerror(smtp_errno(), why, sizeof why));
}

/* For a mail that was still live when the session ended. */
void flight_tell_end(struct flight *f)
{
	struct session *s = f->session;
	struct session_result r = {.stage = STAGE_NOT_TRIED};
	if (f->gated)
		r.stage = STAGE_GATE;
	else if (f->fed)
		r.stage = STAGE_FINAL;
	else if (f->accepted)
		r.stage = smtp_recipient_status(f->recipient)->code ? STAGE_DATA : STAGE_RCPT;
	else if (!s->spoken)
		r.stage = dialogue_stage(&s->dialogue, s->plan->wire->connected, wire_was_cut(s->plan->wire));
	if (r.stage < STAGE_MAIL || (r.stage == STAGE_MAIL && s->dialogue.no_code))
		say_why(s, r.stage, &r.reply);
	else if (r.stage != STAGE_GATE)
		reply_set(&r.reply, 0, "", "connection was lost");
	flight_tell(f, &r);
}

/* ---- the message ---- */

static bool may_go(struct flight *f)
{
	struct session *s = f->session;
	f->fed = true;
	if (s->dialogue.astray)
		wire_cut(s->plan->wire, WIRE_ASTRAY);
	if (wire_was_cut(s->plan->wire))
		return false;
	f->gated = !s->calls->may_go(s->arg, f->slot);
	return !f->gated;
}

static struct view next_piece(struct flight *f)
{
	size_t head = f->mail.head.n;
	struct view from = f->at < head ? f->mail.head : f->mail.body;
	size_t at = f->at < head ? f->at : f->at - head;
	struct view piece = view_sub(from, at, at + PIECE_BYTES);
	f->at += piece.n;
	return piece;
}

/* A yes to what has not been said to its end is no answer to it, and would be read as one. An early no is a no. */
static bool may_end(struct flight *f)
{
	struct session *s = f->session;
	if (wire_peek(s->plan->wire) == '2')
		wire_cut(s->plan->wire, WIRE_ASTRAY);
	if (wire_was_cut(s->plan->wire))
		return false;
	dialogue_ends_data(&s->dialogue);
	return true;
}

static const char *feed(void **ctx, int *len, void *arg)
{
	(void)ctx;
	struct flight *f = arg;
	errno = 0;
	if (!len) { /* rewind */
		f->at = 0;
		return NULL;
	}
	*len = 0;
	bool go = f->at ? !wire_was_cut(f->session->plan->wire) : may_go(f);
	struct view piece = go ? next_piece(f) : (struct view){0};
	*len = (int)piece.n;
	go = go && (piece.n || may_end(f));
	errno = go ? 0 : EIO; /* without it, the end of the message would be sent */
	return piece.n ? piece.p : NULL;
}

/* ---- on its way ---- */

static bool is_clean(const struct session_mail *m)
{
	struct view both[2] = {view_of(m->return_path), view_of(m->recipient)};
	for (int i = 0; i < 2; i++) {
		if (both[i].n > 320)
			return false;
		for (size_t k = 0; k < both[i].n; k++)
			if ((unsigned char)both[i].p[k] <= ' ' || strchr("\x7f<>", both[i].p[k]))
				return false;
	}
	return both[1].n > 0;
}

bool flight_fits(struct flight *f)
{
	struct session_result r = {.stage = STAGE_RCPT};
	if (is_clean(&f->mail))
		return true;
	reply_set(&r.reply, 553, "5.1.3", "address can't be written in an SMTP command");
	flight_tell(f, &r);
	return false;
}

static void set_notify(smtp_recipient_t to, uint8_t notify)
{
	int flags = (notify & NOTIFY_SUCCESS ? Notify_SUCCESS : 0) | (notify & NOTIFY_FAILURE ? Notify_FAILURE : 0) |
	            (notify & NOTIFY_DELAY ? Notify_DELAY : 0);
	smtp_dsn_set_notify(to, (enum notify_flags)(notify & NOTIFY_NEVER ? Notify_NEVER : flags));
}

/* Only what is offered: each of these makes libesmtp end the session where its extension is missing. */
void flight_dress(struct flight *f)
{
	const struct parameters *p = f->mail.parameters;
	unsigned offers = f->session->dialogue.offers;
	f->dressed = true;
	if (!p)
		return;
	if (offers & OFFER_8BITMIME && (has_eight_bit(f->mail.body) || has_eight_bit(f->mail.head)))
		smtp_8bitmime_set_body(f->message, E8bitmime_8BITMIME);
	if (!(offers & OFFER_DSN))
		return;
	if (p->envid[0])
		smtp_dsn_set_envid(f->message, p->envid);
	if (p->ret)
		smtp_dsn_set_ret(f->message, p->ret == 1 ? Ret_FULL : Ret_HDRS);
	if (p->orcpt[0])
		smtp_dsn_set_orcpt(f->recipient, p->orcpt_type, p->orcpt);
	if (p->notify)
		set_notify(f->recipient, p->notify);
}

void flight_put(struct flight *f)
{
	struct session *s = f->session;
	f->message = smtp_add_message(s->smtp);
	ALWAYS(f->message);
	const char *from = f->mail.return_path;
	ALWAYS(smtp_set_reverse_path(f->message, *from ? from : NULL));
	f->recipient = smtp_add_recipient(f->message, f->mail.recipient);
	ALWAYS(f->recipient && smtp_set_messagecb(f->message, feed, f));
	smtp_size_set_estimate(f->message, f->mail.head.n + f->mail.body.n);
	if (session_hello_is_last(s))
		flight_dress(f);
}
