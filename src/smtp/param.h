/* ESMTP parameters of MAIL and RCPT (RFC 5321 4.1.2), and the forms that DSN's values take (RFC 3461 4, 5). Pure. */
#pragma once

#include "base/buf.h"
#include "mail/reply.h"

#define ENVID_MAX 100 /* RFC 3461 5.4 */
#define ORCPT_MAX 500

struct mail_params {
	uint64_t size;
	uint8_t ret;
	char envid[ENVID_MAX]; /* decoded */
	size_t envid_n;
};

struct rcpt_params {
	uint8_t notify;
	struct view orcpt; /* as given, checked */
};

/* Both fill *REPLY and return false when they refuse. */
bool mail_params_parse(struct view text, struct mail_params *ret, struct reply *reply);
bool rcpt_params_parse(struct view text, struct rcpt_params *ret, struct reply *reply);
/* RFC 3461 4: "+41" is "A". Printable US-ASCII only may come out. Returns its length, or -1. */
int xtext_decode(struct view text, char *dst, size_t size);
