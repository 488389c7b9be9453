/* libesmtp's session, and the cures for what it does wrong (the others stand in flight.c, interpose.c, dialogue.c and tls_client.c):
 *
 *   - smtp_start_session says 1 whatever happened: what counts is what the events told, message by message
 *   - MESSAGESENT with 250 may mean that DATA was answered 250: delivered only if the recipient is complete too
 *   - nothing is freed before the session ends, some 4 KB a mail: the caller ends it after so many
 *   - a reply too many is taken for the answer to the next command: a yes counts only as the answer to the message's own end
 *   - after a refused DATA the next mail is looked for before the event comes: none may be added there */
#include "session.h"

#include <stdarg.h>
#include <stdlib.h>

#include <openssl/ssl.h>

#include <auth-client.h>

#include "base/mem.h"
#include "flight.h"
#include "tls_client.h"
#include "tls_pump.h"

#define QUIT_TIMEOUT_MS 5000  /* nobody waits for a goodbye */
#define OPEN_TIMEOUT_MS 120000 /* from connect to the reply to the first MAIL, at most */

static void allow_ms(struct session *s, int64_t ms)
{
	atomic_store(&s->plan->wire->deadline_ms, session_now(s) + ms);
}

/* For the mail at hand, however far its session is. */
static int64_t allowance(const struct session *s)
{
	int64_t own = s->flights[s->last].mail.timeout_ms;
	return own && own < s->plan->attempt_timeout_ms ? own : s->plan->attempt_timeout_ms;
}

bool session_hello_is_last(const struct session *s)
{
	const struct dialogue *d = &s->dialogue;
	bool more = s->plan->tls != HOP_TLS_NONE && !d->tls && d->offers & OFFER_STARTTLS;
	return d->hello && !more;
}

/* ---- the next one ---- */

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
		*f = (struct flight){.session = s, .slot = slot, .mail = mail, .live = true, .began_ms = session_now(s)};
		s->mails++;
		if (!flight_fits(f))
			continue;
		s->last = slot;
		flight_put(f);
		return true;
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
		s->connect_ms = session_now(s) - f->began_ms;
		f->began_ms = session_now(s);
		allow_ms(s, allowance(s));
	}
	s->spoken = true;
	f->accepted = is_yes(st);
	if (f->accepted)
		return;
	flight_tell_status(f, STAGE_MAIL, st, false);
	add_next(s, true);
}

static void on_rcpt(struct session *s, va_list ap)
{
	(void)va_arg(ap, const char *);
	smtp_recipient_t rcpt = va_arg(ap, smtp_recipient_t);
	struct flight *f = &s->flights[s->last];
	if (f->recipient != rcpt || is_yes(smtp_recipient_status(rcpt)))
		return;
	flight_tell_status(f, STAGE_RCPT, smtp_recipient_status(rcpt), false);
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
		flight_tell_status(f, f->fed ? STAGE_FINAL : STAGE_DATA, st, complete && is_yes(st));
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

static void dress_all(struct session *s)
{
	for (unsigned i = 0; i < SESSION_SLOTS; i++)
		if (s->flights[i].live && s->flights[i].message && !s->flights[i].dressed)
			flight_dress(&s->flights[i]);
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
	else if (!writing && s->dialogue.last == VERB_EHLO && session_hello_is_last(s))
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
			flight_tell_end(f);
	}
	wire_leave(p->wire);
}

static void tell_setup(struct session *s, const struct err *err)
{
	struct session_result r = {.stage = STAGE_TLS};
	reply_set(&r.reply, 0, "", "%s", err->text);
	flight_tell(&s->flights[s->last], &r);
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
