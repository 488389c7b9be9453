/* One accepted connection as a byte stream with bounded buffers, plain or TLS: the difference is a table of functions
 * that starttls swaps. Reads fill .in, writes drain .out; the owner is told when there is something to do.
 *
 *   .in:   [ eaten | to be parsed | free ]      conn_in() -> view, conn_eat(n)
 *   .out:  [ sent | to be sent | free ]         conn_write(), flushed by the loop
 *
 * Reading pauses by itself while .out holds more than CONN_OUT_HIGH bytes (a peer that sends and never reads). */
#pragma once

#include "base/buf.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/tls.h"

#define CONN_IN_BYTES 65536
#define CONN_OUT_HIGH 65536

struct conn;
struct conn_owner {
	void (*readable)(void *arg); /* new bytes are in; what is left uneaten is shown again with the next */
	void (*closed)(void *arg, const char *why); /* peer closed, error, TLS failure; the owner frees the conn */
	void (*secured)(void *arg);                 /* handshake done; may be NULL */
};

/* Takes over FD, also when it fails (NULL). IMPLICIT_TLS: NULL for plain; else .secured comes first, and .closed if it fails.
 * Callbacks come from the loop only, never from inside a function called here. */
struct conn *conn_new(struct loop *l, int fd, struct tls_server *implicit_tls, const struct conn_owner *owner,
    void *arg, struct err *err);
struct view conn_in(struct conn *c);
void conn_eat(struct conn *c, size_t n);
/* Leaves at the end of the loop's turn, all in one. */
void conn_write(struct conn *c, struct view bytes);
/* More than CONN_OUT_HIGH waits to be sent: an owner that answers should leave the rest of its input uneaten; readable comes
 * again when the peer has read. */
bool conn_is_backed_up(const struct conn *c);
/* Unpausing shows input that waits in memory by a readable at the end of the turn. */
void conn_pause(struct conn *c, bool stop_reading);
/* Flushes what is queued in plain, forgets all input that came before the handshake, then speaks TLS. */
int conn_starttls(struct conn *c, struct tls_server *t, struct err *err) MUST_CHECK;
bool conn_is_tls(const struct conn *c);
const char *conn_tls_text(const struct conn *c); /* "TLSv1.3 TLS_AES_256_GCM_SHA384"; "" in plain */
const struct endpoint *conn_peer(const struct conn *c);
void conn_set_peer(struct conn *c, const struct endpoint *real); /* PROXY protocol, XCLIENT */
/* Sends what is queued (for a bounded time), then closes; the owner is not called again. Sets *C to NULL. */
void conn_close(struct conn **c);
/* Closes at once; what is queued is lost. */
void conn_drop(struct conn **c);
