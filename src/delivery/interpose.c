/* connect(), poll(), write(), read() and close() of the whole program. For threads that entered a wire they do what
 * libesmtp has no option for:
 *
 *   connect  TCP_NODELAY (without it a message costs a delayed ACK, 44 ms), close-on-exec, keep-alive, TCP_USER_TIMEOUT,
 *            a connect timeout, every address in turn, IPv6 and Unix sockets, and a descriptor of our own to cut by
 *   poll     flush before read: a TLS 1.3 ticket makes the socket readable while EHLO is still unsent, and
 *            libesmtp would wait for an answer to what it never asked;
 *            a write that timed out cuts the wire: libesmtp would drop that buffer, go on with the next and report 250
 *   write    gathers (outgoing.h); what was gathered is sent before poll() waits for a reply, by read() and by close()
 *
 * Calls of all other threads go to libc unchanged. */
#undef _FORTIFY_SOURCE /* its inline poll() would stand in the way of ours */
#include "wire.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define USER_TIMEOUT_MS 120000 /* below libesmtp's transfer timeout of 3 min: the kernel gives up first */
#define KEEPALIVE_S     60

typedef int connect_fn(int, const struct sockaddr *, socklen_t);
typedef int poll_fn(struct pollfd *, nfds_t, int);
typedef ssize_t write_fn(int, const void *, size_t);
typedef ssize_t read_fn(int, void *, size_t);
typedef int close_fn(int);

static __thread struct wire *mine;

/* libc's own, looked up once. */
static void *next(_Atomic(void *) *known, const char *name)
{
	void *f = atomic_load_explicit(known, memory_order_relaxed);
	if (!f) {
		f = dlsym(RTLD_NEXT, name);
		atomic_store_explicit(known, f, memory_order_relaxed);
	}
	return f;
}

static int next_connect(int fd, const struct sockaddr *sa, socklen_t n)
{
	static _Atomic(void *) known;
	return ((connect_fn *)next(&known, "connect"))(fd, sa, n);
}

static int next_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	static _Atomic(void *) known;
	return ((poll_fn *)next(&known, "poll"))(fds, n, timeout_ms);
}

static ssize_t next_write(int fd, const void *bytes, size_t n)
{
	static _Atomic(void *) known;
	return ((write_fn *)next(&known, "write"))(fd, bytes, n);
}

static ssize_t next_read(int fd, void *bytes, size_t n)
{
	static _Atomic(void *) known;
	return ((read_fn *)next(&known, "read"))(fd, bytes, n);
}

static int next_close(int fd)
{
	static _Atomic(void *) known;
	return ((close_fn *)next(&known, "close"))(fd);
}

static const char *const sentences[] = {
    [WIRE_WHOLE] = "",
    [WIRE_DEADLINE] = "attempt took longer than allowed",
    [WIRE_STOPPED] = "cut off by shutdown",
    [WIRE_WRITE_STALL] = "next hop took no bytes for a whole timeout",
    [WIRE_INJECTION] = "plain text was injected after the STARTTLS reply",
    [WIRE_NO_AUTH] = "next hop did not authenticate us",
    [WIRE_NO_TLS] = "next hop offers no TLS where it is required",
    [WIRE_ASTRAY] = "next hop replied to what was never said",
};

const char *wire_cut_sentence(enum wire_cut c)
{
	return sentences[c];
}

void wire_init(struct wire *w)
{
	memset(w, 0, sizeof *w);
	w->fd = w->theirs = -1;
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

void wire_enter(struct wire *w, const struct wire_plan *plan)
{
	ALWAYS(!mine);
	w->plan = plan;
	w->connect_errno = 0;
	w->connected = false;
	atomic_store(&w->cut, WIRE_WHOLE);
	outgoing_start(&w->outgoing);
	mine = w;
}

void wire_leave(struct wire *w)
{
	ALWAYS(mine == w);
	mine = NULL;
	w->theirs = -1;
	outgoing_end(&w->outgoing);
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

char wire_peek(const struct wire *w)
{
	char first;
	return recv(w->theirs, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 ? first : 0;
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

/* The port is chosen at connect: as many connections as there are pairs of ports, not as there are ports. */
static int bind_source(int fd, const struct endpoint *source)
{
	int on = 1;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	return bind(fd, (const struct sockaddr *)&source->sa, source->sa_len);
}

/* A connection to E, kept in the wire. 0, or the errno. */
static int dial(struct wire *w, const struct endpoint *e)
{
	int fd = socket(e->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	set_options(fd, e->sa.ss_family);
	keep(w, fd);
	if (w->plan->source && e->sa.ss_family != AF_UNIX && bind_source(fd, w->plan->source) < 0)
		return errno;
	if (wire_was_cut(w))
		return ECANCELED;
	if (next_connect(fd, (const struct sockaddr *)&e->sa, e->sa_len) == 0)
		return 0;
	return errno == EINPROGRESS ? await_connected(fd, w->plan->connect_timeout_ms) : errno;
}

static bool fits_source(const struct wire_plan *p, const struct endpoint *e)
{
	return !p->source || e->sa.ss_family == AF_UNIX || e->sa.ss_family == p->source->sa.ss_family;
}

static void dial_all(struct wire *w)
{
	const struct wire_plan *p = w->plan;
	w->connect_errno = EADDRNOTAVAIL;
	for (unsigned i = 0; i < p->to->count && !wire_was_cut(w); i++) {
		if (!fits_source(p, &p->to->at[i]))
			continue;
		w->connect_errno = dial(w, &p->to->at[i]);
		if (w->connect_errno == 0)
			return;
	}
}

/* Puts what libesmtp shall speak with under the number that it made. */
static bool hand_over(struct wire *w, int fd)
{
	if (!w->plan->over)
		return dup3(w->fd, fd, O_CLOEXEC) >= 0;
	int plain = w->plan->over(w->plan->arg, w->fd);
	if (plain < 0) {
		w->connect_errno = EPROTO;
		return false;
	}
	bool ok = dup3(plain, fd, O_CLOEXEC) >= 0;
	close(plain);
	return ok;
}

static int wire_connect(struct wire *w, int fd)
{
	if (w->plan->given_fd >= 0) {
		keep(w, w->plan->given_fd);
		w->connect_errno = 0;
	} else {
		dial_all(w);
	}
	if (w->connect_errno == 0 && hand_over(w, fd)) {
		w->connected = true;
		w->theirs = fd;
		return 0;
	}
	if (!w->plan->over) /* else a pump may still hold it; wire_leave closes it */
		keep(w, -1);
	errno = w->connect_errno ? w->connect_errno : errno;
	return -1;
}

/* ---- the duplicate's bytes ---- */

/* The wire, if FD is the duplicate that this thread's libesmtp works on. */
static struct wire *wire_of(int fd)
{
	return mine && fd == mine->theirs ? mine : NULL;
}

static bool send_some(struct wire *w)
{
	if (wire_was_cut(w))
		outgoing_fail(&w->outgoing, ECANCELED);
	return outgoing_send(&w->outgoing, w->theirs);
}

/* False: the hop took nothing for a whole timeout, and the wire is cut. */
static bool await_room(struct wire *w, int timeout_ms)
{
	struct pollfd p = {.fd = w->theirs, .events = POLLOUT};
	int ready;
	do
		ready = next_poll(&p, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		wire_cut(w, WIRE_WRITE_STALL);
	return ready != 0;
}

/* Everything that was written goes out before anybody waits for an answer to it. */
static void send_all(struct wire *w, int timeout_ms)
{
	while (!send_some(w) && await_room(w, timeout_ms))
		continue;
}

/* There will be room for a write: at once, or when the hop took some. False: it took nothing. */
static bool make_room(struct wire *w, int timeout_ms)
{
	while (!outgoing_takes(&w->outgoing) && !send_some(w) && !outgoing_takes(&w->outgoing))
		if (!await_room(w, timeout_ms))
			return false;
	return true;
}

/* Only the write is reported: flush before read. */
static int may_write(struct pollfd *fds, nfds_t n)
{
	for (nfds_t i = 0; i < n; i++)
		fds[i].revents = fds[i].events & POLLOUT;
	return 1;
}

/* Not inlined: libc's header says of poll() that it only writes what FDS points at, and the compiler would believe it. */
__attribute__((noinline)) static int wire_poll(struct wire *w, struct pollfd *fds, nfds_t n, int timeout_ms)
{
	if (fds[0].fd != w->theirs)
		return next_poll(fds, n, timeout_ms);
	if (fds[n - 1].events & POLLOUT)
		return make_room(w, timeout_ms) ? may_write(fds, n) : 0;
	if (timeout_ms != 0)
		send_all(w, timeout_ms);
	return next_poll(fds, n, timeout_ms);
}

/* ---- what stands before libc ---- */

__attribute__((visibility("default"))) int connect(int fd, const struct sockaddr *sa, socklen_t n)
{
	return mine ? wire_connect(mine, fd) : next_connect(fd, sa, n);
}

__attribute__((visibility("default"))) int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	return mine && n ? wire_poll(mine, fds, n, timeout_ms) : next_poll(fds, n, timeout_ms);
}

__attribute__((visibility("default"))) ssize_t write(int fd, const void *bytes, size_t n)
{
	struct wire *w = wire_of(fd);
	return w ? outgoing_put(&w->outgoing, fd, bytes, n) : next_write(fd, bytes, n);
}

__attribute__((visibility("default"))) ssize_t read(int fd, void *bytes, size_t n)
{
	struct wire *w = wire_of(fd);
	if (w && wire_was_cut(w)) /* whatever still lies there proves nothing, and there may be megabytes of it */
		return 0;
	if (w && !outgoing_is_empty(&w->outgoing))
		send_some(w);
	return next_read(fd, bytes, n);
}

__attribute__((visibility("default"))) int close(int fd)
{
	struct wire *w = wire_of(fd);
	if (w) {
		send_some(w); /* a goodbye */
		w->theirs = -1;
	}
	return next_close(fd);
}
