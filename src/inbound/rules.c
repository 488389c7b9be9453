/* The rows and how they are found. One pass over the rows of a kind; each pattern's literals are looked for leftmost, one
 * after the other, which finds a match whenever there is one (the gaps are free) and needs no second try. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"

#define PROVIDERS_MAX 200
#define SUFFIXES_MAX 16
#define EVERYBODY UINT16_MAX

struct rule {
	enum meaning meaning;
	struct view reason;
	struct view status; /* "5.2.1", "5.7.*"; empty = any */
	struct view literals[RULES_MAX_LITERALS];
	uint8_t literal_count;
	bool at_start, at_end, at_rcpt;
	uint16_t provider;
	unsigned line;
};

struct provider {
	struct view name;
	struct view suffixes[SUFFIXES_MAX]; /* domains; those that start with "=" are words of the text */
	unsigned count;
};

struct rule_list {
	struct rule *rows;
	size_t count, cap;
};

struct rule_file {
	const char *name;
	char *text; /* lower-cased copy that all views point into */
	struct rule_list lists[RULE_KINDS];
	struct provider *providers;
	unsigned provider_count;
};

struct bounce_rules {
	struct shared shared;
	struct rule_file own, shipped;
};

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

/* ---- asking ---- */

/* "550-5.1.1", "550-", or "550" before "5.1.1": what a reply repeats on each of its lines. */
static size_t reply_mark(struct view v)
{
	size_t n = 0;
	if (v.n < 4 || !memchr("245", v.p[0], 3) || !ascii_is_digit(v.p[1]) || !ascii_is_digit(v.p[2]))
		return 0;
	if (v.p[3] == '-')
		n = 4;
	else if (v.p[3] == ' ' && v.n > 5 && v.p[4] == v.p[0] && v.p[5] == '.')
		n = 4;
	else
		return 0;
	while (n < v.n && (ascii_is_digit(v.p[n]) || v.p[n] == '.'))
		n++;
	return n == v.n || v.p[n] == ' ' ? n : 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A URL's path says "spam" or "blocked" whatever it is linked from. */
static size_t cut_path(const char *dst, size_t from, size_t n)
{
	const char *host = memmem(dst + from, n - from, "://", 3);
	const char *slash = host ? memchr(host + 3, '/', n - (size_t)(host + 3 - dst)) : NULL;
	return slash ? (size_t)(slash - dst) + 1 : n;
}

/* The word that ends DST holds an "@": only that is left of it. */
static size_t hide_name(char *dst, size_t n)
{
	size_t from = n;
	while (from > 0 && dst[from - 1] != ' ')
		from--;
	if (!memchr(dst + from, '@', n - from))
		return cut_path(dst, from, n);
	for (size_t i = from; i < n && dst[i] != '@'; i++)
		if (memchr(":=<([", dst[i], 5))
			from = i + 1;
	dst[from] = '@';
	return from + 1;
}

static size_t normalise(struct view text, char *dst, size_t size, bool hides_names)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n && n < size; i++) {
		if (is_blank(text.p[i])) {
			if (n && dst[n - 1] != ' ') {
				n = hides_names ? hide_name(dst, n) : n;
				dst[n++] = ' ';
			}
			continue;
		}
		size_t mark =
		    n == 0 || dst[n - 1] == ' ' ? reply_mark(view_sub(text, i, i + 16 < text.n ? i + 16 : text.n)) : 0;
		if (mark)
			i += mark - 1;
		else
			dst[n++] = ascii_lower(text.p[i]);
	}
	if (hides_names && n)
		n = hide_name(dst, n);
	while (n && dst[n - 1] == ' ')
		n--;
	return n;
}

size_t rules_normalise(struct view text, char *dst, size_t size)
{
	return normalise(text, dst, size, false);
}

size_t rules_normalise_words(struct view text, char *dst, size_t size)
{
	return normalise(text, dst, size, true);
}

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
