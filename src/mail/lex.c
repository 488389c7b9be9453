#include "lex.h"

size_t lex_closed(struct view v, size_t at, char open, char close)
{
	size_t depth = 0;
	for (size_t i = at; i < v.n; i++) {
		char c = v.p[i];
		if (c == '\\')
			i++;
		else if (i == at || (c == open && open != close))
			depth++;
		else if (c == close && --depth == 0)
			return i + 1;
	}
	return 0;
}

size_t lex_skip_cfws(struct view v, size_t at)
{
	while (at < v.n) {
		if (lex_is_fws(v.p[at])) {
			at++;
		} else if (v.p[at] == '(') {
			size_t end = lex_closed(v, at, '(', ')');
			at = end ? end : v.n;
		} else {
			break;
		}
	}
	return at;
}

/* 1*<any CHAR except SPACE, CTLs or tspecials>; bytes over 0x7f pass, as careless writers leave them in file names. */
size_t lex_token(struct view v, size_t at)
{
	while (at < v.n && (unsigned char)v.p[at] > ' ' && v.p[at] != 0x7f && !strchr("()<>@,;:\\\"/[]?=", v.p[at]))
		at++;
	return at;
}

bool lex_line(struct view *rest, struct view *ret_line)
{
	if (rest->n == 0)
		return false;
	size_t lf = view_find(*rest, 0, '\n');
	*ret_line = view_sub(*rest, 0, lf + 1);
	*rest = view_sub(*rest, lf + 1, rest->n);
	return true;
}

struct view lex_without_crlf(struct view line)
{
	if (line.n && line.p[line.n - 1] == '\n')
		line.n--;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}
