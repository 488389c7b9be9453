/* Complaints: the fields of message/feedback-report (RFC 5965, RFC 6591). Whom they concern is not asked here. */
#pragma once

#include "base/err.h"
#include "base/mem.h"

#define ARF_MAX_REPEATED 50 /* of each field that may be repeated; more are left out */

enum arf_type {
	ARF_OTHER,        /* RFC 5965's "other", and words that are not known */
	ARF_ABUSE,
	ARF_FRAUD,
	ARF_VIRUS,
	ARF_NOT_SPAM,
	ARF_AUTH_FAILURE, /* RFC 6591 */
	ARF_OPT_OUT,      /* "opt-out", "opt-out-list": what large providers sent before RFC 5965 */
};

struct arf_list {
	struct view *items;
	unsigned count;
};

struct arf {
	enum arf_type type;
	struct view feedback_type, user_agent, version;
	struct view envelope_id, mail_from; /* Original-Envelope-Id, Original-Mail-From */
	struct view arrival_date;           /* Arrival-Date, or Received-Date, its name before the RFC */
	struct view source_ip, reporting_mta;
	uint32_t incidents;                 /* 1 when not said */
	struct arf_list rcpt_to;            /* Original-Rcpt-To */
	struct arf_list reported_domain, reported_uri, authentication_results;
	const char *malformed;              /* what RFC 5965 says against it, NULL when nothing: it may still be meant */
};

/* BODY: decoded, CRLF lines (mime_text). Views point into BODY or the arena. ERR_SYNTAX without a Feedback-Type,
 * ERR_LIMIT when the arena is full. */
int arf_parse(struct arena *a, struct view body, struct arf *ret, struct err *err) MUST_CHECK;
const char *arf_type_name(enum arf_type t);
