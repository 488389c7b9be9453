/* When to try again. Pure: the caller brings the time and the dice. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* FIRST, doubled for each attempt made already, at most MAX; spread by a quarter to either side with RANDOM (all 32 bits). */
int64_t retry_delay(int64_t first_ms, int64_t max_ms, uint32_t attempts, uint32_t random);

/* The hop said when ("try again in"): then, and up to an eighth later, but not within FIRST. */
int64_t retry_delay_hinted(int64_t hint_ms, int64_t first_ms, uint32_t random);

/* After an attempt that doesn't count. A quarter of the item's age, between RETRY_UNCOUNTED_MIN_MS and MAX: without a
 * counter it still gets rarer, so that a message that kills every connection can't keep a hop busy. */
#define RETRY_UNCOUNTED_MIN_MS 2000
int64_t retry_delay_uncounted(int64_t age_ms, int64_t max_ms, uint32_t random);

/* True when the item is older than EXPIRE (0 = never expires). A clock that went back makes nothing old. */
bool retry_expired(int64_t arrived_ms, int64_t expire_ms, int64_t now_ms);
