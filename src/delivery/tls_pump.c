/* ppoll here, since poll is interpose.c's. */
#include "tls_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define PIPE_BYTES  32768
#define STACK_BYTES 262144

struct pipe_buf {
	char bytes[PIPE_BYTES];
	size_t at, n;
};

struct tls_pump {
	SSL *ssl;
	int net, plain; /* PLAIN: our end of the pair */
	pthread_t thread;
	struct pipe_buf out, in; /* to the hop, from the hop */
	bool out_ended, in_ended, failed;
	short net_wants; /* events that TLS asked for last */
};

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_fds(struct pollfd *fds, nfds_t n, int64_t ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	return ppoll(fds, n, ms < 0 ? NULL : &t, NULL);
}

/* 0 = TLS has ended; else what it waits for. */
static short wanted(const SSL *ssl, int rc)
{
	int why = SSL_get_error(ssl, rc);
	return why == SSL_ERROR_WANT_READ ? POLLIN : why == SSL_ERROR_WANT_WRITE ? POLLOUT : 0;
}

static int tls_failed(const SSL *ssl, struct err *err)
{
	long verify = SSL_get_verify_result(ssl);
	char why[128] = "connection was closed";
	unsigned long code = ERR_get_error();
	if (code)
		ERR_error_string_n(code, why, sizeof why);
	ERR_clear_error();
	return err_set(err, ERR_UNAVAILABLE, "TLS: %s", verify != X509_V_OK ? X509_verify_cert_error_string(verify) : why);
}

static int shake_hands(SSL *ssl, int fd, int64_t timeout_ms, struct err *err)
{
	int64_t until = now_ms() + timeout_ms;
	for (;;) {
		int rc = SSL_connect(ssl);
		if (rc == 1)
			return 0;
		struct pollfd p = {.fd = fd, .events = wanted(ssl, rc)};
		if (!p.events)
			return tls_failed(ssl, err);
		int64_t left = until - now_ms();
		if (left <= 0 || wait_fds(&p, 1, left) == 0)
			return err_set(err, ERR_UNAVAILABLE, "TLS: no handshake within %lld ms", (long long)timeout_ms);
	}
}

/* Each step moves what can be moved now. */
static void read_plain(struct tls_pump *p)
{
	ssize_t n = p->out.n || p->out_ended ? -1 : recv(p->plain, p->out.bytes, PIPE_BYTES, MSG_DONTWAIT);
	if (n == 0)
		p->out_ended = true;
	if (n > 0) {
		p->out.n = (size_t)n;
		p->out.at = 0;
	}
}

static void write_tls(struct tls_pump *p)
{
	while (p->out.n) {
		int rc = SSL_write(p->ssl, p->out.bytes + p->out.at, (int)p->out.n);
		if (rc <= 0) {
			short events = wanted(p->ssl, rc);
			p->net_wants |= events;
			p->failed |= !events;
			return;
		}
		p->out.at += (size_t)rc;
		p->out.n -= (size_t)rc;
	}
}

static void read_tls(struct tls_pump *p)
{
	if (p->in.n || p->in_ended)
		return;
	int rc = SSL_read(p->ssl, p->in.bytes, PIPE_BYTES);
	if (rc > 0) {
		p->in.n = (size_t)rc;
		p->in.at = 0;
		return;
	}
	short events = wanted(p->ssl, rc);
	p->net_wants |= events;
	p->in_ended = !events;
}

static void write_plain(struct tls_pump *p)
{
	if (!p->in.n)
		return;
	ssize_t n = send(p->plain, p->in.bytes + p->in.at, p->in.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		p->failed = true;
	if (n > 0) {
		p->in.at += (size_t)n;
		p->in.n -= (size_t)n;
	}
}

static bool is_over(const struct tls_pump *p)
{
	return p->failed || (p->in_ended && !p->in.n) || (p->out_ended && !p->out.n);
}

static void *pump_main(void *arg)
{
	struct tls_pump *p = arg;
	for (;;) {
		p->net_wants = 0;
		ERR_clear_error();
		read_plain(p);
		write_tls(p);
		read_tls(p);
		write_plain(p);
		if (is_over(p))
			break;
		bool moves = (!p->in.n && SSL_pending(p->ssl)) || (p->out.n == 0 && p->in.n == 0 && p->net_wants == 0);
		short plain = (short)((p->out.n || p->out_ended ? 0 : POLLIN) | (p->in.n ? POLLOUT : 0));
		struct pollfd fds[] = {{.fd = p->plain, .events = plain}, {.fd = p->net, .events = p->net_wants}};
		wait_fds(fds, 2, moves ? 0 : -1);
	}
	if (!p->failed)
		SSL_shutdown(p->ssl);
	ERR_clear_error();
	shutdown(p->plain, SHUT_RDWR);
	return NULL;
}

static void pump_free(struct tls_pump *p)
{
	if (p->ssl)
		SSL_free(p->ssl);
	if (p->plain >= 0)
		close(p->plain);
	free(p);
}

static int start_thread(struct tls_pump *p, int *ret_plain, struct err *err)
{
	int pair[2];
	pthread_attr_t attr;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "socketpair");
	p->plain = pair[1];
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	int rc = pthread_create(&p->thread, &attr, pump_main, p);
	pthread_attr_destroy(&attr);
	if (rc) {
		close(pair[0]);
		return err_set(err, ERR_SYSTEM, "no thread for TLS");
	}
	*ret_plain = pair[0];
	return 0;
}

int tls_pump_start(struct tls_pump **ret, int *ret_plain, SSL_CTX *ctx, int net_fd, int64_t timeout_ms, struct err *err)
{
	struct tls_pump *p = mem_zero(sizeof *p);
	p->net = net_fd;
	p->plain = -1;
	p->ssl = SSL_new(ctx);
	if (!p->ssl || SSL_set_fd(p->ssl, net_fd) != 1) {
		pump_free(p);
		return err_set(err, ERR_SYSTEM, "TLS: no memory");
	}
	SSL_set_mode(p->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (shake_hands(p->ssl, net_fd, timeout_ms, err) < 0 || start_thread(p, ret_plain, err) < 0) {
		pump_free(p);
		return -1;
	}
	*ret = p;
	return 0;
}

void tls_pump_stop(struct tls_pump **pp)
{
	struct tls_pump *p = *pp;
	if (!p)
		return;
	shutdown(p->plain, SHUT_RDWR);
	shutdown(p->net, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	pump_free(p);
	*pp = NULL;
}
