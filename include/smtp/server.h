/* The submission listener: ESMTP (RFC 5321) on epoll. Protocol state and which reply; what to accept is intake's answer.
 * N loops, one thread each; one acceptor hands connections round. */
#pragma once

#include "base/clock.h"
#include "intake/verbs.h"
#include "net/tls.h"

/* On which listeners connections from a proxy network must begin with a PROXY header. */
enum { PROXY_ON_LISTEN = 1, PROXY_ON_TLS_LISTEN = 2 };

struct smtp_settings {
	char *hostname;           /* greeting */
	unsigned workers;         /* loops */
	unsigned max_connections; /* in all */
	unsigned max_connections_per_ip;
	unsigned max_errors;        /* refused commands before 421 */
	unsigned max_commands;      /* without a message, before 421 */
	int64_t idle_timeout_ms;    /* between commands (RFC 5321 4.5.3.2.7) */
	int64_t data_timeout_ms;    /* between pieces of DATA */
	unsigned min_data_rate;     /* bytes a second that a message must come with, once data_timeout_ms has passed; 0 = none */
	int64_t session_timeout_ms; /* whole connection; 0 = none */
	struct network *proxy_networks; /* load balancers: a PROXY header (v1, v2) is expected from them, and from nobody else */
	unsigned proxy_network_count, proxy_on; /* PROXY_ON_... */
	struct network *xclient_networks; /* front ends: may say who the client is, with XCLIENT or XFORWARD */
	unsigned xclient_network_count;
};

struct smtp_server;
/* LISTENERS: endpoints as net/endpoint.h; those in TLS_LISTENERS speak TLS from the first byte. TLS may be NULL: no STARTTLS. */
int smtp_server_start(struct smtp_server **ret, const struct smtp_settings *s, const char *const *listeners, size_t n,
    const char *const *tls_listeners, size_t tls_n, struct tls_server *tls, const struct intake_verbs *verbs, void *ctx,
    const struct clock *clock, struct err *err) MUST_CHECK;
void smtp_server_use_tls(struct smtp_server *s, struct tls_server *tls); /* reload */
/* Stops accepting; connections get 421 when idle; returns when all are closed or at the deadline. */
void smtp_server_drain(struct smtp_server *s, int64_t deadline_ms);
void smtp_server_stop(struct smtp_server **s);
/* Bound addresses, for the log and for tests that asked for port 0. */
size_t smtp_server_addresses(const struct smtp_server *s, struct endpoint *dst, size_t max);
