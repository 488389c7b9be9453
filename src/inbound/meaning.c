/* What a refusal means. The words are asked first, since systems put almost any status on almost any refusal; then the
 * status; then the reply code. What is temporary never suppresses, whatever its words are, and neither does what the
 * sender is to blame for (x.7.x). Unknown counts as soft. */
#include <stdio.h>

#include "internal.h"

static const struct status_row {
	struct view status; /* "5.1.1", or "5.7.*" */
	enum meaning meaning;
	const char *reason;
} status_rows[] = {
    {V("2.*"), MEANING_NONE, "delivered"},
    {V("4.7.*"), MEANING_POLICY, "policy"},
    {V("5.7.*"), MEANING_POLICY, "policy"},
    {V("5.1.1"), MEANING_HARD, "unknown-user"},
    {V("5.1.2"), MEANING_HARD, "unknown-host"},
    {V("5.1.3"), MEANING_HARD, "bad-address"},
    {V("5.1.6"), MEANING_HARD, "moved"},
    {V("5.1.10"), MEANING_HARD, "null-mx"},
    {V("5.1.7"), MEANING_POLICY, "sender"},
    {V("5.1.8"), MEANING_POLICY, "sender"},
    {V("4.2.2"), MEANING_SOFT, "full"},
    {V("5.2.2"), MEANING_SOFT, "full"},
    {V("5.2.3"), MEANING_SOFT, "too-big"},
    {V("5.3.4"), MEANING_SOFT, "too-big"},
    {V("5.2.1"), MEANING_SOFT, "disabled"},
    {V("4.4.7"), MEANING_SOFT, "expired"},
    {V("4.4.*"), MEANING_SOFT, "network"},
    {V("5.4.*"), MEANING_SOFT, "network"},
    {V("4.3.*"), MEANING_SOFT, "system"},
    {V("4.*"), MEANING_SOFT, "temporary"},
    {V("5.3.*"), MEANING_POLICY, "system"},
    {V("5.5.*"), MEANING_POLICY, "protocol"},
    {V("5.6.*"), MEANING_POLICY, "content"},
};

static bool glob_fits(struct view glob, struct view status)
{
	if (view_ends(glob, V("*")))
		return view_starts(status, view_sub(glob, 0, glob.n - 1));
	return view_eq(glob, status);
}

/* EXACT: only rows that name the whole status. */
static bool judge_status(struct view status, bool exact, struct report_recipient *ret)
{
	for (size_t i = 0; i < sizeof status_rows / sizeof *status_rows; i++) {
		const struct status_row *row = &status_rows[i];
		if (!glob_fits(row->status, status) || (exact && view_ends(row->status, V("*"))))
			continue;
		ret->meaning = row->meaning;
		ret->reason = view_of(row->reason);
		snprintf(ret->rule, sizeof ret->rule, "status:%.*s", VFMT(status));
		return true;
	}
	ret->meaning = MEANING_SOFT;
	ret->reason = V("unknown");
	snprintf(ret->rule, sizeof ret->rule, "unknown");
	return false;
}

static bool stands_alone(struct view text, size_t at)
{
	char before = at ? text.p[at - 1] : ' ', after = at + 3 < text.n ? text.p[at + 3] : ' ';
	return !ascii_is_alnum(before) && before != '.' && before != '-' && before != '+' &&
	       (after == ' ' || after == '-' || after == '\r');
}

int reply_code_in(struct view text)
{
	for (size_t i = 0; i + 3 <= text.n; i++) {
		const char *p = text.p + i;
		if ((p[0] == '4' || p[0] == '5') && p[1] >= '0' && p[1] <= '5' && ascii_is_digit(p[2]) &&
		    stands_alone(text, i))
			return (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
	}
	return 0;
}

/* "5.0.0" says nothing that a status in the words doesn't say better. */
static bool is_vague(struct view status)
{
	return status.n == 0 || view_iends(status, V(".0.0"));
}

static struct view best_status(const struct refusal *r)
{
	struct view said = dsn_status(r->text);
	return is_vague(r->status) && said.n ? said : r->status.n ? r->status : said;
}

static bool is_temporary(struct view status, int code)
{
	return status.n ? status.p[0] == '4' : code >= 400 && code < 500;
}

enum command { COMMAND_UNKNOWN, COMMAND_BEFORE, COMMAND_RCPT, COMMAND_DATA }; /* BEFORE any recipient was named */

/* sendmail's transcript: the command before the first refusal that isn't about the order of commands. */
static enum command command_of_transcript(struct view text)
{
	for (size_t i = 0; i + 5 < text.n; i++) {
		if (memcmp(text.p + i, "<<< 5", 5) != 0 || view_starts(view_sub(text, i, text.n), V("<<< 503")))
			continue;
		size_t said = i;
		while (said > 0 && !view_starts(view_sub(text, said, i), V(">>> ")))
			said--;
		struct view line = view_sub(text, said, i);
		if (view_istarts(line, V(">>> mail")) || view_istarts(line, V(">>> ehlo")) ||
		    view_istarts(line, V(">>> helo")))
			return COMMAND_BEFORE;
		return view_istarts(line, V(">>> rcpt")) ? COMMAND_RCPT
		       : view_istarts(line, V(">>> "))   ? COMMAND_DATA
							 : COMMAND_UNKNOWN;
	}
	return COMMAND_UNKNOWN;
}

static enum command command_refused(struct view text)
{
	static const struct {
		const char *words;
		enum command command;
	} rows[] = {
	    {"in reply to rcpt", COMMAND_RCPT},
	    {"in reply to mail from", COMMAND_BEFORE},
	    {"in reply to ehlo", COMMAND_BEFORE},
	    {"in reply to helo", COMMAND_BEFORE},
	    {"after mail from", COMMAND_BEFORE},
	    {"after initial connection", COMMAND_BEFORE},
	    {"refused to talk to me", COMMAND_BEFORE},
	    {"after rcpt", COMMAND_RCPT},
	    {"in reply to end of data", COMMAND_DATA},
	    {"in reply to data", COMMAND_DATA},
	    {"after end of data", COMMAND_DATA},
	    {"after data", COMMAND_DATA},
	    {"after i sent the message", COMMAND_DATA},
	    {"smtp command data", COMMAND_DATA},
	    {"rcpt", COMMAND_RCPT},
	    {"does not like recipient", COMMAND_RCPT},
	};
	enum command c = command_of_transcript(text);
	for (size_t i = 0; c == COMMAND_UNKNOWN && i < sizeof rows / sizeof *rows; i++)
		if (view_ifind(text, view_of(rows[i].words)) < text.n)
			c = rows[i].command;
	return c;
}

static enum command command_of(const struct refusal *r)
{
	enum command said = command_refused(r->text);
	return said ? said : command_refused(r->around);
}

static bool is_about_the_address(const struct refusal *r, struct view status)
{
	if (view_starts(status, V("5.1.")) || view_ifind(r->text, V("bouncecategory: bad-mailbox")) < r->text.n)
		return true;
	return command_of(r) == COMMAND_RCPT;
}

/* Nothing that is temporary may become hard by a word, nor what the sender is to blame for, unless the row says of that
 * very status that it may. */
static bool may_be_hard(const struct refusal *r, const struct rule_match *m, struct view status, int code)
{
	if (is_temporary(status, code) || (view_starts(status, V("5.7.")) && !m->names_status))
		return false;
	return !m->at_rcpt || is_about_the_address(r, status);
}

static void use_row(
    const struct refusal *r, const struct rule_match *m, struct view status, int code, struct report_recipient *ret)
{
	if (m->meaning != MEANING_HARD || may_be_hard(r, m, status, code))
		ret->meaning = m->meaning;
	else if (ret->meaning != MEANING_POLICY)
		ret->meaning = MEANING_SOFT;
	ret->reason = m->reason;
	memcpy(ret->rule, m->name, sizeof ret->rule);
}

static void judge_words(
    const struct bounce_rules *rules, const struct refusal *r, struct view status, struct report_recipient *ret)
{
	char text[RULES_MAX_TEXT];
	struct rule_match m;
	int code = reply_code_in(r->text);
	size_t n = rules_normalise_words(r->text, text, sizeof text);
	struct rule_question q = {RULE_MEANING, view_n(text, n), status, r->hosts, r->host_count};
	judge_status(status, false, ret);
	if (bounce_rules_find(rules, &q, &m)) {
		use_row(r, &m, status, code, ret);
		return;
	}
	q.kind = RULE_OTHERWISE;
	if (!judge_status(status, true, ret)) {
		judge_status(status, false, ret);
		if (bounce_rules_find(rules, &q, &m))
			use_row(r, &m, status, code, ret);
	}
}

void refusal_judge(const struct bounce_rules *rules, const struct refusal *r, struct report_recipient *ret)
{
	ret->action = dsn_action_name(r->action);
	struct view status = best_status(r);
	if (!view_str(status, ret->status, sizeof ret->status))
		status = (struct view){0};
	if (r->action == DSN_DELIVERED || r->action == DSN_RELAYED || r->action == DSN_EXPANDED) {
		ret->meaning = MEANING_NONE;
		ret->reason = V("delivered");
		snprintf(ret->rule, sizeof ret->rule, "action:%s", ret->action);
		return;
	}
	judge_words(rules, r, status, ret);
	if (ret->meaning == MEANING_HARD && command_of(r) == COMMAND_BEFORE)
		ret->meaning = MEANING_POLICY;
	if (r->action == DSN_DELAYED && ret->meaning == MEANING_HARD)
		ret->meaning = MEANING_SOFT;
	if (ret->meaning == MEANING_NONE && r->action == DSN_FAILED)
		ret->meaning = MEANING_SOFT;
}
