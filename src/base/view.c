#include "base/view.h"

#include "base/mem.h"

char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool ascii_is_alpha(char c)
{
	char l = (char)(c | 0x20);
	return l >= 'a' && l <= 'z';
}

bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool ascii_is_alnum(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c);
}

void ascii_lower_in_place(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = ascii_lower(p[i]);
}

static bool same_letters(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	return true;
}

bool view_ieq(struct view a, struct view b)
{
	return a.n == b.n && same_letters(a.p, b.p, a.n);
}

bool view_starts(struct view v, struct view prefix)
{
	return v.n >= prefix.n && view_eq(view_n(v.p, prefix.n), prefix);
}

bool view_istarts(struct view v, struct view prefix)
{
	return v.n >= prefix.n && same_letters(v.p, prefix.p, prefix.n);
}

bool view_ends(struct view v, struct view suffix)
{
	return v.n >= suffix.n && view_eq(view_n(v.p + (v.n - suffix.n), suffix.n), suffix);
}

bool view_iends(struct view v, struct view suffix)
{
	return v.n >= suffix.n && same_letters(v.p + (v.n - suffix.n), suffix.p, suffix.n);
}

int view_cmp(struct view a, struct view b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	if (c)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

size_t view_find(struct view v, size_t from, char c)
{
	if (from >= v.n)
		return v.n;
	const char *hit = memchr(v.p + from, c, v.n - from);
	return hit ? (size_t)(hit - v.p) : v.n;
}

size_t view_ifind(struct view v, struct view needle)
{
	if (needle.n == 0)
		return 0;
	for (size_t i = 0; i + needle.n <= v.n; i++)
		if (same_letters(v.p + i, needle.p, needle.n))
			return i;
	return v.n;
}

struct view view_sub(struct view v, size_t from, size_t to)
{
	if (to > v.n)
		to = v.n;
	if (from > to)
		from = to;
	return from ? view_n(v.p + from, to - from) : view_n(v.p, to);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct view view_trim(struct view v)
{
	while (v.n && is_blank(v.p[v.n - 1]))
		v.n--;
	while (v.n && is_blank(v.p[0])) {
		v.p++;
		v.n--;
	}
	return v;
}

bool view_cut(struct view *rest, char sep, struct view *ret_part)
{
	if (rest->n == 0)
		return false;
	size_t at = view_find(*rest, 0, sep);
	*ret_part = view_sub(*rest, 0, at);
	*rest = view_sub(*rest, at + 1, rest->n);
	return true;
}

bool view_word(struct view *rest, struct view *ret_word)
{
	size_t from = 0;
	while (from < rest->n && is_blank(rest->p[from]))
		from++;
	size_t to = from;
	while (to < rest->n && !is_blank(rest->p[to]))
		to++;
	if (from == to)
		return false;
	*ret_word = view_sub(*rest, from, to);
	*rest = view_sub(*rest, to, rest->n);
	return true;
}

bool view_u64(struct view v, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;
	if (v.n == 0)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (!ascii_is_digit(v.p[i]))
			return false;
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(v.p[i] - '0'), &n))
			return false;
	}
	if (n > max)
		return false;
	*ret = n;
	return true;
}

bool view_str(struct view v, char *dst, size_t size)
{
	if (size)
		dst[0] = 0;
	if (v.n >= size || (v.n && memchr(v.p, 0, v.n)))
		return false;
	if (v.n)
		memcpy(dst, v.p, v.n);
	dst[v.n] = 0;
	return true;
}

char *view_dup(struct view v)
{
	char *s = mem_alloc(v.n + 1);
	if (v.n)
		memcpy(s, v.p, v.n);
	s[v.n] = 0;
	return s;
}
