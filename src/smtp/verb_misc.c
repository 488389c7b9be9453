/* RSET NOOP QUIT VRFY HELP STARTTLS (RFC 5321 4.1.1.5 to 4.1.1.10, RFC 3207), and the first words of other protocols. */
#include <stdio.h>

#include "session.h"

void verb_rset(struct session *s, struct view args)
{
	(void)args;
	end_transaction(s);
	say(s, 250, "2.0.0", "OK");
}

void verb_noop(struct session *s, struct view args)
{
	(void)args;
	say(s, 250, "2.0.0", "OK");
}

void verb_quit(struct session *s, struct view args)
{
	(void)args;
	end_transaction(s);
	say(s, 221, "2.0.0", "Bye");
	end_with(s, "QUIT");
}

void verb_vrfy(struct session *s, struct view args)
{
	(void)args;
	say(s, 252, "2.5.0", "Send it some mail to find out");
}

void verb_help(struct session *s, struct view args)
{
	(void)args;
	for (const struct command *c = commands; c->verb; c++)
		if (c->help)
			buf_fmt(s->out, "214-2.0.0 %s\r\n", c->help);
	say(s, 214, "2.0.0", "End");
}

void verb_starttls(struct session *s, struct view args)
{
	(void)args;
	if (s->tls) {
		refuse(s, 503, "5.5.1", "TLS is on already");
		return;
	}
	if (!s->tls_offered) {
		refuse(s, 502, "5.5.1", "STARTTLS is not offered here");
		return;
	}
	end_transaction(s);
	say(s, 220, "2.0.0", "Ready to start TLS");
	s->step = SESSION_STARTTLS;
}

void verb_foreign(struct session *s, struct view args)
{
	(void)args;
	refuse(s, 500, "5.5.2", "This is an SMTP server");
	end_with(s, "another protocol's request");
}
