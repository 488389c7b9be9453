/* "Try again in 5 minutes": what a refusal says about when. */
#pragma once

#include "base/view.h"

#define HINT_MAX_MS 86400000 /* nobody is believed beyond a day */

/* Pure. The duration behind words such as "try again in", "retry after", "greylisted for", "wait": a number with a unit (seconds without
 * one), or H:MM:SS. False when the text names none. */
bool retry_hint(struct view text, int64_t *ret_ms);
