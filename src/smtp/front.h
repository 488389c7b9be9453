/* What a front end says about its client: the attributes of XCLIENT and XFORWARD (Postfix's XCLIENT_README, XFORWARD_README).
 * Pure. */
#pragma once

#include "mail/reply.h"
#include "net/endpoint.h"

#define FRONT_VALUE_MAX 255

/* Each is "" when it was not named or is [UNAVAILABLE]. */
struct front {
	char addr[FRONT_VALUE_MAX + 1], port[FRONT_VALUE_MAX + 1], proto[FRONT_VALUE_MAX + 1],
	    helo[FRONT_VALUE_MAX + 1], login[FRONT_VALUE_MAX + 1], name[FRONT_VALUE_MAX + 1];
};

/* Adds to RET what TEXT names ("NAME=host ADDR=192.0.2.1"); RET is unchanged, and *REPLY the refusal, when it is wrong.
 * IS_FORWARD: XFORWARD's attributes, which have no LOGIN. */
bool front_parse(struct view text, bool is_forward, struct front *ret, struct reply *reply);
/* ADDR and PORT as an endpoint; false when ADDR is no address. */
bool front_endpoint(const struct front *f, struct endpoint *ret);
