/* The public HTTP listener: one-click opt-out (RFC 8058), the page behind it, undo, health.
 *
 *   POST /u/TOKEN  List-Unsubscribe=One-Click (urlencoded or multipart) -> suspended
 *                  -> ledger commit -> resumed -> 200
 *   GET  /u/TOKEN  page with the masked address and one button; changes nothing
 *   GET  /healthz  200 while the ledger can be read, else 503
 */
#pragma once

#include "base/clock.h"
#include "base/shared.h"
#include "ledger/ledger.h"
#include "net/endpoint.h"
#include "optout/token.h"
#include "policy/policy.h"

struct certificate; /* begins with struct shared */
/* Chain and key from PEM files. ERR_SYNTAX says which file is wrong, also when they don't belong together. */
int certificate_load(struct certificate **ret, const char *file, const char *key_file, struct err *err) MUST_CHECK;
void certificate_free(struct certificate **c); /* drops one hold */

struct web_settings { /* frozen, shared; allocated with mem_zero; owns one reference of each */
	struct shared shared;
	struct policy *policy;
	struct token_keys *tokens;
	struct certificate *certificate; /* HTTPS by itself, when there is one at the start; a new one serves new connections */
	struct network *proxies;         /* whose X-Forwarded-For is believed; a peer on a unix socket always is */
	unsigned proxy_count;
};
void web_settings_free(struct shared *s);

struct web_limits {
	unsigned threads, max_connections;
	unsigned max_connections_per_ip; /* 0 = no limit, as behind a proxy */
	unsigned timeout_s;    /* 10: for a whole request to arrive, however slowly; also when idle */
	size_t max_body_bytes; /* 8192; more gets 413 */
};

struct web;
/* Takes over SETTINGS, also when it fails. L must outlive the listener: an answer waits for its commit. */
int web_start(struct web **ret, const char *listen, const struct web_limits *limits, struct ledger *l,
    const struct clock *clock, struct web_settings *settings, struct err *err) MUST_CHECK;
void web_use(struct web *w, struct web_settings *s); /* reload; takes over */
int web_address(const struct web *w, struct endpoint *ret);
/* Takes no new connections, lets running requests end until DEADLINE_MS (monotonic); those that wait for
 * the ledger are always awaited. */
void web_stop(struct web **w, int64_t deadline_ms);
