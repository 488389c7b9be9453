/* One decision as bytes. Everything big-endian; a later version appends members, and a reader passes over what it does not know.
 *
 *   frame  length of the body 2 | CRC-32C of the body 4 | body
 *   body   1 | at 8 | ref 8 | rcpt 4 | where 1 | end 1 | verdict 1 | rule 1 | reason 1 | level 1 | shadow 1 | entry 8 | class 1 | channel 1 |
 *          person 16 | signals 4 | body hash 8 | str scope | str client | str campaign            str = length 1, bytes */
#include "base/be.h"
#include "base/codec.h"
#include "decisions/decisions.h"

#define VERSION   1
#define BODY_MOST 1024

static struct view shortened(struct view v, size_t most)
{
	return view_sub(v, 0, most);
}

void decision_write(struct buf *out, const struct decision *x)
{
	struct buf b;
	buf_init(&b, BODY_MOST);
	be_add(&b, VERSION, 1);
	be_add(&b, (uint64_t)x->at_ms, 8);
	be_add(&b, x->ref, 8);
	be_add(&b, x->rcpt, 4);
	be_add(&b, x->at, 1);
	be_add(&b, x->end, 1);
	be_add(&b, x->verdict.kind, 1);
	be_add(&b, x->verdict.rule, 1);
	be_add(&b, x->verdict.reason, 1);
	be_add(&b, x->verdict.level, 1);
	be_add(&b, x->verdict.shadow, 1);
	be_add(&b, x->verdict.seq, 8);
	be_add(&b, x->class, 1);
	be_add(&b, x->channel, 1);
	buf_add(&b, view_n(x->who.b, sizeof x->who.b));
	be_add(&b, x->signals, 4);
	be_add(&b, x->body, 8);
	be_add_view(&b, shortened(x->scope, SCOPE_NAME_MAX), 1);
	be_add_view(&b, shortened(x->client, DECISION_WORD_MAX), 1);
	be_add_view(&b, shortened(x->campaign, DECISION_WORD_MAX), 1);
	be_add(out, b.n, 2);
	be_add(out, crc32c(0, b.p, b.n), 4);
	buf_add(out, buf_view(&b));
	buf_free(&b);
}

static bool body_read(struct view body, struct decision *ret)
{
	struct be_reader r = {.rest = body};
	struct decision x = {0};
	unsigned version = (unsigned)be_take_u(&r, 1);
	x.at_ms = (int64_t)be_take_u(&r, 8);
	x.ref = be_take_u(&r, 8);
	x.rcpt = (uint32_t)be_take_u(&r, 4);
	x.at = (enum decision_at)be_take_u(&r, 1);
	x.end = (enum decision_end)be_take_u(&r, 1);
	x.verdict.kind = (enum verdict_kind)be_take_u(&r, 1);
	x.verdict.rule = (enum rule)be_take_u(&r, 1);
	x.verdict.reason = (enum reason)be_take_u(&r, 1);
	x.verdict.level = (enum scope_level)be_take_u(&r, 1);
	x.verdict.shadow = be_take_u(&r, 1) & 1;
	x.verdict.seq = be_take_u(&r, 8);
	x.class = (enum mail_class)be_take_u(&r, 1);
	x.channel = (enum channel)be_take_u(&r, 1);
	struct view who = be_take(&r, sizeof x.who.b);
	if (who.p)
		memcpy(x.who.b, who.p, sizeof x.who.b);
	x.signals = (uint32_t)be_take_u(&r, 4);
	x.body = be_take_u(&r, 8);
	x.scope = be_take_view(&r, 1);
	x.client = be_take_view(&r, 1);
	x.campaign = be_take_view(&r, 1);
	*ret = x;
	return !r.bad && version >= VERSION && decision_at_word(x.at) && decision_end_word(x.end) && verdict_word(x.verdict.kind);
}

bool decision_take(struct view *rest, struct decision *ret)
{
	struct be_reader r = {.rest = *rest};
	size_t n = (size_t)be_take_u(&r, 2);
	uint32_t crc = (uint32_t)be_take_u(&r, 4);
	struct view body = be_take(&r, n);
	if (r.bad || !n || crc32c(0, body.p, body.n) != crc || !body_read(body, ret))
		return false;
	*rest = r.rest;
	return true;
}

static const char *const places[] = {
    [DECIDED_AT_RCPT] = "rcpt",
    [DECIDED_AT_DATA] = "data",
    [DECIDED_AT_DELIVERY] = "delivery",
};

const char *decision_at_word(enum decision_at a)
{
	return a < sizeof places / sizeof *places ? places[a] : NULL;
}

static const char *const ends[] = {
    [END_ACCEPTED] = "accepted",
    [END_REFUSED] = "refused",
    [END_DROPPED] = "dropped",
    [END_HELD] = "held",
    [END_DEFERRED] = "deferred",
    [END_SUPPRESSED] = "suppressed",
    [END_DELIVERED] = "delivered",
    [END_FAILED] = "failed",
};

const char *decision_end_word(enum decision_end e)
{
	return e < sizeof ends / sizeof *ends ? ends[e] : NULL;
}
