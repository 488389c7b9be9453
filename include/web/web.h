/* The public HTTP listener: one-click opt-out (RFC 8058), the page behind it, health. libmicrohttpd lives in one file.
 *
 *   POST /u/TOKEN  List-Unsubscribe=One-Click (urlencoded or multipart) -> suspended -> ledger commit -> resumed -> 200
 *   GET  /u/TOKEN  page with the masked address and one button; changes nothing
 */
#pragma once

#include "base/clock.h"
#include "base/shared.h"
#include "ledger/ledger.h"
#include "net/endpoint.h"
#include "optout/token.h"
#include "policy/policy.h"

struct web_settings { /* frozen, shared */
	struct shared shared;
	struct policy *policy;
	struct token_keys *tokens;
};
void web_settings_free(struct shared *s);

struct web_limits {
	unsigned threads, max_connections, max_connections_per_ip;
	unsigned timeout_s;      /* of an idle or slow connection */
	size_t max_body_bytes;
};

struct web;
int web_start(struct web **ret, const char *listen, const struct web_limits *limits, struct ledger *l, const struct clock *clock,
    struct web_settings *settings, struct err *err) MUST_CHECK;
void web_use(struct web *w, struct web_settings *s); /* reload; takes over */
int web_address(const struct web *w, struct endpoint *ret);
void web_stop(struct web **w, int64_t deadline_ms);
