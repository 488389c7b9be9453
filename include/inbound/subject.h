/* Whose report it is, and what it changes. Our own token says whose; an address in the report is weaker evidence, which
 * changes nothing unless the settings say so. Pure but for the count of soft days, which is the caller's. */
#pragma once

#include "inbound/classify.h"
#include "optout/optout.h"

enum evidence { EVIDENCE_NONE, EVIDENCE_ADDRESS, EVIDENCE_COPY, EVIDENCE_RCPT };
const char *evidence_word(enum evidence e); /* "none", "address", "copy", "token" */

struct subject {
	enum evidence evidence;
	struct token token; /* with EVIDENCE_COPY and EVIDENCE_RCPT */
	struct person_key who;
	struct view address; /* canonical, when the report names the same person; else empty */
	const struct report_recipient
	    *said; /* what the report says of this person; NULL when it speaks of others only */
};

/* OURS: the token that the report was sent to, NULL when it was sent to an address without one. */
void subject_find(const struct token_keys *keys, const struct ledger *l, const struct token *ours,
    const struct report *r, struct subject *ret);
/* The first token of ours in TEXT, as a local part ("b+...", "u+..." or "c+...") or a link ("/u/..."). */
bool token_in(const struct token_keys *keys, struct view text, struct token *ret);

enum reaction { REACT_NOTHING, REACT_ALERT, REACT_COUNT, REACT_BOUNCE, REACT_COMPLAINT, REACT_OPTOUT };
const char *reaction_word(enum reaction r);
/* WAS_OPTOUT: the report came to a mailto opt-out address. */
enum reaction subject_react(const struct subject *s, const struct report *r, bool was_optout, bool trusts_addresses);
