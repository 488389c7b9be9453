#include "ipcount.h"

#include <stdlib.h>

#include "base/mem.h"

struct row {
	struct row *next;
	struct ip_key key;
	unsigned open;
};

struct ip_count {
	unsigned mask, addresses;
	struct row *buckets[];
};

struct ip_count *ip_count_new(unsigned expected)
{
	unsigned n = 64;
	while (n < expected && n < 1u << 20)
		n *= 2;
	struct ip_count *t = mem_zero(sizeof *t + n * sizeof *t->buckets);
	t->mask = n - 1;
	return t;
}

void ip_count_free(struct ip_count **t)
{
	if (*t)
		for (unsigned i = 0; i <= (*t)->mask; i++)
			for (struct row *r = (*t)->buckets[i], *next; r; r = next) {
				next = r->next;
				free(r);
			}
	free(*t);
	*t = NULL;
}

struct ip_key ip_key_of(const struct endpoint *e)
{
	struct ip_key k = {{0}, false};
	k.is_counted = endpoint_ip_bytes(e, k.bytes);
	if (e->sa.ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)&e->sa)->sin6_addr))
		memset(k.bytes + 8, 0, 8);
	return k;
}

/* The link that points to the key's row, or the chain's end. */
static struct row **find(struct ip_count *t, const struct ip_key *key)
{
	uint32_t h = 2166136261u;
	for (int i = 0; i < 16; i++)
		h = (h ^ key->bytes[i]) * 16777619u;
	struct row **at = &t->buckets[(h ^ h >> 16) & t->mask];
	while (*at && memcmp((*at)->key.bytes, key->bytes, 16) != 0)
		at = &(*at)->next;
	return at;
}

bool ip_count_add(struct ip_count *t, const struct ip_key *key, unsigned max)
{
	if (!key->is_counted)
		return true;
	struct row **at = find(t, key);
	if ((*at ? (*at)->open : 0) >= max)
		return false;
	if (!*at) {
		*at = mem_zero(sizeof **at);
		(*at)->key = *key;
		t->addresses++;
	}
	(*at)->open++;
	return true;
}

void ip_count_drop(struct ip_count *t, const struct ip_key *key)
{
	if (!key->is_counted)
		return;
	struct row **at = find(t, key), *r = *at;
	if (r && --r->open == 0) {
		*at = r->next;
		t->addresses--;
		free(r);
	}
}

unsigned ip_count_addresses(const struct ip_count *t)
{
	return t->addresses;
}

unsigned ip_count_of(struct ip_count *t, const struct ip_key *key)
{
	struct row **at = find(t, key);
	return *at ? (*at)->open : 0;
}
