/* Pages with holes: one pass, sections by recursion. */
#include "template.h"

#define SECTIONS_MAX 8 /* sections inside sections */

static const char *const escapes[256] = {
	['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;",
};

void html_escape(struct buf *out, struct view v)
{
	size_t from = 0;
	for (size_t i = 0; i < v.n; i++) {
		const char *as = escapes[(unsigned char)v.p[i]];
		if (!as)
			continue;
		buf_add(out, view_sub(v, from, i));
		buf_str(out, as);
		from = i + 1;
	}
	buf_add(out, view_sub(v, from, v.n));
}

struct rendering {
	struct buf *out;
	const struct values *values;
	struct err *err;
	bool in_text; /* inside a sentence: plain text, so its own letters are escaped too */
	unsigned depth;
};

static const struct value *find_value(const struct values *values, struct view name)
{
	for (size_t i = 0; i < values->n; i++)
		if (view_eq(view_of(values->rows[i].name), name))
			return &values->rows[i];
	return NULL;
}

static int render(struct rendering r, struct view page);

static int render_text(struct rendering r, struct view key)
{
	struct view sentence = text_of(key, r.values->language);
	if (!sentence.p || r.in_text)
		return err_set(r.err, ERR_SYNTAX, "template: no text {{t.%.*s}}", VFMT(key));
	r.in_text = true;
	return render(r, sentence);
}

static int render_hole(struct rendering r, struct view name)
{
	if (view_starts(name, V("t.")))
		return render_text(r, view_sub(name, 2, name.n));
	const struct value *v = find_value(r.values, name);
	if (!v)
		return err_set(r.err, ERR_SYNTAX, "template: no value {{%.*s}}", VFMT(name));
	html_escape(r.out, v->value);
	return 0;
}

/* "{{/name}}" in PAGE, or page.n; a section doesn't hold another of the same name. */
static size_t find_close(struct view page, struct view name)
{
	for (size_t i = view_find(page, 0, '{'); i + name.n + 5 <= page.n; i = view_find(page, i + 1, '{')) {
		struct view here = view_sub(page, i, i + name.n + 5);
		if (view_starts(here, V("{{/")) && view_ends(here, V("}}")) &&
		    view_eq(view_sub(here, 3, 3 + name.n), name))
			return i;
	}
	return page.n;
}

/* MARK is "?name" or "!name"; *REST stands behind its opening and is moved behind its close. */
static int render_section(struct rendering r, struct view mark, struct view *rest)
{
	struct view name = view_sub(mark, 1, mark.n);
	size_t close = find_close(*rest, name);
	const struct value *v = find_value(r.values, name);
	if (close == rest->n || !v || r.depth == SECTIONS_MAX)
		return err_set(r.err, ERR_SYNTAX,
		    "template: section {{%.*s}}: no value, no close or too deep", VFMT(mark));
	struct view inside = view_sub(*rest, 0, close);
	*rest = view_sub(*rest, close + name.n + 5, rest->n);
	r.depth++;
	return (v->value.n > 0) == (mark.p[0] == '?') ? render(r, inside) : 0;
}

static void put_literal(struct rendering r, struct view literal)
{
	if (r.in_text)
		html_escape(r.out, literal);
	else
		buf_add(r.out, literal);
}

/* Index of PAIR (two bytes) or page.n. */
static size_t find_pair(struct view page, char c)
{
	for (size_t i = view_find(page, 0, c); i < page.n; i = view_find(page, i + 1, c))
		if (i + 1 < page.n && page.p[i + 1] == c)
			return i;
	return page.n;
}

static int render(struct rendering r, struct view page)
{
	while (page.n) {
		size_t open = find_pair(page, '{');
		put_literal(r, view_sub(page, 0, open));
		if (open == page.n)
			break;
		page = view_sub(page, open + 2, page.n);
		size_t close = find_pair(page, '}');
		if (close == page.n)
			return err_set(r.err, ERR_SYNTAX, "template: {{ without }}");
		struct view name = view_sub(page, 0, close);
		page = view_sub(page, close + 2, page.n);
		bool section = name.n && (name.p[0] == '?' || name.p[0] == '!');
		if ((section ? render_section(r, name, &page) : render_hole(r, name)) < 0)
			return -1;
	}
	return 0;
}

int template_render(struct buf *out, struct view page, const struct values *values, struct err *err)
{
	struct rendering r = {.out = out, .values = values, .err = err};
	if (render(r, page) < 0)
		return -1;
	return out->failed ? err_set(err, ERR_LIMIT, "template: page longer than %zu bytes", out->max) : 0;
}
