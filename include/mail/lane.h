/* The name of a spool lane: mail that is sent alike, so that what stands in one line may be held, throttled and routed by name.
 *
 *   acme/offers@example.com [SP client [SP campaign]]
 *
 * The campaign comes last and may hold blanks. Lanes of before had neither. */
#pragma once

#include "base/buf.h"

struct mail_lane {
	struct view stream;           /* "acme/offers" */
	struct view domain;           /* of the recipient */
	struct view client, campaign; /* may be empty */
};

void mail_lane_write(const struct mail_lane *l, struct buf *out);
/* Views into NAME. Never fails: what isn't there is empty. */
void mail_lane_read(struct view name, struct mail_lane *ret);
