/* What an opt-out changes: token -> changes for the ledger. Knows nothing of how the wish arrived. */
#pragma once

#include "optout/token.h"
#include "policy/policy.h"

enum optout_reach { OPTOUT_TOPIC, OPTOUT_STREAM, OPTOUT_BRAND };

struct optout_request {
	struct token token;
	enum optout_reach reach;     /* a one-click takes what the mail was: its topic if it had one, else its stream */
	struct view source;          /* "one-click", "page", "mailto" */
	struct view evidence;        /* "ip=... agent=..." */
	int64_t event_ms;
};

#define OPTOUT_CHANGES 3
/* Fills up to OPTOUT_CHANGES changes (a suppression and the withdrawal of the consent behind it) and says how many. POLICY gives the scopes their
 * names; a stream that no longer exists still opts out by its id. */
size_t optout_changes(const struct policy *policy, const struct optout_request *r, struct change *changes);
