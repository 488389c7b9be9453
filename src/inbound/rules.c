/* A file of rows, read once. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "rules_internal.h"

static const struct verb_row {
	struct view word;
	enum rule_kind kind;
	enum meaning meaning;
	bool at_rcpt;
} verb_rows[] = {
    {V("hard"), RULE_MEANING, MEANING_HARD, false},
    {V("gone"), RULE_MEANING, MEANING_HARD, true},
    {V("soft"), RULE_MEANING, MEANING_SOFT, false},
    {V("policy"), RULE_MEANING, MEANING_POLICY, false},
    {V("none"), RULE_MEANING, MEANING_NONE, false},
    {V("cut"), RULE_CUT, MEANING_NONE, false},
    {V("names"), RULE_NAMES, MEANING_NONE, false},
    {V("marker"), RULE_MARKER, MEANING_NONE, false},
    {V("subject"), RULE_SUBJECT, MEANING_NONE, false},
    {V("daemon"), RULE_DAEMON, MEANING_NONE, false},
    {V("auto"), RULE_AUTO, MEANING_NONE, false},
    {V("wish"), RULE_WISH, MEANING_NONE, false},
};

const char *meaning_word(enum meaning m)
{
	static const char *const words[] = {"none", "soft", "policy", "hard"};
	return words[m];
}

/* ---- reading ---- */

static struct rule *add_row(struct rule_list *l)
{
	if (l->count == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 32;
		l->rows = mem_grow(l->rows, l->cap * sizeof *l->rows);
	}
	struct rule *r = &l->rows[l->count++];
	memset(r, 0, sizeof *r);
	return r;
}

/* PATTERN: literals with "*" between them. */
static int read_pattern(struct rule *r, struct view pattern, struct err *err)
{
	pattern = view_trim(pattern);
	if (view_starts(pattern, V("^"))) {
		r->at_start = true;
		pattern = view_sub(pattern, 1, pattern.n);
	}
	if (view_ends(pattern, V("$"))) {
		r->at_end = true;
		pattern = view_sub(pattern, 0, pattern.n - 1);
	}
	struct view part;
	while (view_cut(&pattern, '*', &part)) {
		part = view_trim(part);
		if (part.n == 0)
			continue;
		if (r->literal_count == RULES_MAX_LITERALS)
			return err_set(err, ERR_LIMIT, "at most %d literals in a pattern", RULES_MAX_LITERALS);
		r->literals[r->literal_count++] = part;
	}
	if (r->literal_count == 0 && r->status.n == 0)
		return err_set(err, ERR_SYNTAX, "a pattern is expected");
	return 0;
}

/* Where in the file a row stands. */
struct place {
	uint16_t provider;
	bool otherwise;
	unsigned line;
};

static int read_provider(struct rule_file *f, struct view rest, struct err *err)
{
	if (f->provider_count == PROVIDERS_MAX)
		return err_set(err, ERR_LIMIT, "at most %d providers", PROVIDERS_MAX);
	struct provider *p = &f->providers[f->provider_count];
	memset(p, 0, sizeof *p);
	if (!view_word(&rest, &p->name))
		return err_set(err, ERR_SYNTAX, "a provider's name is expected");
	struct view word;
	while (view_word(&rest, &word)) {
		if (p->count == SUFFIXES_MAX)
			return err_set(err, ERR_LIMIT, "at most %d domains of a provider", SUFFIXES_MAX);
		p->suffixes[p->count++] = word;
	}
	if (p->count == 0)
		return err_set(err, ERR_SYNTAX, "the provider's domains are expected");
	f->provider_count++;
	return 0;
}

static int read_meaning(struct rule *r, struct view *rest, struct err *err)
{
	if (!view_word(rest, &r->reason) || r->reason.n > 24)
		return err_set(err, ERR_SYNTAX, "a reason of at most 24 letters is expected");
	*rest = view_trim(*rest);
	if (!view_starts(*rest, V("[")))
		return 0;
	size_t end = view_find(*rest, 0, ']');
	if (end == rest->n)
		return err_set(err, ERR_SYNTAX, "\"]\" is expected after a status");
	r->status = view_sub(*rest, 1, end);
	*rest = view_sub(*rest, end + 1, rest->n);
	return 0;
}

static int read_row(
    struct rule_file *f, const struct verb_row *verb, struct view rest, const struct place *at, struct err *err)
{
	enum rule_kind kind = verb->kind == RULE_MEANING && at->otherwise ? RULE_OTHERWISE : verb->kind;
	if (f->lists[kind].count == RULES_MAX_ROWS)
		return err_set(err, ERR_LIMIT, "at most %d rows of a kind", RULES_MAX_ROWS);
	struct rule *r = add_row(&f->lists[kind]);
	r->meaning = verb->meaning;
	r->at_rcpt = verb->at_rcpt;
	r->line = at->line;
	r->provider = at->provider;
	if (verb->kind == RULE_MEANING && read_meaning(r, &rest, err) < 0)
		return -1;
	return read_pattern(r, rest, err);
}

static int read_line(struct rule_file *f, struct view line, struct place *at, struct err *err)
{
	struct view word;
	if (!view_word(&line, &word) || word.p[0] == '#')
		return 0;
	if (view_eq(word, V("provider"))) {
		at->provider = (uint16_t)f->provider_count;
		return read_provider(f, line, err);
	}
	if (view_eq(word, V("everybody")) || view_eq(word, V("otherwise"))) {
		at->otherwise = word.p[0] == 'o';
		at->provider = EVERYBODY;
		return 0;
	}
	for (size_t i = 0; i < sizeof verb_rows / sizeof *verb_rows; i++)
		if (view_eq(word, verb_rows[i].word))
			return read_row(f, &verb_rows[i], line, at, err);
	return err_set(err, ERR_SYNTAX,
	    "hard, gone, soft, policy, none, provider, everybody, otherwise, cut, names, marker, "
	    "subject, daemon, auto or wish is expected");
}

static int read_file(struct rule_file *f, struct view text, const char *name, struct err *err)
{
	f->name = name;
	if (text.n > RULES_MAX_BYTES || (text.n && memchr(text.p, 0, text.n)))
		return err_set(err, ERR_LIMIT, "%s: text of at most %d bytes is expected", name, RULES_MAX_BYTES);
	f->text = view_dup(text);
	f->providers = mem_alloc(PROVIDERS_MAX * sizeof *f->providers);
	ascii_lower_in_place(f->text, text.n);
	struct view rest = view_n(f->text, text.n), line;
	struct place at = {.provider = EVERYBODY};
	while (view_cut(&rest, '\n', &line)) {
		at.line++;
		if (read_line(f, line, &at, err) < 0)
			return err_prefix(err, "%s:%u", name, at.line);
	}
	return 0;
}

static void free_file(struct rule_file *f)
{
	for (int k = 0; k < RULE_KINDS; k++)
		free(f->lists[k].rows);
	free(f->providers);
	free(f->text);
}

static void free_rules(struct shared *s)
{
	struct bounce_rules *r = (struct bounce_rules *)s;
	free_file(&r->own);
	free_file(&r->shipped);
	free(r);
}

int bounce_rules_new(struct bounce_rules **ret, struct view own, const char *own_name, struct view shipped,
    const char *shipped_name, struct err *err)
{
	struct bounce_rules *r = mem_zero(sizeof *r);
	if (!shipped.p)
		shipped = shipped_rules();
	if (read_file(&r->own, own, own_name, err) < 0 || read_file(&r->shipped, shipped, shipped_name, err) < 0) {
		free_rules(&r->shared);
		return -1;
	}
	r->shared.free = free_rules;
	atomic_init(&r->shared.refs, 1);
	*ret = r;
	return 0;
}

struct bounce_rules *bounce_rules_hold(struct bounce_rules *r)
{
	return (struct bounce_rules *)shared_hold(&r->shared);
}

void bounce_rules_free(struct bounce_rules **r)
{
	if (*r)
		shared_release(&(*r)->shared);
	*r = NULL;
}
