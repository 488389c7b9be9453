/* Mailboxes (RFC 5321 4.1.2) in canonical form, the only form that is compared, keyed and stored:
 * local part lower-cased (quotes dropped where a dot-string says the same), domain lower-cased A-labels (RFC 5891),
 * no display name, no route, no comments. Domain literals are refused. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define LOCAL_MAX   64  /* RFC 5321 4.5.3.1.1 */
#define DOMAIN_MAX  253
#define ADDRESS_MAX 254 /* RFC 5321 4.5.3.1.3 less the brackets */

struct address {
	char text[ADDRESS_MAX + 1];  /* canonical: what is keyed */
	char exact[ADDRESS_MAX + 1]; /* as given but for the domain's form: what is sent (local parts may be case-sensitive) */
	uint16_t local_n;            /* bytes of the local part in .text; the domain starts at local_n + 1 */
	uint16_t exact_local_n;
};

static inline struct view address_local(const struct address *a)
{
	return view_n(a->text, a->local_n);
}
static inline struct view address_domain(const struct address *a)
{
	return view_of(a->text + a->local_n + 1);
}

/* A bare mailbox: local@domain. ERR_SYNTAX says what was expected. A non-ASCII local part: ERR_REFUSED (5.6.7). */
int address_parse(struct view text, struct address *ret, struct err *err) MUST_CHECK;
/* As people and files write it: blanks around, <...>, "Name <...>", mailto: all accepted. */
int address_parse_loose(struct view text, struct address *ret, struct err *err) MUST_CHECK;
/* The path of MAIL or RCPT: "<" [source-route ":"] mailbox ">" or "<>" (then ret->text is ""). Takes it off *REST. */
int address_parse_path(struct view *rest, struct address *ret, struct err *err) MUST_CHECK;
/* LDH check, lower case, A-labels. */
int domain_canonical(struct view text, char dst[DOMAIN_MAX + 1], struct err *err) MUST_CHECK;
/* "j***n@e***.com": enough to recognise one's own, not enough to learn another's. */
void address_mask(const struct address *a, struct buf *out);
/* True when DOMAIN equals PARENT or lies below it. Both canonical. */
bool domain_within(struct view domain, struct view parent);
