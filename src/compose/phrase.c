/* A title as a phrase. */
#include "internal.h"

#include "base/codec.h"

#define WORD_BYTES                                                                                             \
	45 /* of text in one encoded word: 60 base64 digits and "=?utf-8?B?" "?=" are under RFC 2047's 75 */

static bool is_atom_text(char c)
{
	return ascii_is_alnum(c) || memchr("!#$%&'*+-/=?^_`{|}~ ", c, 20);
}

static bool all_are(struct view v, bool (*is)(char))
{
	for (size_t i = 0; i < v.n; i++)
		if (!is(v.p[i]))
			return false;
	return true;
}

static bool is_printable(char c)
{
	return c >= ' ' && c < 0x7f;
}

static void add_quoted(struct view text, struct buf *out)
{
	buf_byte(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_byte(out, '\\');
		buf_byte(out, text.p[i]);
	}
	buf_byte(out, '"');
}

/* Words end between characters (RFC 2047 5), never inside one. */
static void add_encoded(struct view text, struct buf *out)
{
	for (size_t at = 0; at < text.n;) {
		size_t end = at + WORD_BYTES < text.n ? at + WORD_BYTES : text.n;
		while (end < text.n && end > at + 1 && ((unsigned char)text.p[end] & 0xc0) == 0x80)
			end--;
		buf_str(out, at ? "\r\n =?utf-8?B?" : "=?utf-8?B?");
		base64_encode(out, view_sub(text, at, end));
		buf_str(out, "?=");
		at = end;
	}
}

void add_phrase(struct view text, struct buf *out)
{
	text = view_trim(text);
	bool looks_encoded = view_ifind(text, V("=?")) < text.n;
	if (!all_are(text, is_printable))
		add_encoded(text, out);
	else if (!looks_encoded && all_are(text, is_atom_text))
		buf_add(out, text);
	else
		add_quoted(text, out);
}
