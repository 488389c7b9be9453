/* "Fewer mails": a person's own wish of how many marketing mails they want of a brand at most, on one channel.
 *
 *   struct change c = {.kind = CHANGE_CAP, .channel, .who, .scope = the brand's (or global: of all brands), .actor = ACTOR_RECIPIENT, ...};
 *   cap_evidence(2, 8, text);  c.evidence = view_of(text);     2 in any 7 days, 8 in any 30 days; 0 = no limit of that kind
 *
 * What the person says counts, latest word first: less, more, or (CHANGE_UNCAP) no limit at all. Others may ask for it on the person's behalf:
 * that only ever lowers a limit, and an UNCAP of theirs is refused. What happened before the person's latest word changes nothing, so neither
 * a restore nor an import brings back what they have taken back. It stays, without its words, when the person is erased. */
#pragma once

#include "ledger/ledger.h"

#define CAP_MOST     1000
#define CAP_EVIDENCE 40

struct cap {
	unsigned week, month; /* 0 = none */
	int64_t event_ms;     /* of what set it */
	int64_t own_ms;       /* of the person's latest word; 0 = somebody else has asked for it */
	uint64_t seq;         /* 0: nothing was ever said */
	char source[SOURCE_MAX + 1];
	char actor[ACTOR_MAX + 1];
};

/* "week=2 month=8". */
void cap_evidence(unsigned week, unsigned month, char dst[CAP_EVIDENCE]);
/* The lower of two limits; 0 is none. */
unsigned cap_lower(unsigned a, unsigned b);

/* What stands at exactly this scope; all zero: nothing. ERR_CORRUPT when it can't be read. */
int ledger_cap(struct ledger *l, const struct person_key *who, const struct scope *scope, struct cap *ret, struct err *err) MUST_CHECK;
