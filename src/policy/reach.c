/* The matrix: which reason reaches which class of mail, and which reason wins. Promise 8 in one table. */
#include "policy_internal.h"

#define M (1u << CLASS_MARKETING)
#define S (1u << CLASS_SERVICE)
#define L (1u << CLASS_LEGAL)

/* How far a row reaches beyond its class: its scope (global, brand, stream, topic) and everything below. A complaint or an objection speaks
 * for the whole brand, so those who record one record it at the brand's scope or globally. */
static const struct reach {
	unsigned classes;
	unsigned loose; /* of these, what a brand's settings may let pass: what no recipient and no law has said */
	int strength;
	bool lifted; /* by an allow row: nobody has said it who has a say in it */
	const char *blocks, *passes;
} reaches[] = {
	[REASON_OBJECTION] = {M, 0, 8, false, "an objection stops all marketing",
	"an objection to marketing does not reach this class of mail"},
	[REASON_ERASURE] = {M, 0, 7, false, "an erased person gets no marketing", "an erasure does not reach this class of mail"},
	[REASON_COMPLAINT] = {M, 0, 6, false, "a complaint stops all marketing", "a complaint does not reach this class of mail"},
	[REASON_UNSUBSCRIBE] = {M, 0, 5, false, "unsubscribed", "leaving marketing does not reach this class of mail"},
	[REASON_LEGAL] = {M | S, 0, 4, false, "stopped for a legal reason", "a legal stop lets legal notices pass"},
	[REASON_BOUNCE] = {M | S | L, L, 3, true, "the address can't be reached", "a bounce reaches every class of mail"},
	[REASON_REGISTER] = {M, 0, 2, false, "the register says no marketing on this channel",
	"a register does not reach this class of mail"},
	[REASON_MANUAL] = {M, M, 1, true, "stopped by hand", "a stop by hand does not reach this class of mail"},
};

#define REASONS (sizeof reaches / sizeof *reaches)

bool brand_reaches(const struct brand *b, enum reason r, enum scope_level level, enum mail_class c)
{
	/* What is not in the table was written by a newer version: it blocks. */
	if (r >= REASONS || level > SCOPE_TOPIC)
		return true;
	const struct reach_change *change = &b->reach[r][level];
	return ((reaches[r].classes & ~(change->narrower & reaches[r].loose)) | change->wider) & 1u << c;
}

bool reach_is_changed(const struct brand *b, enum reason r, enum scope_level level, enum mail_class c)
{
	return r < REASONS && brand_reaches(b, r, level, c) != !!(reaches[r].classes & 1u << c);
}

const char *reach_firm_why(enum reason r, enum mail_class c)
{
	if (r >= REASONS || reaches[r].loose & 1u << c || !(reaches[r].classes & 1u << c))
		return NULL;
	return r == REASON_BOUNCE   ? "mail of this class can't be delivered there"
	       : r == REASON_LEGAL    ? "a legal stop is nobody's to lift by settings"
	       : r == REASON_REGISTER ? "the law says so where there is a register"
	                              : "the recipient has said so";
}

/* What the recipient has said for good, and what cannot arrive: no trial of settings may touch that. What is not in the table was written
 * by a newer version: it blocks. */
bool reason_is_firm(enum reason r)
{
	return r == REASON_OBJECTION || r == REASON_COMPLAINT || r == REASON_BOUNCE || r >= REASONS;
}

int reason_strength(enum reason r)
{
	return r < REASONS ? reaches[r].strength : 0;
}

bool reason_is_lifted(enum reason r)
{
	return r < REASONS && reaches[r].lifted;
}

const char *reason_why(enum reason r, bool blocks)
{
	if (r >= REASONS)
		return "a reason that this version does not know";
	return blocks ? reaches[r].blocks : reaches[r].passes;
}

bool scope_reaches(const struct question *q, enum scope_level level, const uint8_t id[SCOPE_ID_BYTES])
{
	const struct scope *const asked[] = {
		[SCOPE_BRAND] = &q->stream->brand->scope,
		[SCOPE_STREAM] = &q->stream->scope,
		[SCOPE_TOPIC] = q->topic ? &q->topic->scope : NULL,
	};
	if (level == SCOPE_GLOBAL)
		return true;
	return level <= SCOPE_TOPIC && asked[level] && memcmp(asked[level]->id, id, SCOPE_ID_BYTES) == 0;
}
