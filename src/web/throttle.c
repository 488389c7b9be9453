/* Counts by network address: one slot an address, two addresses of one slot displace each other. */
#include "throttle.h"

#include "base/codec.h"

void throttle_init(struct throttle *t, int64_t window_ms)
{
	memset(t, 0, sizeof *t);
	t->window_ms = window_ms;
	pthread_mutex_init(&t->lock, NULL);
}

void throttle_end(struct throttle *t)
{
	pthread_mutex_destroy(&t->lock);
}

/* A household or a server has a whole /64 to choose from. */
static void network_of(const struct endpoint *e, uint8_t ret[16])
{
	memset(ret, 0, 16);
	if (e->sa.ss_family == AF_INET6)
		memcpy(ret, &((const struct sockaddr_in6 *)&e->sa)->sin6_addr, 8);
	else if (e->sa.ss_family == AF_INET)
		memcpy(ret + 12, &((const struct sockaddr_in *)&e->sa)->sin_addr, 4);
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)&e->sa)->sin6_addr;
	if (e->sa.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(v6))
		memcpy(ret + 12, v6->s6_addr + 12, 4);
}

unsigned throttle_count(struct throttle *t, const struct endpoint *who, int64_t mono_ms)
{
	uint8_t key[THROTTLE_KEY_BYTES];
	network_of(who, key);
	return throttle_count_key(t, key, mono_ms);
}

unsigned throttle_count_key(struct throttle *t, const uint8_t key[THROTTLE_KEY_BYTES], int64_t mono_ms)
{
	struct throttle_slot *s = &t->slots[crc32c(0, key, THROTTLE_KEY_BYTES) % THROTTLE_SLOTS];
	pthread_mutex_lock(&t->lock);
	if (memcmp(s->who, key, THROTTLE_KEY_BYTES) != 0 || mono_ms - s->since_ms >= t->window_ms) {
		memcpy(s->who, key, THROTTLE_KEY_BYTES);
		s->since_ms = mono_ms;
		s->count = 0;
	}
	unsigned count = ++s->count;
	pthread_mutex_unlock(&t->lock);
	return count;
}
