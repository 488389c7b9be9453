/* web: form bodies, header parameters, percent decoding. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/web/form.h"
#include "base/mem.h"

#define MULTI "multipart/form-data; boundary=b1"
#define ONE_CLICK_PART "Content-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click"

/* An exact copy on the heap, so that a read past the end is seen; caller frees. */
static enum form_status parse(struct form *f, const char *type, const char *body, char **ret_copy)
{
	size_t n = strlen(body);
	*ret_copy = mem_alloc(n ? n : 1);
	memcpy(*ret_copy, body, n);
	return form_parse(f, view_of(type), *ret_copy, n);
}

static void one_click_is_found(void **state)
{
	(void)state;
	static const struct {
		const char *type, *body;
		bool found;
	} rows[] = {
	    {"application/x-www-form-urlencoded", "List-Unsubscribe=One-Click", true},
	    {"Application/X-WWW-Form-Urlencoded; charset=utf-8", "List-Unsubscribe=One-Click", true},
	    {NULL, "List-Unsubscribe=One-Click", true},
	    {"text/plain", "List-Unsubscribe=One-Click\r\n", true},
	    {"application/x-www-form-urlencoded", "a=b&List-Unsubscribe=One-Click&c", true},
	    {"application/x-www-form-urlencoded", "List%2DUnsubscribe=One%2dClick", true},
	    {"application/x-www-form-urlencoded", "list-unsubscribe=One-Click", false},
	    {"application/x-www-form-urlencoded", "List-Unsubscribe=one-click", false},
	    {"application/x-www-form-urlencoded", "List-Unsubscribe=One-Clic", false},
	    {"application/x-www-form-urlencoded", "List-Unsubscribe", false},
	    {"application/x-www-form-urlencoded", "List-Unsubscribe=One-Click%00", false},
	    {"application/x-www-form-urlencoded", "", false},
	    {"application/json", "{\"List-Unsubscribe\":\"One-Click\"}", false},
	    {MULTI, "--b1\r\n" ONE_CLICK_PART "\r\n--b1--\r\n", true},
	    {MULTI, "preamble\r\n--b1\r\n" ONE_CLICK_PART "\r\n--b1--\r\nepilogue", true},
	    {"multipart/form-data; charset=x; boundary=\"b1\"", "--b1\r\n" ONE_CLICK_PART "\r\n--b1--",
		true},
	    {"multipart/form-data", "--b1\r\n" ONE_CLICK_PART "\r\n--b1--", true},
	    {NULL, "--b1\r\n" ONE_CLICK_PART "\r\n--b1--\r\n", true},
	    {MULTI, "--b1\r\n" ONE_CLICK_PART "\r\n", true},
	    {MULTI, "--b1\r\n" ONE_CLICK_PART, true},
	    {MULTI, "--b1\ncontent-disposition: form-data; name=List-Unsubscribe\n\nOne-Click\n--b1--\n",
		true},
	    {MULTI,
		"--b1\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; "
		"filename=\"a;name=x\"; name=\"List-Unsubscribe\"\r\n"
		"\r\nOne-Click\r\n--b1--",
		true},
	    {MULTI,
		"--b1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b1\r\n" ONE_CLICK_PART
		"\r\n--b1--",
		true},
	    {MULTI, "--b1\r\n" ONE_CLICK_PART "\r\n--b1x\r\n--b1--", false},
	    {MULTI, "--b2\r\n" ONE_CLICK_PART "\r\n--b2--", false},
	    {MULTI, "--b1--\r\n" ONE_CLICK_PART "\r\n--b1--", false},
	    {MULTI, "", false},
	    {MULTI, "List-Unsubscribe=One-Click", false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct form f;
		char *copy;
		parse(&f, rows[i].type, rows[i].body, &copy);
		if (form_has(&f, V("List-Unsubscribe"), V("One-Click")) != rows[i].found)
			fail_msg("row %zu: %s", i, rows[i].body);
		free(copy);
	}
}

static void fields_are_bounded(void **state)
{
	(void)state;
	struct form f;
	char *copy, body[8000] = "", *at = body;
	for (int i = 0; i < FORM_FIELDS_MAX; i++)
		at += snprintf(at, 20, "f%d=%d&", i, i);
	assert_int_equal(parse(&f, NULL, body, &copy), FORM_OK);
	assert_int_equal(f.count, FORM_FIELDS_MAX);
	assert_true(view_eq(form_value(&f, V("f63")), V("63")));
	assert_null(form_value(&f, V("f64")).p);
	free(copy);
	snprintf(at, 20, "more=1");
	assert_int_equal(parse(&f, NULL, body, &copy), FORM_TOO_MANY);
	free(copy);
	at = body;
	for (int i = 0; i <= FORM_FIELDS_MAX; i++)
		at += snprintf(at, 80, "--b1\r\nContent-Disposition: form-data; name=f%d\r\n\r\n\r\n", i);
	assert_int_equal(parse(&f, MULTI, body, &copy), FORM_TOO_MANY);
	free(copy);
}

/* A body that was cut short never says what the whole one says, and never reads past its end. */
static void every_prefix_is_safe(void **state)
{
	(void)state;
	static const char *const bodies[][2] = {
	    {NULL, "x=1&List-Unsubscribe=One-Click"}, {MULTI, "--b1\r\n" ONE_CLICK_PART}};
	for (size_t b = 0; b < 2; b++)
		for (size_t n = 0; n < strlen(bodies[b][1]); n++) {
			struct form f;
			char *copy = mem_alloc(n ? n : 1);
			memcpy(copy, bodies[b][1], n);
			form_parse(&f, view_of(bodies[b][0]), copy, n);
			assert_false(form_has(&f, V("List-Unsubscribe"), V("One-Click")));
			free(copy);
		}
}

static void values_are_decoded(void **state)
{
	(void)state;
	struct form f;
	char *copy;
	assert_int_equal(parse(&f, NULL, "a=1+2%2B3&b=%C3%A9%&c=%zz&&=x&d=", &copy), FORM_OK);
	assert_true(view_eq(form_value(&f, V("a")), V("1 2+3")));
	assert_true(view_eq(form_value(&f, V("b")), V("\xc3\xa9%")));
	assert_true(view_eq(form_value(&f, V("c")), V("%zz")));
	assert_true(view_eq(form_value(&f, V("")), V("x")));
	assert_true(view_eq(form_value(&f, V("d")), V("")));
	assert_int_equal(f.count, 5);
	free(copy);
	assert_int_equal(
	    parse(&f, MULTI,
		"--b1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\nx\r\n\r\n--b1--", &copy),
	    FORM_OK);
	assert_true(view_eq(form_value(&f, V("a")), V("\r\nx\r\n")));
	free(copy);
}

static void parameters_are_found(void **state)
{
	(void)state;
	static const struct {
		const char *value, *name, *found;
	} rows[] = {
	    {"form-data; name=\"x\"", "name", "x"},
	    {"form-data;name=x;a=b", "NAME", "x"},
	    {"form-data; filename=\"name=y\"; name=z", "name", "z"},
	    {"form-data; a=\"q\\\"uote\"; name=z", "name", "z"},
	    {"form-data; flag; name=z", "name", "z"},
	    {"form-data", "name", NULL},
	    {"form-data; name=", "name", ""},
	    {"form-data; name=\"open", "name", "open"},
	    {"form-data; name=\"\\", "name", "\\"},
	    {"", "name", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct view v = header_parameter(view_of(rows[i].value), view_of(rows[i].name));
		if (!rows[i].found ? v.p != NULL : !view_eq(v, view_of(rows[i].found)))
			fail_msg("row %zu: %.*s", i, VFMT(v));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_click_is_found),
	    cmocka_unit_test(fields_are_bounded),
	    cmocka_unit_test(every_prefix_is_safe),
	    cmocka_unit_test(values_are_decoded),
	    cmocka_unit_test(parameters_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
