/* Form bodies: bounded before they come here, so each is parsed whole and in place. */
#include "form.h"

static int hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that stands escaped at P, or -1. A NUL is never made: behind us there are C strings. */
static int escaped_byte(const char *p, size_t n)
{
	int high = n > 2 ? hex_value(p[1]) : -1, low = n > 2 ? hex_value(p[2]) : -1;
	int byte = high < 0 || low < 0 ? -1 : high << 4 | low;
	return byte == 0 ? -1 : byte;
}

size_t percent_decode(char *p, size_t n, bool plus)
{
	size_t out = 0;
	for (size_t i = 0; i < n; i++) {
		int byte = p[i] == '%' ? escaped_byte(p + i, n - i) : -1;
		if (byte >= 0) {
			p[out++] = (char)byte;
			i += 2;
		} else {
			p[out++] = plus && p[i] == '+' ? ' ' : p[i];
		}
	}
	return out;
}

static bool add_field(struct form *f, struct view name, struct view value)
{
	if (f->count == FORM_FIELDS_MAX)
		return false;
	f->fields[f->count++] = (struct form_field){name, value};
	return true;
}

static struct view decoded(char *p, size_t n)
{
	return view_n(p, percent_decode(p, n, true));
}

static enum form_status parse_urlencoded(struct form *f, char *body, size_t n)
{
	/* Some clients end the body with a line end; a real one would be escaped. */
	struct view rest = view_trim(view_n(body, n)), pair;
	while (view_cut(&rest, '&', &pair)) {
		if (pair.n == 0)
			continue;
		char *at = body + (pair.p - body);
		size_t eq = view_find(pair, 0, '=');
		size_t from = eq < pair.n ? eq + 1 : pair.n;
		if (!add_field(f, decoded(at, eq), decoded(at + from, pair.n - from)))
			return FORM_TOO_MANY;
	}
	return FORM_OK;
}

/* ---- header parameters (RFC 2045 5.1, RFC 2183 2): *(";" attribute "=" (token / quoted-string)) ---- */

static struct view take_quoted(struct view *rest)
{
	size_t i = 1;
	while (i < rest->n && rest->p[i] != '"')
		i += rest->p[i] == '\\' && i + 1 < rest->n ? 2 : 1;
	struct view value = view_sub(*rest, 1, i);
	*rest = view_sub(*rest, i + 1, rest->n);
	size_t next = view_find(*rest, 0, ';');
	*rest = view_sub(*rest, next + 1, rest->n);
	return value;
}

static struct view take_value(struct view *rest)
{
	*rest = view_trim(*rest);
	struct view value = view_n(rest->p, 0);
	if (rest->n && *rest->p == '"')
		return take_quoted(rest);
	return view_cut(rest, ';', &value) ? view_trim(value) : value;
}

struct view header_parameter(struct view value, struct view name)
{
	struct view rest = value, part;
	if (!view_cut(&rest, ';', &part))
		return (struct view){0};
	while (rest.n) {
		size_t eq = view_find(rest, 0, '='), end = view_find(rest, 0, ';');
		if (end < eq || eq == rest.n) { /* an attribute without a value */
			rest = view_sub(rest, end + 1, rest.n);
			continue;
		}
		struct view attribute = view_trim(view_sub(rest, 0, eq));
		rest = view_sub(rest, eq + 1, rest.n);
		struct view found = take_value(&rest);
		if (view_ieq(attribute, name))
			return found;
	}
	return (struct view){0};
}

/* ---- multipart (RFC 2046 5.1.1): parts between lines "--boundary", the last "--boundary--" ---- */

struct delimiter {
	size_t before; /* where the part before it ends, its line end left out */
	size_t after;  /* where the part after it begins */
	bool last;
};

/* What follows the boundary on its line: "--" or blanks up to the line end. */
static bool delimiter_tail(struct view body, size_t at, struct delimiter *ret)
{
	struct view rest = view_sub(body, at, body.n);
	ret->last = view_starts(rest, V("--"));
	size_t end = view_find(rest, 0, '\n');
	ret->after = at + (end < rest.n ? end + 1 : rest.n);
	return ret->last || view_trim(view_sub(rest, 0, end)).n == 0;
}

static bool find_delimiter(struct view body, size_t from, struct view boundary, struct delimiter *ret)
{
	for (size_t i = from; i + 2 + boundary.n <= body.n; i++) {
		const char *dash = memchr(body.p + i, '-', body.n - i);
		if (!dash)
			return false;
		i = (size_t)(dash - body.p);
		bool line_start = i == 0 || body.p[i - 1] == '\n';
		if (!line_start || !view_starts(view_sub(body, i, body.n), V("--")) ||
		    !view_starts(view_sub(body, i + 2, body.n), boundary))
			continue;
		if (!delimiter_tail(body, i + 2 + boundary.n, ret))
			continue;
		ret->before = i > from ? i - 1 : i;
		if (ret->before > from && body.p[ret->before - 1] == '\r')
			ret->before--;
		return true;
	}
	return false;
}

/* Takes the header lines off PART up to the empty line; the name that Content-Disposition gives. */
static struct view take_part_name(struct view *part)
{
	struct view name = {0}, line;
	while (view_cut(part, '\n', &line)) {
		line = view_trim(line);
		if (line.n == 0)
			break;
		if (view_istarts(line, V("content-disposition:")))
			name = header_parameter(line, V("name"));
	}
	return name;
}

/* A body without its closing line still counts: HTTP has said that it came whole. */
static struct delimiter end_of_body(struct view body)
{
	size_t before = body.n;
	if (before && body.p[before - 1] == '\n')
		before--;
	if (before && body.p[before - 1] == '\r')
		before--;
	return (struct delimiter){.before = before, .after = body.n, .last = true};
}

static enum form_status parse_multipart(struct form *f, struct view boundary, struct view body)
{
	struct delimiter here, next;
	if (boundary.n == 0 || !find_delimiter(body, 0, boundary, &here))
		return FORM_BROKEN;
	while (!here.last && here.after < body.n) {
		if (!find_delimiter(body, here.after, boundary, &next))
			next = end_of_body(body);
		struct view part = view_sub(body, here.after, next.before);
		struct view name = take_part_name(&part);
		if (name.p && !add_field(f, name, part))
			return FORM_TOO_MANY;
		here = next;
	}
	return FORM_OK;
}

/* "--" and a line end at the start: multipart, whatever the header says or forgot to say. */
static struct view boundary_of_body(struct view body)
{
	if (!view_starts(body, V("--")))
		return (struct view){0};
	return view_trim(view_sub(body, 2, view_find(body, 0, '\n')));
}

enum form_status form_parse(struct form *ret, struct view content_type, char *body, size_t n)
{
	struct view whole = view_n(body, n), boundary = {0};
	ret->count = 0;
	if (view_istarts(content_type, V("multipart/")))
		boundary = header_parameter(content_type, V("boundary"));
	else if (view_istarts(content_type, V("application/x-www-form-urlencoded")))
		return parse_urlencoded(ret, body, n);
	if (boundary.n == 0)
		boundary = boundary_of_body(whole);
	if (boundary.n || view_istarts(content_type, V("multipart/")))
		return parse_multipart(ret, boundary, whole);
	return parse_urlencoded(ret, body, n);
}

struct view form_value(const struct form *f, struct view name)
{
	for (unsigned i = 0; i < f->count; i++)
		if (view_eq(f->fields[i].name, name))
			return f->fields[i].value;
	return (struct view){0};
}

bool form_has(const struct form *f, struct view name, struct view value)
{
	for (unsigned i = 0; i < f->count; i++)
		if (view_eq(f->fields[i].name, name) && view_eq(f->fields[i].value, value))
			return true;
	return false;
}
