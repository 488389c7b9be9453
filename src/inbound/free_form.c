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
#define HOSTS_MAX  12

struct place {
	struct view address;
	size_t at;
	bool named;
};

struct finding {
	struct place places[PLACES_MAX];
	unsigned count;
	bool any_named;
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

/* A line that begins with an address and goes on as a list of failures does. */
static bool heads_its_line(struct view text, const struct found_address *f)
{
	if (before_in_line(text, f->at).n)
		return false;
	struct view after = after_in_line(text, f->at + f->address.n);
	while (after.n && memchr(">\"')]`", after.p[0], 6))
		after = view_sub(after, 1, after.n);
	after = view_trim(after);
	return after.n == 0 || memchr(":([;,-", after.p[0], 6) || view_starts(after, V("...")) || view_istarts(after, V("on ")) ||
	       view_istarts(after, V("failed")) || view_starts(after, V("="));
}

static bool is_named(const struct bounce_rules *rules, struct view text, const struct found_address *f)
{
	char words[200];
	struct view before = before_in_line(text, f->at);
	if (before.n > sizeof words)
		before = view_sub(before, before.n - sizeof words, before.n);
	size_t n = rules_normalise(before, words, sizeof words);
	return heads_its_line(text, f) || (n && bounce_rules_ends(rules, RULE_NAMES, view_n(words, n)));
}

static bool one_of(const struct view *list, unsigned count, struct view v)
{
	for (unsigned i = 0; i < count; i++)
		if (view_eq(list[i], v))
			return true;
	return false;
}

static void find_places(const struct bounce_rules *rules, struct arena *a, struct view text, const struct view *own, unsigned own_count,
    struct finding *ret)
{
	struct found_address f;
	for (size_t from = 0; ret->count < PLACES_MAX && scan_address(text, &from, &f);) {
		struct view address = canonical_address(a, f.address);
		if (!address.p || one_of(own, own_count, address))
			continue;
		struct place *p = &ret->places[ret->count++];
		*p = (struct place){address, f.at, is_named(rules, text, &f)};
		ret->any_named |= p->named;
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
	static const char *const waiting[] = {"warning message only", "will continue trying", "delivery attempts will continue", "not yet been delivered",
	    "message will be retried", "will keep trying", "still being retried", "you do not need to resend", "will retry for", "will be attempted again"};
	for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++)
		if (view_ifind(notice, view_of(waiting[i])) < notice.n)
			return DSN_DELAYED;
	return view_ifind(subject, V("delayed")) < subject.n || view_ifind(subject, V("(delay)")) < subject.n ? DSN_DELAYED : DSN_FAILED;
}

/* From the first word about ADDRESS to the first about another. Few words are eked out with those before. */
static struct view words_about(const struct finding *f, const struct report *r, struct view notice, struct view address)
{
	size_t from = notice.n, to = notice.n;
	for (unsigned i = 0; i < f->count; i++) {
		const struct place *p = &f->places[i];
		if (view_eq(p->address, address) && p->at < from)
			from = p->at;
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

static void judge_all(const struct bounce_rules *rules, const struct finding *f, struct view notice, struct view subject, struct report *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct report_recipient *one = &r->recipients[i];
		struct view words = words_about(f, r, notice, one->address), hosts[HOSTS_MAX + 1];
		hosts[0] = view_sub(one->address, view_find(one->address, 0, '@') + 1, one->address.n);
		unsigned n = 1 + find_hosts(words, hosts + 1, HOSTS_MAX);
		size_t at = words.n < notice.n ? 0 : view_ifind(notice, one->address);
		struct refusal refusal = {action_said(notice, subject), (struct view){0}, view_sub(words, at < words.n ? at : 0, words.n), hosts, n};
		refusal_judge(rules, &refusal, one);
		if (view_eq(view_of(one->rule), V("unknown")) || view_starts(view_of(one->rule), V("status:"))) {
			struct report_recipient all = *one;
			refusal.text = words;
			refusal_judge(rules, &refusal, &all);
			if (!view_eq(view_of(all.rule), V("unknown")))
				*one = all;
		}
	}
}

static void add_named(struct arena *a, const struct finding *f, struct report *r)
{
	for (unsigned i = 0; i < f->count; i++)
		if (f->places[i].named)
			report_add(a, r, f->places[i].address);
}

static void add_mentioned(struct arena *a, const struct finding *f, const struct view *to, unsigned to_count, struct report *r)
{
	for (unsigned i = 0; i < f->count; i++)
		if (one_of(to, to_count, f->places[i].address))
			report_add(a, r, f->places[i].address);
	if (r->count)
		return;
	for (unsigned i = 1; i < f->count; i++)
		if (!view_eq(f->places[i].address, f->places[0].address))
			return;
	if (f->count)
		report_add(a, r, f->places[0].address);
	else if (to_count == 1)
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

static bool looks_like_failure(const struct bounce_rules *rules, struct arena *a, const struct parts *p, const struct report *r)
{
	if (head_find(&r->head, V("X-Failed-Recipients")))
		return true;
	if (!is_mail_system(rules, a, r) && !subject_is(rules, a, r, RULE_SUBJECT))
		return false;
	return text_has(rules, RULE_MARKER, p->notice) || subject_is(rules, a, r, RULE_SUBJECT);
}

bool read_free_form(const struct bounce_rules *rules, struct arena *a, const struct parts *p, struct report *r)
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
		add_named(a, f, r);
	if (!r->count)
		add_mentioned(a, f, to, to_count, r);
	const struct field *subject = head_find(&r->head, V("Subject"));
	judge_all(rules, f, p->notice, subject ? subject->value : V(""), r);
	return r->count > 0;
}
