#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/view.h"

static int64_t read_clock(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t system_wall(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_MONOTONIC);
}

const struct clock clock_system = {system_wall, system_mono};

void time_text(int64_t wall_ms, char dst[TIME_TEXT])
{
	time_t s = (time_t)(wall_ms / 1000);
	int ms = (int)(wall_ms % 1000);
	if (ms < 0) {
		ms += 1000;
		s--;
	}
	struct tm tm;
	if (!gmtime_r(&s, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099) {
		memcpy(dst, "-", 2);
		return;
	}
	char whole[96];
	snprintf(whole, sizeof whole, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ms);
	memcpy(dst, whole, TIME_TEXT - 1);
	dst[TIME_TEXT - 1] = 0;
}

/* Exactly N digits at *AT, value in [lo, hi]. */
static bool digits(struct view v, size_t *at, size_t n, int lo, int hi, int *ret)
{
	uint64_t u;
	if (*at + n > v.n || !view_u64(view_n(v.p + *at, n), (uint64_t)hi, &u) || (int)u < lo)
		return false;
	*at += n;
	*ret = (int)u;
	return true;
}

static bool sign(struct view v, size_t *at, const char *set)
{
	if (*at >= v.n || !v.p[*at] || !strchr(set, v.p[*at]))
		return false;
	(*at)++;
	return true;
}

static bool parse_fraction(struct view v, size_t *at, int *ret_ms)
{
	int unit = 100, ms = 0;
	size_t from = *at;
	for (; *at < v.n && ascii_is_digit(v.p[*at]); (*at)++, unit /= 10)
		ms += (v.p[*at] - '0') * unit;
	*ret_ms = ms;
	return *at > from;
}

static bool parse_zone(struct view v, size_t *at, int *ret_minutes)
{
	*ret_minutes = 0;
	if (sign(v, at, "Zz"))
		return true;
	bool east = *at < v.n && v.p[*at] == '+';
	int h, m;
	if (!sign(v, at, "+-") || !digits(v, at, 2, 0, 23, &h) || !sign(v, at, ":") || !digits(v, at, 2, 0, 59, &m))
		return false;
	*ret_minutes = (h * 60 + m) * (east ? 1 : -1);
	return true;
}

bool time_parse(const char *text, size_t n, int64_t *ret_wall_ms)
{
	struct view v = view_n(text, n);
	struct tm tm = {0};
	size_t at = 0;
	int year, month, ms = 0, zone = 0;
	if (!digits(v, &at, 4, 0, 9999, &year) || !sign(v, &at, "-") || !digits(v, &at, 2, 1, 12, &month) ||
	    !sign(v, &at, "-") || !digits(v, &at, 2, 1, 31, &tm.tm_mday))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	if (at < v.n) {
		if (!sign(v, &at, "Tt ") || !digits(v, &at, 2, 0, 23, &tm.tm_hour) || !sign(v, &at, ":") ||
		    !digits(v, &at, 2, 0, 59, &tm.tm_min) || !sign(v, &at, ":") ||
		    !digits(v, &at, 2, 0, 60, &tm.tm_sec))
			return false;
		if (sign(v, &at, ".") && !parse_fraction(v, &at, &ms))
			return false;
		if (!parse_zone(v, &at, &zone))
			return false;
	}
	if (at != v.n)
		return false;
	int day = tm.tm_mday;
	time_t s = timegm(&tm);
	if (tm.tm_mday != day && tm.tm_sec != 60 && tm.tm_hour != 0)
		return false; /* 31 April */
	if (tm.tm_mon != month - 1 && at == 10)
		return false;
	*ret_wall_ms = ((int64_t)s - (int64_t)zone * 60) * 1000 + ms;
	return true;
}

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {{"w", 7 * 86400000ll}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

bool duration_parse(const char *text, size_t n, int64_t *ret_ms)
{
	struct view v = view_n(text, n);
	size_t at = 0;
	while (at < n && ascii_is_digit(text[at]))
		at++;
	uint64_t count;
	if (!view_u64(view_sub(v, 0, at), 1000000000000, &count))
		return false;
	struct view unit = view_sub(v, at, n);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (view_eq(unit, view_of(units[i].name)) || (unit.n == 0 && units[i].ms == 1000))
			return !__builtin_mul_overflow((int64_t)count, units[i].ms, ret_ms);
	return false;
}

void duration_text(int64_t ms, char dst[24])
{
	for (size_t i = 1; i < sizeof units / sizeof *units; i++)
		if (ms % units[i].ms == 0 && (ms || units[i].ms == 1000)) {
			snprintf(dst, 24, "%" PRId64 "%s", ms / units[i].ms, units[i].name);
			return;
		}
}
