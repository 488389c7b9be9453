/* Complaints (RFC 5965): who complained, when the report says it. What "not-spam" and an authentication failure report say
 * is no complaint; fraud and virus are one that alerts and suppresses nobody. */
#include "internal.h"

static const struct feedback_row {
	enum arf_type type;
	enum report_kind kind;
	enum meaning meaning;
} feedback_rows[] = {
    {ARF_ABUSE, REPORT_COMPLAINT, MEANING_HARD},
    {ARF_OPT_OUT, REPORT_COMPLAINT, MEANING_HARD},
    {ARF_FRAUD, REPORT_COMPLAINT, MEANING_POLICY},
    {ARF_VIRUS, REPORT_COMPLAINT, MEANING_POLICY},
    {ARF_NOT_SPAM, REPORT_OTHER, MEANING_NONE},
    {ARF_AUTH_FAILURE, REPORT_OTHER, MEANING_NONE},
    {ARF_OTHER, REPORT_OTHER, MEANING_NONE},
};

static void add_complainant(struct arena *a, struct report *r, struct view address, const struct feedback_row *row)
{
	struct report_recipient *one = address.p ? report_add(a, r, address) : NULL;
	if (!one)
		return;
	one->meaning = row->meaning;
	one->reason = view_of(arf_type_name(row->type));
	memcpy(one->rule, "feedback-type", sizeof "feedback-type");
}

int read_feedback(struct arena *a, const struct parts *p, struct report *r, bool *ret, struct err *err)
{
	struct arf arf;
	struct err why;
	*ret = false;
	if (!p->feedback.n)
		return 0;
	if (arf_parse(a, p->feedback, &arf, &why) < 0) {
		if (why.kind == ERR_LIMIT && err)
			*err = why;
		return why.kind == ERR_LIMIT ? -1 : 0;
	}
	const struct feedback_row *row = feedback_rows;
	while (row->type != arf.type)
		row++;
	r->kind = row->kind;
	r->feedback = arf.type;
	if (!r->envelope_from.n)
		r->envelope_from = arf.mail_from;
	for (unsigned i = 0; i < arf.rcpt_to.count; i++)
		add_complainant(a, r, canonical_address(a, arf.rcpt_to.items[i]), row);
	struct view to[FIELD_MAX_ADDRESSES];
	unsigned n = r->count ? 0 : field_addresses(a, &r->returned, V("To"), to, FIELD_MAX_ADDRESSES);
	if (n == 1)
		add_complainant(a, r, to[0], row);
	*ret = true;
	return 0;
}
