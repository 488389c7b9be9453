/* The PROXY protocol, versions 1 and 2 (haproxy's doc/proxy-protocol.txt), pure: what a load balancer says before the first
 * byte of the connection that it passes on. */
#pragma once

#include "net/endpoint.h"

#define PROXY_V1_MAX 107
#define PROXY_MAX (16 + 2048) /* version 2: addresses and what comes behind them (TLVs) */

enum proxy_kind {
	PROXY_MORE,  /* the header is not whole yet */
	PROXY_GOOD,  /* a client's connection */
	PROXY_LOCAL, /* the balancer's own (a health check), or a client that it can't name: its own address counts */
	PROXY_BAD,
};

/* Looks at the beginning of a connection. GOOD: *ret_client is whom it is passed on for. *ret_eaten: the header's length. */
enum proxy_kind proxy_take(struct view in, struct endpoint *ret_client, size_t *ret_eaten);
