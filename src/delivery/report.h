/* Telling the client that a message could not be delivered: an RFC 3464 report, kept in our own spool before the item is settled. */
#pragma once

#include "attempt.h"

enum report_kind { REPORT_FAILED, REPORT_RELAYED };

/* Is a report of this kind wanted? Never to a null sender, never about our own reports, never against NOTIFY. Pure. */
bool report_is_wanted(const struct envelope *e, const struct recipient *r, enum report_kind kind);

struct report_facts {
	const struct envelope *envelope;
	const struct recipient *recipient;
	const char *hostname, *hop; /* who reports; who refused, NULL = nobody was asked */
	struct view message;        /* the original, as received */
	struct reply reply;
	int64_t arrived_ms, now_ms;
	uint64_t id;                /* of the report, for its Message-ID and boundary */
	enum report_kind kind;
};
#define REPORT_MAX (64u << 20)
/* The message, CRLF lines. Pure. False when it is larger than OUT holds. */
bool report_write(struct buf *out, const struct report_facts *f);

/* Writes and keeps it; returns when it is durable. */
int report_submit(struct attempt *a, enum report_kind kind, const struct reply *reply, struct err *err) MUST_CHECK;
