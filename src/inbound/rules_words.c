/* A text as the rows are compared with it. */
#include "internal.h"

/* "550-5.1.1", "550-", or "550" before "5.1.1": what a reply repeats on each of its lines. */
static size_t reply_mark(struct view v)
{
	size_t n = 0;
	if (v.n < 4 || !memchr("245", v.p[0], 3) || !ascii_is_digit(v.p[1]) || !ascii_is_digit(v.p[2]))
		return 0;
	if (v.p[3] == '-')
		n = 4;
	else if (v.p[3] == ' ' && v.n > 5 && v.p[4] == v.p[0] && v.p[5] == '.')
		n = 4;
	else
		return 0;
	while (n < v.n && (ascii_is_digit(v.p[n]) || v.p[n] == '.'))
		n++;
	return n == v.n || v.p[n] == ' ' ? n : 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A URL's path says "spam" or "blocked" whatever it is linked from. */
static size_t cut_path(const char *dst, size_t from, size_t n)
{
	const char *host = memmem(dst + from, n - from, "://", 3);
	const char *slash = host ? memchr(host + 3, '/', n - (size_t)(host + 3 - dst)) : NULL;
	return slash ? (size_t)(slash - dst) + 1 : n;
}

/* The word that ends DST holds an "@": only that is left of it. */
static size_t hide_name(char *dst, size_t n)
{
	size_t from = n;
	while (from > 0 && dst[from - 1] != ' ')
		from--;
	if (!memchr(dst + from, '@', n - from))
		return cut_path(dst, from, n);
	for (size_t i = from; i < n && dst[i] != '@'; i++)
		if (memchr(":=<([", dst[i], 5))
			from = i + 1;
	dst[from] = '@';
	return from + 1;
}

static size_t normalise(struct view text, char *dst, size_t size, bool hides_names)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n && n < size; i++) {
		if (is_blank(text.p[i])) {
			if (n && dst[n - 1] != ' ') {
				n = hides_names ? hide_name(dst, n) : n;
				dst[n++] = ' ';
			}
			continue;
		}
		size_t mark =
		    n == 0 || dst[n - 1] == ' ' ? reply_mark(view_sub(text, i, i + 16 < text.n ? i + 16 : text.n)) : 0;
		if (mark)
			i += mark - 1;
		else
			dst[n++] = ascii_lower(text.p[i]);
	}
	if (hides_names && n)
		n = hide_name(dst, n);
	while (n && dst[n - 1] == ' ')
		n--;
	return n;
}

size_t rules_normalise(struct view text, char *dst, size_t size)
{
	return normalise(text, dst, size, false);
}

size_t rules_normalise_words(struct view text, char *dst, size_t size)
{
	return normalise(text, dst, size, true);
}
