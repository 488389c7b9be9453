#include "guest.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/counter.h"

GAUGE(open_now, "optgate_doors_connections", "Connections of MTAs to the policy service and the milter");

#define GUEST_OF(ptr, member) ((struct guest *)(void *)((char *)(ptr)-offsetof(struct guest, member)))

static void grave(struct task *t)
{
	free(GUEST_OF(t, grave));
}

static void let_go(struct guest *g, const char *why, void (*close_conn)(struct conn **c))
{
	struct door_worker *w = g->worker;
	char peer[ENDPOINT_TEXT];
	endpoint_text(conn_peer(g->conn), peer);
	log_event(LOG_LEVEL_DEBUG, "doors.guest.close", "door=%s peer=%s why=\"%s\"", g->protocol->name, peer, why);
	timer_disarm(w->loop, &g->idle);
	close_conn(&g->conn);
	g->protocol->close(g->session);
	if (g->prev)
		g->prev->next = g->next;
	else
		w->guests = g->next;
	if (g->next)
		g->next->prev = g->prev;
	counter_add(&open_now, -1);
	doors_count_out(w->doors);
	loop_defer(w->loop, &g->grave);
}

void guest_drop(struct guest *g, const char *why)
{
	let_go(g, why, conn_drop);
}

/* Looked at lazily: the timer is armed again when there was something in between. */
static void idle(struct timer *t)
{
	struct guest *g = GUEST_OF(t, idle);
	int64_t due = g->active_ms + doors_idle_timeout(g->worker->doors);
	if (loop_now(g->worker->loop) < due)
		timer_arm(g->worker->loop, t, due);
	else
		let_go(g, "idle for too long", conn_close);
}

static void readable(void *arg)
{
	struct guest *g = arg;
	struct buf *out = &g->worker->out;
	const char *why = NULL;
	size_t n = 1;
	g->active_ms = loop_now(g->worker->loop);
	while (n && !why && !conn_is_backed_up(g->conn)) {
		buf_clear(out);
		n = conn_in(g->conn).n ? g->protocol->feed(g->session, conn_in(g->conn), out, &why) : 0;
		conn_eat(g->conn, n);
		if (out->failed)
			why = "an answer would be too large";
		else
			conn_write(g->conn, buf_view(out));
	}
	if (why)
		let_go(g, why, conn_close);
}

static void closed(void *arg, const char *why)
{
	let_go(arg, why, conn_drop);
}

static const struct conn_owner owner = {readable, closed, NULL};

void guest_open(struct door_worker *w, int fd, const struct door_protocol *protocol)
{
	struct err err;
	struct guest *g = mem_zero(sizeof *g);
	g->conn = conn_new(w->loop, fd, NULL, &owner, g, &err);
	if (!g->conn) {
		log_event(LOG_LEVEL_ERROR, "doors.guest.fail", "error=\"%s\"", err.text);
		doors_count_out(w->doors);
		free(g);
		return;
	}
	g->worker = w;
	g->protocol = protocol;
	g->session = protocol->open(&w->env);
	g->idle.expired = idle;
	g->grave.run = grave;
	g->active_ms = loop_now(w->loop);
	g->next = w->guests;
	if (w->guests)
		w->guests->prev = g;
	w->guests = g;
	counter_add(&open_now, 1);
	timer_arm(w->loop, &g->idle, g->active_ms + doors_idle_timeout(w->doors));
}
