/* A connection's buffers, events and life.
 *
 * Reading goes into the loop's scratch; only what the owner leaves uneaten is copied into memory of the
 * connection's own, so that an idle one holds no buffer. What is written leaves at the end of the loop's
 * turn: one system call for all replies of a batch. Interest in events is changed lazily: a paused
 * connection keeps EPOLLIN until bytes really come. */
#include "net/conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "conn_internal.h"
#include "loop_internal.h"

#define CONN_OUT_MAX (4 * CONN_OUT_HIGH)
#define FAREWELL_MS 5000
#define LINGER_MS 2000
#define LINGER_TURNS 16 /* reads thrown away a turn */

#define CONN_OF(ptr, member) ((struct conn *)(void *)((char *)(ptr)-offsetof(struct conn, member)))

static void bury(struct conn *c);

static void queue_wake(struct conn *c)
{
	if (c->wake_queued)
		return;
	c->wake_queued = true;
	loop_defer(c->loop, &c->wake);
}

static bool wants_input(const struct conn *c)
{
	return c->phase == CONN_OPEN && !c->paused && !conn_is_backed_up(c);
}

static bool reads(const struct conn *c)
{
	return wants_input(c) || c->phase == CONN_LINGERING || c->phase == CONN_HANDSHAKE || c->write_waits_read;
}

static bool writes(const struct conn *c)
{
	return (c->read_waits_write && reads(c)) || (c->sent < c->out.n && !c->write_waits_read);
}

/* Asks for the events that are of use. EPOLLIN that is of none is only dropped once input has really come. */
static void settle(struct conn *c, bool input_has_come)
{
	uint32_t in = reads(c) ? EPOLLIN : input_has_come ? 0 : c->watch.events & EPOLLIN;
	loop_change(c->loop, &c->watch, in | (writes(c) ? EPOLLOUT : 0));
}

/* Tells the owner, once. */
static void fail(struct conn *c, const char *why)
{
	if (c->phase == CONN_BROKEN)
		return;
	bool was_owned = c->phase < CONN_BROKEN;
	c->phase = CONN_BROKEN;
	loop_unwatch(c->loop, &c->watch);
	if (was_owned)
		c->owner->closed(c->arg, why);
	else
		bury(c);
}

static void forget_input(struct conn *c)
{
	free(c->own_in);
	c->own_in = NULL;
	c->own_cap = c->in_n = 0;
	c->in = NULL;
}

/* After a handler: what it left must not stay in the scratch, which belongs to everybody. */
static void keep_rest(struct conn *c)
{
	if (c->in_n == 0) {
		forget_input(c);
		return;
	}
	if (c->own_in && c->in >= c->own_in && c->in < c->own_in + c->own_cap) {
		memmove(c->own_in, c->in, c->in_n);
	} else {
		c->own_cap = c->in_n < 512 ? 512 : c->in_n;
		c->own_in = mem_alloc(c->own_cap);
		memcpy(c->own_in, c->in, c->in_n);
	}
	c->in = c->own_in;
}

static void deliver(struct conn *c)
{
	c->owner->readable(c->arg);
	keep_rest(c);
}

/* One read: into the scratch, or behind what is left over. */
static ssize_t read_some(struct conn *c)
{
	char *scratch = loop_scratch(c->loop);
	size_t room = CONN_IN_BYTES - c->in_n;
	ssize_t n = c->stream->read(c, scratch, room < LOOP_SCRATCH_BYTES ? room : LOOP_SCRATCH_BYTES);
	if (n <= 0)
		return n;
	if (c->in_n == 0) {
		c->in = scratch;
	} else {
		if (c->own_cap < c->in_n + (size_t)n) {
			c->own_cap = c->in_n + (size_t)n;
			c->in = c->own_in = mem_grow(c->own_in, c->own_cap);
		}
		memcpy(c->own_in + c->in_n, scratch, (size_t)n);
	}
	c->in_n += (size_t)n;
	return n;
}

static void take_input(struct conn *c)
{
	if (c->in_n == CONN_IN_BYTES) {
		fail(c, "input buffer is full");
		return;
	}
	ssize_t n = read_some(c);
	c->read_waits_write = n == STREAM_AGAIN_OTHER;
	if (n > 0)
		deliver(c);
	else if (n == 0)
		fail(c, "peer closed the connection");
	else if (n == STREAM_BROKEN)
		fail(c, c->why);
	if (c->phase == CONN_OPEN && c->stream->pending(c))
		queue_wake(c);
}

static void start_handshake(struct conn *c);

/* With a slow reader .out is never quite empty: what is sent must not count against its maximum for ever. */
static void forget_sent(struct conn *c)
{
	if (c->sent <= c->out.n / 2)
		return;
	buf_eat(&c->out, c->sent);
	c->sent = 0;
}

static void flush(struct conn *c)
{
	if (conn_is_backed_up(c))
		c->redeliver = true;
	while (c->sent < c->out.n) {
		ssize_t n = c->stream->write(c, c->out.p + c->sent, c->out.n - c->sent);
		c->write_waits_read = n == STREAM_AGAIN_OTHER;
		if (n == STREAM_BROKEN)
			fail(c, c->why);
		if (n < 0) {
			forget_sent(c);
			return;
		}
		c->sent += (size_t)n;
	}
	c->sent = 0;
	buf_free(&c->out);
	if (c->phase == CONN_SWITCHING)
		start_handshake(c);
}

static void handshake(struct conn *c)
{
	if (conn_stream_secure(c)) {
		c->phase = CONN_OPEN;
		snprintf(
		    c->tls_text, sizeof c->tls_text, "%s %s", SSL_get_version(c->ssl), SSL_get_cipher_name(c->ssl));
		if (c->owner->secured)
			c->owner->secured(c->arg);
		if (c->phase == CONN_OPEN)
			queue_wake(c); /* input may have come with the handshake's last flight */
	} else if (c->why[0]) {
		fail(c, c->why);
	}
}

static void start_handshake(struct conn *c)
{
	c->phase = CONN_HANDSHAKE;
	forget_input(c);
	handshake(c);
}

/* ---- the end */

static void grave(struct task *t)
{
	struct conn *c = CONN_OF(t, grave);
	free(c->own_in);
	buf_free(&c->out);
	free(c);
}

static void bury(struct conn *c)
{
	timer_disarm(c->loop, &c->farewell);
	if (c->phase != CONN_BROKEN)
		loop_unwatch(c->loop, &c->watch);
	c->phase = CONN_BROKEN;
	SSL_free(c->ssl);
	close(c->watch.fd);
	c->ssl = NULL;
	c->watch.fd = -1;
	c->owner = NULL;
	loop_defer(c->loop, &c->grave);
}

static void farewell_over(struct timer *t)
{
	bury(CONN_OF(t, farewell));
}

/* A close with unread input makes the kernel send a reset, which may overtake our last reply. */
static void leave(struct conn *c)
{
	int unread = 0;
	c->stream->finish(c);
	ioctl(c->watch.fd, FIONREAD, &unread);
	if (unread == 0 && c->in_n == 0) {
		bury(c);
		return;
	}
	c->phase = CONN_LINGERING;
	forget_input(c);
	shutdown(c->watch.fd, SHUT_WR);
	timer_arm(c->loop, &c->farewell, loop_now(c->loop) + LINGER_MS);
	settle(c, false);
}

static void say_goodbye(struct conn *c)
{
	flush(c);
	if (c->phase == CONN_FLUSHING && c->sent == c->out.n)
		leave(c);
	else if (c->phase == CONN_FLUSHING)
		settle(c, true);
}

static void linger(struct conn *c)
{
	ssize_t n = 1;
	for (int i = 0; i < LINGER_TURNS && n > 0; i++)
		n = recv(c->watch.fd, loop_scratch(c->loop), LOOP_SCRATCH_BYTES, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		bury(c);
}

/* ---- events */

static void ready(struct watch *w, uint32_t events)
{
	struct conn *c = CONN_OF(w, watch);
	if (c->phase == CONN_LINGERING) {
		linger(c);
		return;
	}
	if (c->phase == CONN_FLUSHING) {
		say_goodbye(c);
		return;
	}
	if (c->phase == CONN_HANDSHAKE)
		handshake(c);
	else if (wants_input(c) && (c->read_waits_write || events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		take_input(c);
	else if (events & (EPOLLHUP | EPOLLERR))
		fail(c, "connection lost");
	if (c->phase <= CONN_SWITCHING && c->sent < c->out.n)
		queue_wake(c);
	if (c->phase < CONN_BROKEN && !c->wake_queued) /* a wake settles by itself, when the output has gone */
		settle(c, events & EPOLLIN);
}

/* The end of a turn: input that waits in memory is delivered, output leaves. */
static void woken(struct task *t)
{
	struct conn *c = CONN_OF(t, wake);
	c->wake_queued = false;
	if (c->phase == CONN_FLUSHING) {
		say_goodbye(c);
		return;
	}
	if (c->phase <= CONN_SWITCHING && c->out.failed)
		fail(c, "output buffer is full");
	else if (c->phase <= CONN_SWITCHING)
		flush(c);
	if (wants_input(c) && c->redeliver && c->in_n) {
		c->redeliver = false;
		deliver(c);
	}
	if (wants_input(c) && c->in_n < CONN_IN_BYTES && c->stream->pending(c))
		take_input(c);
	if (c->phase < CONN_BROKEN)
		settle(c, false);
}

/* ---- what the owner calls */

struct conn *conn_new(
    struct loop *l, int fd, struct tls_server *implicit_tls, const struct conn_owner *owner, void *arg, struct err *err)
{
	int one = 1;
	struct conn *c = mem_zero(sizeof *c);
	*c = (struct conn){.watch = {fd, EPOLLIN, ready},
	    .farewell.expired = farewell_over,
	    .wake.run = woken,
	    .grave.run = grave,
	    .loop = l,
	    .stream = &stream_plain,
	    .owner = owner,
	    .arg = arg,
	    .peer.sa_len = sizeof c->peer.sa};
	buf_init(&c->out, CONN_OUT_MAX);
	getpeername(fd, (struct sockaddr *)&c->peer.sa, &c->peer.sa_len);
	if (c->peer.sa.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (implicit_tls) {
		c->phase = CONN_HANDSHAKE;
		c->ssl = tls_server_ssl(implicit_tls, fd);
	}
	int rc = implicit_tls && !c->ssl ? err_set(err, ERR_SYSTEM, "TLS: no memory") : loop_watch(l, &c->watch, err);
	if (rc) {
		SSL_free(c->ssl);
		close(fd);
		free(c);
		return NULL;
	}
	return c;
}

struct view conn_in(struct conn *c)
{
	return view_n(c->in, c->in_n);
}

void conn_eat(struct conn *c, size_t n)
{
	ALWAYS(n <= c->in_n);
	c->in += n;
	c->in_n -= n;
}

void conn_write(struct conn *c, struct view bytes)
{
	if (c->phase > CONN_SWITCHING || !bytes.n)
		return;
	buf_add(&c->out, bytes);
	queue_wake(c);
}

bool conn_is_backed_up(const struct conn *c)
{
	return c->out.n - c->sent > CONN_OUT_HIGH;
}

void conn_pause(struct conn *c, bool stop_reading)
{
	if (c->paused && !stop_reading) {
		c->redeliver = true;
		queue_wake(c);
	}
	c->paused = stop_reading;
}

int conn_starttls(struct conn *c, struct tls_server *t, struct err *err)
{
	ALWAYS(c->phase == CONN_OPEN && !c->ssl);
	c->ssl = tls_server_ssl(t, c->watch.fd);
	if (!c->ssl)
		return err_set(err, ERR_SYSTEM, "TLS: no memory");
	c->in_n = 0; /* nothing that came in plain may be taken for something protected */
	c->phase = CONN_SWITCHING;
	queue_wake(c);
	return 0;
}

bool conn_is_tls(const struct conn *c)
{
	return c->stream == &stream_tls;
}

const char *conn_tls_text(const struct conn *c)
{
	return c->tls_text;
}

const struct endpoint *conn_peer(const struct conn *c)
{
	return &c->peer;
}

void conn_set_peer(struct conn *c, const struct endpoint *real)
{
	c->peer = *real;
}

void conn_close(struct conn **cp)
{
	struct conn *c = *cp;
	if (!c)
		return;
	*cp = NULL;
	if (c->phase > CONN_SWITCHING) {
		bury(c);
		return;
	}
	c->phase = CONN_FLUSHING;
	timer_arm(c->loop, &c->farewell, loop_now(c->loop) + FAREWELL_MS);
	queue_wake(c);
}

void conn_drop(struct conn **cp)
{
	if (*cp)
		bury(*cp);
	*cp = NULL;
}
