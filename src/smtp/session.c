/* The engine of a session: takes lines or message bytes off the input as the mode says, and runs commands
 * by their table. */
#include "session.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/counter.h"
#include "base/mem.h"
#include "line.h"
#include "pending.h"

COUNTER(refused_commands, "optgate_smtp_commands_refused_total", "Commands that the protocol refused (5xx)");

const struct command commands[] = {
    {"MAIL", verb_mail, STATE_READY, true, true, "MAIL FROM:<sender> [SIZE= BODY= RET= ENVID=]"},
    {"RCPT", verb_rcpt, STATE_MAIL, true, true, "RCPT TO:<recipient> [NOTIFY= ORCPT=]"},
    {"DATA", verb_data, STATE_MAIL, false, false, "DATA"},
    {"BDAT", verb_bdat, STATE_ANY, false, true, "BDAT octets [LAST]"},
    {"EHLO", verb_ehlo, STATE_ANY, true, true, "EHLO name"},
    {"HELO", verb_helo, STATE_ANY, true, true, "HELO name"},
    {"RSET", verb_rset, STATE_ANY, false, false, "RSET"},
    {"NOOP", verb_noop, STATE_ANY, false, true, "NOOP"},
    {"QUIT", verb_quit, STATE_ANY, false, false, "QUIT"},
    {"AUTH", verb_auth, STATE_READY, true, true, "AUTH PLAIN|LOGIN [initial-response]"},
    {"STARTTLS", verb_starttls, STATE_ANY, false, false, "STARTTLS"},
    {"VRFY", verb_vrfy, STATE_ANY, true, true, "VRFY address"},
    {"HELP", verb_help, STATE_ANY, false, true, "HELP"},
    {"XCLIENT", verb_xclient, STATE_NEW | STATE_READY, true, true, NULL},
    {"XFORWARD", verb_xforward, STATE_READY, true, true, NULL},
    {"PROXY", verb_proxy, STATE_ANY, false, true, NULL},
    {"GET", verb_foreign, STATE_ANY, false, true, NULL},
    {"POST", verb_foreign, STATE_ANY, false, true, NULL},
    {"PUT", verb_foreign, STATE_ANY, false, true, NULL},
    {"HEAD", verb_foreign, STATE_ANY, false, true, NULL},
    {"OPTIONS", verb_foreign, STATE_ANY, false, true, NULL},
    {"CONNECT", verb_foreign, STATE_ANY, false, true, NULL},
    {NULL, NULL, STATE_ANY, false, false, NULL},
};

void say_reply(struct session *s, const struct reply *r)
{
	if (r->code == REPLY_DROP) {
		s->step = SESSION_CLOSE;
		s->why = "dropped on purpose";
		return;
	}
	if (r->code == REPLY_STALL) {
		s->step = SESSION_WAIT;
		return;
	}
	reply_write(r, s->out);
	if (r->code == 421)
		end_with(s, "the answer was 421");
}

void say(struct session *s, int code, const char *enhanced, const char *sentence)
{
	buf_fmt(s->out, "%d %s%s%s\r\n", code, enhanced, *enhanced ? " " : "", sentence);
}

static void count_refusal(struct session *s)
{
	counter_add(&refused_commands, 1);
	s->errors++;
	if (s->errors >= s->env->settings->max_errors && s->step != SESSION_CLOSE)
		session_limit(s, LIMIT_ERRORS);
}

void refuse(struct session *s, int code, const char *enhanced, const char *sentence)
{
	say(s, code, enhanced, sentence);
	count_refusal(s);
}

void refuse_reply(struct session *s, const struct reply *r)
{
	say_reply(s, r);
	count_refusal(s);
}

void end_with(struct session *s, const char *why)
{
	s->step = SESSION_CLOSE;
	s->why = why;
}

void end_transaction(struct session *s)
{
	if (s->tx)
		s->env->verbs->abort(s->tx);
	s->tx = NULL;
	free(s->forwarded);
	s->forwarded = NULL;
	s->accepted = s->refused = 0;
	s->bdat_started = s->bdat_refused = s->mail_refused = false;
	if (s->state == STATE_MAIL)
		s->state = STATE_READY;
}

void session_limit(struct session *s, enum limit l)
{
	limit_answer(l, s->env->settings->hostname, s->out);
	end_with(s, limit_name(l));
}

/* ---- commands */

static const struct command *command_find(struct view verb)
{
	const struct command *c = commands;
	while (c->verb && !view_ieq(view_of(c->verb), verb))
		c++;
	return c->verb ? c : NULL;
}

static void out_of_order(struct session *s)
{
	if (s->mail_refused)
		say(s, 503, "5.5.1", "MAIL was refused");
	else if (s->state == STATE_NEW)
		refuse(s, 503, "5.5.1", "Say EHLO first");
	else if (s->state == STATE_MAIL)
		refuse(s, 503, "5.5.1", "Not inside a mail transaction");
	else
		refuse(s, 503, "5.5.1", "MAIL first");
}

static void run_command(struct session *s, struct view line)
{
	struct view verb, args;
	if (!command_split(line, &verb, &args)) {
		refuse(s, 500, "5.5.2", "Control characters are not allowed");
		return;
	}
	const struct command *c = command_find(verb);
	if (!c)
		refuse(s, 500, "5.5.2", "Command not known");
	else if (!(s->state & c->allowed))
		out_of_order(s);
	else if (c->needs_args && !args.n)
		refuse(s, 501, "5.5.4", "An argument is missing");
	else if (!c->takes_args && args.n)
		refuse(s, 501, "5.5.4", "No argument is allowed");
	else
		c->handle(s, args);
	s->data_refused = c && c->handle == verb_data && s->mode != MODE_DATA;
}

static void count_command(struct session *s)
{
	s->commands++;
	if (++s->idle_commands > s->env->settings->max_commands && s->step == SESSION_READ)
		session_limit(s, LIMIT_COMMANDS);
}

static void refuse_bare(struct session *s)
{
	refuse(s, 500, "5.5.2", "Lines end with CR LF; a bare CR or LF is refused");
	end_with(s, "bare CR or LF in a command");
}

/* A line for WHAT_TO_DO: commands and AUTH's answers come the same way. */
static size_t eat_line(struct session *s, struct view in, void (*what_to_do)(struct session *s, struct view line))
{
	struct view line;
	size_t eaten;
	enum line_kind kind = line_take(in, &line, &eaten);
	if (kind == LINE_BARE)
		refuse_bare(s);
	if (kind == LINE_LONG) {
		s->mode = MODE_SKIP;
		s->skip_cr = false;
	}
	if (kind == LINE_GOOD) {
		what_to_do(s, line);
		count_command(s);
	}
	return eaten;
}

static size_t eat_command(struct session *s, struct view in)
{
	return eat_line(s, in, run_command);
}

static size_t eat_auth(struct session *s, struct view in)
{
	return eat_line(s, in, auth_line);
}

static size_t eat_long(struct session *s, struct view in)
{
	size_t eaten;
	enum line_kind kind = line_skip(in, &s->skip_cr, &eaten);
	if (kind == LINE_MORE)
		return eaten;
	s->mode = MODE_COMMAND;
	if (kind == LINE_BARE)
		refuse_bare(s);
	else
		refuse(s, 500, "5.5.6", "Line is too long");
	return eaten;
}

static size_t (*const eaters[])(struct session *s, struct view in) = {
    [MODE_COMMAND] = eat_command,
    [MODE_SKIP] = eat_long,
    [MODE_DATA] = eat_data,
    [MODE_BDAT] = eat_bdat,
    [MODE_AUTH] = eat_auth,
};

/* RFC 2920 3.1: DATA is the last of a group. What follows a refused one at once would be mail read as commands. */
static void refuse_rest(struct session *s)
{
	refuse(s, 503, "5.5.1", "More came behind DATA, which was refused");
	end_with(s, "input behind a refused DATA");
}

size_t session_feed(struct session *s, struct view in)
{
	size_t total = 0;
	s->data_refused = false;
	while (s->step == SESSION_READ && total < in.n && s->out->n < SESSION_OUT_HIGH) {
		size_t n = eaters[s->mode](s, view_sub(in, total, in.n));
		total += n;
		if (!n)
			break;
		if (s->data_refused && total < in.n)
			refuse_rest(s);
	}
	s->bytes += total;
	return total;
}

/* ---- life */

void session_open(struct session *s, const struct session_env *env, const struct endpoint *peer)
{
	static _Atomic uint64_t last_id;
	s->env = env;
	s->peer = peer;
	s->is_front =
	    s->moved && networks_have(env->settings->xclient_networks, env->settings->xclient_network_count, peer);
	s->state = STATE_NEW;
	s->id = atomic_fetch_add(&last_id, 1) + 1;
	s->taker = env->verbs->open(env->ctx, peer);
	ALWAYS(s->taker);
}

void session_greet(struct session *s)
{
	struct reply refused;
	if (s->env->verbs->welcome && !s->env->verbs->welcome(s->taker, &refused)) {
		say_reply(s, &refused);
		return;
	}
	buf_fmt(s->out, "220 %s ESMTP optgate\r\n", s->env->settings->hostname);
}

static void forget_auth(struct session *s)
{
	if (s->auth_user)
		mem_wipe(s->auth_user, strlen(s->auth_user));
	free(s->auth_user);
	s->auth_user = NULL;
}

void session_restart(struct session *s)
{
	end_transaction(s);
	forget_auth(s);
	s->env->verbs->close(s->taker);
	s->taker = s->env->verbs->open(s->env->ctx, s->peer);
	ALWAYS(s->taker);
	s->state = STATE_NEW;
	s->mode = MODE_COMMAND;
	s->step = SESSION_READ;
	s->logged_in = s->esmtp = false;
	s->helo[0] = 0;
}

void session_secured(struct session *s)
{
	session_restart(s);
	s->tls = true;
}

void session_resume(struct session *s)
{
	struct pending *p = s->pending;
	s->step = SESSION_READ;
	p->answered(s, &p->reply);
	pending_free(s);
}

bool session_is_idle(const struct session *s)
{
	return s->step == SESSION_READ && s->mode == MODE_COMMAND && s->state != STATE_MAIL;
}

void session_close(struct session *s)
{
	ALWAYS(!s->pending);
	end_transaction(s);
	forget_auth(s);
	s->env->verbs->close(s->taker);
	s->taker = NULL;
}
