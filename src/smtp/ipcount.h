/* How many connections each address has open. IPv6 counts by /64, which is what one customer gets. Not thread-safe. */
#pragma once

#include "net/endpoint.h"

struct ip_key {
	uint8_t bytes[16];
	bool is_counted; /* a unix socket's peer is not */
};

struct ip_count;
struct ip_count *ip_count_new(unsigned expected);
void ip_count_free(struct ip_count **t);
struct ip_key ip_key_of(const struct endpoint *e);
/* False, and nothing counted, when it has MAX already. */
bool ip_count_add(struct ip_count *t, const struct ip_key *key, unsigned max);
/* How many addresses have one open; how many this one has. */
unsigned ip_count_addresses(const struct ip_count *t);
unsigned ip_count_of(struct ip_count *t, const struct ip_key *key);
void ip_count_drop(struct ip_count *t, const struct ip_key *key);
