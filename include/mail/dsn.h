/* Delivery reports: the fields of message/delivery-status (RFC 3464), every recipient's group of them. Whose report it
 * is and what it means is not asked here. Reports are read as they come: blank lines may lack or abound, lines that are
 * no fields are passed over, the first of two equal fields counts. */
#pragma once

#include "base/err.h"
#include "base/mem.h"

#define DSN_MAX_RECIPIENTS 1000

/* "rfc822; joe@example.com", "smtp; 550 5.1.1 unknown", "dns; mx.example.com": TYPE is empty when there is no ";". */
struct dsn_typed {
	struct view type, value;
};

enum dsn_action { DSN_NO_ACTION, DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED };

struct dsn_recipient {
	struct dsn_typed original_recipient, final_recipient;
	enum dsn_action action;        /* DSN_NO_ACTION: absent or unknown */
	struct view status;            /* "5.1.1", whatever stands around it; empty when there is none */
	struct dsn_typed diagnostic;   /* unfolded */
	struct dsn_typed remote_mta;
	struct view last_attempt, will_retry, final_log_id;
	struct view raw;               /* the group's lines: X- fields are found by head_parse */
};

struct dsn {
	struct dsn_typed reporting_mta, dsn_gateway, received_from;
	struct view envelope_id, arrival_date;
	struct dsn_recipient *recipients;
	unsigned count;
};

/* BODY: decoded, CRLF lines (mime_text). Views point into BODY or the arena. To hold no recipient is no error.
 * ERR_LIMIT past DSN_MAX_RECIPIENTS or when the arena is full. */
int dsn_parse(struct arena *a, struct view body, struct dsn *ret, struct err *err) MUST_CHECK;

/* The mailbox that a recipient field names: types rfc822, utf-8 and none. */
struct address;
int dsn_address(const struct dsn_typed *t, struct address *ret, struct err *err) MUST_CHECK;
/* The first class.subject.detail (RFC 3463: class 2, 4 or 5) that stands alone in TEXT; empty when there is none. */
struct view dsn_status(struct view text);
const char *dsn_action_name(enum dsn_action a); /* "failed"; "" for DSN_NO_ACTION */
