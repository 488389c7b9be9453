/* Local time of a place, from the system's time zone files (TZif, RFC 8536), daylight saving time included. libc knows one zone a process. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/view.h"

#define ZONE_FILE_MAX (64u << 10)

struct zone;
/* NAME: "Europe/London". ERR_MISSING when the system has no such zone, ERR_SYNTAX when that can be none. */
int zone_load(struct zone **ret, struct view name, struct err *err) MUST_CHECK;
/* Pure: BYTES are the file's. ERR_CORRUPT when they are not. */
int zone_parse(struct zone **ret, struct view bytes, struct err *err) MUST_CHECK;
void zone_free(struct zone **z); /* accepts NULL */

/* Seconds east of UTC at UTC_S (since 1970). */
int32_t zone_offset(const struct zone *z, int64_t utc_s);
