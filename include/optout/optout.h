/* What an opt-out changes: token -> changes for the ledger. Knows nothing of how the wish arrived. */
#pragma once

#include "optout/token.h"
#include "policy/policy.h"

enum optout_reach { OPTOUT_TOPIC, OPTOUT_STREAM, OPTOUT_BRAND };

struct optout_request {
	struct token token;
	enum optout_reach reach;     /* a one-click takes what the mail was: its topic if it had one, else its stream (OPTOUT_TOPIC) */
	struct view source;          /* "one-click", "page", "mailto" */
	struct view evidence;        /* "ip=... agent=..." */
	int64_t event_ms;
};

/* What a token's ids mean to the policy of today: any may be NULL. */
struct optout_subject {
	const struct brand *brand;
	const struct stream *stream;
	const struct topic *topic;
};
struct optout_subject optout_subject(const struct policy *policy, const struct token *t);

#define OPTOUT_CHANGES 3
/* Fills up to OPTOUT_CHANGES changes and says how many: the suppression (reason unsubscribe), the withdrawal of consent for the same scope, and,
 * when the reach is wider than the mail was, the withdrawal for the mail's own scope. POLICY gives the scopes their names; a stream that no longer
 * exists still opts out by its id (its scope has no name then). A reach whose id can't be known (an address token of a topic that
 * no longer exists) becomes the widest that can. Views point into R. */
size_t optout_changes(const struct policy *policy, const struct optout_request *r, struct change *changes);
