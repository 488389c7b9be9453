#include "retry.h"

static int64_t spread(int64_t ms, uint32_t random)
{
	int64_t quarter = ms / 4;
	return ms - quarter + (int64_t)(((uint64_t)(2 * quarter + 1) * random) >> 32);
}

int64_t retry_delay(int64_t first_ms, int64_t max_ms, uint32_t attempts, uint32_t random)
{
	int64_t ms = first_ms > 0 ? first_ms : 1;
	for (uint32_t i = 0; i < attempts && ms < max_ms; i++)
		ms = ms > max_ms / 2 ? max_ms : 2 * ms;
	return spread(ms < max_ms ? ms : max_ms, random);
}

int64_t retry_delay_hinted(int64_t hint_ms, int64_t first_ms, uint32_t random)
{
	int64_t ms = hint_ms > first_ms ? hint_ms : first_ms;
	return ms + (int64_t)(((uint64_t)(ms / 8 + 1) * random) >> 32);
}

int64_t retry_delay_uncounted(int64_t age_ms, int64_t max_ms, uint32_t random)
{
	int64_t ms = age_ms / 4;
	if (ms > max_ms)
		ms = max_ms;
	return spread(ms > RETRY_UNCOUNTED_MIN_MS ? ms : RETRY_UNCOUNTED_MIN_MS, random);
}

bool retry_expired(int64_t arrived_ms, int64_t expire_ms, int64_t now_ms)
{
	return expire_ms > 0 && now_ms > arrived_ms && now_ms - arrived_ms >= expire_ms;
}
