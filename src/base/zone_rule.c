#include "zone_rule.h"

#include "calendar.h"

#define DAY_S   86400
#define HOUR_S  3600
#define HOURS_MOST 167 /* of a change's time, RFC 8536 3.3.1 */

/* ---- reading:   std offset [ dst [offset] , begins [/time] , ends [/time] ] ---- */

static bool take_char(struct view *in, char c)
{
	bool there = in->n && in->p[0] == c;
	if (there)
		*in = view_sub(*in, 1, in->n);
	return there;
}

static bool take_number(struct view *in, int most, int *ret)
{
	size_t n = 0;
	int v = 0;
	while (n < in->n && n < 4 && ascii_is_digit(in->p[n]))
		v = 10 * v + (in->p[n++] - '0');
	*in = view_sub(*in, n, in->n);
	*ret = v;
	return n && v <= most;
}

/* 3 letters at least, or anything in angle brackets. */
static bool take_name(struct view *in)
{
	size_t n = 0;
	if (take_char(in, '<')) {
		n = view_find(*in, 0, '>');
		bool good = n && n < in->n;
		*in = view_sub(*in, n + 1, in->n);
		return good;
	}
	while (n < in->n && ascii_is_alpha(in->p[n]))
		n++;
	*in = view_sub(*in, n, in->n);
	return n >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct view *in, int32_t *ret)
{
	int hours, minutes = 0, seconds = 0;
	bool minus = take_char(in, '-');
	if (!minus)
		take_char(in, '+');
	if (!take_number(in, HOURS_MOST, &hours))
		return false;
	if (take_char(in, ':') && (!take_number(in, 59, &minutes) || (take_char(in, ':') && !take_number(in, 59, &seconds))))
		return false;
	*ret = (hours * HOUR_S + minutes * 60 + seconds) * (minus ? -1 : 1);
	return true;
}

static bool take_day(struct view *in, struct zone_change *c)
{
	if (take_char(in, 'M')) {
		c->form = ZONE_DAY_WEEKDAY;
		return take_number(in, 12, &c->month) && c->month && take_char(in, '.') && take_number(in, 5, &c->week) && c->week && take_char(in, '.') &&
		       take_number(in, 6, &c->day);
	}
	c->form = take_char(in, 'J') ? ZONE_DAY_JULIAN : ZONE_DAY_ZERO;
	return take_number(in, 365, &c->day) && (c->form == ZONE_DAY_ZERO || c->day);
}

static bool take_change(struct view *in, struct zone_change *c)
{
	c->at_s = 2 * HOUR_S;
	return take_char(in, ',') && take_day(in, c) && (!take_char(in, '/') || take_time(in, &c->at_s));
}

bool zone_rule_parse(struct view text, struct zone_rule *ret)
{
	struct zone_rule r = {0};
	int32_t west;
	if (!take_name(&text) || !take_time(&text, &west))
		return false;
	r.standard_s = -west; /* POSIX counts to the west */
	if (text.n) {
		r.has_summer = true;
		r.summer_s = r.standard_s + HOUR_S;
		if (!take_name(&text))
			return false;
		if (text.n && text.p[0] != ',') {
			if (!take_time(&text, &west))
				return false;
			r.summer_s = -west;
		}
		if (!take_change(&text, &r.begins) || !take_change(&text, &r.ends))
			return false;
	}
	*ret = r;
	return text.n == 0;
}

/* ---- when ---- */

static int64_t weekday_of(const struct zone_change *c, int64_t year)
{
	int64_t first = calendar_days((struct date){.year = year, .month = c->month, .day = 1});
	int of_first = (int)(((first + 4) % 7 + 7) % 7); /* 1 January 1970 was a Thursday */
	int day = (c->day - of_first + 7) % 7 + 7 * (c->week - 1);
	int last = calendar_last_day(year, c->month);
	return first + (day < last ? day : day - 7);
}

static int64_t local_day(const struct zone_change *c, int64_t year)
{
	int64_t january = calendar_days((struct date){.year = year, .month = 1, .day = 1});
	bool leap = calendar_last_day(year, 2) == 29;
	if (c->form == ZONE_DAY_WEEKDAY)
		return weekday_of(c, year);
	return january + (c->form == ZONE_DAY_ZERO ? c->day : c->day - 1 + (leap && c->day > 59));
}

int32_t zone_rule_offset(const struct zone_rule *r, int64_t utc_s)
{
	if (!r->has_summer)
		return r->standard_s;
	int64_t year = calendar_date(floor_div(utc_s + r->standard_s, DAY_S)).year;
	int64_t begins = local_day(&r->begins, year) * DAY_S + r->begins.at_s - r->standard_s;
	int64_t ends = local_day(&r->ends, year) * DAY_S + r->ends.at_s - r->summer_s;
	bool summer = begins < ends ? utc_s >= begins && utc_s < ends : utc_s >= begins || utc_s < ends;
	return summer ? r->summer_s : r->standard_s;
}
