/* mail: telephone numbers as a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "mail/number.h"

static void numbers_become_e164(void **state)
{
	(void)state;
	static const struct {
		const char *text, *number; /* NULL = refused */
	} rows[] = {
	    {"+442079460000", "+442079460000"}, {" +44 (0)20 7946-0000 ", "+442079460000"}, {"0044 20/7946.0000", "+442079460000"},
	    {"+49 (30) 23125 000", "+493023125000"}, {"+1234567", "+1234567"}, {"+123456789012345", "+123456789012345"},
	    {"+1234567890123456", NULL}, {"+123456", NULL}, {"020 7946 0000", NULL}, {"442079460000", NULL}, {"+0442079460000", NULL},
	    {"", NULL}, {"+", NULL}, {"00", NULL}, {"+44 20 7946 000x", NULL}, {"++442079460000", NULL}, {"+44\n2079460000", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char number[NUMBER_TEXT] = "untouched";
		struct err err;
		int rc = number_parse(view_of(rows[i].text), V(""), number, &err);
		assert_int_equal(rc, rows[i].number ? 0 : -1);
		assert_string_equal(number, rows[i].number ? rows[i].number : "untouched");
	}
}

static void national_numbers_are_of_a_country(void **state)
{
	(void)state;
	static const struct {
		const char *text, *country, *number; /* NULL = refused */
	} rows[] = {
	    {"020 7946 0000", "44", "+442079460000"}, {"(020) 7946-0000", "44", "+442079460000"}, {"07700 900123", "44", "+447700900123"},
	    {"+49 30 23125000", "44", "+493023125000"}, {"0049 30 23125000", "44", "+493023125000"}, {"7946 0000", "44", NULL},
	    {"442079460000", "44", NULL}, {"030 23125000", "49", "+493023125000"}, {"06 1234 5678", "39", "+390612345678"},
	    {"212 555 0100", "1", "+12125550100"}, {"1-212-555-0100", "1", "+12125550100"}, {"442079460000", "1", NULL}, {"8 495 123 45 67", "7", "+74951234567"},
	    {"495 123 45 67", "7", NULL}, {"0123", "44", NULL}, {"0123456789012345", "44", NULL}, {"01234567890123", "44", "+441234567890123"},
	    {"", "44", NULL}, {"0", "44", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char number[NUMBER_TEXT] = "untouched";
		struct err err;
		int rc = number_parse(view_of(rows[i].text), view_of(rows[i].country), number, &err);
		assert_string_equal(number, rows[i].number ? rows[i].number : "untouched");
		assert_int_equal(rc, rows[i].number ? 0 : -1);
	}
	assert_int_equal(country_check(V("44"), NULL), 0);
	assert_int_equal(country_check(V("1"), NULL), 0);
	assert_int_equal(country_check(V("044"), NULL), -1);
	assert_int_equal(country_check(V("+44"), NULL), -1);
	assert_int_equal(country_check(V("4444"), NULL), -1);
	assert_int_equal(country_check(V(""), NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(national_numbers_are_of_a_country), cmocka_unit_test(numbers_become_e164)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
