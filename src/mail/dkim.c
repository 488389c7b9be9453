/* DKIM's canonical forms. The relaxed body is made line by line into a buffer that goes to the sink when it is full.
 * Most lines are their own canonical form: sixteen bytes at a time are asked whether they hold a tab or two blanks in a
 * row, and only a line that does is rewritten byte by byte. */
#include "mail/dkim.h"

#include "lex.h"

#define PIECE_BYTES 8192
#define BLOCK 16

struct piece {
	dkim_sink *sink;
	void *arg;
	size_t n;
	char bytes[PIECE_BYTES];
};

static void flush(struct piece *o)
{
	if (o->n)
		o->sink(o->arg, view_n(o->bytes, o->n));
	o->n = 0;
}

static void put(struct piece *o, struct view v)
{
	while (v.n) {
		if (o->n == sizeof o->bytes)
			flush(o);
		size_t room = sizeof o->bytes - o->n, n = v.n < room ? v.n : room;
		memcpy(o->bytes + o->n, v.p, n);
		o->n += n;
		v = view_sub(v, n, v.n);
	}
}

/* Sixteen bytes in one register: gcc and clang make vector instructions of it on every machine that has them. */
struct block {
	_Alignas(BLOCK) signed char v __attribute__((vector_size(BLOCK)));
};

static struct block load(const char *p)
{
	struct block b;
	memcpy(&b.v, p, BLOCK);
	return b;
}

/* A tab in p[0..15], or a blank there with a blank behind it: reads p[0..16]. */
static bool block_needs_work(const char *p)
{
	struct block here = load(p), next = load(p + 1);
	struct {
		uint64_t a, b;
	} any;
	struct block hit;
	hit.v = (here.v == '\t') | ((here.v == ' ') & (next.v == ' '));
	memcpy(&any, &hit, sizeof any);
	return any.a | any.b;
}

static bool needs_work(struct view line)
{
	size_t i = 0;
	for (; i + BLOCK < line.n; i += BLOCK)
		if (block_needs_work(line.p + i))
			return true;
	if (line.n > BLOCK)
		return block_needs_work(line.p + line.n - BLOCK - 1) || line.p[line.n - 1] == '\t';
	for (i = 0; i < line.n; i++)
		if (line.p[i] == '\t' || (line.p[i] == ' ' && i + 1 < line.n && lex_is_wsp(line.p[i + 1])))
			return true;
	return false;
}

/* Runs of blanks become one. */
static void put_squeezed(struct piece *o, struct view line)
{
	for (size_t i = 0; i < line.n;) {
		size_t word = i;
		while (i < line.n && !lex_is_wsp(line.p[i]))
			i++;
		put(o, view_sub(line, word, i));
		if (i < line.n)
			put(o, V(" "));
		while (i < line.n && lex_is_wsp(line.p[i]))
			i++;
	}
}

/* LINE has no blanks at its end and isn't empty. Indentation is common, and no reason to squeeze the rest. */
static void put_line(struct piece *o, struct view line)
{
	if (lex_is_wsp(line.p[0])) {
		size_t n = 0;
		while (lex_is_wsp(line.p[n]))
			n++;
		put(o, V(" "));
		line = view_sub(line, n, line.n);
	}
	if (needs_work(line))
		put_squeezed(o, line);
	else
		put(o, line);
	put(o, V("\r\n"));
}

static struct view without_wsp_end(struct view line)
{
	while (line.n && lex_is_wsp(line.p[line.n - 1]))
		line.n--;
	return line;
}

void dkim_body_relaxed(struct view body, dkim_sink *sink, void *arg)
{
	struct piece o;
	o.sink = sink;
	o.arg = arg;
	o.n = 0;
	size_t empty_lines = 0; /* not yet given: they count only when text follows */
	for (size_t at = 0; at < body.n;) {
		size_t lf = view_find(body, at, '\n');
		struct view line = view_sub(body, at, lf);
		at = lf + 1;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		line = without_wsp_end(line);
		if (line.n == 0) {
			empty_lines++;
			continue;
		}
		for (; empty_lines; empty_lines--)
			put(&o, V("\r\n"));
		put_line(&o, line);
	}
	flush(&o);
}

/* 3.4.3: all empty lines at the end become one CRLF; so does an empty body. */
void dkim_body_simple(struct view body, dkim_sink *sink, void *arg)
{
	while (view_ends(body, V("\r\n\r\n")))
		body.n -= 2;
	if (view_eq(body, V("\r\n")))
		body.n = 0;
	if (body.n)
		sink(arg, body);
	if (!view_ends(body, V("\r\n")))
		sink(arg, V("\r\n"));
}

static void add_lower(struct buf *out, struct view v)
{
	char *to = buf_reserve(out, v.n);
	if (!to)
		return;
	for (size_t i = 0; i < v.n; i++)
		to[i] = ascii_lower(v.p[i]);
	buf_advance(out, v.n);
}

void dkim_field_relaxed(struct view name, struct view value, struct buf *out)
{
	add_lower(out, view_trim(name));
	buf_byte(out, ':');
	value = view_trim(value);
	for (size_t i = 0; i < value.n;) {
		size_t word = i;
		while (i < value.n && !lex_is_fws(value.p[i]))
			i++;
		buf_add(out, view_sub(value, word, i));
		if (i < value.n)
			buf_byte(out, ' ');
		while (i < value.n && lex_is_fws(value.p[i]))
			i++;
	}
	buf_str(out, "\r\n");
}

struct view dkim_tag(struct view list, struct view tag)
{
	struct view spec, name;
	while (view_cut(&list, ';', &spec)) {
		bool has_value = view_find(spec, 0, '=') < spec.n;
		if (has_value && view_cut(&spec, '=', &name) && view_eq(view_trim(name), tag))
			return view_trim(spec);
	}
	return (struct view){0};
}
