/* mail: a tool's own one-click link, and whose are used. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "mail/tool_link.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static void the_first_https_link_counts(void **state)
{
	(void)state;
	static const struct {
		const char *value, *url, *host; /* NULL: none */
		uint16_t port;
	} rows[] = {
	    {"<https://lists.example.com/u/1>", "https://lists.example.com/u/1", "lists.example.com", 443},
	    {" <mailto:leave@example.com?subject=x>,\t<HTTPS://Lists.Example.com:8443?u=%7Ba%7D&l=1>", "HTTPS://Lists.Example.com:8443?u=%7Ba%7D&l=1",
	        "Lists.Example.com", 8443},
	    {"(see <https://a.test/no> (or not)) <https://b.test/yes>", "https://b.test/yes", "b.test", 443},
	    {"(a \\) <https://a.test/no>) < https://b.test >", "https://b.test", "b.test", 443},
	    {"<http://a.test/x>, <https://b.test/y>", "https://b.test/y", "b.test", 443},
	    {"<https://127.0.0.1/x>", "https://127.0.0.1/x", "127.0.0.1", 443},
	    {"https://a.test/x", NULL, NULL, 0},
	    {"<https://a.test/x", NULL, NULL, 0},
	    {"(<https://a.test/x>", NULL, NULL, 0},
	    {"<https://user@a.test/x>", NULL, NULL, 0},
	    {"<https://user:pass@a.test/x>", NULL, NULL, 0},
	    {"<https://a.test:0/x>", NULL, NULL, 0},
	    {"<https://a.test:/x>", NULL, NULL, 0},
	    {"<https://a.test:65536/x>", NULL, NULL, 0},
	    {"<https://[::1]/x>", NULL, NULL, 0},
	    {"<https:///x>", NULL, NULL, 0},
	    {"<https://.a.test/x>", NULL, NULL, 0},
	    {"<https://a..test/x>", NULL, NULL, 0},
	    {"<https://a.test./x>", NULL, NULL, 0},
	    {"<https://a.test/x#part>", NULL, NULL, 0},
	    {"<https://a.test\\@b.test/x>", NULL, NULL, 0},
	    {"<https://a.test/a b>", NULL, NULL, 0},
	    {"<https://a.test/\x01>", NULL, NULL, 0},
	    {"<https://a.test/\xc3\xa9>", NULL, NULL, 0},
	    {"<https://a%2etest/x>", NULL, NULL, 0},
	    {"", NULL, NULL, 0},
	    {"(", NULL, NULL, 0},
	    {"<", NULL, NULL, 0},
	    {"(\\", NULL, NULL, 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tool_link l;
		bool found = tool_link_find(view_of(rows[i].value), &l);
		if (found != (rows[i].url != NULL))
			fail_msg("%s", rows[i].value);
		if (found && (!view_eq(l.url, view_of(rows[i].url)) || !view_eq(l.host, view_of(rows[i].host)) || l.port != rows[i].port))
			fail_msg("%s: %.*s", rows[i].value, VFMT(l.url));
	}
}

static void a_long_link_is_none(void **state)
{
	(void)state;
	char url[TOOL_LINK_MAX + 2] = "https://a.test/";
	struct tool_link l;
	memset(url + strlen(url), 'a', sizeof url - strlen(url) - 1);
	assert_false(tool_link_parse(view_n(url, TOOL_LINK_MAX + 1), &l));
	assert_true(tool_link_parse(view_n(url, TOOL_LINK_MAX), &l));
}

static void patterns_name_hosts(void **state)
{
	(void)state;
	static const struct {
		const char *url, *pattern;
		bool fits;
	} rows[] = {
	    {"https://lists.example.com/x", "lists.example.com", true},
	    {"https://LISTS.example.com:443/x", "Lists.Example.com", true},
	    {"https://lists.example.com:8443/x", "lists.example.com", false},
	    {"https://lists.example.com:8443/x", "lists.example.com:8443", true},
	    {"https://lists.example.com/x", "lists.example.com:8443", false},
	    {"https://lists.example.com/x", "example.com", false},
	    {"https://lists.example.com/x", "*.example.com", true},
	    {"https://a.lists.example.com:44/x", "*.example.com:44", true},
	    {"https://example.com/x", "*.example.com", false},
	    {"https://badexample.com/x", "*.example.com", false},
	    {"https://lists.example.com.evil.test/x", "lists.example.com", false},
	    {"https://lists.example.com.evil.test/x", "*.example.com", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tool_link l;
		assert_true(tool_link_parse(view_of(rows[i].url), &l));
		if (tool_link_fits(&l, view_of(rows[i].pattern)) != rows[i].fits)
			fail_msg("%s %s", rows[i].url, rows[i].pattern);
	}
	static const char *const wrong[] = {"", "*", "*.", "**.a.test", "a.test/", "https://a.test", "a.test:", "a.test:0", "a b", ".a.test"};
	struct err err;
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (tool_link_pattern_check(view_of(wrong[i]), &err) == 0)
			fail_msg("%s", wrong[i]);
	assert_int_equal(tool_link_pattern_check(V("*.a.test:44"), &err), 0);
}

static void only_one_click_is_posted(void **state)
{
	(void)state;
	assert_true(tool_link_takes_post(V(" List-Unsubscribe=One-Click\r\n")));
	assert_true(tool_link_takes_post(V("list-unsubscribe=one-click")));
	assert_false(tool_link_takes_post(V("List-Unsubscribe=One-Click; x")));
	assert_false(tool_link_takes_post(V("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_https_link_counts),
	    cmocka_unit_test(a_long_link_is_none),
	    cmocka_unit_test(patterns_name_hosts),
	    cmocka_unit_test(only_one_click_is_posted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
