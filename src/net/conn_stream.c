/* Bytes through a plain socket and through TLS, behind one table. */
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>

#include "conn_internal.h"

static ssize_t outcome(struct conn *c, const char *doing)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return STREAM_AGAIN;
	snprintf(c->why, sizeof c->why, "%s: %s", doing, strerror(errno));
	return STREAM_BROKEN;
}

static ssize_t plain_read(struct conn *c, char *dst, size_t n)
{
	ssize_t r = recv(c->watch.fd, dst, n, 0);
	return r >= 0 ? r : outcome(c, "read");
}

static ssize_t plain_write(struct conn *c, const char *p, size_t n)
{
	ssize_t r = send(c->watch.fd, p, n, MSG_NOSIGNAL);
	return r >= 0 ? r : outcome(c, "write");
}

static bool plain_pending(const struct conn *c)
{
	(void)c;
	return false;
}

static void plain_finish(struct conn *c)
{
	(void)c;
}

const struct stream_ops stream_plain = {plain_read, plain_write, plain_pending, plain_finish};

/* WAITS: what the call itself needs when all is normal. */
static ssize_t tls_outcome(struct conn *c, int r, int waits, const char *doing)
{
	int e = SSL_get_error(c->ssl, r);
	if (e == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
		return e == waits ? STREAM_AGAIN : STREAM_AGAIN_OTHER;
	tls_why(c->why, sizeof c->why, doing);
	return STREAM_BROKEN;
}

/* OpenSSL hands out one record a call; as many as fit are taken, for epoll doesn't see what it holds back. */
static ssize_t tls_read(struct conn *c, char *dst, size_t n)
{
	size_t got = 0;
	while (got < n) {
		ERR_clear_error();
		int r = SSL_read(c->ssl, dst + got, (int)(n - got));
		if (r <= 0)
			return got ? (ssize_t)got : tls_outcome(c, r, SSL_ERROR_WANT_READ, "TLS read");
		got += (size_t)r;
		if (!SSL_has_pending(c->ssl))
			break;
	}
	return (ssize_t)got;
}

static ssize_t tls_write(struct conn *c, const char *p, size_t n)
{
	ERR_clear_error();
	int r = SSL_write(c->ssl, p, n > 1 << 20 ? 1 << 20 : (int)n);
	if (r > 0)
		return r;
	ssize_t o = tls_outcome(c, r, SSL_ERROR_WANT_WRITE, "TLS write");
	return o ? o : STREAM_BROKEN;
}

static bool tls_pending(const struct conn *c)
{
	return SSL_has_pending(c->ssl);
}

static void tls_finish(struct conn *c)
{
	ERR_clear_error();
	SSL_shutdown(c->ssl);
	ERR_clear_error();
}

const struct stream_ops stream_tls = {tls_read, tls_write, tls_pending, tls_finish};

bool conn_stream_secure(struct conn *c)
{
	ERR_clear_error();
	int r = SSL_accept(c->ssl);
	if (r == 1) {
		c->stream = &stream_tls;
		c->read_waits_write = c->write_waits_read = false;
		return true;
	}
	ssize_t o = tls_outcome(c, r, SSL_ERROR_WANT_READ, "TLS handshake");
	c->read_waits_write = o == STREAM_AGAIN_OTHER;
	if (o == 0)
		snprintf(c->why, sizeof c->why, "TLS handshake: peer closed");
	return false;
}
