/* The steps of compose, in the order in which compose.c takes them. */
#pragma once

#include "base/mem.h"
#include "compose/compose.h"
#include "crypto/hash.h"
#include "mail/header.h"

/* The fields of a head: the tool's that stay, then ours. Views into the message and into the composer's
 * buffer. */
struct edited {
	struct field *fields;
	unsigned count;
	const bool *gone; /* for each of the tool's */
};

/* added.c: the fields that we supply, each with its CRLF. */
int add_fields(
    const struct compose_job *job, const struct head *head, struct buf *out, struct err *err) MUST_CHECK;
void add_received(const struct compose_job *job, struct buf *out);

/* phrase.c: TEXT as an RFC 5322 phrase: atoms, a quoted string, or encoded words (RFC 2047). */
void add_phrase(struct view text, struct buf *out);

/* edit.c: HEAD less what goes, then ADDED. ERR_LIMIT when the arena is full. */
int edit_head(struct arena *a, const struct compose_job *job, const struct head *head, const struct head *added,
    struct edited *ret, struct err *err) MUST_CHECK;

/* signature.c: a DKIM-Signature field for each key that fits FROM_DOMAIN. CANON is scratch memory. */
struct body_hash {
	uint64_t message_id;
	size_t body_n;
	bool known;
	uint8_t bytes[SHA256_BYTES];
};
struct signing {
	const struct compose_job *job;
	const struct edited *edited;
	struct view from_domain, body;
	struct body_hash *body_hash;
	struct hasher *hasher;
	struct buf *canon;
};
int add_signatures(const struct signing *s, struct buf *out, bool *ret_signed, struct err *err) MUST_CHECK;

/* path.c */
int set_return_path(const struct compose_job *job, char dst[ADDRESS_MAX + 1], struct err *err) MUST_CHECK;
/* What both forms of our token say about this copy. */
void token_of_job(const struct compose_job *job, struct token *ret);
