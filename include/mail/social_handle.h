/* Names on social networks in canonical form, "NETWORK:HANDLE": the only form that is compared, keyed and stored.
 *
 *   "X:@Ann", "twitter:ann", "https://www.twitter.com/Ann/"  ─▶  "x:ann"
 *
 * Lower case (the networks take a handle's case for nothing), without "@" before it. Networks of several names have one; of those that are
 * known, the address of a profile is understood. Any other network is taken by the name it is given. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define SOCIAL_NETWORK_MAX 20
#define SOCIAL_HANDLE_MAX  120
#define SOCIAL_TEXT        (SOCIAL_NETWORK_MAX + 1 + SOCIAL_HANDLE_MAX + 1)

/* NETWORK: a-z 0-9, HANDLE: a-z 0-9 . _ -, and behind one "@" a server ("mastodon:ann@example.social"). ERR_SYNTAX. */
int social_handle_parse(struct view text, char dst[SOCIAL_TEXT], struct err *err) MUST_CHECK;
