/* A web listener on a real ledger in a temporary directory, and a client of raw sockets. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "optout/optout.h"
#include "web/web.h"

struct server {
	char dir[64];
	struct ledger *ledger;
	struct web *web;
	struct endpoint address;
	struct policy *policy; /* of the test: one brand, two streams, one topic */
	unsigned timeout_s;    /* before server_start; 0 = 10 */
	unsigned max_connections;
	const struct clock *clock; /* of the listener; NULL = the system's */
};

static const uint8_t server_key[1][TOKEN_KEY_BYTES] = {{7, 1}};
static const uint8_t server_key_id[1] = {1};

static inline void must(int done, const struct err *err)
{
	if (done < 0)
		fail_msg("%s", err->text);
}

static inline void static_free(struct shared *s)
{
	(void)s;
}

/* acme: offers (topic spring), news. Lives as long as the process; never freed through its references. */
static inline struct policy *server_policy(void)
{
	static struct topic topics[] = {{.name = (char *)"spring", .title = (char *)"Spring <sale>"}};
	static struct stream streams[] = {{.name = (char *)"offers",
					      .title = (char *)"Offers & more",
					      .class = CLASS_MARKETING,
					      .topics = topics,
					      .topic_count = 1},
	    {.name = (char *)"news", .title = (char *)"News", .class = CLASS_MARKETING}};
	static struct brand brand = {
	    .name = (char *)"acme", .title = (char *)"Acme Ltd", .streams = streams, .stream_count = 2};
	static struct policy policy = {.brands = &brand, .brand_count = 1};
	struct err err;
	must(scope_parse(V("acme"), &brand.scope, &err), &err);
	must(scope_parse(V("acme/offers"), &streams[0].scope, &err), &err);
	must(scope_parse(V("acme/news"), &streams[1].scope, &err), &err);
	must(scope_parse(V("acme/offers/spring"), &topics[0].scope, &err), &err);
	streams[0].brand = streams[1].brand = &brand;
	policy.shared.free = static_free;
	policy.shared.refs = 1000000;
	return &policy;
}

static inline struct web_settings *server_settings(struct policy *policy, struct token_keys *keys)
{
	struct web_settings *s = mem_zero(sizeof *s);
	s->policy = policy;
	s->tokens = keys ? keys : token_keys_new(server_key, server_key_id, 1);
	return s;
}

static inline struct ledger *server_ledger(const char *dir, bool read_only)
{
	struct ledger_settings ls = {
	    .dir = dir, .key_dir = dir, .map_bytes = 64 << 20, .read_only = read_only};
	struct ledger *l;
	struct err err;
	must(ledger_open(&l, &ls, &clock_system, &err), &err);
	return l;
}

static inline void server_listen(struct server *s)
{
	struct web_limits limits = {.threads = 2,
	    .max_connections = s->max_connections ? s->max_connections : 500,
	    .timeout_s = s->timeout_s ? s->timeout_s : 10,
	    .max_body_bytes = 8192};
	struct err err;
	must(web_start(&s->web, "127.0.0.1:0", &limits, s->ledger, s->clock ? s->clock : &clock_system, NULL,
		 server_settings(s->policy, NULL), &err),
	    &err);
	assert_int_equal(web_address(s->web, &s->address), 0);
}

static inline void server_start(struct server *s)
{
	snprintf(s->dir, sizeof s->dir, "/tmp/web-test-XXXXXX");
	log_set_level(LOG_LEVEL_ERROR);
	assert_non_null(mkdtemp(s->dir));
	s->policy = server_policy();
	s->ledger = server_ledger(s->dir, false);
	server_listen(s);
}

static inline void server_stop(struct server *s)
{
	web_stop(&s->web, clock_mono(&clock_system) + 2000);
	ledger_close(&s->ledger);
	char command[100];
	snprintf(command, sizeof command, "rm -rf %s", s->dir);
	assert_int_equal(system(command), 0);
}

/* ---- tokens and what the ledger knows ---- */

static inline struct person_key server_person(struct server *s, int number)
{
	char address[64];
	struct person_key who;
	snprintf(address, sizeof address, "person%d@example.com", number);
	ledger_person_key(s->ledger, CHANNEL_EMAIL, view_of(address), &who);
	return who;
}

/* "/u/TOKEN" for person NUMBER and the scope "acme/offers" and the like. */
static inline void server_path(struct server *s, int number, const char *scope, char path[300])
{
	struct scope mail, stream, brand;
	struct err err;
	struct token_keys *keys = token_keys_new(server_key, server_key_id, 1);
	must(scope_parse(view_of(scope), &mail, &err), &err);
	must(scope_parse(V("acme"), &brand, &err), &err);
	must(scope_parse(mail.level == SCOPE_TOPIC ? V("acme/offers") : view_of(scope), &stream, &err), &err);
	struct token t = {.channel = CHANNEL_EMAIL,
	    .level = mail.level,
	    .who = server_person(s, number),
	    .minted_ms = 1764000000000,
	    .message_id = (uint64_t)number};
	memcpy(t.scope_id, mail.id, SCOPE_ID_BYTES);
	memcpy(t.stream_id, stream.id, SCOPE_ID_BYTES);
	memcpy(t.brand_id, brand.id, SCOPE_ID_BYTES);
	snprintf(t.masked, sizeof t.masked, "p***%d@e***.com", number);
	struct buf b;
	buf_init(&b, 1000);
	token_mint_link(keys, &t, &b);
	snprintf(path, 300, "/u/%s", buf_cstr(&b));
	buf_free(&b);
	token_keys_free(&keys);
}

/* The suppression of that scope, or false. */
static inline bool server_suppression(
    struct server *s, int number, const char *scope, struct suppression *ret)
{
	struct scope wanted;
	struct arena arena;
	struct record record;
	struct err err;
	bool found = false;
	arena_init(&arena, 1 << 20);
	must(scope_parse(view_of(scope), &wanted, &err), &err);
	struct person_key who = server_person(s, number);
	must(ledger_look(s->ledger, &who, &arena, &record, &err), &err);
	for (unsigned i = 0; i < record.suppression_count; i++)
		if (memcmp(record.suppressions[i].scope.id, wanted.id, SCOPE_ID_BYTES) == 0) {
			*ret = record.suppressions[i];
			found = true;
		}
	arena_free(&arena);
	return found;
}

static inline bool server_suppressed(struct server *s, int number, const char *scope)
{
	struct suppression ignored;
	return server_suppression(s, number, scope, &ignored);
}

/* ---- the client ---- */

struct reply {
	int status; /* 0: closed without an answer */
	char head[4096], body[16384];
	size_t body_n;
};

static inline int client_connect(struct server *s)
{
	int fd = socket(s->address.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	(void)!connect(fd, (struct sockaddr *)&s->address.sa,
	    s->address.sa_len); /* refused: shows as an answer with status 0 */
	return fd;
}

static inline bool client_send(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

static inline bool client_byte(int fd, char *ret)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, 20000) == 1 && recv(fd, ret, 1, 0) == 1;
}

/* Reads exactly one answer. NO_BODY: to HEAD. */
static inline void client_read(int fd, bool no_body, struct reply *r)
{
	memset(r, 0, sizeof *r);
	size_t n = 0;
	while (n + 1 < sizeof r->head && client_byte(fd, &r->head[n])) {
		n++;
		if (n >= 4 && memcmp(r->head + n - 4, "\r\n\r\n", 4) == 0)
			break;
	}
	if (n < 12 || memcmp(r->head, "HTTP/1.", 7) != 0)
		return;
	r->status = (int)strtol(r->head + 9, NULL, 10);
	const char *length = strstr(r->head, "Content-Length: ");
	size_t want = length && !no_body ? strtoul(length + 16, NULL, 10) : 0;
	while (r->body_n < want && r->body_n + 1 < sizeof r->body && client_byte(fd, &r->body[r->body_n]))
		r->body_n++;
}

static inline bool client_closed(int fd)
{
	char c;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, 20000) == 1 && recv(fd, &c, 1, MSG_PEEK) <= 0;
}

static inline void client_ask_n(struct server *s, const char *bytes, size_t n, struct reply *r)
{
	int fd = client_connect(s);
	client_send(fd, bytes, n);
	client_read(fd, strncmp(bytes, "HEAD", 4) == 0, r);
	close(fd);
}

static inline void client_ask(struct server *s, struct reply *r, const char *fmt, ...) PRINTF(3, 4);
static inline void client_ask(struct server *s, struct reply *r, const char *fmt, ...)
{
	static _Thread_local char text[32768];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	assert_true(n > 0 && (size_t)n < sizeof text);
	client_ask_n(s, text, (size_t)n, r);
}

static inline void client_post(
    struct server *s, const char *path, const char *type, const char *body, struct reply *r)
{
	client_ask(s, r, "POST %s HTTP/1.1\r\nHost: t\r\n%s%s%sContent-Length: %zu\r\n\r\n%s", path,
	    type ? "Content-Type: " : "", type ? type : "", type ? "\r\n" : "", strlen(body), body);
}

#define URLENCODED "application/x-www-form-urlencoded"
#define ONE_CLICK  "List-Unsubscribe=One-Click"
