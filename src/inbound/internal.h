/* Between the files of this room. */
#pragma once

#include "inbound/classify.h"
#include "mail/address.h"
#include "mail/mime.h"

/* shipped.c */
struct view shipped_rules(void);

/* meaning.c: "550", "451" as a word of TEXT, 0 when there is none. */
int reply_code_in(struct view text);

/* parts.c: the message taken apart once. */
struct parts {
	struct mime mime;
	struct view notice;   /* what the mail system wrote: decoded text of the parts before the returned copy */
	struct view status;   /* body of message/delivery-status, decoded */
	struct view enclosed; /* the returned message, whole, when it is a part of its own */
	struct view feedback; /* body of message/feedback-report, decoded */
	bool is_disposition;  /* a read receipt (RFC 8098) */
	bool is_status_report;
};
int parts_read(
    const struct bounce_rules *rules, struct arena *a, struct report *r, struct parts *ret, struct err *err) MUST_CHECK;
/* The report's text with CRLF lines; an mbox line goes. p == NULL when the arena is full. */
struct view crlf_lines(struct arena *a, struct view message);
struct view text_line(struct view *rest); /* takes one line off, without its end */

/* address_scan.c: the mailboxes that stand in a text. */
struct found_address {
	struct view address; /* as it stands there */
	size_t at;           /* where it begins in the text */
};
bool scan_address(struct view text, size_t *from, struct found_address *ret);
/* Canonical in the arena where the grammar allows it, else lower-cased; p == NULL when it names nobody. */
struct view canonical_address(struct arena *a, struct view written);

/* One more recipient; the same address twice is one. NULL when there are too many. */
struct report_recipient *report_add(struct arena *a, struct report *r, struct view address);
/* The mailboxes of a field of HEAD. */
#define FIELD_MAX_ADDRESSES 100
unsigned field_addresses(struct arena *a, const struct head *h, struct view name, struct view *dst, unsigned max);

/* Each fills R->recipients and says whether the report is of its kind. */
int read_delivery_status(const struct bounce_rules *rules, struct arena *a, const struct parts *p, struct report *r,
    bool *ret, struct err *err) MUST_CHECK;
/* Without MAY_MENTION: only by recipients that the words list. */
bool read_free_form(
    const struct bounce_rules *rules, struct arena *a, const struct parts *p, bool may_mention, struct report *r);
int read_feedback(struct arena *a, const struct parts *p, struct report *r, bool *ret, struct err *err) MUST_CHECK;
bool is_automatic_reply(const struct bounce_rules *rules, struct arena *a, const struct report *r);
bool is_mail_system(const struct bounce_rules *rules, struct arena *a, const struct report *r);
bool subject_is(const struct bounce_rules *rules, struct arena *a, const struct report *r, enum rule_kind kind);
bool text_has(const struct bounce_rules *rules, enum rule_kind kind, struct view text);
