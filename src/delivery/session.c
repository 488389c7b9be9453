/* libesmtp, and the cures for what it does wrong (the others stand in interpose.c, dialogue.c and tls_client.c):
 *
 *   - smtp_start_session says 1 whatever happened: what counts is what the events told, message by message
 *   - MESSAGESENT with 250 may mean that DATA was answered 250: delivered only if the recipient is complete too
 *   - errno is an input of the message callback: 0 on every return, except where the connection must be dropped
 *   - a reply line over 1023 bytes is read as two: the mail it belongs to counts, no other follows on that connection
 *   - MAIL and RCPT lines are cut at 1024 bytes without a word, and no address is looked at: unclean ones don't get there
 *   - nothing is freed before the session ends, some 4 KB a mail: the caller ends it after so many
 *   - a reply too many is taken for the answer to the next command: a yes counts only as the answer to the message's own end
 *   - after a refused DATA the next mail is looked for before the event comes: none may be added there */
#include "session.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/ssl.h>

#include <auth-client.h>
#include <libesmtp.h>

#include "base/mem.h"
#include "dialogue.h"
#include "tls_client.h"
#include "tls_pump.h"

#define PIECE_BYTES     32768 /* of the message at a time */
#define QUIT_TIMEOUT_MS 5000  /* nobody waits for a goodbye */
#define OPEN_TIMEOUT_MS 120000 /* from connect to the reply to the first MAIL, at most */

struct flight { /* a mail on its way */
	struct session *session;
	unsigned slot;
	smtp_message_t message;
	smtp_recipient_t recipient;
	struct session_mail mail;
	size_t at;        /* bytes handed out, head and body together */
	bool live;        /* no result yet */
	bool accepted;    /* MAIL got 2xx */
	bool fed;         /* its turn for bytes came */
	bool gated;       /* may_go said no */
	bool dressed;     /* has its parameters */
	int64_t began_ms;
};

struct session {
	const struct session_plan *plan;
	const struct session_calls *calls;
	void *arg;
	smtp_session_t smtp;
	struct dialogue dialogue;
	struct flight flights[SESSION_SLOTS];
	unsigned last;          /* slot that was filled last */
	unsigned mails;
	unsigned yeses;         /* ends of messages whose answer was told */
	bool spoken;            /* a MAIL was answered: the session stood */
	bool closing;           /* nothing more may be added */
	int64_t connect_ms;     /* told with the first result */
	SSL_CTX *tls;           /* with tls_from_start */
	struct tls_pump *pump;
	struct err pump_err;
};

static int64_t now(const struct session *s)
{
	return clock_mono(s->plan->clock);
}

static void allow_ms(struct session *s, int64_t ms)
{
	atomic_store(&s->plan->wire->deadline_ms, now(s) + ms);
}

/* For the mail at hand, however far its session is. */
static int64_t allowance(const struct session *s)
{
	int64_t own = s->flights[s->last].mail.timeout_ms;
	return own && own < s->plan->attempt_timeout_ms ? own : s->plan->attempt_timeout_ms;
}

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

static void tell(struct flight *f, struct session_result *r)
{
	struct session *s = f->session;
	enum wire_cut cut = wire_was_cut(s->plan->wire);
	if (cut != WIRE_WHOLE) { /* what was read after the cut proves nothing */
		r->complete = false;
		if (!f->gated)
			reply_set(&r->reply, 0, "", "%s", wire_cut_sentence(cut));
	}
	r->connect_ms = s->connect_ms;
	r->transfer_ms = now(s) - f->began_ms;
	s->connect_ms = 0;
	f->live = false;
	s->calls->result(s->arg, f->slot, r);
}

static void tell_status(struct flight *f, enum session_stage stage, const smtp_status_t *st, bool complete)
{
	struct session_result r = {.stage = stage, .complete = complete};
	read_status(st, &r.reply);
	if (r.reply.code == 421 || is_torn(st))
		f->session->closing = true;
	tell(f, &r);
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
static void tell_end(struct flight *f)
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
	tell(f, &r);
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
	if (!go) {
		errno = EIO; /* without it, the end of the message would be sent */
		return NULL;
	}
	struct view piece = next_piece(f);
	*len = (int)piece.n;
	if (piece.n == 0)
		dialogue_ends_data(&f->session->dialogue);
	errno = 0;
	return piece.n ? piece.p : NULL;
}

/* ---- the next one ---- */

static bool fits(const struct session_mail *m)
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

static void refuse(struct flight *f)
{
	struct session_result r = {.stage = STAGE_RCPT};
	reply_set(&r.reply, 553, "5.1.3", "address can't be written in an SMTP command");
	tell(f, &r);
}

static void set_notify(smtp_recipient_t to, uint8_t notify)
{
	int flags = (notify & NOTIFY_SUCCESS ? Notify_SUCCESS : 0) | (notify & NOTIFY_FAILURE ? Notify_FAILURE : 0) |
	            (notify & NOTIFY_DELAY ? Notify_DELAY : 0);
	smtp_dsn_set_notify(to, (enum notify_flags)(notify & NOTIFY_NEVER ? Notify_NEVER : flags));
}

/* Only what is offered: each of these makes libesmtp end the session where its extension is missing. */
static void dress(struct flight *f)
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

/* No other EHLO will follow. */
static bool hello_is_last(const struct session *s)
{
	const struct dialogue *d = &s->dialogue;
	bool more = s->plan->tls != HOP_TLS_NONE && !d->tls && d->offers & OFFER_STARTTLS;
	return d->hello && !more;
}

static void dress_all(struct session *s)
{
	for (unsigned i = 0; i < SESSION_SLOTS; i++)
		if (s->flights[i].live && s->flights[i].message && !s->flights[i].dressed)
			dress(&s->flights[i]);
}

static bool put(struct flight *f)
{
	struct session *s = f->session;
	f->message = smtp_add_message(s->smtp);
	ALWAYS(f->message);
	const char *from = f->mail.return_path;
	ALWAYS(smtp_set_reverse_path(f->message, *from ? from : NULL));
	f->recipient = smtp_add_recipient(f->message, f->mail.recipient);
	ALWAYS(f->recipient && smtp_set_messagecb(f->message, feed, f));
	smtp_size_set_estimate(f->message, f->mail.head.n + f->mail.body.n);
	if (hello_is_last(s))
		dress(f);
	return true;
}

static bool add_next(struct session *s, bool wait)
{
	unsigned slot = (s->last + 1) % SESSION_SLOTS;
	struct flight *f = &s->flights[slot];
	while (!s->closing && !f->live && wire_was_cut(s->plan->wire) == WIRE_WHOLE) {
		struct session_mail mail = {0};
		atomic_store(&s->plan->wire->deadline_ms, 0); /* waiting for work has no limit here */
		bool more = s->calls->next(s->arg, slot, wait, &mail);
		allow_ms(s, mail.timeout_ms && mail.timeout_ms < s->plan->attempt_timeout_ms ? mail.timeout_ms : s->plan->attempt_timeout_ms);
		if (!more)
			break;
		*f = (struct flight){.session = s, .slot = slot, .mail = mail, .live = true, .began_ms = now(s)};
		s->mails++;
		if (fits(&mail)) {
			s->last = slot;
			return put(f);
		}
		refuse(f);
	}
	s->closing = true;
	allow_ms(s, QUIT_TIMEOUT_MS);
	return false;
}

/* ---- events ---- */

static struct flight *flight_of(struct session *s, smtp_message_t m)
{
	for (unsigned i = 0; i < SESSION_SLOTS; i++)
		if (s->flights[i].message == m)
			return &s->flights[i];
	fatal("delivery: libesmtp told of an unknown message");
}

static bool is_yes(const smtp_status_t *st)
{
	return st->code >= 200 && st->code <= 299;
}

static void on_mail(struct session *s, va_list ap)
{
	(void)va_arg(ap, const char *);
	struct flight *f = flight_of(s, va_arg(ap, smtp_message_t));
	const smtp_status_t *st = smtp_reverse_path_status(f->message);
	if (!s->spoken) {
		s->connect_ms = now(s) - f->began_ms;
		f->began_ms = now(s);
		allow_ms(s, allowance(s));
	}
	s->spoken = true;
	f->accepted = is_yes(st);
	if (f->accepted)
		return;
	tell_status(f, STAGE_MAIL, st, false);
	add_next(s, true);
}

static void on_rcpt(struct session *s, va_list ap)
{
	(void)va_arg(ap, const char *);
	smtp_recipient_t rcpt = va_arg(ap, smtp_recipient_t);
	struct flight *f = &s->flights[s->last];
	if (f->recipient != rcpt || is_yes(smtp_recipient_status(rcpt)))
		return;
	tell_status(f, STAGE_RCPT, smtp_recipient_status(rcpt), false);
	/* Now, since after a refused DATA it is too late; but without waiting: this transaction has not ended. */
	if (s->closing || add_next(s, false))
		return;
	s->closing = false;
	allow_ms(s, s->plan->attempt_timeout_ms);
}

/* Was the reply the answer to this message's own end, and is its recipient complete? */
static bool is_complete(struct flight *f)
{
	struct session *s = f->session;
	bool own = s->dialogue.dots_answered > s->yeses;
	s->yeses = s->dialogue.dots_answered;
	return own && is_yes(smtp_recipient_status(f->recipient)) && smtp_recipient_check_complete(f->recipient);
}

static void on_sent(struct session *s, va_list ap)
{
	struct flight *f = flight_of(s, va_arg(ap, smtp_message_t));
	const smtp_status_t *st = smtp_message_transfer_status(f->message);
	bool complete = is_complete(f);
	if (s->dialogue.astray)
		s->closing = true;
	if (f->live)
		tell_status(f, f->fed ? STAGE_FINAL : STAGE_DATA, st, complete && is_yes(st));
	bool next_is_there = s->flights[s->last].live;
	if (!next_is_there && f->fed && st->code >= 200)
		add_next(s, true);
}

static void on_certificate(struct session *s, int event, va_list ap)
{
	/* INVALID brings a number before the flag, WRONG and MISSING only the flag. */
	if (event == SMTP_EV_INVALID_PEER_CERTIFICATE)
		(void)va_arg(ap, long);
	int *ok = va_arg(ap, int *);
	bool name_only = event == SMTP_EV_WRONG_PEER_CERTIFICATE; /* OpenSSL has compared it with the right one */
	*ok = s->plan->tls != HOP_TLS_VERIFIED || name_only;
}

static void on_event(smtp_session_t smtp, int event, void *arg, ...)
{
	(void)smtp;
	struct session *s = arg;
	va_list ap;
	va_start(ap, arg);
	switch (event) {
	case SMTP_EV_MAILSTATUS:
		on_mail(s, ap);
		break;
	case SMTP_EV_RCPTSTATUS:
		on_rcpt(s, ap);
		break;
	case SMTP_EV_MESSAGESENT:
		on_sent(s, ap);
		break;
	case SMTP_EV_STARTTLS_OK:
		s->dialogue.tls = true;
		break;
	case SMTP_EV_INVALID_PEER_CERTIFICATE:
	case SMTP_EV_WRONG_PEER_CERTIFICATE:
	case SMTP_EV_NO_PEER_CERTIFICATE:
		on_certificate(s, event, ap);
		break;
	default:
		break;
	}
	va_end(ap);
}

static void on_bytes(const char *p, int n, int writing, void *arg)
{
	struct session *s = arg;
	size_t count = n > 0 ? (size_t)n : 0;
	enum wire_cut why = writing
	    ? dialogue_sends(&s->dialogue, view_n(p, count))
	    : dialogue_receives(&s->dialogue, (char *)p, count);
	if (why != WIRE_WHOLE)
		wire_cut(s->plan->wire, why);
	else if (!writing && s->dialogue.last == VERB_EHLO && hello_is_last(s))
		dress_all(s); /* the first mail was put before anybody knew what is offered */
}

/* ---- opening ---- */

static int answer_auth(auth_client_request_t request, char **result, int fields, void *arg)
{
	const struct session_plan *p = arg;
	for (int i = 0; i < fields; i++) {
		unsigned flags = request[i].flags;
		result[i] = (char *)(flags & AUTH_USER ? p->user : flags & AUTH_PASS ? p->password : NULL);
	}
	return 1;
}

static void set_timeouts(smtp_session_t smtp, unsigned seconds)
{
	static const int which[] = {Timeout_GREETING, Timeout_ENVELOPE, Timeout_DATA, Timeout_TRANSFER,
	    Timeout_DATA2};
	for (size_t i = 0; seconds && i < sizeof which / sizeof *which; i++)
		smtp_set_timeout(smtp, which[i] | Timeout_OVERRIDE_RFC2822_MINIMUM, (long)seconds * 1000);
}

static int set_tls(struct session *s, struct err *err)
{
	static const enum starttls_option how[] = {[HOP_TLS_OPPORTUNISTIC] = Starttls_ENABLED,
	    [HOP_TLS_REQUIRED] = Starttls_REQUIRED, [HOP_TLS_VERIFIED] = Starttls_REQUIRED};
	const struct session_plan *p = s->plan;
	SSL_CTX *ctx;
	if (p->tls == HOP_TLS_NONE && !p->tls_from_start)
		return 0;
	if (tls_client_new(&ctx, p->tls_from_start && p->tls != HOP_TLS_VERIFIED ? HOP_TLS_REQUIRED : p->tls, p->tls_name, p->ca_file, err) < 0)
		return -1;
	if (p->tls_from_start) {
		s->tls = ctx;
		s->dialogue.tls = true;
		return 0;
	}
	smtp_starttls_enable(s->smtp, how[p->tls]);
	smtp_starttls_set_ctx(s->smtp, ctx); /* holds a reference of its own */
	SSL_CTX_free(ctx);
	return 0;
}

static void prepare(struct session *s, auth_context_t auth)
{
	const struct session_plan *p = s->plan;
	/* The address is never dialled: connect() knows better. */
	ALWAYS(smtp_set_server(s->smtp, "127.0.0.1:25") && smtp_set_hostname(s->smtp, p->hostname));
	smtp_set_eventcb(s->smtp, on_event, s);
	smtp_set_monitorcb(s->smtp, on_bytes, s, 0);
	set_timeouts(s->smtp, p->reply_timeout_s);
	if (!p->user)
		return;
	auth_set_mechanism_flags(auth, AUTH_PLUGIN_PLAIN, 0);
	auth_set_interact_cb(auth, answer_auth, (void *)p);
	smtp_auth_set_context(s->smtp, auth);
}

static int start_tls_pump(void *arg, int net_fd)
{
	struct session *s = arg;
	int plain;
	return tls_pump_start(&s->pump, &plain, s->tls, net_fd, s->plan->connect_timeout_ms, &s->pump_err) < 0 ? -1 : plain;
}

static void converse(struct session *s)
{
	const struct session_plan *p = s->plan;
	const struct wire_plan wire = {.to = p->addresses, .source = p->source, .connect_timeout_ms = p->connect_timeout_ms,
	    .given_fd = p->given_fd > 0 ? p->given_fd : -1, .over = s->tls ? start_tls_pump : NULL, .arg = s};
	allow_ms(s, allowance(s) < OPEN_TIMEOUT_MS ? allowance(s) : OPEN_TIMEOUT_MS);
	wire_enter(p->wire, &wire);
	smtp_start_session(s->smtp);
	tls_pump_stop(&s->pump);
	for (unsigned i = 1; i <= SESSION_SLOTS; i++) {
		struct flight *f = &s->flights[(s->last + i) % SESSION_SLOTS];
		if (f->live)
			tell_end(f);
	}
	wire_leave(p->wire);
}

static void tell_setup(struct session *s, const struct err *err)
{
	struct session_result r = {.stage = STAGE_TLS};
	reply_set(&r.reply, 0, "", "%s", err->text);
	tell(&s->flights[s->last], &r);
}

unsigned session_run(const struct session_plan *plan, const struct session_calls *calls, void *arg)
{
	struct session *s = mem_zero(sizeof *s);
	*s = (struct session){.plan = plan, .calls = calls, .arg = arg, .last = SESSION_SLOTS - 1};
	/* A password is never said in clear because somebody took STARTTLS out of the offer. */
	bool needs_tls = plan->tls_from_start || plan->tls >= HOP_TLS_REQUIRED || (plan->tls == HOP_TLS_OPPORTUNISTIC && plan->user);
	dialogue_start(&s->dialogue, plan->user != NULL, needs_tls);
	struct err err;
	auth_context_t auth = plan->user ? auth_create_context() : NULL;
	s->smtp = smtp_create_session();
	ALWAYS(s->smtp && (auth || !plan->user));
	prepare(s, auth);
	atomic_store(&plan->wire->cut, WIRE_WHOLE); /* of the session before */
	if (add_next(s, false)) {
		if (set_tls(s, &err) < 0)
			tell_setup(s, &err);
		else
			converse(s);
	}
	atomic_store(&plan->wire->deadline_ms, 0);
	unsigned mails = s->mails;
	smtp_destroy_session(s->smtp);
	if (s->tls)
		SSL_CTX_free(s->tls);
	if (auth)
		auth_destroy_context(auth);
	free(s);
	return mails;
}

void session_library_init(void)
{
	auth_client_init();
}
