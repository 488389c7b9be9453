/* A report -> what it is and what it says of whom. Pure: whose mail it concerns (the token) and what is done about it is
 * asked elsewhere (inbound/subject.h).
 *
 *   bytes ─▶ CRLF lines ─▶ MIME parts ─┬─ message/feedback-report ─▶ complaint
 *                                      ├─ message/delivery-status ─▶ bounce, every recipient's group
 *                                      ├─ a mail system's words   ─▶ bounce, by the rules file
 *                                      ├─ RFC 3834                ─▶ automatic reply
 *                                      └─ a wish                  ─▶ opt-out */
#pragma once

#include "base/mem.h"
#include "inbound/rules.h"
#include "mail/arf.h"
#include "mail/dsn.h"
#include "mail/header.h"

#define REPORT_MAX_BYTES (16 << 20)
#define REPORT_MAX_RECIPIENTS 1000
#define REPORT_ARENA_BYTES (96 << 20) /* a bound that no report of REPORT_MAX_BYTES reaches by its size alone */
#define REPORT_STATUS 12

enum report_kind { REPORT_OTHER, REPORT_BOUNCE, REPORT_COMPLAINT, REPORT_AUTOREPLY, REPORT_OPTOUT };
const char *report_kind_word(enum report_kind k);

struct report_recipient {
	struct view address;        /* canonical where it can be; empty when the report was redacted */
	const char *action;         /* "failed", "delayed"...; "" when not said */
	char status[REPORT_STATUS]; /* "5.1.1"; "" */
	enum meaning meaning;
	struct view reason;   /* "unknown-user" */
	char rule[RULE_NAME]; /* what decided: a row of the rules, "status:5.1.1", "action:delayed" */
};

struct report {
	enum report_kind kind;
	struct report_recipient *recipients;
	unsigned count;
	enum arf_type feedback;    /* with REPORT_COMPLAINT */
	struct view text;          /* the report with CRLF lines, without an mbox line */
	struct head head;          /* of the report */
	struct head returned;      /* of the returned copy; count 0 when there is none */
	struct view envelope_from; /* Return-Path or Original-Mail-From of the returned copy, as written */
};

/* All views lie in the arena (give it REPORT_ARENA_BYTES) or in the rules. ERR_LIMIT: too large, too many or too deeply
 * nested parts: refused unread. Anything else is a report, if only of REPORT_OTHER. */
int report_classify(const struct bounce_rules *rules, struct arena *a, struct view message, struct report *ret,
    struct err *err) MUST_CHECK;

/* What one refusal means, without a report around it: a next hop's reply at send time. */
struct refusal {
	enum dsn_action action;
	struct view status;       /* "" when none was given */
	struct view text;         /* what was said, reply code included if there was one */
	struct view around;       /* words beside it that may tell which command was refused */
	const struct view *hosts; /* who said it; the recipient's domain */
	unsigned host_count;
};
void refusal_judge(const struct bounce_rules *rules, const struct refusal *r, struct report_recipient *ret);
