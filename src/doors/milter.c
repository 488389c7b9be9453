/* A milter session: the MTA's commands, by their table, become the verbs of intake.
 *
 *   NEGOTIATE ─▶ CONNECT ─▶ HELO ─▶ MAIL ─▶ RCPT* ─▶ HEADER* ─▶ END_OF_HEADERS ─▶ BODY* ─▶ END
 *                   ▲                 ▲     verdict 1                              verdict 2, fields, signatures
 *                   └── QUIT_NEW      └──────────────────────────────────────────── ABORT, or the next message
 *
 * An answer that is negotiated away is not given. What is malformed, or out of order, ends the connection: the MTA then does what
 * its milter_default_action says (tempfail, unless somebody chose otherwise). */
#include "milter.h"

#include <stdlib.h>

#include "base/counter.h"
#include "milter_edit.h"

COUNTER(messages_edited, "optgate_milter_messages_total{answer=\"edited\"}",
    "Messages at the milter by the answer to their end");
COUNTER(messages_dropped, "optgate_milter_messages_total{answer=\"dropped\"}",
    "Messages at the milter by the answer to their end");
COUNTER(messages_refused, "optgate_milter_messages_total{answer=\"refused\"}",
    "Messages at the milter by the answer to their end");
COUNTER(malformed, "optgate_milter_malformed_total", "Milter connections that ended for what came on them");

#define MILTER_MACROS_MAX 8192

static void *milter_open(struct door_env *env)
{
	struct milter *m = mem_zero(sizeof *m);
	m->env = env;
	buf_init(&m->in, 4 + MILTER_PACKET_MAX);
	buf_init(&m->mail_macros, MILTER_MACROS_MAX);
	return m;
}

void milter_end_transaction(struct milter *m)
{
	if (m->tx)
		m->env->verbs->abort(m->tx);
	m->tx = NULL;
	for (unsigned i = 0; i < m->rcpt_count; i++)
		free(m->rcpts[i]);
	free(m->rcpts);
	m->rcpts = NULL;
	m->rcpt_count = 0;
}

static void end_connection(struct milter *m)
{
	milter_end_transaction(m);
	if (m->session)
		m->env->verbs->close(m->session);
	m->session = NULL;
	m->helo[0] = 0;
}

static void milter_close(void *session)
{
	struct milter *m = session;
	end_connection(m);
	buf_free(&m->in);
	buf_free(&m->mail_macros);
	free(m);
}

static void go_on(struct milter *m, uint32_t quiet, struct buf *out)
{
	if (!(m->agreed.steps & quiet))
		milter_write(out, MILTER_CONTINUE, V(""));
}

static void say(struct buf *out, const struct reply *r)
{
	milter_write_code(out, r->code, r->enhanced, r->text);
}

/* ---- one function a command; false: malformed */

static bool on_negotiate(struct milter *m, struct view data, struct buf *out)
{
	struct milter_offer theirs;
	if (!milter_read_offer(data, &theirs) || !milter_negotiate(&theirs, &m->agreed, &m->why))
		return false;
	m->is_agreed = true;
	milter_write_offer(&m->agreed, out);
	return true;
}

static void open_session(struct milter *m, const struct endpoint *peer)
{
	end_connection(m);
	m->session = m->env->verbs->open(m->env->intake, peer);
}

static bool on_connect(struct milter *m, struct view data, struct buf *out)
{
	struct milter_connect c;
	if (!milter_read_connect(data, &c))
		return false;
	struct endpoint peer = door_endpoint(c.address, c.port);
	open_session(m, &peer);
	go_on(m, QUIET_CONNECT, out);
	return true;
}

static bool on_helo(struct milter *m, struct view data, struct buf *out)
{
	struct view name;
	if (!milter_string(&data, &name))
		return false;
	view_str(view_sub(name, 0, sizeof m->helo - 1), m->helo, sizeof m->helo);
	go_on(m, QUIET_HELO, out);
	return true;
}

/* Those of MAIL tell who logged in; the others' are of no use. */
static bool on_macro(struct milter *m, struct view data, struct buf *out)
{
	(void)out;
	if (data.n && data.p[0] == MILTER_MAIL) {
		buf_clear(&m->mail_macros);
		buf_add(&m->mail_macros, view_sub(data, 1, data.n));
	}
	return data.n > 0;
}

static void begin(struct milter *m, const struct address *from, struct reply *reply)
{
	struct view user = milter_macro(buf_view(&m->mail_macros), V("{auth_authen}"));
	struct intake_mail mail = {.from = from, .helo = view_of(m->helo)};
	m->passes = false;
	if (door_identify(m->env, m->session, user, reply))
		m->env->verbs->begin(m->session, &mail, &m->tx, reply);
	else
		m->passes = reply->code == 0;
}

/* "<path>" NUL, then ESMTP parameters, each with its NUL */
static bool on_mail(struct milter *m, struct view data, struct buf *out)
{
	const struct endpoint nowhere = {0};
	struct address from;
	struct view path;
	struct reply reply;
	struct err err;
	if (!milter_string(&data, &path))
		return false;
	milter_end_transaction(m);
	if (!m->session)
		open_session(m, &nowhere);
	if (address_parse_path(&path, &from, &err) < 0)
		reply_set(&reply, 553, "5.1.7", "Sender: %s", err.text);
	else
		begin(m, &from, &reply);
	buf_clear(&m->mail_macros);
	if (m->passes)
		milter_write(out, MILTER_ACCEPT, V(""));
	else if (m->tx)
		go_on(m, 0, out);
	else
		say(out, &reply);
	return true;
}

static void keep_rcpt(struct milter *m, struct view path, const struct address *to)
{
	struct milter_rcpt *r = mem_alloc(sizeof *r + path.n + 1);
	r->address = *to;
	memcpy(r->path, path.p, path.n);
	r->path[path.n] = 0;
	m->rcpts = mem_grow(m->rcpts, (m->rcpt_count + 1) * sizeof *m->rcpts);
	m->rcpts[m->rcpt_count++] = r;
}

/* The MTA keeps one copy for all recipients, but a link is one person's: who may send marketing only sends each message to one. 452
 * lets a client send the rest in messages of their own (RFC 5321 4.5.3.1.10). */
static void take_rcpt(struct milter *m, const struct address *to, struct reply *reply)
{
	const struct intake_rcpt rcpt = {.to = to};
	bool other = m->rcpt_count && strcmp(m->rcpts[0]->address.text, to->text) != 0;
	if (other && intake_one_recipient_each(m->tx))
		reply_set(reply, 452, "4.5.3", "One recipient a message: each copy carries a link of its own");
	else
		m->env->verbs->rcpt(m->tx, &rcpt, reply);
}

static bool on_rcpt(struct milter *m, struct view data, struct buf *out)
{
	struct address to;
	struct view path, rest;
	struct reply reply;
	struct err err;
	if (!milter_string(&data, &path) || !m->tx)
		return false;
	rest = path;
	if (address_parse_path(&rest, &to, &err) < 0 || !to.text[0])
		reply_set(&reply, 553, "5.1.3", "Recipient: expected <local@domain>");
	else
		take_rcpt(m, &to, &reply);
	if (reply.code / 100 == 2) {
		keep_rcpt(m, path, &to);
		go_on(m, 0, out);
	} else {
		say(out, &reply);
	}
	return true;
}

static bool on_data(struct milter *m, struct view data, struct buf *out)
{
	(void)data;
	go_on(m, 0, out);
	return true;
}

/* Lines of one field travel with LF between them. */
static bool on_header(struct milter *m, struct view data, struct buf *out)
{
	struct view name, value, line;
	if (!m->tx || !milter_string(&data, &name) || !milter_string(&data, &value))
		return false;
	struct buf *message = m->env->verbs->data(m->tx);
	buf_add(message, name);
	buf_str(message, m->agreed.steps & LEADING_SPACE ? ":" : ": ");
	bool is_first = true;
	while (view_cut(&value, '\n', &line)) {
		buf_str(message, is_first ? "" : "\r\n");
		buf_add(message, view_ends(line, V("\r")) ? view_sub(line, 0, line.n - 1) : line);
		is_first = false;
	}
	buf_str(message, "\r\n");
	go_on(m, QUIET_HEADER, out);
	return true;
}

static bool on_end_of_headers(struct milter *m, struct view data, struct buf *out)
{
	(void)data;
	if (!m->tx)
		return false;
	buf_str(m->env->verbs->data(m->tx), "\r\n");
	go_on(m, QUIET_END_OF_HEADERS, out);
	return true;
}

static bool on_body(struct milter *m, struct view data, struct buf *out)
{
	if (!m->tx)
		return false;
	buf_add(m->env->verbs->data(m->tx), data);
	go_on(m, QUIET_BODY, out);
	return true;
}

static bool on_end(struct milter *m, struct view data, struct buf *out)
{
	struct reply refused;
	bool kept = true;
	if (!m->tx)
		return false;
	buf_add(m->env->verbs->data(m->tx), data);
	m->env->verbs->data(m->tx); /* counts it */
	if (milter_edit(m, out, &kept, &refused)) {
		counter_add(kept ? &messages_edited : &messages_dropped, 1);
		milter_write(out, kept ? MILTER_CONTINUE : MILTER_DISCARD, V(""));
	} else {
		counter_add(&messages_refused, 1);
		log_event(LOG_LEVEL_INFO, "doors.milter.refuse", "client=%s code=%d enhanced=%s",
		    intake_client_name(m->session), refused.code, refused.enhanced);
		say(out, &refused);
	}
	milter_end_transaction(m);
	return true;
}

static bool on_abort(struct milter *m, struct view data, struct buf *out)
{
	(void)data, (void)out;
	milter_end_transaction(m);
	return true;
}

static bool on_quit(struct milter *m, struct view data, struct buf *out)
{
	(void)data, (void)out;
	end_connection(m);
	m->why = "the MTA quits";
	return true;
}

static bool on_quit_new(struct milter *m, struct view data, struct buf *out)
{
	(void)data, (void)out;
	end_connection(m);
	return true;
}

static const struct {
	char command;
	bool (*handle)(struct milter *m, struct view data, struct buf *out);
} commands[] = {
    {MILTER_NEGOTIATE, on_negotiate},
    {MILTER_CONNECT, on_connect},
    {MILTER_HELO, on_helo},
    {MILTER_MACRO, on_macro},
    {MILTER_MAIL, on_mail},
    {MILTER_RCPT, on_rcpt},
    {MILTER_DATA, on_data},
    {MILTER_HEADER, on_header},
    {MILTER_END_OF_HEADERS, on_end_of_headers},
    {MILTER_BODY, on_body},
    {MILTER_END, on_end},
    {MILTER_ABORT, on_abort},
    {MILTER_QUIT, on_quit},
    {MILTER_QUIT_NEW, on_quit_new},
    {MILTER_UNKNOWN, on_data},
};

static void run(struct milter *m, const struct milter_packet *p, struct buf *out)
{
	size_t i = 0, n = sizeof commands / sizeof *commands;
	while (i < n && commands[i].command != p->command)
		i++;
	bool in_order = i < n && (m->is_agreed ? p->command != MILTER_NEGOTIATE : p->command == MILTER_NEGOTIATE);
	if (in_order && commands[i].handle(m, p->data, out))
		return;
	counter_add(&malformed, 1);
	if (!m->why)
		m->why = "what came is not the milter protocol";
}

/* A packet may be larger than a connection's input: it is put together here. */
static size_t milter_feed(void *session, struct view in, struct buf *out, const char **why)
{
	struct milter *m = session;
	size_t at = 0;
	enum packet_kind kind = PACKET_GOOD;
	size_t room = m->in.max - m->in.n;
	size_t taken = in.n < room ? in.n : room;
	buf_add(&m->in, view_sub(in, 0, taken));
	struct view all = buf_view(&m->in);
	while (kind == PACKET_GOOD && !m->why) {
		struct milter_packet p;
		size_t n = 0;
		kind = milter_take(view_sub(all, at, all.n), &p, &n);
		at += n;
		if (kind == PACKET_GOOD)
			run(m, &p, out);
	}
	if (kind == PACKET_BAD && !m->why)
		m->why = "a packet of impossible length";
	buf_eat(&m->in, at);
	if (!m->in.n)
		buf_free(&m->in);
	*why = m->why;
	return taken;
}

const struct door_protocol door_milter = {"milter", milter_open, milter_feed, milter_close};
