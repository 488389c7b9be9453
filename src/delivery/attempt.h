/* One item on its way out: taken, asked about, composed, handed over, settled. */
#pragma once

#include "breaker.h"
#include "pass.h"
#include "session.h"

struct attempt {
	/* given once */
	struct spool *spool;
	struct ledger *ledger;
	const struct clock *clock;
	struct breaker *breaker;
	struct composer *composer;
	/* of the item at hand */
	bool holds_bytes;
	struct passing *passing;            /* the client waits for its answer; NULL = an item of the spool */
	struct delivery_settings *settings; /* the snapshot it was taken under */
	struct spool_item item;
	struct spool_bytes bytes;
	struct envelope envelope;
	struct recipient recipient;
	struct address address;
	struct person_key who;
	const struct stream *stream;
	const struct topic *topic;
	struct stream as_service;           /* the stream, for a report of our own */
	struct composed composed;
	struct parameters parameters;
	struct stream as_marketing;         /* what .stream points to when intake's tripwire said so */
	struct verdict verdict;             /* the last one */
	const char *route, *hop;            /* names, for the log */
	int64_t hint_ms;                    /* "try again in", of the last reply; 0 = none */
	int64_t taken_ms, composed_ms;      /* monotonic */
};

void attempt_init(struct attempt *a, struct spool *s, struct ledger *l, const struct clock *clock, struct breaker *b);
void attempt_free(struct attempt *a);
/* Makes ITEM ready to be sent. False: it has an outcome already and was given back to the spool. */
bool attempt_begin(struct attempt *a, const struct spool_item *item, struct delivery_settings *settings,
    const char *route, const char *hop);
/* The same for a mail that is passed through: its client gets the answer. */
bool attempt_begin_pass(struct attempt *a, struct passing *p, struct delivery_settings *settings, const char *route, const char *hop);
/* What is left of its time, a second at least. */
int64_t attempt_left_ms(const struct attempt *a);
/* ITEM can't be sent now. Gives it up when it is too old, else puts it back. */
void attempt_expire(struct attempt *a, const struct spool_item *item, struct delivery_settings *settings, const char *route);
/* The age at which the first class is given up. */
int64_t shortest_expiry(const struct delivery_settings *s);
/* Verdict 3 again. False: it has turned. */
bool attempt_may_go(struct attempt *a);
/* Gives the item back to the spool, with what the hop said. */
enum delivery_outcome attempt_end(struct attempt *a, const struct session_result *r);
