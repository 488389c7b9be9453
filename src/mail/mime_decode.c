/* Transfer encodings, read as leniently as RFC 2045 asks: mail that came far is rarely quite right. */
#include "lex.h"
#include "mail/mime.h"

/* Value of a base64 letter, -1 for what is none. */
static int base64_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0' + 52;
	if (ascii_is_alpha(c))
		return ascii_lower(c) == c ? c - 'a' + 26 : c - 'A';
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What LETTERS (0 to 4) of a group say: three bytes or fewer. */
static void add_group(struct buf *out, uint32_t bits, int letters)
{
	char *to = letters > 1 ? buf_reserve(out, 3) : NULL;
	if (!to)
		return;
	bits <<= 6 * (4 - letters);
	to[0] = (char)(bits >> 16);
	to[1] = (char)(bits >> 8);
	to[2] = (char)bits;
	buf_advance(out, (size_t)letters - 1);
}

/* "=" ends a group early, and a new one may follow (bodies glued together); other bytes are line ends or damage. */
static void decode_base64(struct view body, struct buf *out)
{
	uint32_t bits = 0;
	int letters = 0;
	for (size_t i = 0; i < body.n && !out->failed; i++) {
		int value = base64_value(body.p[i]);
		if (value < 0 && body.p[i] != '=')
			continue;
		if (value >= 0) {
			bits = bits << 6 | (uint32_t)value;
			letters++;
		}
		if (value < 0 || letters == 4) {
			add_group(out, bits, letters);
			bits = 0;
			letters = 0;
		}
	}
	add_group(out, bits, letters);
}

static int hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A line without its end. False when it ended with a soft line break. */
static bool decode_quoted_line(struct view line, struct buf *out)
{
	while (line.n && lex_is_wsp(line.p[line.n - 1])) /* added on the way: RFC 2045 6.7 rule 3 */
		line.n--;
	for (size_t i = 0; i < line.n;) {
		size_t equals = view_find(line, i, '=');
		buf_add(out, view_sub(line, i, equals));
		if (equals == line.n)
			return true;
		if (equals + 1 == line.n)
			return false;
		int high = hex_value(line.p[equals + 1]), low = equals + 2 < line.n ? hex_value(line.p[equals + 2]) : -1;
		bool good = high >= 0 && low >= 0;
		buf_byte(out, good ? (char)(high << 4 | low) : '=');
		i = equals + (good ? 3 : 1);
	}
	return true;
}

static void decode_quoted(struct view body, struct buf *out)
{
	struct view line;
	while (!out->failed && lex_line(&body, &line)) {
		struct view text = lex_without_crlf(line);
		if (decode_quoted_line(text, out))
			buf_add(out, view_sub(line, text.n, line.n));
	}
}

void mime_decode(enum mime_encoding encoding, struct view body, struct buf *out)
{
	if (encoding == MIME_BASE64)
		decode_base64(body, out);
	else if (encoding == MIME_QUOTED_PRINTABLE)
		decode_quoted(body, out);
	else
		buf_add(out, body);
}

void mime_text(const struct mime_part *p, struct buf *out)
{
	if (p->encoding == MIME_IDENTITY || p->encoding == MIME_UNKNOWN_ENCODING) {
		buf_add(out, p->body);
		return;
	}
	struct buf decoded;
	struct view rest, line;
	buf_init(&decoded, out->max);
	mime_decode(p->encoding, p->body, &decoded);
	out->failed |= decoded.failed;
	rest = buf_view(&decoded);
	while (lex_line(&rest, &line)) {
		struct view text = lex_without_crlf(line);
		buf_add(out, text);
		if (text.n < line.n)
			buf_str(out, "\r\n");
	}
	buf_free(&decoded);
}
