/* Reports in a mail system's own words. A recipient is known by where it stands, best place first:
 *
 *   X-Failed-Recipients               Exim says it in so many words
 *   named: "Recipient: <a@b>"         by a row of the rules, or at the start of a line, followed by what follows there
 *   mentioned, and in To of the copy  somewhere in the text
 *   To of the copy                    when it is one, and the text names nobody else
 *
 * What is said of a recipient stands between it and the next one. */
#include "internal.h"

#define PLACES_MAX 200
#define HOSTS_MAX 12

struct place {
	struct view address;
	size_t at;
	unsigned indent; /* of one that heads its line */
	bool named, heads, own;
};

struct finding {
	struct place places[PLACES_MAX];
	unsigned count;
};

/* What stands before AT in its line, without the marks that open an address. */
static struct view before_in_line(struct view text, size_t at)
{
	size_t from = at;
	while (from > 0 && text.p[from - 1] != '\n')
		from--;
	struct view v = view_sub(text, from, at);
	while (v.n && memchr(" \t<\"'([`=*", v.p[v.n - 1], 10))
		v.n--;
	return v;
}

static struct view after_in_line(struct view text, size_t at)
{
	return view_sub(text, at, view_find(text, at, '\n'));
}

/* "550", "554 5.1.1": sendmail's transcript puts them before the address. */
static bool is_refusal_code(struct view v)
{
	struct view status = view_trim(view_sub(v, 3, v.n));
	return v.n >= 3 && (v.p[0] == '4' || v.p[0] == '5') && ascii_is_digit(v.p[1]) && ascii_is_digit(v.p[2]) &&
	       (status.n == 0 || view_eq(status, dsn_status(status)));
}

/* A line that begins with an address and goes on as a list of failures does. */
static bool heads_its_line(struct view text, const struct found_address *f, unsigned *ret_indent)
{
	struct view before = before_in_line(text, f->at);
	*ret_indent = (unsigned)(f->at - (size_t)(before.p - text.p));
	if (before.n && !is_refusal_code(before))
		return false;
	struct view after = after_in_line(text, f->at + f->address.n);
	while (after.n && memchr(">\"')]`", after.p[0], 6))
		after = view_sub(after, 1, after.n);
	after = view_trim(after);
	return after.n == 0 || memchr(":([;,-", after.p[0], 6) || view_starts(after, V("...")) ||
	       view_istarts(after, V("on ")) || view_istarts(after, V("failed")) || view_starts(after, V("="));
}

static bool is_named(const struct bounce_rules *rules, struct view text, const struct found_address *f)
{
	char words[200];
	struct view before = before_in_line(text, f->at);
	if (before.n > sizeof words)
		before = view_sub(before, before.n - sizeof words, before.n);
	size_t n = rules_normalise(before, words, sizeof words);
	return n && bounce_rules_ends(rules, RULE_NAMES, view_n(words, n));
}

static bool one_of(const struct view *list, unsigned count, struct view v)
{
	for (unsigned i = 0; i < count; i++)
		if (view_eq(list[i], v))
			return true;
	return false;
}

static void find_places(const struct bounce_rules *rules, struct arena *a, struct view text, const struct view *own,
    unsigned own_count, struct finding *ret)
{
	struct found_address f;
	for (size_t from = 0; ret->count < PLACES_MAX && scan_address(text, &from, &f);) {
		struct view address = canonical_address(a, f.address);
		struct place *p = &ret->places[ret->count];
		if (!address.p || view_starts(address, V("mailer-daemon@")))
			continue;
		*p = (struct place){.address = address, .at = f.at};
		p->heads = heads_its_line(text, &f, &p->indent);
		p->named = p->heads || is_named(rules, text, &f);
		p->own = one_of(own, own_count, address);
		ret->count++;
	}
}

/* Host names in the words: who refused. */
static unsigned find_hosts(struct view text, struct view *dst, unsigned max)
{
	unsigned count = 0;
	for (size_t i = 0; i < text.n && count < max; i++) {
		size_t end = i, dots = 0;
		while (end < text.n && (ascii_is_alnum(text.p[end]) || text.p[end] == '-' || text.p[end] == '.'))
			dots += text.p[end++] == '.';
		struct view v = view_sub(text, i, end);
		while (v.n && v.p[v.n - 1] == '.')
			v.n--;
		if (dots > 1 && v.n > 5 && ascii_is_alpha(v.p[v.n - 1]))
			dst[count++] = v;
		i = end > i ? end : i;
	}
	return count;
}

/* "will be retried": the mail system still tries. */
static enum dsn_action action_said(struct view notice, struct view subject)
{
	static const char *const waiting[] = {"warning message only", "will continue trying",
	    "delivery attempts will continue", "not yet been delivered", "message will be retried", "will keep trying",
	    "still being retried", "you do not need to resend", "will retry for", "will be attempted again"};
	for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++)
		if (view_ifind(notice, view_of(waiting[i])) < notice.n)
			return DSN_DELAYED;
	return view_ifind(subject, V("delayed")) < subject.n || view_ifind(subject, V("(delay)")) < subject.n
		   ? DSN_DELAYED
		   : DSN_FAILED;
}

/* From the line that first names ADDRESS to the first word about another. */
static struct view words_about(const struct finding *f, const struct report *r, struct view notice, struct view address)
{
	size_t from = notice.n, to = notice.n;
	for (unsigned i = 0; i < f->count; i++) {
		const struct place *p = &f->places[i];
		if (view_eq(p->address, address) && p->at < from)
			from = (size_t)(before_in_line(notice, p->at).p - notice.p);
	}
	if (r->count <= 1 || from == notice.n)
		return notice;
	for (unsigned i = 0; i < f->count; i++) {
		const struct place *p = &f->places[i];
		bool other = false;
		for (unsigned k = 0; k < r->count; k++)
			other |= !view_eq(p->address, address) && view_eq(p->address, r->recipients[k].address);
		if (other && p->at > from && p->at < to)
			to = p->at;
	}
	return view_sub(notice, from, to);
}

/* The line that lists ADDRESS and those set in below it: what was said of it and of nobody else. */
static struct view own_lines(const struct finding *f, struct view notice, struct view address)
{
	for (unsigned i = 0; i < f->count; i++) {
		const struct place *p = &f->places[i];
		if (!p->heads || !view_eq(p->address, address))
			continue;
		size_t from = (size_t)(before_in_line(notice, p->at).p - notice.p);
		struct view rest = view_sub(notice, view_find(notice, p->at, '\n') + 1, notice.n);
		for (struct view next = rest; rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t'); rest = next)
			if (view_trim(text_line(&next)).n == 0)
				break;
		return view_sub(notice, from, (size_t)(rest.p - notice.p));
	}
	return (struct view){0};
}

static bool by_a_row(const struct report_recipient *r)
{
	return !view_eq(view_of(r->rule), V("unknown")) && !view_starts(view_of(r->rule), V("status:"));
}

/* What is nearest decides: its own lines, the words about it, all there is. */
static void judge_one(const struct bounce_rules *rules, const struct finding *f, const struct report *r,
    struct view notice, enum dsn_action action, struct report_recipient *one)
{
	struct view words = words_about(f, r, notice, one->address), hosts[HOSTS_MAX + 1];
	hosts[0] = view_sub(one->address, view_find(one->address, 0, '@') + 1, one->address.n);
	unsigned n = 1 + find_hosts(words, hosts + 1, HOSTS_MAX);
	struct view nearest[] = {own_lines(f, notice, one->address), words};
	struct report_recipient best = *one;
	for (size_t i = 0; i < 2; i++) {
		struct refusal refusal = {action, (struct view){0}, nearest[i], words, hosts, n};
		struct report_recipient now = *one;
		if (i == 0 && nearest[i].n == 0)
			continue;
		refusal_judge(rules, &refusal, &now);
		if (by_a_row(&now) || !best.rule[0] || view_eq(view_of(best.rule), V("unknown")))
			best = now;
		if (by_a_row(&best))
			break;
	}
	*one = best;
}

static void judge_all(const struct bounce_rules *rules, const struct finding *f, struct view notice,
    struct view subject, struct report *r)
{
	enum dsn_action action = action_said(notice, subject);
	for (unsigned i = 0; i < r->count; i++)
		judge_one(rules, f, r, notice, action, &r->recipients[i]);
}

/* Where lists of failures begin; what is set in deeper was said about one of them. */
static unsigned least_indent(const struct finding *f, bool own)
{
	unsigned least = UINT32_MAX;
	for (unsigned i = 0; i < f->count; i++)
		if (f->places[i].heads && f->places[i].own == own && f->places[i].indent < least)
			least = f->places[i].indent;
	return least;
}

static void add_named(struct arena *a, const struct finding *f, bool own, struct report *r)
{
	unsigned least = least_indent(f, own);
	for (unsigned i = 0; i < f->count; i++) {
		const struct place *p = &f->places[i];
		if (p->own == own && p->named && (!p->heads || p->indent == least))
			report_add(a, r, p->address);
	}
}

static void add_mentioned(
    struct arena *a, const struct finding *f, const struct view *to, unsigned to_count, struct report *r)
{
	struct view only = {0};
	unsigned others = 0;
	for (unsigned i = 0; i < f->count; i++) {
		if (f->places[i].own)
			continue;
		if (one_of(to, to_count, f->places[i].address))
			report_add(a, r, f->places[i].address);
		others += !view_eq(only, f->places[i].address);
		only = f->places[i].address;
	}
	if (r->count)
		return;
	if (others == 1)
		report_add(a, r, only);
	else if (others == 0 && to_count == 1)
		report_add(a, r, to[0]);
}

/* The people who are not the failed recipient: to whom the report goes, and who sent the message. */
static unsigned own_addresses(struct arena *a, const struct report *r, struct view *dst, unsigned max)
{
	static const char *const of_report[] = {"To", "From", "Delivered-To", "X-Original-To"};
	static const char *const of_copy[] = {"From", "Return-Path", "Sender", "Reply-To"};
	unsigned n = 0;
	for (size_t i = 0; i < sizeof of_report / sizeof *of_report; i++)
		n += field_addresses(a, &r->head, view_of(of_report[i]), dst + n, max - n);
	for (size_t i = 0; i < sizeof of_copy / sizeof *of_copy; i++)
		n += field_addresses(a, &r->returned, view_of(of_copy[i]), dst + n, max - n);
	return n;
}

static bool looks_like_failure(
    const struct bounce_rules *rules, struct arena *a, const struct parts *p, const struct report *r)
{
	if (head_find(&r->head, V("X-Failed-Recipients")))
		return true;
	bool of_a_list = head_find(&r->head, V("List-Unsubscribe")) || head_find(&r->head, V("List-Id"));
	if (!is_mail_system(rules, a, r) && (of_a_list || !subject_is(rules, a, r, RULE_SUBJECT)))
		return false;
	return text_has(rules, RULE_MARKER, p->notice) || subject_is(rules, a, r, RULE_SUBJECT);
}

bool read_free_form(
    const struct bounce_rules *rules, struct arena *a, const struct parts *p, bool may_mention, struct report *r)
{
	struct view failed[FIELD_MAX_ADDRESSES], own[FIELD_MAX_ADDRESSES], to[FIELD_MAX_ADDRESSES];
	struct finding *f = arena_zero(a, sizeof *f);
	if (!f || !looks_like_failure(rules, a, p, r))
		return false;
	unsigned failed_count = field_addresses(a, &r->head, V("X-Failed-Recipients"), failed, FIELD_MAX_ADDRESSES);
	unsigned own_count = own_addresses(a, r, own, FIELD_MAX_ADDRESSES);
	unsigned to_count = field_addresses(a, &r->returned, V("To"), to, FIELD_MAX_ADDRESSES);
	find_places(rules, a, p->notice, own, own_count, f);
	for (unsigned i = 0; i < failed_count; i++)
		report_add(a, r, failed[i]);
	if (!r->count)
		add_named(a, f, false, r);
	if (!r->count)
		add_named(a, f, true, r);
	if (!r->count && !may_mention)
		return false;
	if (!r->count)
		add_mentioned(a, f, to, to_count, r);
	const struct field *subject = head_find(&r->head, V("Subject"));
	judge_all(rules, f, p->notice, subject ? subject->value : V(""), r);
	return r->count > 0;
}
