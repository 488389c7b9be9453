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
		int rc = number_parse(view_of(rows[i].text), number, &err);
		assert_int_equal(rc, rows[i].number ? 0 : -1);
		assert_string_equal(number, rows[i].number ? rows[i].number : "untouched");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_become_e164)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
