/* connect() and poll() of the whole program. For threads that entered a wire they do what libesmtp has no option for:
 *
 *   connect  TCP_NODELAY (without it a message costs a delayed ACK, 44 ms), close-on-exec, keep-alive, TCP_USER_TIMEOUT,
 *            a connect timeout, every address in turn, IPv6 and Unix sockets, and a descriptor of our own to cut by
 *   poll     flush before read: a TLS 1.3 ticket makes the socket readable while EHLO is still unsent, and
 *            libesmtp would wait for an answer to what it never asked;
 *            a write that timed out cuts the wire: libesmtp would drop that buffer, go on with the next and report 250
 *
 * Calls of all other threads go to libc unchanged. */
#undef _FORTIFY_SOURCE /* its inline poll() would stand in the way of ours */
#include "wire.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define USER_TIMEOUT_MS 120000 /* below libesmtp's transfer timeout of 3 min: the kernel gives up first */
#define KEEPALIVE_S     60

typedef int connect_fn(int, const struct sockaddr *, socklen_t);
typedef int poll_fn(struct pollfd *, nfds_t, int);

static __thread struct wire *mine;
static __thread int given = -1;

static int next_connect(int fd, const struct sockaddr *sa, socklen_t n)
{
	static _Atomic(connect_fn *) next;
	connect_fn *f = atomic_load_explicit(&next, memory_order_relaxed);
	if (!f) {
		f = (connect_fn *)dlsym(RTLD_NEXT, "connect");
		atomic_store_explicit(&next, f, memory_order_relaxed);
	}
	return f(fd, sa, n);
}

static int next_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	static _Atomic(poll_fn *) next;
	poll_fn *f = atomic_load_explicit(&next, memory_order_relaxed);
	if (!f) {
		f = (poll_fn *)dlsym(RTLD_NEXT, "poll");
		atomic_store_explicit(&next, f, memory_order_relaxed);
	}
	return f(fds, n, timeout_ms);
}

static const char *const sentences[] = {
    [WIRE_WHOLE] = "",
    [WIRE_DEADLINE] = "attempt took longer than allowed",
    [WIRE_STOPPED] = "cut off by shutdown",
    [WIRE_WRITE_STALL] = "next hop took no bytes for a whole timeout",
    [WIRE_INJECTION] = "plain text was injected after the STARTTLS reply",
    [WIRE_NO_AUTH] = "next hop did not authenticate us",
    [WIRE_NO_TLS] = "next hop offers no TLS where it is required",
};

const char *wire_cut_sentence(enum wire_cut c)
{
	return sentences[c];
}

void wire_init(struct wire *w)
{
	memset(w, 0, sizeof *w);
	w->fd = -1;
	ALWAYS(pthread_mutex_init(&w->lock, NULL) == 0);
}

void wire_free(struct wire *w)
{
	ALWAYS(w->fd < 0);
	pthread_mutex_destroy(&w->lock);
}

static void keep(struct wire *w, int fd)
{
	pthread_mutex_lock(&w->lock);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = fd;
	pthread_mutex_unlock(&w->lock);
}

void wire_enter(struct wire *w, const struct addresses *to, int64_t connect_timeout_ms, int given_fd)
{
	ALWAYS(!mine);
	w->to = to;
	w->connect_timeout_ms = connect_timeout_ms;
	w->connect_errno = 0;
	w->connected = false;
	atomic_store(&w->cut, WIRE_WHOLE);
	given = given_fd;
	mine = w;
}

void wire_leave(struct wire *w)
{
	ALWAYS(mine == w);
	mine = NULL;
	given = -1;
	atomic_store(&w->deadline_ms, 0);
	keep(w, -1);
}

void wire_cut(struct wire *w, enum wire_cut why)
{
	int whole = WIRE_WHOLE;
	atomic_compare_exchange_strong(&w->cut, &whole, why);
	pthread_mutex_lock(&w->lock);
	if (w->fd >= 0)
		shutdown(w->fd, SHUT_RDWR);
	pthread_mutex_unlock(&w->lock);
}

static void set_options(int fd, int family)
{
	static const struct option {
		int level, name, value;
	} options[] = {{IPPROTO_TCP, TCP_NODELAY, 1}, {IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS},
	    {SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S},
	    {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_S / 4}};
	for (size_t i = 0; family != AF_UNIX && i < sizeof options / sizeof *options; i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value);
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* 0, or the errno. */
static int await_connected(int fd, int64_t timeout_ms)
{
	int64_t until = now_ms() + timeout_ms;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int rc;
	do {
		int64_t left = until - now_ms();
		rc = next_poll(&p, 1, left > 0 ? (int)left : 0);
	} while (rc < 0 && errno == EINTR);
	if (rc == 0)
		return ETIMEDOUT;
	int status = 0;
	socklen_t n = sizeof status;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &status, &n) < 0)
		return errno;
	struct sockaddr_storage peer;
	n = sizeof peer;
	return status ? status : getpeername(fd, (struct sockaddr *)&peer, &n) < 0 ? errno : 0;
}

/* A connection to E, kept in the wire. 0, or the errno. */
static int dial(struct wire *w, const struct endpoint *e)
{
	int fd = socket(e->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	set_options(fd, e->sa.ss_family);
	keep(w, fd);
	if (wire_was_cut(w))
		return ECANCELED;
	if (next_connect(fd, (const struct sockaddr *)&e->sa, e->sa_len) == 0)
		return 0;
	return errno == EINPROGRESS ? await_connected(fd, w->connect_timeout_ms) : errno;
}

/* Puts a connected socket under the number that libesmtp made. */
static int wire_connect(struct wire *w, int fd)
{
	w->connect_errno = EADDRNOTAVAIL;
	if (given >= 0) {
		keep(w, given);
		w->connect_errno = 0;
	}
	for (unsigned i = 0; given < 0 && i < w->to->count && !wire_was_cut(w); i++) {
		w->connect_errno = dial(w, &w->to->at[i]);
		if (w->connect_errno == 0)
			break;
	}
	if (w->connect_errno == 0 && dup3(w->fd, fd, O_CLOEXEC) >= 0) {
		w->connected = true;
		return 0;
	}
	keep(w, -1);
	errno = w->connect_errno ? w->connect_errno : errno;
	return -1;
}

__attribute__((visibility("default"))) int connect(int fd, const struct sockaddr *sa, socklen_t n)
{
	return mine ? wire_connect(mine, fd) : next_connect(fd, sa, n);
}

static int flush_first(struct pollfd *fds, int ready)
{
	if (fds[0].fd == fds[1].fd && fds[0].revents & POLLIN && fds[1].revents & POLLOUT) {
		fds[0].revents = 0;
		ready--;
	}
	return ready;
}

__attribute__((visibility("default"))) int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	int ready = next_poll(fds, n, timeout_ms);
	struct wire *w = mine;
	if (!w || n == 0)
		return ready;
	if (ready == 0 && timeout_ms > 0 && fds[n - 1].events & POLLOUT)
		wire_cut(w, WIRE_WRITE_STALL);
	if (ready > 0 && n == 2)
		ready = flush_first(fds, ready);
	return ready;
}
