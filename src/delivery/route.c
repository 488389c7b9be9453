#include "delivery/route.h"

#include <stdlib.h>

#include "base/clock.h"

#define DAY_MS        86400000
#define COUNT_MAX     1000000000
#define PER_SECOND_MAX 1000000

static bool stream_fits(struct view row, struct view stream)
{
	return view_starts(stream, row) && (stream.n == row.n || stream.p[row.n] == '/');
}

static bool domain_fits(struct view row, struct view domain)
{
	if (!view_starts(row, V("*.")))
		return view_ieq(row, domain);
	struct view tail = view_sub(row, 1, row.n);
	return domain.n > tail.n && view_iends(domain, tail);
}

static bool any_fits(char *const *rows, unsigned n, struct view what, bool (*fits)(struct view, struct view))
{
	for (unsigned i = 0; i < n; i++)
		if (fits(view_of(rows[i]), what))
			return true;
	return n == 0;
}

bool mail_matches(const struct mail_match *m, struct view stream, struct view domain)
{
	return any_fits(m->streams, m->stream_count, stream, stream_fits) &&
	       any_fits(m->domains, m->domain_count, domain, domain_fits);
}

void mail_match_free(struct mail_match *m)
{
	for (unsigned i = 0; i < m->stream_count; i++)
		free(m->streams[i]);
	for (unsigned i = 0; i < m->domain_count; i++)
		free(m->domains[i]);
	free(m->streams);
	free(m->domains);
	*m = (struct mail_match){0};
}

bool rate_parse(struct view text, struct rate *ret)
{
	struct view count;
	uint64_t n;
	int64_t per;
	char unit[24];
	if (view_find(text, 0, '/') == text.n || !view_cut(&text, '/', &count) || !view_u64(count, COUNT_MAX, &n))
		return false;
	size_t at = text.n && ascii_is_digit(text.p[0]) ? 0 : 1;
	unit[0] = '1';
	if (text.n == 0 || !view_str(text, unit + at, sizeof unit - at) || ascii_is_digit(text.p[text.n - 1]))
		return false;
	if (!duration_parse(unit, strlen(unit), &per) || per < 1 || per > DAY_MS)
		return false;
	if (n == 0 || n * 1000 > (uint64_t)PER_SECOND_MAX * (uint64_t)per)
		return false;
	*ret = (struct rate){(uint32_t)n, per};
	return true;
}

const struct rate *throttle_rate(const struct throttle *t, int64_t now_ms)
{
	if (!t->warm_up_days)
		return &t->rate;
	int64_t day = now_ms < t->warm_up_from_ms ? 0 : (now_ms - t->warm_up_from_ms) / DAY_MS;
	return day < t->warm_up_days ? &t->warm_up[day] : &t->rate;
}
