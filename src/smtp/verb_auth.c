/* AUTH PLAIN and LOGIN (RFC 4954, RFC 4616, draft-murchison-sasl-login). Whether the password is right is intake's answer and
 * may take its time. What was typed is wiped when it has been used, and never logged. */
#include <stdlib.h>

#include "base/codec.h"
#include "base/counter.h"
#include "base/mem.h"
#include "pending.h"

#define AUTH_DECODED_MAX 1024

COUNTER(logins, "optgate_smtp_logins_total{answer=\"accepted\"}", "AUTH by its answer");
COUNTER(failed_logins, "optgate_smtp_logins_total{answer=\"refused\"}", "AUTH by its answer");

static void login_answered(struct session *s, const struct reply *r)
{
	s->logged_in = r->code == 235;
	counter_add(s->logged_in ? &logins : &failed_logins, 1);
	say_reply(s, r);
	if (r->code / 100 == 5 && ++s->auth_failures >= AUTH_FAILURES_MAX && s->step == SESSION_READ)
		session_limit(s, LIMIT_AUTH_FAILURES);
}

static void login(struct session *s, struct view user, struct view password)
{
	struct pending *p = pending_new(s, login_answered);
	buf_reserve(&p->secret, user.n + password.n); /* one block: growing would leave copies behind */
	buf_add(&p->secret, user);
	buf_add(&p->secret, password);
	struct view both = buf_view(&p->secret);
	s->env->verbs->login(s->taker, view_sub(both, 0, user.n), view_sub(both, user.n, both.n), pending_done, p);
	pending_settle(p);
}

/* message = [authzid] NUL authcid NUL passwd; acting for another is not offered */
static void plain_response(struct session *s, struct view text)
{
	struct view rest = text, as, user;
	bool good = view_cut(&rest, 0, &as) && view_cut(&rest, 0, &user) && user.n && rest.n;
	if (good && view_find(rest, 0, 0) == rest.n && (!as.n || view_eq(as, user)))
		login(s, user, rest);
	else
		refuse(s, 501, "5.5.2", "AUTH PLAIN: user and password are expected");
}

static void login_user(struct session *s, struct view text)
{
	if (!text.n || view_find(text, 0, 0) < text.n) {
		refuse(s, 501, "5.5.2", "AUTH LOGIN: a user is expected");
		return;
	}
	free(s->auth_user);
	s->auth_user = view_dup(text);
	s->auth_step = AUTH_PASSWORD;
	s->mode = MODE_AUTH;
	buf_add(s->out, V("334 UGFzc3dvcmQ6\r\n")); /* "Password:" */
}

static void login_password(struct session *s, struct view text)
{
	char *user = s->auth_user;
	s->auth_user = NULL;
	login(s, view_of(user), text);
	mem_wipe(user, strlen(user));
	free(user);
}

static void (*const steps[])(struct session *s, struct view text) = {
    [AUTH_PLAIN] = plain_response,
    [AUTH_USER] = login_user,
    [AUTH_PASSWORD] = login_password,
};

/* One base64 answer of the client. */
static void response(struct session *s, struct view line)
{
	struct buf text;
	buf_init(&text, AUTH_DECODED_MAX);
	buf_reserve(&text, AUTH_DECODED_MAX);
	s->mode = MODE_COMMAND;
	if (base64_decode(line, &text) && !text.failed)
		steps[s->auth_step](s, buf_view(&text));
	else
		refuse(s, 501, "5.5.2", "AUTH: not base64, or too long");
	mem_wipe(text.p, text.cap);
	buf_free(&text);
}

void auth_line(struct session *s, struct view line)
{
	if (!view_eq(line, V("*"))) {
		response(s, line);
		return;
	}
	s->mode = MODE_COMMAND;
	refuse(s, 501, "5.7.0", "AUTH cancelled");
}

static const struct {
	const char *name;
	enum auth_step first;
	const char *challenge;
} mechanisms[] = {{"PLAIN", AUTH_PLAIN, "334 \r\n"}, {"LOGIN", AUTH_USER, "334 VXNlcm5hbWU6\r\n"}};

static void begin(struct session *s, size_t mechanism, struct view initial)
{
	s->auth_step = mechanisms[mechanism].first;
	if (initial.n) {
		response(s, view_eq(initial, V("=")) ? V("") : initial);
		return;
	}
	s->mode = MODE_AUTH;
	buf_str(s->out, mechanisms[mechanism].challenge);
}

static bool may_begin(struct session *s)
{
	if (s->logged_in)
		refuse(s, 503, "5.5.1", "You are logged in");
	else if (s->env->verbs->may_login(s->taker, s->tls))
		return true;
	else if (!s->tls && s->env->verbs->may_login(s->taker, true))
		refuse(s, 538, "5.7.11", "STARTTLS first");
	else
		refuse(s, 503, "5.5.1", "AUTH is not offered here");
	return false;
}

/* AUTH mechanism [SP initial-response] */
void verb_auth(struct session *s, struct view args)
{
	struct view name = {0};
	view_word(&args, &name);
	struct view initial = view_trim(args);
	if (!may_begin(s))
		return;
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
		if (view_ieq(name, view_of(mechanisms[i].name))) {
			begin(s, i, initial);
			return;
		}
	refuse(s, 504, "5.5.4", "Mechanism not known");
}
