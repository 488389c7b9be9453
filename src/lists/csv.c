/* Records are found by a machine of four states; fields are split afterwards, in place where nothing is escaped. */
#include "lists/csv.h"

#include <stdlib.h>

#include "base/mem.h"

#define CHUNK 262144

enum state { FIELD_START, UNQUOTED, QUOTED, QUOTE_IN_QUOTED };

struct csv {
	char separator;
	csv_source *read;
	void *arg;
	char *bytes;
	size_t at, n, cap; /* [at, n) is unread */
	uint64_t base;     /* of bytes[0] in the source */
	bool ended, began;
	uint64_t line;
	struct buf scratch; /* fields with doubled quotes */
};

struct csv *csv_new(char separator, csv_source *read, void *arg)
{
	struct csv *c = mem_zero(sizeof *c);
	c->separator = separator;
	c->read = read;
	c->arg = arg;
	c->cap = CSV_RECORD_MAX + CHUNK;
	c->bytes = mem_alloc(c->cap);
	c->line = 1;
	buf_init(&c->scratch, CSV_RECORD_MAX);
	return c;
}

void csv_free(struct csv **c)
{
	if (!*c)
		return;
	free((*c)->bytes);
	buf_free(&(*c)->scratch);
	free(*c);
	*c = NULL;
}

void csv_separator(struct csv *c, char separator)
{
	c->separator = separator;
}

static int refill(struct csv *c, struct err *err)
{
	if (c->at) {
		memmove(c->bytes, c->bytes + c->at, c->n - c->at);
		c->n -= c->at;
		c->base += c->at;
		c->at = 0;
	}
	size_t room = c->cap - c->n < CHUNK ? c->cap - c->n : CHUNK;
	ssize_t got = c->read(c->arg, c->bytes + c->n, room, err);
	if (got < 0)
		return -1;
	c->ended = got == 0;
	c->n += (size_t)got;
	if (!c->began && (c->n >= 3 || c->ended)) {
		c->began = true;
		if (view_starts(view_n(c->bytes, c->n), V("\xef\xbb\xbf")))
			c->at = 3;
	}
	return 0;
}

static enum state step(const struct csv *c, enum state s, char b)
{
	if (s == QUOTED)
		return b == '"' ? QUOTE_IN_QUOTED : QUOTED;
	if (b == c->separator)
		return FIELD_START;
	if (b == '"' && s == FIELD_START)
		return QUOTED;
	if (b == '"' && s == QUOTE_IN_QUOTED)
		return QUOTED;
	return UNQUOTED;
}

/* Index behind the record's LF, or where more is needed (== n). *LINES counts LFs. */
static size_t record_end(const struct csv *c, size_t from, enum state *s, uint64_t *lines, bool *found)
{
	for (size_t i = from; i < c->n; i++) {
		char b = c->bytes[i];
		*lines += b == '\n';
		if (b == '\n' && *s != QUOTED) {
			*found = true;
			return i + 1;
		}
		*s = step(c, *s, b);
	}
	return c->n;
}

/* A record that is too long: its line is passed over, and what follows is read afresh. */
static int pass_over(struct csv *c, struct err *err)
{
	for (;;) {
		const char *lf = memchr(c->bytes + c->at, '\n', c->n - c->at);
		if (lf) {
			c->at = (size_t)(lf - c->bytes) + 1;
			c->line++;
			return 0;
		}
		c->at = c->n;
		if (c->ended)
			return 0;
		if (refill(c, err) < 0)
			return -1;
	}
}

static struct view without_line_end(struct view v)
{
	if (v.n && v.p[v.n - 1] == '\n')
		v.n--;
	if (v.n && v.p[v.n - 1] == '\r')
		v.n--;
	return v;
}

/* A quoted field from its opening quote; *REST is left behind the separator. */
static const char *split_quoted(struct csv *c, struct view *rest, struct view *ret)
{
	struct view v = view_sub(*rest, 1, rest->n);
	size_t close = view_find(v, 0, '"');
	bool doubled = false;
	while (close < v.n && close + 1 < v.n && v.p[close + 1] == '"') {
		doubled = true;
		close = view_find(v, close + 2, '"');
	}
	if (close >= v.n)
		return "a closing quote";
	*ret = view_sub(v, 0, close);
	*rest = view_sub(v, close + 1, v.n);
	if (rest->n && rest->p[0] != c->separator)
		return "a separator behind a closing quote";
	if (!doubled)
		return NULL;
	size_t from = c->scratch.n;
	for (size_t i = 0; i < ret->n; i++) {
		buf_byte(&c->scratch, ret->p[i]);
		i += ret->p[i] == '"';
	}
	*ret = view_n(c->scratch.p + from, c->scratch.n - from);
	return NULL;
}

static const char *split(struct csv *c, struct view rest, struct csv_record *r)
{
	c->scratch.n = 0;
	/* All at once, so that no field moves. */
	if (!buf_reserve(&c->scratch, rest.n + 1))
		return "a shorter record";
	for (;;) {
		if (r->count == CSV_FIELDS_MAX)
			return "at most 256 fields";
		struct view *f = &r->fields[r->count++];
		if (rest.n && rest.p[0] == '"') {
			const char *bad = split_quoted(c, &rest, f);
			if (bad)
				return bad;
		} else {
			size_t sep = view_find(rest, 0, c->separator);
			*f = view_sub(rest, 0, sep);
			rest = view_sub(rest, sep, rest.n);
		}
		if (!rest.n)
			return NULL;
		rest = view_sub(rest, 1, rest.n);
	}
}

static void make_record(struct csv *c, size_t end, struct csv_record *ret)
{
	ret->raw = view_n(c->bytes + c->at, end - c->at);
	c->at = end;
	ret->count = 0;
	struct view text = without_line_end(ret->raw);
	ret->bad = text.n && memchr(text.p, 0, text.n) ? "no NUL" : split(c, text, ret);
	if (ret->bad)
		ret->count = 0;
}

/* The record from c->at on: its end, 0 when there is none any more, SIZE_MAX when it is too long. */
static int find_record(struct csv *c, size_t *ret_end, uint64_t *lines, struct err *err)
{
	enum state s = FIELD_START;
	size_t seen = 0;
	bool found = false;
	for (;;) {
		size_t end = record_end(c, c->at + seen, &s, lines, &found);
		if (found || (c->ended && c->n > c->at)) {
			*ret_end = end;
			return 1;
		}
		if (c->ended)
			return 0;
		seen = c->n - c->at;
		if (seen > CSV_RECORD_MAX)
			return 2;
		if (refill(c, err) < 0)
			return -1;
		if (seen == 0)
			s = FIELD_START;
	}
}

int csv_next(struct csv *c, struct csv_record *ret, struct err *err)
{
	for (;;) {
		size_t end = 0;
		uint64_t lines = 0;
		ret->line = c->line;
		int found = find_record(c, &end, &lines, err);
		if (found <= 0)
			return found;
		if (found == 2) {
			*ret = (struct csv_record){.line = c->line, .bad = "a record of at most 1 MiB"};
			return pass_over(c, err) < 0 ? -1 : 1;
		}
		make_record(c, end, ret);
		c->line += lines;
		if (without_line_end(ret->raw).n)
			return 1;
	}
}

void csv_place(const struct csv *c, uint64_t *ret_offset, uint64_t *ret_line)
{
	*ret_offset = c->base + c->at;
	*ret_line = c->line;
}

void csv_go_on(struct csv *c, uint64_t offset, uint64_t line)
{
	c->base = offset;
	c->line = line;
	c->at = c->n = 0;
	c->ended = false;
	c->began = true;
}

struct view csv_peek(struct csv *c, size_t n, struct err *err)
{
	while (!c->ended && c->n - c->at < n && c->n < c->cap)
		if (refill(c, err) < 0)
			break;
	return view_sub(view_n(c->bytes + c->at, c->n - c->at), 0, n);
}

int csv_drain(struct csv *c, struct buf *out, struct err *err)
{
	for (;;) {
		buf_add(out, view_n(c->bytes + c->at, c->n - c->at));
		c->at = c->n;
		if (c->ended || out->failed)
			return 0;
		if (refill(c, err) < 0)
			return -1;
	}
}

static bool starts_formula(struct view v)
{
	return v.n && strchr("=+-@\t\r", v.p[0]) && v.p[0];
}

void csv_write(struct buf *out, struct view cell)
{
	bool quote = starts_formula(cell) || (cell.n && cell.p[0] == '\'');
	for (size_t i = 0; !quote && i < cell.n; i++)
		quote = cell.p[i] == '"' || cell.p[i] == ',' || cell.p[i] == '\n' || cell.p[i] == '\r';
	if (!quote) {
		buf_add(out, cell);
		return;
	}
	buf_byte(out, '"');
	if (starts_formula(cell) || (cell.n && cell.p[0] == '\''))
		buf_byte(out, '\'');
	for (size_t i = 0; i < cell.n; i++) {
		if (cell.p[i] == '"')
			buf_byte(out, '"');
		buf_byte(out, cell.p[i]);
	}
	buf_byte(out, '"');
}

struct view csv_plain(struct view cell)
{
	bool ours = cell.n > 1 && cell.p[0] == '\'' && (cell.p[1] == '\'' || starts_formula(view_sub(cell, 1, cell.n)));
	return ours ? view_sub(cell, 1, cell.n) : cell;
}
