/* Deadlines are looked at lazily: the timer is only armed earlier, never later; when it expires too soon it
 * is armed again. */
#include "link.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"
#include "pending.h"
#include "worker.h"

COUNTER(opened, "optgate_smtp_connections_total", "Connections taken");
GAUGE(open_now, "optgate_smtp_connections", "Connections open now");

#define LINK_OF(ptr, member) ((struct link *)(void *)((char *)(ptr)-offsetof(struct link, member)))

static const struct smtp_settings *settings(const struct link *k)
{
	return k->session.env->settings;
}

static void grave(struct task *t)
{
	free(LINK_OF(t, grave));
}

/* The connection is gone; the session goes when no answer is on its way. */
static void link_end(struct link *k)
{
	if (k->conn || k->session.pending)
		return;
	session_close(&k->session);
	worker_remove(k->worker, k);
	loop_defer(k->worker->loop, &k->grave);
}

static void log_close(struct link *k, const char *why)
{
	const struct session *s = &k->session;
	char peer[ENDPOINT_TEXT], safe[96], helo[64];
	endpoint_text(conn_peer(k->conn), peer);
	log_event(LOG_LEVEL_INFO, "smtp.session.close",
	    "session=%" PRIx64 " peer=%s helo=\"%s\" tls=\"%s\" login=%d messages=%" PRIu64 " commands=%" PRIu64
	    " errors=%u bytes=%" PRIu64 " ms=%" PRId64 " why=\"%s\"",
	    s->id, peer, log_safe(helo, sizeof helo, s->helo, strlen(s->helo)), conn_tls_text(k->conn), s->logged_in,
	    s->messages, s->commands, s->errors, s->bytes, loop_now(k->worker->loop) - k->opened_ms,
	    log_safe(safe, sizeof safe, why, strlen(why)));
}

static void let_go(struct link *k, const char *why, void (*close_conn)(struct conn **c))
{
	if (!k->conn)
		return;
	log_close(k, why);
	counter_add(&open_now, -1);
	timer_disarm(k->worker->loop, &k->timer);
	close_conn(&k->conn);
	k->session.peer = NULL;
	link_end(k);
}

/* ---- deadlines */

static bool takes_data(const struct link *k)
{
	return k->session.mode == MODE_DATA || k->session.mode == MODE_BDAT;
}

/* When the message at hand must have come, for as much of it as has: who drips a byte a minute holds a place for days. */
static int64_t data_due(const struct link *k)
{
	const struct smtp_settings *set = settings(k);
	if (!k->data_ms || !set->min_data_rate)
		return INT64_MAX;
	return k->data_ms + set->data_timeout_ms +
	       (int64_t)((k->session.bytes - k->data_from) * 1000 / set->min_data_rate);
}

/* Of these the first. */
static enum limit nearest(const struct link *k, int64_t *ret_due)
{
	const struct session *s = &k->session;
	bool data = takes_data(k);
	int64_t wait = data ? settings(k)->data_timeout_ms : settings(k)->idle_timeout_ms;
	if (s->pending) { /* the answer is ours to give */
		*ret_due = loop_now(k->worker->loop) + wait;
		return LIMIT_IDLE;
	}
	const struct {
		enum limit limit;
		int64_t due;
	} rows[] = {
	    {data ? LIMIT_DATA : LIMIT_IDLE,
		s->step == SESSION_WAIT ? INT64_MAX : k->active_ms + wait}, /* stalled on purpose */
	    {LIMIT_DATA_RATE, data ? data_due(k) : INT64_MAX},
	    {LIMIT_SESSION,
		settings(k)->session_timeout_ms ? k->opened_ms + settings(k)->session_timeout_ms : INT64_MAX},
	};
	size_t first = 0;
	for (size_t i = 1; i < sizeof rows / sizeof *rows; i++)
		first = rows[i].due < rows[first].due ? i : first;
	*ret_due = rows[first].due;
	return rows[first].limit;
}

static void watch_deadline(struct link *k)
{
	int64_t due;
	nearest(k, &due);
	if (!k->timer.slot || due < k->timer.due_ms)
		timer_arm(k->worker->loop, &k->timer, due);
}

static void end_by_limit(struct link *k, enum limit l)
{
	k->session.out = &k->worker->out;
	buf_clear(k->session.out);
	session_limit(&k->session, l);
	conn_write(k->conn, buf_view(k->session.out));
	let_go(k, limit_name(l), conn_close);
}

static void expired(struct timer *t)
{
	struct link *k = LINK_OF(t, timer);
	int64_t due;
	enum limit l = nearest(k, &due);
	if (due > loop_now(k->worker->loop))
		watch_deadline(k);
	else
		end_by_limit(k, l);
}

/* ---- steps */

static void start_tls(struct link *k)
{
	struct err err;
	struct tls_server *tls = server_tls(k->worker->server);
	int rc = tls ? conn_starttls(k->conn, tls, &err) : -1;
	tls_server_free(&tls);
	if (rc)
		let_go(k, "TLS could not be started", conn_close);
}

static void do_step(struct link *k)
{
	enum session_step step = k->session.step;
	if (step == SESSION_CLOSE)
		let_go(k, k->session.why, conn_close);
	else if (step == SESSION_STARTTLS)
		start_tls(k);
	else if (k->worker->is_draining && session_is_idle(&k->session))
		end_by_limit(k, LIMIT_DRAIN);
	else
		conn_pause(k->conn, step == SESSION_WAIT);
	if (k->conn)
		watch_deadline(k);
}

static void note_data(struct link *k)
{
	if (!takes_data(k)) {
		k->data_ms = 0;
	} else if (!k->data_ms) {
		k->data_ms = k->active_ms;
		k->data_from = k->session.bytes;
	}
}

static void readable(void *arg)
{
	struct link *k = arg;
	struct session *s = &k->session;
	bool more = true;
	while (more && s->step == SESSION_READ && !conn_is_backed_up(k->conn)) {
		uint64_t before = s->commands;
		s->out = &k->worker->out;
		buf_clear(s->out);
		size_t n = session_feed(s, conn_in(k->conn));
		conn_eat(k->conn, n);
		conn_write(k->conn, buf_view(s->out));
		more = n && conn_in(k->conn).n;
		if (before != s->commands || takes_data(k))
			k->active_ms = loop_now(k->worker->loop); /* half a command is no activity */
		note_data(k);
	}
	do_step(k);
}

/* A late answer. */
static void resumed(struct session *s)
{
	struct link *k = LINK_OF(s, session);
	s->out = &k->worker->out;
	buf_clear(s->out);
	session_resume(s);
	k->active_ms = loop_now(k->worker->loop);
	if (!k->conn) {
		link_end(k);
		return;
	}
	conn_write(k->conn, buf_view(s->out));
	do_step(k);
}

static void greet(struct link *k)
{
	k->session.out = &k->worker->out;
	buf_clear(k->session.out);
	session_greet(&k->session);
	conn_write(k->conn, buf_view(k->session.out));
	if (k->session.step == SESSION_CLOSE)
		let_go(k, k->session.why, conn_close);
}

static void secured(void *arg)
{
	struct link *k = arg;
	bool is_first = k->session.step != SESSION_STARTTLS; /* implicit TLS: nothing was said yet */
	session_secured(&k->session);
	k->active_ms = loop_now(k->worker->loop);
	if (is_first)
		greet(k);
	if (k->conn)
		watch_deadline(k);
}

static void closed(void *arg, const char *why)
{
	let_go(arg, why, conn_drop);
}

static const struct conn_owner owner = {readable, closed, secured};

/* A front end has said who the client is. */
static bool moved(struct session *s, const struct endpoint *real)
{
	struct link *k = LINK_OF(s, session);
	struct ip_key ip = ip_key_of(real);
	enum limit l = server_recount_peer(k->worker->server, &k->ip, &ip);
	k->ip = ip;
	k->ip.is_counted = ip.is_counted && !l;
	conn_set_peer(k->conn, real);
	if (l)
		session_limit(s, l);
	return !l;
}

void link_open(struct worker *w, int fd, bool tls_first, const struct ip_key *ip, const struct endpoint *peer)
{
	struct err err;
	struct tls_server *tls = server_tls(w->server);
	struct link *k = mem_zero(sizeof *k);
	k->worker = w;
	k->ip = *ip;
	k->timer.expired = expired;
	k->grave.run = grave;
	k->opened_ms = k->active_ms = loop_now(w->loop);
	k->session.loop = w->loop;
	k->session.resumed = resumed;
	k->session.moved = moved;
	k->session.tls_offered = tls != NULL;
	ALWAYS(tls || !tls_first);
	k->conn = conn_new(w->loop, fd, tls_first ? tls : NULL, &owner, k, &err);
	tls_server_free(&tls);
	if (!k->conn) {
		log_event(LOG_LEVEL_ERROR, "smtp.session.fail", "error=\"%s\"", err.text);
		server_connection_over(w->server, ip);
		free(k);
		return;
	}
	if (peer)
		conn_set_peer(k->conn, peer);
	counter_add(&opened, 1);
	counter_add(&open_now, 1);
	session_open(&k->session, w->env, conn_peer(k->conn));
	worker_add(w, k);
	if (!k->conn)
		return; /* drained at once */
	if (!tls_first)
		greet(k);
	if (k->conn)
		watch_deadline(k);
}

void link_drain(struct link *k)
{
	if (k->conn && session_is_idle(&k->session))
		end_by_limit(k, LIMIT_DRAIN);
}

void link_drop(struct link *k)
{
	let_go(k, "server stops", conn_drop);
}
