/* What travels with a kept message: who sent it, as what, and for each recipient the address. Intake writes it, delivery and
 * compose read it; to the spool it is opaque bytes. */
#pragma once

#include "base/be.h"
#include "base/err.h"
#include "base/mem.h"

struct envelope {
	struct view client;      /* credential name */
	struct view client_ip;   /* text */
	struct view helo;
	struct view brand, stream, topic, campaign; /* names as in the settings; topic and campaign may be empty */
	struct view return_path; /* the tool's own MAIL FROM: where a failure report goes; "" = null sender */
	struct view envid;       /* RFC 3461 ENVID, decoded; may be empty */
	uint8_t ret;             /* RFC 3461 RET: 0 none, 1 FULL, 2 HDRS */
	uint8_t protocol;        /* Received's "with": 0 SMTP, 1 ESMTP, 2 ESMTPS, 3 ESMTPA, 4 ESMTPSA */
	int64_t arrived_ms;
	uint8_t class;           /* as which it was judged when it came in (enum mail_class); 0 = not kept (version 1) */
	uint32_t named;          /* recipients that the client named for this message, those refused too; 0 = not kept (up to version 2) */
};

struct recipient {
	struct view address;     /* exact form, to be sent */
	struct view orcpt;       /* RFC 3461 ORCPT, as given; may be empty */
	uint8_t notify;          /* RFC 3461 NOTIFY bits: 1 NEVER, 2 SUCCESS, 4 FAILURE, 8 DELAY; 0 = not given */
};

void envelope_write(const struct envelope *e, struct buf *out);
/* Views point into BYTES. ERR_CORRUPT for another version or torn bytes. */
int envelope_read(struct view bytes, struct envelope *ret, struct err *err) MUST_CHECK;
void recipient_write(const struct recipient *r, struct buf *out);
int recipient_read(struct view bytes, struct recipient *ret, struct err *err) MUST_CHECK;
