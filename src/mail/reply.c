/* SMTP replies, ours and theirs. Whatever stands in the text, one reply stays one line: control bytes never pass. */
#include "mail/reply.h"

#include <stdarg.h>
#include <stdio.h>

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

void reply_set(struct reply *r, int code, const char *enhanced, const char *fmt, ...)
{
	va_list ap;
	r->code = code;
	snprintf(r->enhanced, sizeof r->enhanced, "%s", enhanced ? enhanced : "");
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof r->text, fmt, ap);
	va_end(ap);
	for (char *p = r->text; *p; p++)
		if (is_control(*p))
			*p = '?';
}

void reply_write(const struct reply *r, struct buf *out)
{
	buf_fmt(out, "%03d %s%s%s\r\n", r->code, r->enhanced, *r->enhanced ? " " : "", r->text);
}

/* RFC 3463: class "." subject "." detail, the last two of at most three digits. Returns its length, 0 when none. */
static size_t enhanced_length(struct view v, char class)
{
	size_t i = 1;
	if (v.n < 5 || v.p[0] != class)
		return 0;
	for (int part = 0; part < 2; part++) {
		if (i >= v.n || v.p[i++] != '.')
			return 0;
		size_t from = i;
		while (i < v.n && i - from < 3 && ascii_is_digit(v.p[i]))
			i++;
		if (i == from)
			return 0;
	}
	return i == v.n || v.p[i] == ' ' ? i : 0;
}

/* reply-code = %x32-35 2DIGIT (a server's 1yz does not exist in SMTP) */
static bool line_code(struct view line, int *ret)
{
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' || !ascii_is_digit(line.p[1]) || !ascii_is_digit(line.p[2]))
		return false;
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return false;
	*ret = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
	return true;
}

/* Control bytes are left out; a blank parts the lines. */
static void append_text(struct reply *r, size_t *n, struct view text)
{
	text = view_trim(text);
	if (text.n && *n && *n < sizeof r->text - 1)
		r->text[(*n)++] = ' ';
	for (size_t i = 0; i < text.n && *n < sizeof r->text - 1; i++)
		if (!is_control(text.p[i]))
			r->text[(*n)++] = text.p[i];
	r->text[*n] = 0;
}

static void take_line(struct reply *r, size_t *n, struct view line)
{
	struct view text = view_sub(line, 4, line.n);
	size_t e = enhanced_length(text, line.p[0]);
	if (e && !*r->enhanced)
		view_str(view_sub(text, 0, e), r->enhanced, sizeof r->enhanced);
	if (e && view_eq(view_sub(text, 0, e), view_of(r->enhanced)))
		text = view_sub(text, e, text.n);
	append_text(r, n, text);
}

bool reply_parse(struct view lines, struct reply *ret)
{
	struct reply r = {0};
	struct view line;
	size_t n = 0;
	while (view_cut(&lines, '\n', &line)) {
		int code;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!line_code(line, &code) || (r.code && code != r.code))
			return false;
		r.code = code;
		take_line(&r, &n, line);
		if (line.n <= 3 || line.p[3] == ' ')
			break;
	}
	if (!r.code)
		return false;
	*ret = r;
	return true;
}
