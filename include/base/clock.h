/* Time comes from outside: rooms are handed a clock, tests hand them a fake one. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

struct clock {
	int64_t (*wall_ms)(const struct clock *); /* since 1970, UTC; may jump */
	int64_t (*mono_ms)(const struct clock *); /* since any moment; never goes back */
};

extern const struct clock clock_system;

static inline int64_t clock_wall(const struct clock *c)
{
	return c->wall_ms(c);
}
static inline int64_t clock_mono(const struct clock *c)
{
	return c->mono_ms(c);
}

#define TIME_TEXT 25 /* "2026-11-24T02:06:00.000Z" and the NUL */

/* RFC 3339, UTC, milliseconds. Times outside years 0 to 9999 give "-". */
void time_text(int64_t wall_ms, char dst[TIME_TEXT]);
/* The same day of the month and time of day so many calendar months later, UTC; the month's last day where it has no such day. Takes no lock. */
int64_t time_months_later(int64_t wall_ms, unsigned months);
/* RFC 3339 date, or date-time with Z or an offset, whole string. */
bool time_parse(const char *text, size_t n, int64_t *ret_wall_ms);
/* A duration with a unit: 250ms 30s 5m 4h 7d; a bare number means seconds. */
bool duration_parse(const char *text, size_t n, int64_t *ret_ms);
/* "4h", "90s", "250ms": the largest unit that divides it. */
void duration_text(int64_t ms, char dst[24]);
