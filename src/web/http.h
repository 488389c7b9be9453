/* The HTTP server as the rest of the room sees it: whole requests in, whole answers out. libmicrohttpd
 * stays behind http.c.
 *
 *   headers ─▶ body, bounded ─▶ serve() ─┬─ WEB_NOW ───────────────────────────▶ answer
 *                                        └─ http_wait, work elsewhere, http_resume ─▶ later() ─▶ answer
 *
 * A client has limits->timeout_s to send a whole request: whoever is slower gets 408, silent ones are cut
 * off. */
#pragma once

#include "base/clock.h"
#include "base/mem.h"
#include "base/shared.h"
#include "form.h"
#include "web/web.h"

enum method { METHOD_GET = 1, METHOD_HEAD = 2, METHOD_POST = 4, METHOD_OPTIONS = 8, METHOD_OTHER = 16 };

#define WEB_PATH_MAX        1024  /* longer: 414 */
#define WEB_HEADERS_MAX     6     /* that one answer adds */
#define WEB_ANSWER_BYTES    65536
#define WEB_ARENA_BYTES     262144 /* of one request */
#define WEB_SWALLOW_BYTES   65536 /* of a body over its limit, so that the client reads 413, not a reset */

struct web_header {
	const char *name;
	char value[220];
};

struct web_response {
	unsigned status;
	const char *content_type;
	struct web_header extra[WEB_HEADERS_MAX];
	unsigned extra_count;
	struct buf body;
};

struct route;
struct web_request {
	enum method method;
	struct view path;         /* decoded, without the query */
	struct view capture;      /* what '*' of the route's pattern stands for */
	struct form form;         /* POST only, unless bodies are left raw */
	struct view body;         /* POST only; where bodies are left raw */
	struct endpoint peer;
	int64_t at_ms;
	const struct route *route;
	struct shared *settings;  /* released with the request */
	const struct admin_key *key; /* admin listener: whose request this is; NULL = proved otherwise, or not asked for */
	const struct web_brand *brand; /* whose page this is; NULL = nobody's */
	struct arena arena;
	void *state;              /* of the handler, in the arena */
	void (*later)(struct web_request *r); /* fills the answer after http_resume */
	struct web_response answer;
};

enum web_when { WEB_NOW, WEB_LATER };

struct http_service {
	/* Fills r->answer and returns WEB_NOW; or has called http_wait, handed R on, returns WEB_LATER and
	 * touches R no more. */
	enum web_when (*serve)(void *arg, struct web_request *r);
	/* Asked as soon as the head is there, so that nobody's body is kept for nothing; false: r->answer is filled, and the connection ends with it. NULL: anybody may go on. */
	bool (*head)(void *arg, struct web_request *r);
	/* Fills the answer to what http.c refuses by itself: 400, 413, 414. */
	void (*refuse)(void *arg, struct web_request *r, unsigned status);
	void (*answered)(void *arg, const struct web_request *r); /* for counting */
	/* HTTPS: the certificate of a new connection, held for it; NULL = none now. Without this function: HTTP. */
	struct shared *(*certificate)(void *arg);
	void *arg;
	bool raw_bodies;          /* not forms */
	const struct web_header *headers; /* on every answer */
	size_t header_count;
};

struct http;
/* Takes over LISTEN_FD, also when it fails. SERVICE must outlive it. */
int http_start(struct http **ret, int listen_fd, const struct web_limits *limits, const struct clock *clock,
    const struct http_service *service, struct err *err) MUST_CHECK;
/* No new connections; waits for running requests until DEADLINE_MS (monotonic), and for waiting ones
 * however long they take. */
void http_stop(struct http **h, int64_t deadline_ms);

/* Inside serve(): the connection rests until http_resume, which any thread may call, also before serve()
 * has returned. */
void http_wait(struct web_request *r);
void http_resume(struct web_request *r);
/* A request header by name; .p == NULL when absent. Only inside serve() and later(). */
struct view http_header(const struct web_request *r, const char *name);
/* An argument of the query, decoded; .p == NULL when absent. Only inside serve() and later(). */
struct view http_argument(const struct web_request *r, const char *name);
/* All lines of that name as one list, joined by commas, in the request's arena (RFC 9110 5.3). */
struct view http_header_list(struct web_request *r, const char *name);
void web_response_header(struct web_response *a, const char *name, const char *value);
