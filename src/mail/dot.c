/* The DATA byte machine.
 *
 *      ┌── any ──────────────┐        bare CR, bare LF: remembered, kept as text, and never a line's end
 *      v                     │
 *    TEXT ── CR ──> CR ── LF ──> LINE_START ── "." ──> DOT ── CR ──> DOT_CR ── LF ──> END
 *                                                       └── other: the dot was stuffing
 *
 * The text between two CRs is found by memchr and copied with its neighbours in one go: OUT is touched only where a
 * dot is taken out. A CR of the text is copied when it is seen, since it is kept whatever follows. */
#include "mail/dot.h"

void dot_init(struct dot *d)
{
	*d = (struct dot){.state = DOT_LINE_START};
}

/* A run up to and with the next CR. Returns where the next byte stands. */
static size_t eat_text(struct dot *d, struct view in, size_t at)
{
	size_t cr = view_find(in, at, '\r');
	if (!d->bare_cr_or_lf && view_find(view_sub(in, 0, cr), at, '\n') < cr)
		d->bare_cr_or_lf = true;
	if (cr == in.n) {
		d->state = DOT_TEXT;
		return cr;
	}
	d->state = DOT_CR;
	return cr + 1;
}

/* After a CR of the text. */
static size_t eat_after_cr(struct dot *d, struct view in, size_t at)
{
	if (in.p[at] == '\n') {
		d->state = DOT_LINE_START;
		return at + 1;
	}
	d->bare_cr_or_lf = true;
	d->state = DOT_TEXT;
	return at;
}

/* After a line's first dot, which was not copied. */
static size_t eat_after_dot(struct dot *d, struct view in, size_t at)
{
	if (in.p[at] == '\r') {
		d->state = DOT_DOT_CR;
		return at + 1;
	}
	d->state = DOT_TEXT;
	return at;
}

/* After a dot and CR alone on a line; neither was copied. */
static size_t eat_after_dot_cr(struct dot *d, struct view in, size_t at, struct buf *out)
{
	if (in.p[at] == '\n') {
		d->state = DOT_END;
		return at + 1;
	}
	d->bare_cr_or_lf = true;
	d->state = DOT_TEXT;
	buf_byte(out, '\r');
	return at;
}

size_t dot_eat(struct dot *d, struct view in, struct buf *out)
{
	size_t at = 0, from = 0; /* [from, at) waits to be copied */
	while (at < in.n && d->state != DOT_END) {
		switch (d->state) {
		case DOT_LINE_START:
			if (in.p[at] != '.') {
				at = eat_text(d, in, at);
				break;
			}
			buf_add(out, view_sub(in, from, at));
			d->state = DOT_DOT;
			from = ++at;
			break;
		case DOT_TEXT:
			at = eat_text(d, in, at);
			break;
		case DOT_CR:
			at = eat_after_cr(d, in, at);
			break;
		case DOT_DOT:
			at = eat_after_dot(d, in, at);
			if (d->state == DOT_DOT_CR)
				from = at;
			break;
		case DOT_DOT_CR:
			at = eat_after_dot_cr(d, in, at, out);
			from = at;
			break;
		case DOT_END:
			break;
		}
	}
	buf_add(out, view_sub(in, from, at));
	if (view_find(view_sub(in, 0, at), 0, 0) < at)
		d->nul = true;
	return at;
}

void dot_stuff(struct view message, struct buf *out)
{
	size_t from = 0;
	for (size_t at = 0; at < message.n;) {
		bool line_start = at == 0 || (at >= 2 && message.p[at - 2] == '\r');
		if (line_start && message.p[at] == '.') {
			buf_add(out, view_sub(message, from, at));
			buf_byte(out, '.');
			from = at;
		}
		at = view_find(message, at, '\n') + 1;
	}
	buf_add(out, view_sub(message, from, message.n));
	if (message.n && !view_ends(message, V("\r\n")))
		buf_str(out, "\r\n");
	buf_str(out, ".\r\n");
}
