/* XCLIENT and XFORWARD: a front end that we know says whose mail it is. XCLIENT changes who the client is, and the session
 * starts again; XFORWARD only what the next message's log and Received field say. PROXY is a balancer's word from elsewhere. */
#include <stdlib.h>

#include "base/mem.h"
#include "session.h"

static bool is_let(struct session *s)
{
	if (s->is_front)
		return true;
	refuse(s, 550, "5.7.0", "Not allowed from your address");
	return false;
}

static void log_in(struct session *s, const char *user)
{
	struct reply r;
	s->logged_in = s->env->verbs->as_user && s->env->verbs->as_user(s->taker, view_of(user), &r);
	if (s->logged_in)
		return;
	if (!s->env->verbs->as_user)
		reply_set(&r, 501, "5.5.4", "LOGIN is not known here");
	refuse_reply(s, &r);
}

/* XCLIENT 1*(SP attribute=xtext) */
void verb_xclient(struct session *s, struct view args)
{
	struct front f = {0};
	struct endpoint real = *s->peer;
	struct reply r;
	if (!is_let(s))
		return;
	if (!front_parse(args, false, &f, &r)) {
		refuse_reply(s, &r);
		return;
	}
	if (f.addr[0] && front_endpoint(&f, &real) && !s->moved(s, &real))
		return;
	session_restart(s);
	unsigned errors = s->errors;
	if (f.login[0])
		log_in(s, f.login);
	if (s->errors != errors || s->step != SESSION_READ)
		return;
	if (f.helo[0]) {
		view_str(view_of(f.helo), s->helo, sizeof s->helo);
		s->esmtp = !view_ieq(view_of(f.proto), V("SMTP"));
		s->state = STATE_READY;
	}
	session_greet(s);
}

/* XFORWARD 1*(SP attribute=xtext); several add up until the next message has ended */
void verb_xforward(struct session *s, struct view args)
{
	struct reply r;
	struct front none = {0};
	if (!is_let(s))
		return;
	struct front *f = s->forwarded ? s->forwarded : &none;
	if (!front_parse(args, true, f, &r)) {
		refuse_reply(s, &r);
		return;
	}
	if (!s->forwarded) {
		s->forwarded = mem_alloc(sizeof none);
		*s->forwarded = none;
	}
	say(s, 250, "2.0.0", "OK");
}

void verb_proxy(struct session *s, struct view args)
{
	(void)args;
	refuse(s, 550, "5.7.0", "A PROXY header is not expected from your address");
	end_with(s, "a PROXY header from an address that is no load balancer's");
}
