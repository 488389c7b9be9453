/* The order in which a report is asked what it is. */
#include "internal.h"

const char *report_kind_word(enum report_kind k)
{
	static const char *const words[] = {"other", "bounce", "complaint", "autoreply", "optout"};
	return words[k];
}

static enum report_kind kind_by_words(const struct bounce_rules *rules, struct arena *a, const struct parts *p, struct report *r)
{
	if (p->is_disposition)
		return REPORT_OTHER;
	if (is_mail_system(rules, a, r) && read_free_form(rules, a, p, r))
		return REPORT_BOUNCE;
	if (is_automatic_reply(rules, a, r))
		return REPORT_AUTOREPLY;
	if (read_free_form(rules, a, p, r))
		return REPORT_BOUNCE;
	return subject_is(rules, a, r, RULE_WISH) ? REPORT_OPTOUT : REPORT_OTHER;
}

int report_classify(const struct bounce_rules *rules, struct arena *a, struct view message, struct report *ret, struct err *err)
{
	struct parts parts;
	bool is;
	*ret = (struct report){0};
	if (message.n > REPORT_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "report: larger than %d bytes", REPORT_MAX_BYTES);
	ret->text = crlf_lines(a, message);
	if (!ret->text.p)
		return err_set(err, ERR_LIMIT, "report: too large to be looked at");
	if (parts_read(rules, a, ret, &parts, err) < 0)
		return -1;
	if (read_feedback(a, &parts, ret, &is, err) < 0)
		return -1;
	if (is)
		return 0;
	if (read_delivery_status(rules, a, &parts, ret, &is, err) < 0)
		return -1;
	ret->kind = is ? REPORT_BOUNCE : kind_by_words(rules, a, &parts, ret);
	return 0;
}
