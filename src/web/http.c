/* The door to libmicrohttpd: nobody else in the house knows it.
 *
 * Fatal: nothing. What the library refuses by itself (a malformed head: 400, 431, 505) is answered by it,
 * with its own words. An exchange lives from the first handler call to the completion call; a link lives as
 * long as its connection. */
#include "http.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/counter.h"
#include "base/log.h"
#include "https.h"
#include "patrol.h"

#define CONNECTION_MEMORY_BYTES 16384 /* cleared for each request */
#define PARTING_BYTES           2048
#define DRAIN_POLL_NS           2000000L

GAUGE(connections, "optgate_web_connections", "Open connections of the web listeners");
GAUGE(requests_now, "optgate_web_requests_in_progress", "Requests begun and not yet answered in full");

struct http {
	struct MHD_Daemon *daemon;
	struct patrol *patrol;
	const struct http_service *service;
	const struct clock *clock;
	struct web_limits limits;
	char parting[PARTING_BYTES]; /* the 408 that the patrol sends */
	_Atomic unsigned active;     /* exchanges */
	_Atomic unsigned waiting;    /* of them between http_wait and http_resume */
};

/* One connection. */
struct link {
	struct watched watched; /* first: the patrol's */
	struct http *http;
	struct shared *certificate; /* of its handshake */
};

struct exchange {
	struct web_request request;
	struct http *http;
	struct MHD_Connection *connection;
	struct watched *link;
	struct buf body;
	size_t swallowed;
};

static struct exchange *exchange_of(const struct web_request *r)
{
	return (struct exchange *)(uintptr_t)r; /* its first member */
}

static int64_t deadline(const struct http *h)
{
	return clock_mono(h->clock) + 1000 * (int64_t)h->limits.timeout_s;
}

/* ---- what handlers may call ---- */

void http_wait(struct web_request *r)
{
	struct exchange *x = exchange_of(r);
	atomic_fetch_add(&x->http->waiting, 1);
	MHD_suspend_connection(x->connection);
}

void http_resume(struct web_request *r)
{
	struct http *h = exchange_of(r)->http;
	MHD_resume_connection(exchange_of(r)->connection);
	atomic_fetch_sub(&h->waiting, 1);
}

struct view http_header(const struct web_request *r, const char *name)
{
	return view_of(MHD_lookup_connection_value(exchange_of(r)->connection, MHD_HEADER_KIND, name));
}

struct view http_argument(const struct web_request *r, const char *name)
{
	return view_of(MHD_lookup_connection_value(exchange_of(r)->connection, MHD_GET_ARGUMENT_KIND, name));
}

struct joining {
	struct view name;
	struct buf list;
};

static enum MHD_Result join_line(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	struct joining *j = arg;
	if (value && view_ieq(view_of(name), j->name))
		buf_fmt(&j->list, "%s%s", j->list.n ? "," : "", value);
	return MHD_YES;
}

struct view http_header_list(struct web_request *r, const char *name)
{
	struct joining j = {.name = view_of(name)};
	if (!http_header(r, name).p)
		return (struct view){0};
	buf_init(&j.list, CONNECTION_MEMORY_BYTES);
	MHD_get_connection_values(exchange_of(r)->connection, MHD_HEADER_KIND, join_line, &j);
	struct view list = arena_view(&r->arena, buf_view(&j.list));
	buf_free(&j.list);
	return list;
}

void web_response_header(struct web_response *a, const char *name, const char *value)
{
	ALWAYS(a->extra_count < WEB_HEADERS_MAX);
	struct web_header *h = &a->extra[a->extra_count++];
	h->name = name;
	ALWAYS(view_str(view_of(value), h->value, sizeof h->value));
}

/* ---- answers ---- */

static void add_headers(struct MHD_Response *m, const struct web_header *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		MHD_add_response_header(m, rows[i].name, rows[i].value);
}

static enum MHD_Result send_answer(struct exchange *x)
{
	struct web_response *a = &x->request.answer;
	const struct http_service *s = x->http->service;
	ALWAYS(a->status && !a->body.failed);
	struct MHD_Response *m = MHD_create_response_from_buffer(a->body.n, a->body.p, MHD_RESPMEM_MUST_COPY);
	if (!m)
		return MHD_NO;
	add_headers(m, s->headers, s->header_count);
	add_headers(m, a->extra, a->extra_count);
	if (a->content_type)
		MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE, a->content_type);
	atomic_store(&x->link->tell, false);
	atomic_store(&x->link->due_ms, deadline(x->http));
	enum MHD_Result done = MHD_queue_response(x->connection, a->status, m);
	MHD_destroy_response(m);
	s->answered(s->arg, &x->request);
	return done;
}

/* The connection is closed afterwards: what is left of the request is not to be read as another one. */
static enum MHD_Result refuse(struct exchange *x, unsigned status)
{
	x->http->service->refuse(x->http->service->arg, &x->request, status);
	web_response_header(&x->request.answer, "Connection", "close");
	return send_answer(x);
}

/* ---- one request ---- */

static enum method method_of(const char *word)
{
	static const struct {
		const char *word;
		enum method method;
	} rows[] = {
	    {"GET", METHOD_GET}, {"HEAD", METHOD_HEAD}, {"POST", METHOD_POST}, {"OPTIONS", METHOD_OPTIONS}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].word, word) == 0)
			return rows[i].method;
	return METHOD_OTHER;
}

static void peer_of(struct MHD_Connection *c, struct endpoint *ret)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	*ret = (struct endpoint){.sa.ss_family = AF_UNIX};
	if (!i || !i->client_addr)
		return;
	bool v6 = i->client_addr->sa_family == AF_INET6;
	if (!v6 && i->client_addr->sa_family != AF_INET)
		return;
	ret->sa_len = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	memcpy(&ret->sa, i->client_addr, ret->sa_len);
}

static struct watched *link_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return &((struct link *)i->socket_context)->watched;
}

static struct exchange *exchange_new(struct http *h, struct MHD_Connection *c, const char *method)
{
	struct exchange *x = mem_zero(sizeof *x);
	x->http = h;
	x->connection = c;
	x->link = link_of(c);
	x->request.method = method_of(method);
	x->request.at_ms = clock_wall(h->clock);
	peer_of(c, &x->request.peer);
	arena_init(&x->request.arena, WEB_ARENA_BYTES);
	buf_init(&x->request.answer.body, h->limits.max_answer_bytes ? h->limits.max_answer_bytes : WEB_ANSWER_BYTES);
	buf_init(&x->body, h->limits.max_body_bytes);
	atomic_fetch_add(&h->active, 1);
	counter_add(&requests_now, 1);
	return x;
}

static void exchange_free(struct exchange *x)
{
	counter_add(&requests_now, -1);
	shared_release(x->request.settings);
	arena_free(&x->request.arena);
	buf_free(&x->request.answer.body);
	buf_free(&x->body);
	free(x);
}

struct framing { /* fields that say where the request ends, and for whom it is */
	unsigned lengths, encodings, hosts;
};

static enum MHD_Result count_framing(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	(void)value;
	struct framing *f = arg;
	struct view v = view_of(name);
	f->lengths += view_ieq(v, V("Content-Length"));
	f->encodings += view_ieq(v, V("Transfer-Encoding"));
	f->hosts += view_ieq(v, V("Host"));
	return MHD_YES;
}

/* RFC 9112 6.1, 6.3, 3.2: two lengths, or an encoding that isn't ours, are an attempt at smuggling. The
 * library takes the first and reads on. */
static bool framing_is_plain(struct exchange *x)
{
	struct framing f = {0};
	struct view encoding = http_header(&x->request, "Transfer-Encoding");
	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, count_framing, &f);
	return f.lengths + f.encodings <= 1 && f.hosts <= 1 &&
	       (!encoding.p || view_ieq(encoding, V("chunked")));
}

/* The head is in. 0: read on; else the status of the refusal. */
static unsigned judge_head(struct exchange *x)
{
	struct view length = http_header(&x->request, "Content-Length");
	uint64_t n = 0;
	if (x->request.path.n > WEB_PATH_MAX)
		return 414;
	if (!framing_is_plain(x) || (length.p && !view_u64(length, UINT64_MAX, &n)))
		return 400;
	if (n <= x->http->limits.max_body_bytes)
		return 0;
	bool asks_first = view_ieq(http_header(&x->request, "Expect"), V("100-continue"));
	return asks_first || n > WEB_SWALLOW_BYTES ? 413 : 0;
}

static enum MHD_Result begin(struct exchange *x)
{
	atomic_store(&x->link->due_ms, deadline(x->http));
	atomic_store(&x->link->tell, !x->http->service->certificate); /* the patrol doesn't speak TLS */
	unsigned status = judge_head(x);
	if (status)
		return refuse(x, status);
	const struct http_service *s = x->http->service;
	return !s->head || s->head(s->arg, &x->request) ? MHD_YES : send_answer(x);
}

/* A chunked body without end: the library can't answer inside a body, so the connection is cut. */
static enum MHD_Result take_body(struct exchange *x, const char *bytes, size_t *n)
{
	size_t got = *n;
	*n = 0;
	buf_add(&x->body, view_n(bytes, got));
	if (!x->body.failed)
		return MHD_YES;
	x->swallowed += got;
	return x->swallowed <= WEB_SWALLOW_BYTES ? MHD_YES : MHD_NO;
}

static enum MHD_Result serve(struct exchange *x)
{
	struct web_request *r = &x->request;
	const struct http_service *s = x->http->service;
	if (x->body.failed)
		return refuse(x, 413);
	struct view type = http_header(r, "Content-Type");
	r->body = buf_view(&x->body);
	if (r->method == METHOD_POST && !s->raw_bodies && form_parse(&r->form, type, x->body.p, x->body.n) == FORM_TOO_MANY)
		return refuse(x, 413);
	atomic_store(&x->link->due_ms, PATROL_NEVER);
	if (s->serve(s->arg, r) == WEB_LATER)
		return MHD_YES; /* X may be served by another thread's resume from here on */
	return send_answer(x);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *path, const char *method,
    const char *version, const char *bytes, size_t *n, void **state)
{
	(void)version;
	struct exchange *x = *state;
	bool first = !x;
	if (first)
		*state = x = exchange_new(arg, c, method);
	x->request.path = view_of(path);
	if (first)
		return begin(x);
	if (*n)
		return take_body(x, bytes, n);
	if (!x->request.later)
		return serve(x);
	x->request.later(&x->request);
	return send_answer(x);
}

static void on_completed(
    void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode how)
{
	(void)c;
	(void)how;
	struct http *h = arg;
	struct exchange *x = *state;
	if (!x)
		return;
	*state = NULL;
	atomic_store(&x->link->tell, false);
	atomic_store(&x->link->due_ms, deadline(h));
	exchange_free(x);
	atomic_fetch_sub(&h->active, 1);
}

static void on_connection(
    void *arg, struct MHD_Connection *c, void **state, enum MHD_ConnectionNotificationCode what)
{
	struct http *h = arg;
	struct link *l = *state;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*state = l = mem_zero(sizeof *l);
		l->http = h;
		l->watched.fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		l->watched.due_ms = deadline(h);
		patrol_add(h->patrol, &l->watched);
		counter_add(&connections, 1);
	} else if (l) {
		patrol_remove(h->patrol, &l->watched);
		counter_add(&connections, -1);
		shared_release(l->certificate);
		free(l);
		*state = NULL;
	}
}

const struct certificate *https_certificate_of(void *connection)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct link *l = i->socket_context;
	if (!l->certificate)
		l->certificate = l->http->service->certificate(l->http->service->arg);
	return (const struct certificate *)l->certificate;
}

static size_t on_unescape(void *arg, struct MHD_Connection *c, char *text)
{
	(void)arg;
	(void)c;
	size_t n = percent_decode(text, strlen(text), false);
	text[n] = 0;
	return n;
}

__attribute__((format(printf, 2, 0))) static void on_message(void *arg, const char *fmt, va_list args)
{
	(void)arg;
	char text[200], safe[200];
	int n = vsnprintf(text, sizeof text, fmt, args);
	log_event(LOG_LEVEL_DEBUG, "web.http", "text=\"%s\"",
	    log_safe(safe, sizeof safe, text, n < 0 ? 0 : strnlen(text, sizeof text)));
}

/* ---- start and stop ---- */

static void compose_parting(struct http *h)
{
	struct buf b;
	buf_init(&b, sizeof h->parting - 1);
	buf_str(&b, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n");
	for (size_t i = 0; i < h->service->header_count; i++)
		buf_fmt(&b, "%s: %s\r\n", h->service->headers[i].name, h->service->headers[i].value);
	buf_str(&b, "\r\n");
	ALWAYS(!b.failed);
	memcpy(h->parting, buf_cstr(&b), b.n + 1);
	buf_free(&b);
}

static struct MHD_Daemon *daemon_start(struct http *h, int listen_fd)
{
	const struct web_limits *l = &h->limits;
	bool https = h->service->certificate != NULL;
	struct MHD_OptionItem secure[] = {
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)HTTPS_PRIORITIES},
		{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, https_callback()},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem options[] = {
		{MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_message, NULL},
		{MHD_OPTION_LISTEN_SOCKET, listen_fd, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, l->max_connections, NULL},
		{MHD_OPTION_PER_IP_CONNECTION_LIMIT, l->max_connections_per_ip, NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, l->timeout_s, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES, NULL},
		{MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
		{MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)on_unescape, h},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, h},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, h},
		/* One thread is no pool: the library warns about a pool of 1. */
		{l->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, l->threads, NULL},
		{MHD_OPTION_END, 0, NULL},
	};
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	return MHD_start_daemon(flags | (https ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, h, MHD_OPTION_ARRAY,
	    options, https ? MHD_OPTION_ARRAY : MHD_OPTION_END, secure, MHD_OPTION_END);
}

int http_start(struct http **ret, int listen_fd, const struct web_limits *limits, const struct clock *clock,
    const struct http_service *service, struct err *err)
{
	struct http *h = mem_zero(sizeof *h);
	h->service = service;
	h->clock = clock;
	h->limits = *limits;
	compose_parting(h);
	if (patrol_start(&h->patrol, clock, h->parting, err) < 0)
		goto failed;
	h->daemon = daemon_start(h, listen_fd);
	if (!h->daemon) {
		err_sys(err, "HTTP server");
		goto failed;
	}
	*ret = h;
	return 0;
failed:
	close(listen_fd);
	patrol_stop(&h->patrol);
	free(h);
	return -1;
}

/* A waiting request must have been resumed before the library is stopped, or it would lose the answer of a
 * durable change. */
static bool quiet(struct http *h, int64_t deadline_ms)
{
	return atomic_load(&h->waiting) == 0 &&
	       (atomic_load(&h->active) == 0 || clock_mono(h->clock) >= deadline_ms);
}

void http_stop(struct http **hh, int64_t deadline_ms)
{
	struct http *h = *hh;
	if (!h)
		return;
	int listen_fd = MHD_quiesce_daemon(h->daemon);
	while (!quiet(h, deadline_ms))
		nanosleep(&(struct timespec){.tv_nsec = DRAIN_POLL_NS}, NULL);
	MHD_stop_daemon(h->daemon);
	/* Not before: the library's threads may still have it in hand. Who comes meanwhile waits in its queue; with
	 * a socket of systemd's, for our successor. */
	if (listen_fd >= 0)
		close(listen_fd);
	patrol_stop(&h->patrol);
	free(h);
	*hh = NULL;
}
