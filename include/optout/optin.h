/* What a fresh sign-up changes: consents for what was ticked, and the end of what the person had said against just that.
 *
 * An unsubscribe that is wider than what was ticked is narrowed, not lifted: it goes, and in the same transaction it is said anew, with its
 * time and its end, for every other marketing stream and topic below it; the withdrawal that goes with it stands at its own scope, for
 * those that come later (an unsubscribe without one, as from an import, stays whole where a withdrawal would stop mail of another class).
 * One that is narrower than what was ticked stays. Bounces, complaints, objections, registers, stops by hand and erasures stay: a sign-up
 * doesn't speak of them. Pure. */
#pragma once

#include "policy/policy.h"

struct optin {
	const struct policy *policy;
	const struct record *record;        /* what is said of the person now */
	const struct scope *const *purposes; /* streams or topics that were ticked */
	unsigned purpose_count;
	struct change grant;                /* .channel, .who, .event_ms, .source, .actor and what the consent must prove; scope and kind are set here */
	struct view note;                   /* why an unsubscribe goes */
};

/* Fills up to MAX changes and says how many. MAX must hold the grants; an unsubscribe whose narrowing doesn't fit behind them stays whole. Views
 * point into what O points to. */
size_t optin_changes(const struct optin *o, struct change *changes, size_t max);

/* Did the person opt out of what was ticked, or take their consent back, after ASKED_MS? Then that wish is no longer theirs. */
bool optin_is_stale(const struct optin *o, int64_t asked_ms);
