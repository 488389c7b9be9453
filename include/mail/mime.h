/* A message's parts (RFC 2045, 2046) as one flat list of views, a part before its children. Nothing is copied or decoded
 * until asked. The walk is one pass for the lines that may be delimiters, and then only looks at those: its time is
 * linear in the message whatever nests in it.
 *
 *   0  multipart/report                        parent 0   level 0
 *   1    text/plain                            parent 0   level 0
 *   2    message/delivery-status               parent 0   level 0
 *   3    message/rfc822                        parent 0   level 0
 *   4      multipart/alternative               parent 3   level 1: inside an enclosed message
 *   5        text/html                         parent 4   level 1 */
#pragma once

#include "mail/header.h"

#define MIME_MAX_PARTS    1000
#define MIME_MAX_DEPTH    16          /* of multiparts and enclosed messages, together */
#define MIME_MAX_HEAD     (256 << 10) /* bytes of one part's head */
#define MIME_MAX_DASHED   100000      /* lines that start with "--" */
#define MIME_MAX_BOUNDARY 200         /* RFC 2046 says 70 */
#define MIME_MAX_SECTIONS 100         /* RFC 2231 continuations of one parameter */

enum mime_encoding { MIME_IDENTITY, MIME_QUOTED_PRINTABLE, MIME_BASE64, MIME_UNKNOWN_ENCODING };

struct mime_part {
	struct head head;
	struct view type, subtype;      /* as written, or the default: text/plain, in a digest message/rfc822 */
	struct view content_type;       /* the whole field's value, for mime_param; empty when there is none */
	struct view raw;                /* head and body, without the delimiters' line ends */
	struct view body;               /* as it stands in the message: still encoded */
	enum mime_encoding encoding;
	unsigned parent;                /* index; the message's own is 0 */
	unsigned depth;                 /* 0: the message */
	unsigned level;                 /* how many enclosed messages it lies in */
	bool has_children;
};

struct mime {
	struct mime_part *parts;
	unsigned count; /* at least 1 after success */
};

/* MESSAGE has CRLF lines. A multipart whose delimiters are missing has no children; one that isn't closed ends with
 * what encloses it. ERR_LIMIT when a limit above is passed or the arena is full: then RET holds the parts that were
 * read before. */
int mime_walk(struct arena *a, struct view message, struct mime *ret, struct err *err) MUST_CHECK;

/* Both ASCII case-insensitive; an empty SUBTYPE matches all. */
bool mime_is(const struct mime_part *p, struct view type, struct view subtype);
/* The first part of that type that lies in LEVEL enclosed messages (0: in none), NULL when there is none. */
const struct mime_part *mime_find(const struct mime *m, unsigned level, struct view type, struct view subtype);

/* Parameter NAME of a Content-Type's or Content-Disposition's VALUE, appended to OUT: quotes undone, RFC 2231 sections
 * put together in their order, %XX read, its charset'language' left out. False when it is not there. */
bool mime_param(struct view value, struct view name, struct buf *out);
/* A field's token: what stands before the first ";" ("attachment", "base64"), without blanks and comments. */
struct view mime_token(struct view value);

/* BODY without its transfer encoding, appended to OUT. Lenient as RFC 2045 6.7 and 6.8 ask: what cannot be read is
 * passed over (base64) or kept as it stands (quoted-printable). OUT->failed past its maximum. */
void mime_decode(enum mime_encoding encoding, struct view body, struct buf *out);
/* The part's body as text with CRLF lines, decoded: what the DSN and ARF readers expect, and mime_walk for an enclosed
 * message that is encoded against the rules (such a one has no children). */
void mime_text(const struct mime_part *p, struct buf *out);
