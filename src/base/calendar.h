/* Days since 1970 of the proleptic Gregorian calendar. */
#pragma once

#include <stdint.h>

struct date {
	int64_t year;
	int month, day; /* 1 to 12, 1 to 31 */
};
int64_t calendar_days(struct date d);
struct date calendar_date(int64_t days);
int calendar_last_day(int64_t year, int month);
int64_t floor_div(int64_t a, int64_t b); /* towards minus infinity */
