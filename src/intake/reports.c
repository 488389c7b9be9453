/* Five verbs, one report at a time in each session. */
#include "intake/reports.h"

#include <stdlib.h>

struct reports_session {
	struct inbox *inbox;
	struct inbox_settings *settings;
	struct inbox_report *open; /* the transaction */
};

/* A report on its way: the inbox answers in its own words, the listener hears them as a reply. */
struct waiting {
	intake_done *done;
	void *arg;
};

static void *open_session(void *ctx, const struct endpoint *peer)
{
	struct reports_session *s = mem_zero(sizeof *s);
	(void)peer;
	s->inbox = ctx;
	s->settings = inbox_settings_hold(s->inbox);
	return s;
}

static void close_session(void *session)
{
	struct reports_session *s = session;
	shared_release(&s->settings->shared);
	free(s);
}

static bool may_login(void *session, bool tls)
{
	(void)session;
	(void)tls;
	return false;
}

static void login(void *session, struct view user, struct view password, intake_done *done, void *arg)
{
	struct reply reply;
	(void)session;
	(void)user;
	(void)password;
	reply_set(&reply, 503, "5.5.1", "No login here");
	done(arg, &reply);
}

static uint64_t max_message_bytes(void *session)
{
	struct reports_session *s = session;
	return s->settings->max_message_bytes;
}

static void begin(void *session, const struct intake_mail *m, void **ret_tx, struct reply *reply)
{
	struct reports_session *s = session;
	if (m->size > s->settings->max_message_bytes) {
		reply_set(reply, 552, "5.3.4", "A report of at most %llu bytes is taken",
		    (unsigned long long)s->settings->max_message_bytes);
		return;
	}
	s->open = mem_zero(sizeof *s->open);
	s->open->settings = (struct inbox_settings *)shared_hold(&s->settings->shared);
	s->open->null_sender = m->from->text[0] == 0;
	buf_init(&s->open->message, s->settings->max_message_bytes);
	*ret_tx = s;
	reply_set(reply, 250, "2.1.0", "OK");
}

static void rcpt(void *tx, const struct intake_rcpt *r, struct reply *reply)
{
	struct reports_session *s = tx;
	struct inbox_report *report = s->open;
	if (report->rcpt_count == INBOX_RECIPIENTS_MAX)
		reply_set(reply, 452, "4.5.3", "Too many recipients");
	else if (!inbox_takes(report->settings, r->to, &report->rcpts[report->rcpt_count]))
		reply_set(reply, 550, "5.1.1", "Nobody here has this address");
	else {
		report->rcpt_count++;
		reply_set(reply, 250, "2.1.5", "OK");
	}
}

static struct buf *data(void *tx)
{
	struct reports_session *s = tx;
	return &s->open->message;
}

static void drop(struct reports_session *s)
{
	buf_free(&s->open->message);
	shared_release(&s->open->settings->shared);
	free(s->open);
	s->open = NULL;
}

static void answered(void *arg, const struct reply *reply)
{
	struct waiting *w = arg;
	w->done(w->arg, reply);
	free(w);
}

static void commit(void *tx, const struct reply *refused, intake_done *done, void *arg)
{
	struct reports_session *s = tx;
	struct reply reply;
	if (s->open->message.failed) {
		reply_set(&reply, 552, "5.3.4", "The report is larger than it may be");
		refused = refused ? refused : &reply;
	}
	if (refused) {
		drop(s);
		done(arg, refused);
		return;
	}
	struct waiting *w = mem_alloc(sizeof *w);
	struct inbox_report *r = s->open;
	*w = (struct waiting){done, arg};
	r->done = answered;
	r->arg = w;
	s->open = NULL;
	inbox_submit(s->inbox, r);
}

static void abort_tx(void *tx)
{
	drop(tx);
}

const struct intake_verbs reports_verbs = {
    .open = open_session,
    .close = close_session,
    .may_login = may_login,
    .login = login,
    .max_message_bytes = max_message_bytes,
    .begin = begin,
    .rcpt = rcpt,
    .data = data,
    .commit = commit,
    .abort = abort_tx,
};
