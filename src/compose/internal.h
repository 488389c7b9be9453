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

/* added.c: the fields that we supply, each with its CRLF, to mail of FROM_DOMAIN. */
int add_fields(const struct compose_job *job, const struct head *head, struct view from_domain, struct buf *out,
    struct err *err) MUST_CHECK;
void add_received(const struct compose_job *job, struct buf *out);

/* phrase.c: TEXT as an RFC 5322 phrase: atoms, a quoted string, or encoded words (RFC 2047). */
void add_phrase(struct view text, struct buf *out);

/* edit.c: HEAD less what goes, then ADDED. ERR_LIMIT when the arena is full. */
int edit_head(struct arena *a, const struct compose_job *job, const struct head *head, const struct head *added,
    struct edited *ret, struct err *err) MUST_CHECK;

/* complaint.c: does this copy say where complaints go? RFC 9477 3.1: only where a signature of the From domain and, unless
 * it is the same or a child of that, one of the complaint address's domain will vouch for it. */
bool says_where_to_complain(const struct compose_job *job, struct view from_domain);
void add_cfbl(const struct compose_job *job, const struct head *head, struct buf *out);

/* signature.c: the longest of the brand's signing domains that is DOMAIN or lies above it; NULL. */
const char *signing_domain(const struct compose_job *job, struct view domain);

/* A DKIM-Signature field for each key that fits FROM_DOMAIN, then for each that fits where complaints go, if that is
 * elsewhere. CANON is scratch memory. */
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
