#include "pace.h"

static int64_t interval_us(const struct rate *r)
{
	return (r->per_ms * 1000 + r->count - 1) / r->count; /* never faster */
}

static int64_t slack_us(const struct rate *r, unsigned burst)
{
	int64_t each = interval_us(r);
	if (burst == 0) /* evenly, but not with a wake-up for each of thousands in a second */
		burst = each < 1000000 && each > 0 ? (unsigned)(1000000 / each) : 1;
	return (int64_t)(burst - 1) * each;
}

int64_t pace_wait_us(const struct pace *p, const struct rate *r, unsigned burst, int64_t now_us)
{
	if (!r->count)
		return 0;
	int64_t slack = slack_us(r, burst), most = slack + interval_us(r);
	int64_t wait = p->due_us - slack - now_us;
	if (p->due_us - now_us > most) /* the rate was raised since */
		wait = interval_us(r);
	return wait > 0 ? wait : 0;
}

void pace_spend(struct pace *p, const struct rate *r, int64_t now_us)
{
	if (!r->count)
		return;
	if (p->due_us < now_us)
		p->due_us = now_us;
	p->due_us += interval_us(r);
}
