/* RFC 3464: each recipient's group. Where a group says too little, the mail system's words beside it are asked. */
#include "internal.h"

/* The words about one recipient: from where it is named to the end, or all when it isn't. */
static struct view words_about(struct view notice, struct view address, unsigned recipients)
{
	if (recipients <= 1)
		return notice;
	size_t at = view_ifind(notice, address);
	return at < notice.n ? view_sub(notice, at, at + 600) : (struct view){0};
}

/* Does the judgement rest on nothing but a class, or less? */
static bool is_thin(const struct report_recipient *r)
{
	return view_eq(view_of(r->rule), V("unknown")) || view_eq(view_of(r->status), V("5.0.0")) ||
	       view_eq(view_of(r->status), V("4.0.0"));
}

static bool by_a_row(const struct report_recipient *r)
{
	return !view_starts(view_of(r->rule), V("status:")) && !view_eq(view_of(r->rule), V("unknown"));
}

/* What was said, and what PowerMTA found it to mean: it reads the whole dialogue. */
static struct view group_words(struct arena *a, const struct dsn_recipient *g)
{
	struct view field = V("X-PowerMTA-BounceCategory:"),
		    rest = view_sub(g->raw, view_ifind(g->raw, field), g->raw.n);
	struct view line = text_line(&rest), said = g->diagnostic.value;
	char *p = line.n ? arena_alloc(a, said.n + line.n + 1) : NULL;
	if (!p)
		return said;
	if (said.n)
		memcpy(p, said.p, said.n);
	p[said.n] = ' ';
	memcpy(p + said.n + 1, line.p, line.n);
	return view_n(p, said.n + 1 + line.n);
}

static void judge_group(const struct bounce_rules *rules, struct arena *a, const struct dsn *d,
    const struct dsn_recipient *g, struct view notice, struct view address, struct report_recipient *ret)
{
	struct view domain = view_sub(address, view_find(address, 0, '@') + 1, address.n);
	struct view hosts[] = {g->remote_mta.value, d->reporting_mta.value, domain};
	struct view words = words_about(notice, address, d->count);
	struct refusal refusal = {g->action, g->status, group_words(a, g), words, hosts, 3};
	refusal_judge(rules, &refusal, ret);
	if (ret->meaning == MEANING_NONE || by_a_row(ret))
		return;
	if (!is_thin(ret) && g->diagnostic.value.n)
		return;
	struct report_recipient second = *ret;
	refusal.text = words;
	refusal_judge(rules, &refusal, &second);
	if (by_a_row(&second))
		*ret = second;
}

static struct view group_address(struct arena *a, const struct dsn_recipient *g)
{
	struct view v = {0};
	if (g->original_recipient.value.n && !view_ieq(g->original_recipient.type, V("x400")))
		v = canonical_address(a, g->original_recipient.value);
	if (!v.p && g->final_recipient.value.n)
		v = canonical_address(a, g->final_recipient.value);
	return v;
}

static bool is_field_or_none(struct view line)
{
	struct view name = view_sub(line, 0, view_find(line, 0, ':'));
	return line.n == 0 || line.p[0] == ' ' || line.p[0] == '\t' ||
	       (name.n < line.n && view_find(name, 0, ' ') == name.n);
}

/* A line end fell into the address: what is left of it may be somebody else's. */
static bool is_torn(struct view group)
{
	while (group.n) {
		struct view line = text_line(&group), next = group;
		if (view_ifind(line, V("-Recipient:")) < line.n && !is_field_or_none(text_line(&next)))
			return true;
	}
	return false;
}

int read_delivery_status(const struct bounce_rules *rules, struct arena *a, const struct parts *p, struct report *r,
    bool *ret, struct err *err)
{
	struct dsn d;
	*ret = false;
	if (!p->is_status_report)
		return 0;
	if (dsn_parse(a, p->status, &d, err) < 0)
		return -1;
	for (unsigned i = 0; i < d.count; i++) {
		struct view address = group_address(a, &d.recipients[i]);
		struct report_recipient one = {.address = address};
		if (!address.p)
			continue;
		judge_group(rules, a, &d, &d.recipients[i], p->notice, address, &one);
		if (one.meaning == MEANING_HARD && is_torn(d.recipients[i].raw)) {
			one.meaning = MEANING_SOFT;
			one.reason = V("damaged");
		}
		unsigned before = r->count;
		struct report_recipient *kept = report_add(a, r, address);
		if (!kept)
			return err_set(err, ERR_LIMIT, "report: more than %d recipients", REPORT_MAX_RECIPIENTS);
		if (r->count > before || one.meaning > kept->meaning)
			*kept = one;
	}
	*ret = r->count > 0;
	return 0;
}
