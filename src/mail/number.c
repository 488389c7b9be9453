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

int number_parse(struct view text, char dst[NUMBER_TEXT], struct err *err)
{
	struct view v = view_trim(text);
	size_t n = 0;
	char number[NUMBER_TEXT] = "+";
	bool plus = view_starts(v, V("+")), zeros = view_starts(v, V("00"));
	v = view_sub(v, plus ? 1 : zeros ? 2 : 0, v.n);
	if ((!plus && !zeros) || !take_digits(v, number, &n) || n < NUMBER_DIGITS_MIN || number[1] == '0')
		return err_set(err, ERR_SYNTAX, "expected a number with its country code, such as +442079460000");
	number[n + 1] = 0;
	memcpy(dst, number, n + 2);
	return 0;
}
