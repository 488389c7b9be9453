/* The way out: workers pull due items from the spool, ask the verdict once more, compose, send over libesmtp, settle.
 *
 *   spool lane ─▶ route ─▶ worker: take ─▶ verdict 3 ─▶ compose ─▶ MAIL RCPT DATA ─▶ settle | defer | suppressed
 *                           └── the session stays open: the next item is added while it runs
 */
#pragma once

#include "base/clock.h"
#include "base/shared.h"
#include "compose/compose.h"
#include "delivery/holds.h"
#include "delivery/route.h"
#include "ledger/ledger.h"
#include "mail/envelope.h"
#include "mail/reply.h"
#include "policy/policy.h"
#include "spool/spool.h"

enum hop_tls { HOP_TLS_NONE, HOP_TLS_OPPORTUNISTIC, HOP_TLS_REQUIRED, HOP_TLS_VERIFIED };

struct next_hop {
	char *name;
	char *host;            /* name, IPv4 or IPv6 address, or "/path" of a Unix socket; resolved by us */
	uint16_t port;
	enum hop_tls tls;
	char *tls_name;        /* for SNI and the certificate; NULL = host */
	char *ca_file;         /* NULL = the system's */
	bool tls_from_start;   /* implicit TLS (port 465): verified with HOP_TLS_VERIFIED, else encrypted only */
	char *source;          /* IP address to connect from; NULL = the system's choice */
	char *user, *password_file; /* AUTH; NULL = none */
	unsigned connections;  /* at once; 0 = 20 */
	unsigned messages_per_connection; /* 0 = 200 */
	int64_t idle_ms;       /* keep an idle connection this long; 0 = not at all */
	int64_t connect_timeout_ms; /* 0 = 30 s */
	int64_t attempt_timeout_ms; /* one message, from MAIL to the last reply, however the hop dribbles; 0 = 10 min */
};

/* What happened to an attempt, in one row: logged as delivery.attempt and counted. */
enum delivery_outcome {
	DELIVERED,
	DELIVERY_TEMPORARY,  /* the hop said 4xx: later, counted */
	DELIVERY_PERMANENT,  /* the hop said 5xx, or we gave up */
	DELIVERY_SUPPRESSED, /* the verdict said no: settled, no bounce */
	DELIVERY_DEFERRED,   /* the verdict can't be known now: later, not counted */
	DELIVERY_ROUTE_DOWN, /* nothing to do with this item: put back */
	DELIVERY_UNKNOWN,    /* the hop fell silent: later, not counted; it may arrive twice */
};
const char *delivery_outcome_word(enum delivery_outcome o);

/* An item's end: delivered, failed for good, or suppressed. */
struct delivery_event {
	uint64_t id;
	uint32_t index, attempts;
	const struct envelope *envelope;
	const struct recipient *recipient;
	struct person_key who;
	const struct stream *stream; /* NULL when the policy no longer has it */
	enum delivery_outcome outcome;
	struct reply reply;          /* the hop's, or our own sentence */
	struct verdict verdict;      /* the last one asked for; of a mail that was given up before, all zero */
	int64_t arrived_ms, at_ms;
};
/* Runs on the worker's thread before the item is settled: what it makes durable is not lost by a crash. */
typedef void delivery_report(void *arg, const struct delivery_event *e);

/* Complaints of 100,000 delivered, of a marketing stream. */
struct breaker_settings {
	uint32_t pause, stop; /* at this rate; 0 = never */
	uint32_t minimum;     /* delivered in the window before anything is judged */
	int64_t window_ms;    /* 0 = nothing is counted */
	int64_t pause_ms;     /* how long a pause lasts */
};

struct delivery_settings { /* frozen, shared */
	struct shared shared;
	char *hostname;            /* EHLO */
	struct next_hop *hops;
	unsigned hop_count;
	struct route *routes;      /* the first that matches; mail that none matches uses all hops, each when those before it are down */
	unsigned route_count;      /* at most ROUTES_MAX, each with at most 64 hops */
	struct throttle *throttles; /* each that matches holds */
	unsigned throttle_count;   /* at most THROTTLES_MAX */
	int64_t retry_first_ms, retry_max_ms; /* doubling, with jitter of a quarter */
	int64_t expire_ms;         /* give up after this age */
	int64_t expire_class_ms[CLASS_LEGAL + 1]; /* the same for a class; 0 = expire_ms */
	int64_t pass_timeout_ms;   /* of mail that is passed through; 0 = 2 min */
	struct breaker_settings breaker;
	struct holds *holds;       /* not owned; NULL = none */
	char *breaker_file;        /* what the breaker has counted; read at the start. NULL = it begins anew */
	struct policy *policy;     /* references are held */
	struct compose_settings *compose;
	delivery_report *report;   /* called for every final outcome; NULL = nobody listens */
	void *report_arg;
};
void delivery_settings_free(struct shared *s);

struct delivery;
/* Takes over SETTINGS. Ignores SIGPIPE and points HOME at nothing, for the whole process: both are the library's wish. */
int delivery_start(struct delivery **ret, struct spool *s, struct ledger *l, const struct clock *clock,
    struct delivery_settings *settings, struct err *err) MUST_CHECK;
void delivery_use(struct delivery *d, struct delivery_settings *s); /* reload; takes over */
/* Takes nothing more; returns when running attempts have ended or, on the monotonic clock, at the deadline (then they are cut off and put
 * back). A resolver that is being asked is waited for. */
void delivery_stop(struct delivery **d, int64_t deadline_ms);
