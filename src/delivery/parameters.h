/* The parameters of RFC 3461 as they are passed on: decoded, and only what libesmtp can write without harm. Pure. */
#pragma once

#include "mail/envelope.h"

#define ENCODED_MAX 250 /* bytes of xtext: libesmtp's buffer has 256, and what is longer runs past it */

enum { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 }; /* struct recipient.notify */

struct parameters {
	char envid[ENCODED_MAX + 1];      /* "" = none */
	char orcpt_type[ENCODED_MAX + 1]; /* "" = none */
	char orcpt[ENCODED_MAX + 1];
	uint8_t ret, notify;              /* as in the envelope and the recipient */
};

/* OURS: the return path leads to us, so the hop must tell us of failures whatever the client wished: NEVER becomes the default, and FAILURE
 * takes the place of SUCCESS. The client's wish holds for what we tell the client (report.h). */
void parameters_make(struct parameters *ret, const struct envelope *e, const struct recipient *r, bool ours);
bool has_eight_bit(struct view v);
