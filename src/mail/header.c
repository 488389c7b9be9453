/* The head of a message as views over its bytes. One pass: memchr finds each line's end, and a line's first byte says
 * whether it goes on with the field before it. */
#include "mail/header.h"

#include "lex.h"

#define FIRST_FIELDS 32

/* field-name = 1*ftext; ftext = %d33-57 / %d59-126. Blanks before the colon are old (RFC 5322 4.5.8), no part of it. */
static bool take_name(struct view line, struct field *f)
{
	size_t colon = 0;
	while (colon < line.n && line.p[colon] > ' ' && line.p[colon] < 0x7f && line.p[colon] != ':')
		colon++;
	f->name = view_n(line.p, colon);
	while (colon < line.n && lex_is_wsp(line.p[colon]))
		colon++;
	if (f->name.n == 0 || colon == line.n || line.p[colon] != ':')
		return false;
	f->value.p = line.p + colon + 1;
	return true;
}

/* Where the line at FROM ends, behind its line feed. */
static size_t line_end(struct view v, size_t from)
{
	size_t lf = view_find(v, from, '\n');
	return lf < v.n ? lf + 1 : lf;
}

/* The field that starts at FROM, with all its folded lines. Returns its end, or FROM when there is no field. */
static size_t take_field(struct view message, size_t from, struct field *f)
{
	size_t end = line_end(message, from);
	struct view line = lex_without_crlf(view_sub(message, from, end));
	if (!take_name(line, f))
		return from;
	while (end < message.n && lex_is_wsp(message.p[end]))
		end = line_end(message, end);
	f->raw = view_sub(message, from, end);
	f->value.n = (size_t)(f->raw.p + lex_without_crlf(f->raw).n - f->value.p);
	return end;
}

bool field_take(struct view *rest, struct field *ret)
{
	size_t end = take_field(*rest, 0, ret);
	*rest = view_sub(*rest, end, rest->n);
	return end > 0;
}

/* Room for one field more. The array is doubled inside the arena: what it leaves behind is at most its own size. */
static bool grow(struct arena *a, struct head *h, unsigned *room)
{
	if (h->count < *room)
		return true;
	unsigned more = *room ? *room * 2 : FIRST_FIELDS;
	struct field *fields = arena_alloc(a, more * sizeof *fields);
	if (!fields)
		return false;
	if (h->count)
		memcpy(fields, h->fields, h->count * sizeof *fields);
	h->fields = fields;
	*room = more;
	return true;
}

static size_t skip_empty_line(struct view message, size_t at)
{
	struct view rest = view_sub(message, at, message.n);
	return view_starts(rest, V("\r\n")) ? at + 2 : at;
}

int head_parse(struct arena *a, struct view message, struct head *ret, struct err *err)
{
	struct head h = {0};
	unsigned room = 0;
	size_t at = 0;
	while (at < message.n) {
		struct field f;
		size_t end = take_field(message, at, &f);
		if (end == at)
			break;
		if (h.count == HEAD_MAX_FIELDS)
			return err_set(err, ERR_LIMIT, "more than %d header fields", HEAD_MAX_FIELDS);
		if (!grow(a, &h, &room))
			return err_set(err, ERR_LIMIT, "no room to index the header fields");
		h.fields[h.count++] = f;
		at = end;
	}
	size_t body = skip_empty_line(message, at);
	h.raw = view_sub(message, 0, at);
	h.body = view_sub(message, body, message.n);
	*ret = h;
	return 0;
}

static const struct field *find_from(const struct head *h, unsigned i, struct view name)
{
	for (; i < h->count; i++)
		if (view_ieq(h->fields[i].name, name))
			return &h->fields[i];
	return NULL;
}

const struct field *head_find(const struct head *h, struct view name)
{
	return find_from(h, 0, name);
}

const struct field *head_next(const struct head *h, const struct field *prev, struct view name)
{
	return find_from(h, (unsigned)(prev - h->fields) + 1, name);
}

unsigned head_count(const struct head *h, struct view name)
{
	unsigned count = 0;
	for (const struct field *f = head_find(h, name); f; f = head_next(h, f, name))
		count++;
	return count;
}

void field_text(const struct field *f, struct buf *out)
{
	struct view v = view_trim(f->value);
	while (v.n) {
		size_t run = 0;
		while (run < v.n && v.p[run] != '\r' && v.p[run] != '\n')
			run++;
		buf_add(out, view_sub(v, 0, run));
		v = view_sub(v, run + (run < v.n), v.n);
	}
}

struct view field_unfolded(struct arena *a, const struct field *f)
{
	struct view v = view_trim(f->value);
	if (field_value_is_safe(v))
		return v;
	char *p = arena_alloc(a, v.n);
	size_t n = 0;
	for (size_t i = 0; p && i < v.n; i++)
		if (v.p[i] != '\r' && v.p[i] != '\n')
			p[n++] = v.p[i] ? v.p[i] : '?';
	return view_n(p, n);
}

bool field_value_is_safe(struct view v)
{
	return view_find(v, 0, '\r') == v.n && view_find(v, 0, '\n') == v.n && view_find(v, 0, 0) == v.n;
}
