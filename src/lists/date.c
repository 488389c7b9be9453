/* Dates as vendors write them. */
#include "lists/format.h"
#include "mail/date.h"

#define TEXT_MAX 40

static int64_t epoch(struct view v)
{
	uint64_t n;
	if (!view_u64(v, 99999999999999, &n) || v.n < 9)
		return 0;
	return v.n > 11 ? (int64_t)n : (int64_t)n * 1000;
}

/* "2016-03-16 14:40:47" and "2019-12-17 08:58:33 UTC" are RFC 3339 but for a letter or two. */
static int64_t nearly_3339(struct view v)
{
	char text[TEXT_MAX];
	int64_t ms;
	if (view_iends(v, V(" UTC")))
		v.n -= 4;
	if (v.n < 10 || !view_str(v, text, sizeof text - 1))
		return 0;
	size_t n = v.n;
	if (n > 10 && text[10] == ' ')
		text[10] = 'T';
	if (time_parse(text, n, &ms))
		return ms;
	text[n] = 'Z';
	return n > 10 && time_parse(text, n + 1, &ms) ? ms : 0;
}

int64_t list_date(struct view text)
{
	struct view v = view_trim(text);
	int64_t ms = epoch(v);
	if (!ms)
		ms = nearly_3339(v);
	if (!ms && v.n && !mail_date_parse(v, &ms))
		ms = 0;
	return ms > 0 ? ms : 0;
}
