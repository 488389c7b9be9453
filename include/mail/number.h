/* Telephone numbers in canonical form: E.164, "+" and up to 15 digits. The only form of a number that is compared, keyed and stored. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define NUMBER_DIGITS_MIN 7
#define NUMBER_DIGITS_MAX 15
#define NUMBER_TEXT       (NUMBER_DIGITS_MAX + 2)

/* With its country code, "+44 (0)20 7946-0000" or "0044...": blanks, dots, hyphens, slashes and brackets are passed over, and a "(0)" behind
 * the country code is dropped. A national number ("020 7946 0000") is taken as COUNTRY's, a calling code such as "44" (country_check), by that
 * country's prefix for calls within; with an empty COUNTRY it has no place: whose it is is not ours to guess. ERR_SYNTAX. */
int number_parse(struct view text, struct view country, char dst[NUMBER_TEXT], struct err *err) MUST_CHECK;
/* 1 to 3 digits, the first of which is not 0. ERR_SYNTAX. */
int country_check(struct view code, struct err *err) MUST_CHECK;
