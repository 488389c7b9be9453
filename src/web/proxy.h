/* Who is asking, when a proxy stands between: X-Forwarded-For, believed as far as it was written by proxies that we trust.
 * Pure. */
#pragma once

#include "net/endpoint.h"

#define FORWARDED_HOPS_MAX 20 /* entries of the header that are looked at, from the right */

/* The rightmost entry that is none of PROXIES; PEER when it is no trusted proxy itself, or when an entry can't be read. A peer on
 * a unix socket is a proxy of this machine. */
struct endpoint proxy_client(
    const struct endpoint *peer, struct view forwarded_for, const struct network *proxies, unsigned n);
