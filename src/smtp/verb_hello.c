/* EHLO and HELO (RFC 5321 4.1.1.1): who speaks, and what we offer. */
#include <stdio.h>

#include "session.h"

static bool offers_always(const struct session *s)
{
	(void)s;
	return true;
}

static bool offers_starttls(const struct session *s)
{
	return s->tls_offered && !s->tls;
}

static bool offers_auth(const struct session *s)
{
	return !s->logged_in && s->env->verbs->may_login(s->taker, s->tls);
}

static bool offers_front(const struct session *s)
{
	return s->is_front;
}

static bool offers_size(const struct session *s)
{
	return s->env->verbs->max_message_bytes(s->taker) > 0;
}

/* SIZE gets its number behind it. The last row is always offered: its line ends the reply. */
static const struct {
	const char *keyword;
	bool (*is_offered)(const struct session *s);
} extensions[] = {
    {"PIPELINING", offers_always},
    {"SIZE", offers_size},
    {"8BITMIME", offers_always},
    {"STARTTLS", offers_starttls},
    {"AUTH PLAIN LOGIN", offers_auth},
    {"DSN", offers_always},
    {"CHUNKING", offers_always},
    {"XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT", offers_front},
    {"XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE", offers_front},
    {"ENHANCEDSTATUSCODES", offers_always},
};

static bool is_name(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] <= 0x20 || (unsigned char)v.p[i] >= 0x7f)
			return false;
	return v.n > 0 && v.n <= HELO_MAX;
}

static bool greet(struct session *s, struct view args, bool esmtp)
{
	if (!is_name(args)) {
		refuse(s, 501, "5.5.4", "A host name or address literal is expected");
		return false;
	}
	struct front *forwarded = s->forwarded;
	s->forwarded = NULL; /* speaks of the next message, which is still to come */
	end_transaction(s);
	s->forwarded = forwarded;
	view_str(args, s->helo, sizeof s->helo);
	s->esmtp = esmtp;
	s->state = STATE_READY;
	return true;
}

void verb_helo(struct session *s, struct view args)
{
	if (greet(s, args, false))
		say(s, 250, "", s->env->settings->hostname);
}

void verb_ehlo(struct session *s, struct view args)
{
	if (!greet(s, args, true))
		return;
	buf_fmt(s->out, "250-%s\r\n", s->env->settings->hostname);
	size_t n = sizeof extensions / sizeof *extensions;
	for (size_t i = 0; i < n; i++) {
		if (!extensions[i].is_offered(s))
			continue;
		buf_fmt(s->out, "250%c%s", i + 1 < n ? '-' : ' ', extensions[i].keyword);
		if (extensions[i].is_offered == offers_size)
			buf_fmt(s->out, " %llu", (unsigned long long)s->env->verbs->max_message_bytes(s->taker));
		buf_str(s->out, "\r\n");
	}
}
