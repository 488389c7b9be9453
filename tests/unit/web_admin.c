/* The admin listener's keys, and what may be taken once only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../src/web/once.h"
#include "web/admin.h"

static void roles_are_words(void **state)
{
	static const struct {
		const char *words;
		unsigned roles;
	} rows[] = {
	    {"read", ADMIN_READ}, {"hooks,read", ADMIN_READ | ADMIN_HOOKS}, {"read,read", ADMIN_READ}, {"", 0}, {"root", 0}, {"read,root", 0}, {"Read", 0}, {"read ,check", 0},
	    {"read,check,optout,lists,hooks,approve", ADMIN_READ | ADMIN_CHECK | ADMIN_OPTOUT | ADMIN_LISTS | ADMIN_HOOKS | ADMIN_APPROVE}};
	struct buf text;
	(void)state;
	buf_init(&text, 200);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(admin_roles_of(view_of(rows[i].words)), rows[i].roles);
		buf_clear(&text);
		admin_roles_text(rows[i].roles, &text);
		assert_int_equal(admin_roles_of(buf_view(&text)), rows[i].roles);
	}
	buf_free(&text);
}

static void keys_come_back_as_they_were_made(void **state)
{
	char secret[2][ADMIN_SECRET_TEXT], stored[2][ADMIN_STORED_TEXT], longest[ADMIN_NAME_MAX + 2];
	struct admin_key key;
	struct err err;
	uint8_t hash[SHA256_BYTES];
	(void)state;
	memset(longest, 'x', sizeof longest);
	for (int i = 0; i < 2; i++)
		assert_int_equal(admin_key_make(view_n(longest, ADMIN_NAME_MAX), ~0u, secret[i], stored[i], &err), 0);
	assert_string_not_equal(secret[0], secret[1]);
	assert_null(strstr(stored[0], secret[0] + ADMIN_NAME_MAX + 1));
	assert_true(admin_key_read(view_n(longest, ADMIN_NAME_MAX), view_of(stored[0]), &key));
	assert_int_equal(key.roles, ADMIN_READ | ADMIN_CHECK | ADMIN_OPTOUT | ADMIN_LISTS | ADMIN_HOOKS | ADMIN_APPROVE);
	sha256(view_of(secret[0]), hash);
	assert_memory_equal(key.hash, hash, sizeof hash);
	const char *const no_names[] = {"", "a:b", "a b", "a.b", "\xc3\xa9"};
	for (size_t i = 0; i < sizeof no_names / sizeof *no_names; i++)
		assert_int_equal(admin_key_make(view_of(no_names[i]), ADMIN_READ, secret[0], stored[0], &err), -1);
	assert_int_equal(admin_key_make(view_n(longest, ADMIN_NAME_MAX + 1), ADMIN_READ, secret[0], stored[0], &err), -1);
	assert_int_equal(err.kind, ERR_SYNTAX);
}

/* Every cut of a stored key is none. */
static void a_part_of_a_key_is_none(void **state)
{
	char secret[ADMIN_SECRET_TEXT], stored[ADMIN_STORED_TEXT];
	struct admin_key key;
	struct err err;
	(void)state;
	assert_int_equal(admin_key_make(V("dialler"), ADMIN_CHECK, secret, stored, &err), 0);
	for (size_t n = 0; n < strlen(stored); n++)
		assert_false(admin_key_read(V("dialler"), view_n(stored, n), &key));
	assert_true(admin_key_read(V("dialler"), view_of(stored), &key));
	assert_false(admin_key_read(V("a/b"), view_of(stored), &key));
	strcat(stored, "0");
	assert_false(admin_key_read(V("dialler"), view_of(stored), &key));
}

static bool has(struct once *o, unsigned i, int64_t ms)
{
	char text[20];
	return once_has(o, view_n(text, (size_t)snprintf(text, sizeof text, "proof %u", i)), ms);
}

static void add(struct once *o, unsigned i, int64_t ms)
{
	char text[20];
	once_add(o, view_n(text, (size_t)snprintf(text, sizeof text, "proof %u", i)), ms);
}

static void what_was_seen_is_known_for_its_time(void **state)
{
	struct once *o = once_new(1000);
	(void)state;
	assert_false(has(o, 1, 0));
	add(o, 1, 0);
	add(o, 1, 500); /* no second life */
	add(o, 2, 900);
	assert_true(has(o, 1, 1000));
	assert_false(has(o, 1, 1001));
	assert_true(has(o, 2, 1900));
	assert_false(has(o, 2, 1901));
	once_free(&o);
	assert_null(o);
}

static void when_it_is_full_the_eldest_goes(void **state)
{
	struct once *o = once_new(1000);
	(void)state;
	for (unsigned i = 0; i < ONCE_MAX + 50; i++)
		add(o, i, 0);
	for (unsigned i = 0; i < ONCE_MAX + 50; i++)
		if (has(o, i, 0) != (i >= 50))
			fail_msg("%u", i);
	assert_false(has(o, ONCE_MAX, 1001));
	once_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(roles_are_words),
	    cmocka_unit_test(keys_come_back_as_they_were_made),
	    cmocka_unit_test(a_part_of_a_key_is_none),
	    cmocka_unit_test(what_was_seen_is_known_for_its_time),
	    cmocka_unit_test(when_it_is_full_the_eldest_goes),
	};
	return cmocka_run_group_tests_name("web: admin", tests, NULL, NULL);
}
