/* How fast something may go, as one number: the time at which the next would be due if all came evenly (GCRA, the token
 * bucket without the bucket). Pure: the caller brings the time. */
#pragma once

#include "delivery/route.h"

struct pace {
	int64_t due_us;
};

/* 0: one may go now. Else for how long not. BURST: how many may go at once after a pause; 0 = those of a second. */
int64_t pace_wait_us(const struct pace *p, const struct rate *r, unsigned burst, int64_t now_us);
/* One goes. */
void pace_spend(struct pace *p, const struct rate *r, int64_t now_us);
