/* The limits that end a connection: each has a name, a sentence for the peer and a counter. */
#pragma once

#include "base/buf.h"

enum limit {
	LIMIT_NONE,
	LIMIT_CONNECTIONS,
	LIMIT_CONNECTIONS_PER_IP,
	LIMIT_FAIR_SHARE, /* nearly full, and this address has more than its part */
	LIMIT_PROXY,
	LIMIT_ERRORS,
	LIMIT_COMMANDS,
	LIMIT_AUTH_FAILURES,
	LIMIT_IDLE,
	LIMIT_DATA,
	LIMIT_DATA_RATE,
	LIMIT_SESSION,
	LIMIT_DRAIN,
};

const char *limit_name(enum limit l);
/* Counts it, and appends its 421. */
void limit_answer(enum limit l, const char *hostname, struct buf *out);
