/* The order in which a report is asked what it is. */
#include "internal.h"

const char *report_kind_word(enum report_kind k)
{
	static const char *const words[] = {"other", "bounce", "complaint", "autoreply", "optout"};
	return words[k];
}

static int read_report(const struct bounce_rules *rules, struct arena *a, struct view text, bool is_enclosed, struct report *ret, struct err *err);

/* A gateway that passes a report on as an attachment, with no word of its own about whom: the enclosed one is meant. */
static bool read_enclosed(const struct bounce_rules *rules, struct arena *a, const struct parts *p, struct report *r)
{
	struct report inner = {0};
	struct err ignored;
	if (!p->enclosed.n || read_report(rules, a, p->enclosed, true, &inner, &ignored) < 0 || inner.kind != REPORT_BOUNCE || !inner.count)
		return false;
	r->recipients = inner.recipients;
	r->count = inner.count;
	r->returned = inner.returned;
	r->envelope_from = inner.envelope_from;
	return true;
}

static bool is_failure(const struct bounce_rules *rules, struct arena *a, const struct parts *p, bool is_enclosed, struct report *r)
{
	if (read_free_form(rules, a, p, false, r))
		return true;
	if (!is_enclosed && read_enclosed(rules, a, p, r))
		return true;
	return read_free_form(rules, a, p, true, r);
}

static enum report_kind kind_by_words(const struct bounce_rules *rules, struct arena *a, const struct parts *p, bool is_enclosed, struct report *r)
{
	if (p->is_disposition)
		return REPORT_OTHER;
	if (is_mail_system(rules, a, r) && is_failure(rules, a, p, is_enclosed, r))
		return REPORT_BOUNCE;
	if (is_automatic_reply(rules, a, r))
		return REPORT_AUTOREPLY;
	if (is_failure(rules, a, p, true, r))
		return REPORT_BOUNCE;
	return subject_is(rules, a, r, RULE_WISH) ? REPORT_OPTOUT : REPORT_OTHER;
}

static int read_report(const struct bounce_rules *rules, struct arena *a, struct view text, bool is_enclosed, struct report *ret, struct err *err)
{
	struct parts parts;
	bool is;
	ret->text = text;
	if (parts_read(rules, a, ret, &parts, err) < 0)
		return -1;
	if (read_feedback(a, &parts, ret, &is, err) < 0)
		return -1;
	if (is)
		return 0;
	if (read_delivery_status(rules, a, &parts, ret, &is, err) < 0)
		return -1;
	ret->kind = is ? REPORT_BOUNCE : kind_by_words(rules, a, &parts, is_enclosed, ret);
	if (parts.is_status_report && ret->kind != REPORT_COMPLAINT)
		ret->kind = REPORT_BOUNCE;
	return 0;
}

int report_classify(const struct bounce_rules *rules, struct arena *a, struct view message, struct report *ret, struct err *err)
{
	*ret = (struct report){0};
	if (message.n > REPORT_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "report: larger than %d bytes", REPORT_MAX_BYTES);
	struct view text = crlf_lines(a, message);
	if (!text.p)
		return err_set(err, ERR_LIMIT, "report: too large to be looked at");
	return read_report(rules, a, text, false, ret, err);
}
