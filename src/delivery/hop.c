#include "hop.h"

#include "retry.h"

bool hop_may_open(const struct hop_state *h, unsigned limit, int64_t now_ms)
{
	if (h->down)
		return !h->probing && now_ms >= h->probe_at_ms;
	if (h->cap && now_ms < h->cap_until_ms && h->cap < limit)
		limit = h->cap;
	return h->active < limit;
}

void hop_opened(struct hop_state *h)
{
	h->active++;
	h->probing = h->down;
}

void hop_closed(struct hop_state *h, bool answered)
{
	h->active--;
	h->answering -= answered;
	if (h->active == 0)
		h->probing = false;
}

bool hop_worked(struct hop_state *h, bool first)
{
	bool was_down = h->down;
	h->answering += first;
	h->strikes = 0;
	h->down = h->probing = false;
	h->backoff_ms = 0;
	return was_down;
}

static bool set_down(struct hop_state *h, int64_t now_ms, uint32_t random)
{
	bool news = !h->down;
	if (!news && !h->probing && now_ms < h->probe_at_ms)
		return false; /* others that were on their way when it went down */
	h->backoff_ms = h->backoff_ms ? 2 * h->backoff_ms : HOP_PROBE_FIRST_MS;
	if (h->backoff_ms > HOP_PROBE_MAX_MS)
		h->backoff_ms = HOP_PROBE_MAX_MS;
	h->probe_at_ms = now_ms + retry_delay(h->backoff_ms, HOP_PROBE_MAX_MS, 0, random);
	h->down = true;
	h->probing = false;
	h->addresses_until_ms = 0;
	return news;
}

bool hop_failed(struct hop_state *h, const struct reply *reply, enum session_stage stage, int64_t now_ms,
    uint32_t random)
{
	/* One connection too many, while the others work: fewer then. */
	if (!h->down && stage == STAGE_HELLO && reply->code >= 400 && reply->code <= 499 && h->answering > 0) {
		bool news = h->cap != h->answering;
		h->cap = h->answering;
		h->cap_until_ms = now_ms + HOP_CAP_KEEP_MS;
		return news;
	}
	return set_down(h, now_ms, random);
}

bool hop_broke(struct hop_state *h, int64_t now_ms, uint32_t random)
{
	if (++h->strikes < HOP_STRIKES)
		return false;
	h->strikes = 0;
	return set_down(h, now_ms, random);
}
