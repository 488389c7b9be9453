/* All decisions about a reply, in one table: the first row that matches says it. */
#include "outcome.h"

#include "base/view.h"

static const char *const outcome_words[] = {
    [DELIVERED] = "delivered",
    [DELIVERY_TEMPORARY] = "temporary",
    [DELIVERY_PERMANENT] = "permanent",
    [DELIVERY_SUPPRESSED] = "suppressed",
    [DELIVERY_DEFERRED] = "deferred",
    [DELIVERY_ROUTE_DOWN] = "route-down",
    [DELIVERY_UNKNOWN] = "unknown",
};

static const char *const stage_words[] = {
    [STAGE_CONNECT] = "connect",
    [STAGE_HELLO] = "hello",
    [STAGE_TLS] = "tls",
    [STAGE_AUTH] = "auth",
    [STAGE_MAIL] = "mail",
    [STAGE_RCPT] = "rcpt",
    [STAGE_DATA] = "data",
    [STAGE_FINAL] = "final",
    [STAGE_GATE] = "gate",
    [STAGE_NOT_TRIED] = "not-tried",
};

const char *delivery_outcome_word(enum delivery_outcome o)
{
	return outcome_words[o];
}

const char *session_stage_word(enum session_stage s)
{
	return stage_words[s];
}

#define AT(stage)     (1u << (stage))
#define OPENING       (AT(STAGE_CONNECT) | AT(STAGE_HELLO) | AT(STAGE_TLS) | AT(STAGE_AUTH))
#define ENVELOPE      (AT(STAGE_MAIL) | AT(STAGE_RCPT))
#define DIALOGUE      (ENVELOPE | AT(STAGE_DATA) | AT(STAGE_FINAL))

static const struct rule_row {
	unsigned stages;
	int lo, hi;           /* reply codes */
	const char *enhanced; /* exactly; NULL = any */
	bool complete;
	enum delivery_outcome outcome;
} rows[] = {
    {AT(STAGE_NOT_TRIED), 0, 999, NULL, false, DELIVERY_ROUTE_DOWN},
    {AT(STAGE_GATE), 0, 999, NULL, false, DELIVERY_SUPPRESSED},
    {OPENING, 0, 999, NULL, false, DELIVERY_ROUTE_DOWN},
    {AT(STAGE_FINAL), 200, 299, NULL, true, DELIVERED},
    /* The hop is going away; what it says is not about this message. */
    {DIALOGUE, 421, 421, NULL, false, DELIVERY_UNKNOWN},
    /* Our credentials or our TLS, never the recipient: libesmtp goes on to MAIL after a refused AUTH. */
    {DIALOGUE, 454, 454, NULL, false, DELIVERY_ROUTE_DOWN},
    {DIALOGUE, 530, 530, NULL, false, DELIVERY_ROUTE_DOWN},
    {DIALOGUE, 534, 535, NULL, false, DELIVERY_ROUTE_DOWN},
    {DIALOGUE, 538, 538, NULL, false, DELIVERY_ROUTE_DOWN},
    /* 5.7.0 after the bytes is used for refused content, so it counts as ours only before RCPT. */
    {AT(STAGE_MAIL), 500, 599, "5.7.0", false, DELIVERY_ROUTE_DOWN},
    {ENVELOPE, 500, 599, "5.7.8", false, DELIVERY_ROUTE_DOWN},
    {ENVELOPE, 500, 599, "5.7.9", false, DELIVERY_ROUTE_DOWN},
    /* Bad sequence of commands: the two ends disagree on where they are. */
    {DIALOGUE, 503, 503, NULL, false, DELIVERY_UNKNOWN},
    {DIALOGUE, 400, 499, NULL, false, DELIVERY_TEMPORARY},
    {DIALOGUE, 500, 599, NULL, false, DELIVERY_PERMANENT},
};

static bool row_matches(const struct rule_row *r, enum session_stage stage, const struct reply *reply, bool complete)
{
	return r->stages & AT(stage) && reply->code >= r->lo && reply->code <= r->hi && (!r->complete || complete) &&
	       (!r->enhanced || view_eq(view_of(r->enhanced), view_of(reply->enhanced)));
}

enum delivery_outcome outcome_of(enum session_stage stage, const struct reply *reply, bool complete)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (row_matches(&rows[i], stage, reply, complete))
			return rows[i].outcome;
	return DELIVERY_UNKNOWN; /* silence, 354 and nothing after it, 250 to DATA: it may or may not have arrived */
}

bool outcome_slows(enum session_stage stage, const struct reply *reply)
{
	bool said = stage == STAGE_RCPT || stage == STAGE_DATA || stage == STAGE_FINAL;
	return said && (reply->code == 421 ||
	                   (reply->code >= 400 && reply->code <= 499 && view_starts(view_of(reply->enhanced), V("4.7."))));
}
