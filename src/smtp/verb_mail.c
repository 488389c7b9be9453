/* MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3): the envelope. */
#include <stdio.h>

#include "base/counter.h"
#include "param.h"
#include "session.h"

COUNTER(recipients_accepted, "optgate_smtp_recipients_total{answer=\"accepted\"}", "Recipients by the answer to RCPT");
COUNTER(recipients_refused, "optgate_smtp_recipients_total{answer=\"refused\"}", "Recipients by the answer to RCPT");

/* "FROM:" or "TO:", then the path; blanks before the path are a common fault of clients and harmless. */
static bool read_path(
    struct session *s, struct view *args, struct view keyword, const char *bad_code, struct address *ret)
{
	struct err err;
	struct reply r;
	if (!view_istarts(*args, keyword)) {
		reply_set(&r, 501, "5.5.4", "Syntax: %.*s<address>", VFMT(keyword));
		refuse_reply(s, &r);
		return false;
	}
	*args = view_trim(view_sub(*args, keyword.n, args->n));
	if (address_parse_path(args, ret, &err)) {
		if (err.kind == ERR_REFUSED)
			reply_set(&r, 553, "5.6.7", "%s", err.text);
		else
			reply_set(&r, 501, bad_code, "%s", err.text);
		refuse_reply(s, &r);
		return false;
	}
	if (args->n && args->p[0] != ' ') {
		refuse(s, 501, "5.5.4", "A blank is expected behind the address");
		return false;
	}
	return true;
}

/* Values of struct envelope's protocol: RFC 3848. */
static uint8_t protocol_of(const struct session *s)
{
	return !s->esmtp ? 0 : (uint8_t)(1 + s->tls + 2 * s->logged_in);
}

static bool fits(struct session *s, uint64_t size)
{
	uint64_t max = s->env->verbs->max_message_bytes(s->taker);
	if (!max || size <= max)
		return true;
	say(s, 552, "5.3.4", "Message is larger than SIZE allows");
	s->mail_refused = true;
	return false;
}

/* MAIL FROM:<reverse-path> [SP mail-parameters] */
void verb_mail(struct session *s, struct view args)
{
	struct address from;
	struct mail_params p;
	struct reply r;
	s->mail_refused = false;
	if (!read_path(s, &args, V("FROM:"), "5.1.7", &from))
		return;
	if (!mail_params_parse(args, &p, &r)) {
		refuse_reply(s, &r);
		return;
	}
	if (!fits(s, p.size))
		return;
	const struct front *f = s->forwarded;
	char forwarded_ip[ENDPOINT_TEXT] = "";
	struct endpoint tool;
	if (f && front_endpoint(f, &tool))
		endpoint_ip_text(&tool, forwarded_ip);
	struct intake_mail m = {.from = &from,
	    .helo = view_of(f && f->helo[0] ? f->helo : s->helo),
	    .client_ip = view_of(forwarded_ip),
	    .size = p.size,
	    .ret = p.ret,
	    .envid = view_n(p.envid, p.envid_n),
	    .protocol = protocol_of(s)};
	s->env->verbs->begin(s->taker, &m, &s->tx, &r);
	if (s->tx)
		s->state = STATE_MAIL;
	else
		s->mail_refused = true;
	say_reply(s, &r);
}

/* RCPT TO:<forward-path> [SP rcpt-parameters] */
void verb_rcpt(struct session *s, struct view args)
{
	struct address to;
	struct rcpt_params p;
	struct reply r;
	if (s->bdat_started) {
		refuse(s, 503, "5.5.1", "The message has begun");
		return;
	}
	if (!read_path(s, &args, V("TO:"), "5.1.3", &to))
		return;
	if (!to.text[0]) {
		refuse(s, 501, "5.1.3", "A recipient needs an address");
		return;
	}
	if (!rcpt_params_parse(args, &p, &r)) {
		refuse_reply(s, &r);
		return;
	}
	struct intake_rcpt rcpt = {.to = &to, .orcpt = p.orcpt, .notify = p.notify};
	s->env->verbs->rcpt(s->tx, &rcpt, &r);
	bool accepted = r.code / 100 == 2;
	counter_add(accepted ? &recipients_accepted : &recipients_refused, 1);
	s->accepted += accepted;
	s->refused += !accepted;
	if (s->idle_commands)
		s->idle_commands--; /* intake limits recipients by itself */
	say_reply(s, &r);
}
