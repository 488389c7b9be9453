/* Where a hop's name leads. */
#pragma once

#include "net/endpoint.h"

#define ADDRESSES_MAX 16

struct addresses {
	struct endpoint at[ADDRESSES_MAX];
	unsigned count;
};

/* HOST: a name, an IPv4 or IPv6 literal, or "/path" of a Unix socket (then PORT is not used). Names ask the resolver and may
 * block for as long as it does. ERR_UNAVAILABLE when it has no answer. */
int resolve(const char *host, uint16_t port, struct addresses *ret, struct err *err) MUST_CHECK;
