/* Telephone numbers. */
#include "mail/number.h"

static bool is_filler(char c)
{
	return c == ' ' || c == '.' || c == '-' || c == '/' || c == '(' || c == ')' || c == '\t';
}

/* Digits of V behind DST's plus; false for any other letter or too many. */
static bool take_digits(struct view v, char dst[NUMBER_TEXT], size_t *ret_n)
{
	size_t n = 0;
	for (size_t i = 0; i < v.n; i++) {
		if (view_starts(view_sub(v, i, v.n), V("(0)")) && n) {
			i += 2;
			continue;
		}
		if (is_filler(v.p[i]))
			continue;
		if (!ascii_is_digit(v.p[i]) || n == NUMBER_DIGITS_MAX)
			return false;
		dst[1 + n++] = v.p[i];
	}
	*ret_n = n;
	return true;
}

/* What is dialled before a number within its own country and dropped from outside (ITU-T E.164, E.123); most countries have 0. */
static const struct trunk {
	struct view country, prefix;
	bool stays;      /* it is part of the number from outside, too */
	size_t digits;   /* of every number behind it, which is then also written without it; 0 = any number of them */
} trunks[] = {
	{V("1"), V("1"), false, 10},
	{V("7"), V("8"), false, 0},
	{V("39"), V("0"), true, 0},
	{V(""), V("0"), false, 0},
};

static const struct trunk *trunk_of(struct view country)
{
	const struct trunk *t = trunks;
	while (t->country.n && !view_eq(t->country, country))
		t++;
	return t;
}

int country_check(struct view code, struct err *err)
{
	uint64_t n;
	if (code.n >= 1 && code.n <= 3 && code.p[0] != '0' && view_u64(code, 999, &n))
		return 0;
	return err_set(err, ERR_SYNTAX, "expected a country's calling code, such as 44");
}

/* +COUNTRY and the digits behind the prefix. False when they don't begin with it, or are too many. */
static bool from_within(struct view country, const char *digits, size_t n, char dst[NUMBER_TEXT], size_t *ret_n)
{
	const struct trunk *t = trunk_of(country);
	bool prefixed = view_starts(view_n(digits, n), t->prefix);
	size_t skip = prefixed && !t->stays ? t->prefix.n : 0;
	if ((!prefixed && !t->digits) || (t->digits && n - skip != t->digits) || country.n + n - skip > NUMBER_DIGITS_MAX)
		return false;
	memcpy(dst + 1, country.p, country.n);
	memcpy(dst + 1 + country.n, digits + skip, n - skip);
	*ret_n = country.n + n - skip;
	return true;
}

int number_parse(struct view text, struct view country, char dst[NUMBER_TEXT], struct err *err)
{
	struct view v = view_trim(text);
	size_t n = 0;
	char number[NUMBER_TEXT] = "+", within[NUMBER_TEXT] = "+";
	bool plus = view_starts(v, V("+")), zeros = view_starts(v, V("00")), national = !plus && !zeros;
	v = view_sub(v, plus ? 1 : zeros ? 2 : 0, v.n);
	bool good = take_digits(v, national ? within : number, &n);
	if (good && national)
		good = country.n && from_within(country, within + 1, n, number, &n);
	if (!good || n < NUMBER_DIGITS_MIN || number[1] == '0')
		return country.n ? err_set(err, ERR_SYNTAX, "expected a number, such as +442079460000 or a national one of +%.*s", VFMT(country))
		                 : err_set(err, ERR_SYNTAX, "expected a number with its country code, such as +442079460000");
	number[n + 1] = 0;
	memcpy(dst, number, n + 2);
	return 0;
}
