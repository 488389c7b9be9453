/* The way out: workers pull due items from the spool, ask the verdict once more, compose, send over libesmtp, settle.
 *
 *   spool lane ─▶ route ─▶ worker: take ─▶ verdict 3 ─▶ compose ─▶ MAIL RCPT DATA ─▶ settle | defer | suppressed
 *                           └── the session stays open: the next item is added while it runs
 */
#pragma once

#include "base/clock.h"
#include "base/shared.h"
#include "compose/compose.h"
#include "ledger/ledger.h"
#include "policy/policy.h"
#include "spool/spool.h"

enum hop_tls { HOP_TLS_NONE, HOP_TLS_OPPORTUNISTIC, HOP_TLS_REQUIRED, HOP_TLS_VERIFIED };

struct next_hop {
	char *name;
	char *host;            /* name or address; resolved by us */
	uint16_t port;
	enum hop_tls tls;
	char *tls_name;        /* for SNI and the certificate; NULL = host */
	char *ca_file;         /* NULL = the system's */
	char *user, *password_file; /* AUTH; NULL = none */
	unsigned connections;  /* at once */
	unsigned messages_per_connection;
	int64_t idle_ms;       /* keep an idle connection this long */
	int64_t connect_timeout_ms;
};

struct delivery_settings { /* frozen, shared */
	struct shared shared;
	char *hostname;            /* EHLO */
	struct next_hop *hops;
	unsigned hop_count;        /* the first is used; the others when it is down */
	int64_t retry_first_ms, retry_max_ms; /* doubling, with jitter of a quarter */
	int64_t expire_ms;         /* give up after this age */
	struct policy *policy;     /* references are held */
	struct compose_settings *compose;
};
void delivery_settings_free(struct shared *s);

struct delivery;
int delivery_start(struct delivery **ret, struct spool *s, struct ledger *l, const struct clock *clock, struct delivery_settings *settings, struct err *err) MUST_CHECK;
void delivery_use(struct delivery *d, struct delivery_settings *s); /* reload; takes over */
/* Takes nothing more; returns when running attempts have ended or at the deadline (then they are cut off and put back). */
void delivery_stop(struct delivery **d, int64_t deadline_ms);

/* What happened to an attempt, in one row: logged as delivery.attempt and counted. */
enum delivery_outcome { DELIVERED, DELIVERY_TEMPORARY, DELIVERY_PERMANENT, DELIVERY_SUPPRESSED, DELIVERY_ROUTE_DOWN, DELIVERY_UNKNOWN };
