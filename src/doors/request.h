/* A request of Postfix's policy delegation protocol (SMTPD_POLICY_README): lines of name=value, an empty line at the end. Pure. */
#pragma once

#include <stddef.h>

#include "base/view.h"

#define POLICY_REQUEST_MAX 16384

struct policy_request { /* views into the input; what we don't know is passed over */
	struct view request, state, client_address, client_port, sender, recipient, user, queue_id;
};

enum policy_kind {
	POLICY_MORE, /* the empty line is still to come */
	POLICY_GOOD,
	POLICY_BAD, /* no request, or longer than POLICY_REQUEST_MAX */
};

/* The first request of IN; *ret_eaten counts its bytes. */
enum policy_kind policy_take(struct view in, struct policy_request *ret, size_t *ret_eaten);
