/* Sessions fed without a socket, against a sink that answers at once. */
#pragma once

#include "../../src/smtp/session.h"
#include "base/mem.h"
#include "smtp/sink.h"

#define DIALOG_OUT_MAX (1u << 20)

struct dialog {
	struct smtp_settings settings;
	struct session_env env;
	struct sink *sink;
	struct session session;
	struct endpoint peer;
	struct buf out;      /* of the current feed */
	struct buf replies;  /* all of them */
	struct buf received; /* messages, with a line before each */
};

static void dialog_keep(void *arg, const struct sink_mail *m)
{
	struct buf *b = arg;
	buf_fmt(b, "[%.*s ->", VFMT(m->from));
	for (size_t i = 0; i < m->to_count; i++)
		buf_fmt(b, " %.*s", VFMT(m->to[i]));
	buf_fmt(b, "]");
	buf_add(b, m->bytes);
}

/* RECEIVED gets the messages of all dialogues with this sink. */
static inline struct sink *dialog_sink(const struct sink_rule *rules, size_t rule_count, struct buf *received)
{
	struct err err;
	struct sink *sink;
	struct sink_settings s = {.max_message_bytes = 2000, .user = "tool", .password = "secret", .rules = rules, .rule_count = rule_count,
	    .deliver = dialog_keep, .arg = received};
	if (sink_new(&sink, &s, &clock_system, &err))
		fatal(err.text);
	return sink;
}

static inline void dialog_open_on(struct dialog *d, struct sink *sink)
{
	struct err err;
	static char hostname[] = "gate.test";
	d->settings = (struct smtp_settings){.hostname = hostname, .max_errors = 10, .max_commands = 100};
	d->session = (struct session){.out = &d->out};
	buf_init(&d->out, DIALOG_OUT_MAX);
	buf_init(&d->replies, DIALOG_OUT_MAX);
	if (endpoint_parse("192.0.2.7:1025", &d->peer, &err))
		fatal(err.text);
	d->env = (struct session_env){&d->settings, &sink_verbs, sink};
	session_open(&d->session, &d->env, &d->peer);
}

static inline void dialog_open(struct dialog *d, const struct sink_rule *rules, size_t rule_count)
{
	buf_init(&d->received, DIALOG_OUT_MAX);
	d->sink = dialog_sink(rules, rule_count, &d->received);
	dialog_open_on(d, d->sink);
}

/* What the link does: feeds until nothing more is eaten. Returns the bytes left uneaten. */
static inline size_t dialog_feed(struct dialog *d, struct view in)
{
	size_t total = 0, n = 1;
	while (n && d->session.step == SESSION_READ) {
		n = session_feed(&d->session, view_sub(in, total, in.n));
		total += n;
		buf_add(&d->replies, buf_view(&d->out));
		buf_clear(&d->out);
		if (d->session.step == SESSION_STARTTLS) {
			session_secured(&d->session);
			return 0; /* whatever came behind it in plain is gone */
		}
	}
	return in.n - total;
}

static inline void dialog_close_on(struct dialog *d)
{
	session_close(&d->session);
	buf_free(&d->out);
	buf_free(&d->replies);
}

static inline void dialog_close(struct dialog *d)
{
	dialog_close_on(d);
	sink_free(&d->sink);
	buf_free(&d->received);
}

/* Feeds IN in pieces that end at CUTS (ascending), keeping what is left uneaten in front of the next piece. */
static inline void dialog_feed_cut(struct dialog *d, struct view in, const size_t *cuts, size_t n)
{
	size_t at = 0;
	for (size_t i = 0; i <= n; i++) {
		size_t to = i < n ? cuts[i] : in.n;
		at = to - dialog_feed(d, view_sub(in, at, to));
	}
}
