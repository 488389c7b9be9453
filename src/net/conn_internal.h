/* The inside of a connection, shared by conn.c (buffers, events, life) and conn_stream.c (plain and TLS bytes). */
#pragma once

#include "net/conn.h"
#include "tls_internal.h"

enum {
	STREAM_AGAIN = -1,
	STREAM_BROKEN = -2,
	STREAM_AGAIN_OTHER = -3
}; /* OTHER: TLS wants the other direction first */

struct stream_ops {
	ssize_t (*read)(struct conn *c, char *dst, size_t n); /* 0 = the peer has closed */
	ssize_t (*write)(struct conn *c, const char *p, size_t n);
	bool (*pending)(const struct conn *c); /* bytes that epoll does not see */
	void (*finish)(struct conn *c);        /* says good-bye */
};

extern const struct stream_ops stream_plain, stream_tls;

enum conn_phase {
	CONN_OPEN,      /* bytes pass */
	CONN_SWITCHING, /* starttls: the plain output leaves, then the handshake starts */
	CONN_HANDSHAKE, /* SSL_accept */
	CONN_BROKEN,    /* the owner was told; nothing passes any more */
	CONN_FLUSHING,  /* closed by the owner: the output leaves, for a bounded time */
	CONN_LINGERING, /* the output is out, our side is shut; input is thrown away until the peer closes */
};

struct conn {
	struct watch watch;
	struct timer farewell; /* bounds FLUSHING and LINGERING */
	struct task wake;      /* deferred: deliver and flush at the end of this turn */
	struct task grave;
	struct loop *loop;
	const struct stream_ops *stream;
	SSL *ssl;
	const struct conn_owner *owner;
	void *arg;
	char *own_in; /* input that outlived its handler; NULL when none */
	size_t own_cap;
	const char *in; /* where the input is: own_in or the loop's scratch */
	size_t in_n;
	struct buf out;
	size_t sent; /* of out */
	enum conn_phase phase;
	bool paused, redeliver, wake_queued, write_waits_read, read_waits_write;
	char why[96];
	char tls_text[64];
	struct endpoint peer;
};

bool conn_stream_secure(struct conn *c); /* one step of the handshake: true when done; on failure .why is set */
