/* RFC 5322 date-time. Written with our own names, never the locale's; read as mail software of forty years wrote it:
 *
 *     Tue, 24 Nov 2026 02:06:00 +0000 (UTC)      the standard's form; day name, seconds, zone may lack
 *     24-Nov-26 02:06 GMT                        RFC 822
 *     Tue Nov 24 02:06:00 [UTC] 2026             asctime
 */
#include "mail/date.h"

#include <stdio.h>
#include <time.h>

#include "lex.h"

static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
    "Dec"};
/* RFC 5322 4.3; other names mean an unknown zone, read as UTC. */
static const struct {
	const char *name;
	int minutes;
} zones[] = {{"EST", -300}, {"EDT", -240}, {"CST", -360}, {"CDT", -300}, {"MST", -420}, {"MDT", -360}, {"PST", -480},
    {"PDT", -420}, {"BST", 60}, {"CET", 60}, {"CEST", 120}, {"JST", 540}};

void mail_date(int64_t wall_ms, char dst[MAIL_DATE_TEXT])
{
	time_t s = (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0));
	struct tm t;
	dst[0] = 0;
	if (!gmtime_r(&s, &t) || t.tm_year < 0 || t.tm_year > 8099)
		gmtime_r(&(time_t){0}, &t);
	snprintf(dst, MAIL_DATE_TEXT, "%s, %02u %s %04u %02u:%02u:%02u +0000", day_names[t.tm_wday],
	    (unsigned)t.tm_mday % 100, month_names[t.tm_mon], (unsigned)(t.tm_year + 1900) % 10000, (unsigned)t.tm_hour % 100,
	    (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100);
}

static bool is_name(char c)
{
	return ascii_is_alpha(c);
}

/* Blanks, comments and commas; the dashes of 24-Nov-2026 where DASHES says so. */
static void skip_gaps(struct view *v, bool dashes)
{
	size_t at = lex_skip_cfws(*v, 0);
	while (at < v->n && (v->p[at] == ',' || (dashes && v->p[at] == '-')))
		at = lex_skip_cfws(*v, at + 1);
	*v = view_sub(*v, at, v->n);
}

/* A run of digits or of letters; empty when there is none. */
static struct view take_run(struct view *v, bool (*is)(char))
{
	size_t n = 0;
	while (n < v->n && is(v->p[n]))
		n++;
	struct view run = view_sub(*v, 0, n);
	*v = view_sub(*v, n, v->n);
	return run;
}

/* Index of the name that the first three letters say, -1 when none. */
static int name_index(struct view word, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (view_istarts(word, view_of(names[i])))
			return i;
	return -1;
}

static bool take_number(struct view *v, uint64_t max, int *ret)
{
	uint64_t n;
	skip_gaps(v, false);
	if (!view_u64(take_run(v, ascii_is_digit), max, &n))
		return false;
	*ret = (int)n;
	return true;
}

static bool take_month(struct view *v, struct tm *t)
{
	skip_gaps(v, true);
	t->tm_mon = name_index(take_run(v, is_name), month_names, 12);
	return t->tm_mon >= 0;
}

/* Two digits: 1950 to 2049; three: from 1900 (RFC 5322 4.3). */
static bool take_year(struct view *v, struct tm *t)
{
	uint64_t y;
	skip_gaps(v, true);
	struct view digits = take_run(v, ascii_is_digit);
	if (digits.n < 2 || !view_u64(digits, 9999, &y))
		return false;
	if (digits.n == 2)
		y += y < 50 ? 2000 : 1900;
	else if (digits.n == 3)
		y += 1900;
	t->tm_year = (int)y - 1900;
	return true;
}

static bool take_colon(struct view *v)
{
	skip_gaps(v, false);
	if (!v->n || v->p[0] != ':')
		return false;
	*v = view_sub(*v, 1, v->n);
	return true;
}

static bool take_time(struct view *v, struct tm *t)
{
	if (!take_number(v, 23, &t->tm_hour) || !take_colon(v) || !take_number(v, 59, &t->tm_min))
		return false;
	return !take_colon(v) || take_number(v, 60, &t->tm_sec);
}

static bool take_offset(struct view *v, int *ret_minutes)
{
	uint64_t n;
	int sign = v->p[0] == '-' ? -1 : 1;
	*v = view_sub(*v, 1, v->n);
	struct view digits = take_run(v, ascii_is_digit);
	if (digits.n != 4 || !view_u64(digits, 9959, &n) || n % 100 > 59)
		return false;
	*ret_minutes = sign * (int)(n / 100 * 60 + n % 100);
	return true;
}

static bool take_zone(struct view *v, int *ret_minutes)
{
	skip_gaps(v, false);
	if (v->n && (v->p[0] == '+' || v->p[0] == '-'))
		return take_offset(v, ret_minutes);
	struct view name = take_run(v, is_name);
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
		if (view_ieq(name, view_of(zones[i].name)))
			*ret_minutes = zones[i].minutes;
	return true;
}

static bool take_all(struct view *v, struct tm *t, int *ret_zone)
{
	skip_gaps(v, false);
	struct view rest = *v;
	struct view word = take_run(&rest, is_name);
	if (name_index(word, day_names, 7) >= 0) {
		*v = rest;
		skip_gaps(v, false);
	}
	if (v->n && is_name(v->p[0]))
		return take_month(v, t) && take_number(v, 31, &t->tm_mday) && take_time(v, t) && take_zone(v, ret_zone)
		    && take_year(v, t) && (*ret_zone || take_zone(v, ret_zone));
	return take_number(v, 31, &t->tm_mday) && take_month(v, t) && take_year(v, t) && take_time(v, t)
	    && take_zone(v, ret_zone);
}

static bool day_exists(const struct tm *t)
{
	struct tm day = {.tm_year = t->tm_year, .tm_mon = t->tm_mon, .tm_mday = t->tm_mday};
	timegm(&day); /* makes 31 April 1 May */
	return day.tm_mday == t->tm_mday;
}

bool mail_date_parse(struct view text, int64_t *ret_wall_ms)
{
	struct tm t = {0};
	int zone = 0;
	if (!take_all(&text, &t, &zone))
		return false;
	if (!day_exists(&t))
		return false;
	*ret_wall_ms = ((int64_t)timegm(&t) - zone * 60) * 1000;
	return true;
}
