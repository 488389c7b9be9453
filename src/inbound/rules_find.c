/* How rows are found. One pass over the rows of a kind; each pattern's literals are looked for leftmost, one after the
 * other, which finds a match whenever there is one (the gaps are free) and needs no second try. */
#include <stdio.h>

#include "rules_internal.h"

/* A literal that begins with a letter begins a word: "marble" is no "rbl". */
static bool begins_word(struct view text, size_t at, struct view literal)
{
	return at == 0 || !ascii_is_alpha(literal.p[0]) || !ascii_is_alpha(text.p[at - 1]);
}

static bool find_literal(struct view text, size_t from, struct view literal, size_t *ret_end)
{
	while (from <= text.n) {
		const char *p = memmem(text.p + from, text.n - from, literal.p, literal.n);
		if (!p)
			return false;
		size_t at = (size_t)(p - text.p);
		if (begins_word(text, at, literal)) {
			*ret_end = at + literal.n;
			return true;
		}
		from = at + 1;
	}
	return false;
}

static bool pattern_matches(const struct rule *r, struct view text, size_t *ret_end)
{
	size_t end = 0;
	for (unsigned i = 0; i < r->literal_count; i++) {
		bool last = i + 1 == r->literal_count;
		if (i == 0 && r->at_start) {
			if (!view_starts(text, r->literals[0]))
				return false;
			end = r->literals[0].n;
		} else if (last && r->at_end) {
			if (text.n < end + r->literals[i].n)
				return false;
			end = text.n - r->literals[i].n;
			if (!view_ends(text, r->literals[i]))
				return false;
			end = text.n;
		} else if (!find_literal(text, end, r->literals[i], &end)) {
			return false;
		}
	}
	*ret_end = end;
	return !r->at_end || end == text.n;
}

static bool status_matches(struct view glob, struct view status)
{
	if (glob.n == 0)
		return true;
	if (view_ends(glob, V("*")))
		return view_starts(status, view_sub(glob, 0, glob.n - 1));
	return view_eq(glob, status);
}

static bool host_within(struct view host, struct view suffix)
{
	return view_iends(host, suffix) && (host.n == suffix.n || host.p[host.n - suffix.n - 1] == '.');
}

static bool provider_speaks(const struct provider *p, const struct rule_question *q)
{
	for (unsigned i = 0; i < p->count; i++) {
		struct view s = p->suffixes[i];
		size_t end;
		if (s.p[0] == '=') {
			if (s.n > 1 && find_literal(q->text, 0, view_sub(s, 1, s.n), &end))
				return true;
			continue;
		}
		for (unsigned h = 0; h < q->host_count; h++)
			if (host_within(q->hosts[h], s))
				return true;
	}
	return false;
}

static bool row_matches(const struct rule *r, const struct rule_question *q, size_t *ret_end)
{
	return status_matches(r->status, q->status) && pattern_matches(r, q->text, ret_end);
}

/* Rows from I on that belong to PROVIDER (or to everybody): the first that fits. */
static const struct rule *find_row(
    const struct rule_file *f, const struct rule_question *q, bool of_providers, size_t *ret_end)
{
	const struct rule_list *l = &f->lists[q->kind];
	unsigned asked = EVERYBODY;
	bool speaks = false;
	for (size_t i = 0; i < l->count; i++) {
		const struct rule *r = &l->rows[i];
		if ((r->provider != EVERYBODY) != of_providers)
			continue;
		if (of_providers && r->provider != asked) {
			asked = r->provider;
			speaks = provider_speaks(&f->providers[asked], q);
		}
		if ((!of_providers || speaks) && row_matches(r, q, ret_end))
			return r;
	}
	return NULL;
}

static bool find_in(const struct rule_file *f, const struct rule_question *q, struct rule_match *ret)
{
	const struct rule *r = find_row(f, q, true, &ret->end);
	if (!r)
		r = find_row(f, q, false, &ret->end);
	if (!r)
		return false;
	ret->meaning = r->meaning;
	ret->at_rcpt = r->at_rcpt;
	ret->names_status = r->status.n > 0;
	ret->reason = r->reason;
	snprintf(ret->name, sizeof ret->name, "%s:%u", f->name, r->line);
	return true;
}

bool bounce_rules_find(const struct bounce_rules *r, const struct rule_question *q, struct rule_match *ret)
{
	return find_in(&r->own, q, ret) || find_in(&r->shipped, q, ret);
}

static bool ends_in(const struct rule_list *l, struct view text)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->rows[i].literal_count && view_ends(text, l->rows[i].literals[0]))
			return true;
	return false;
}

bool bounce_rules_ends(const struct bounce_rules *r, enum rule_kind kind, struct view text)
{
	return ends_in(&r->own.lists[kind], text) || ends_in(&r->shipped.lists[kind], text);
}
