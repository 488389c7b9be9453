/* Between the files of this room: what RFC 5322, 2045 and 3464 have in common below their grammars. */
#pragma once

#include "base/view.h"

static inline bool lex_is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

/* Folding white space, met a byte at a time. */
static inline bool lex_is_fws(char c)
{
	return lex_is_wsp(c) || c == '\r' || c == '\n';
}

/* The index behind the CLOSE that ends what OPEN starts at AT (comments nest, quotes do not, a backslash hides a
 * byte); 0 when it never ends. */
size_t lex_closed(struct view v, size_t at, char open, char close);
/* The index behind blanks and comments; v.n when a comment never ends. */
size_t lex_skip_cfws(struct view v, size_t at);
/* The index behind a token of RFC 2045 5.1: AT itself when there is none. */
size_t lex_token(struct view v, size_t at);
/* V's next line off *REST, its end included. False when nothing is left. */
bool lex_line(struct view *rest, struct view *ret_line);
struct view lex_without_crlf(struct view line);
