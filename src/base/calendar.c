/* Calendar months, by days since 1970 of the proleptic Gregorian calendar. No libc: its time zone functions take a lock that every verdict
 * would wait for. The year begins in March here, so that a leap day is its last. */
#include "calendar.h"

#include "base/clock.h"

#define DAY_MS INT64_C(86400000)
#define DAYS_OF_400_YEARS 146097
#define EPOCH 719468 /* days from 1 March of year 0 to 1 January 1970 */

int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t calendar_days(struct date d)
{
	int64_t year = d.year - (d.month <= 2), era = floor_div(year, 400), of_era = year - era * 400;
	int64_t of_year = (153 * (d.month + (d.month > 2 ? -3 : 9)) + 2) / 5 + d.day - 1;
	return era * DAYS_OF_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH;
}

struct date calendar_date(int64_t days)
{
	days += EPOCH;
	int64_t era = floor_div(days, DAYS_OF_400_YEARS), n = days - era * DAYS_OF_400_YEARS;
	int64_t year = (n - n / 1460 + n / 36524 - n / 146096) / 365, of_year = n - (365 * year + year / 4 - year / 100);
	int march = (int)((5 * of_year + 2) / 153);
	struct date d = {.month = march < 10 ? march + 3 : march - 9, .day = (int)(of_year - (153 * march + 2) / 5 + 1)};
	d.year = year + era * 400 + (d.month <= 2);
	return d;
}

int calendar_last_day(int64_t year, int month)
{
	struct date next = {.year = month == 12 ? year + 1 : year, .month = month == 12 ? 1 : month + 1, .day = 1};
	return calendar_date(calendar_days(next) - 1).day;
}

int64_t time_months_later(int64_t wall_ms, unsigned months)
{
	int64_t days = floor_div(wall_ms, DAY_MS);
	struct date d = calendar_date(days);
	int64_t count = d.year * 12 + d.month - 1 + months;
	d.year = floor_div(count, 12);
	d.month = (int)(count - d.year * 12) + 1;
	int last = calendar_last_day(d.year, d.month);
	if (d.day > last)
		d.day = last;
	return calendar_days(d) * DAY_MS + wall_ms - days * DAY_MS;
}
