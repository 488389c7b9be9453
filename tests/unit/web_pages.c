/* web: templates, languages, texts, routes, throttle. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdlib.h>

#include "../../src/web/router.h"
#include "../../src/web/template.h"
#include "../../src/web/throttle.h"
#include "base/mem.h"

static void templates_escape_what_they_insert(void **state)
{
	(void)state;
	static const struct value rows[] = {
	    {"evil", {"<b>\"&'{{t.x}}", 13}}, {"empty", {"", 0}}, {"brand", {"A&B", 3}}};
	static const struct values values = {rows, 3, LANGUAGE_EN};
	static const struct {
		const char *page, *out; /* NULL: refused */
	} cases[] = {
	    {"plain <p>", "plain <p>"},
	    {"{{evil}}", "&lt;b&gt;&quot;&amp;&#39;{{t.x}}"},
	    {"a{{brand}}b", "aA&amp;Bb"},
	    {"{{?brand}}<i>{{brand}}</i>{{/brand}}", "<i>A&amp;B</i>"},
	    {"{{?empty}}x{{/empty}}y", "y"},
	    {"{{!empty}}x{{/empty}}y", "xy"},
	    {"{{?brand}}{{?evil}}z{{/evil}}{{/brand}}", "z"},
	    {"{{t.ask.title}}", "Stop these e-mails?"},
	    {"{ {x} }", "{ {x} }"},
	    {"{{unknown}}", NULL},
	    {"{{t.unknown}}", NULL},
	    {"{{brand", NULL},
	    {"{{?brand}}x", NULL},
	    {"{{?unknown}}{{/unknown}}", NULL},
	    {"{{}}", NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out;
		struct err err;
		buf_init(&out, 1000);
		int done = template_render(&out, view_of(cases[i].page), &values, &err);
		assert_int_equal(done, cases[i].out ? 0 : -1);
		if (cases[i].out)
			assert_string_equal(buf_cstr(&out), cases[i].out);
		buf_free(&out);
	}
}

static void languages_are_chosen(void **state)
{
	(void)state;
	static const struct {
		const char *accept;
		enum language l;
	} rows[] = {
	    {NULL, LANGUAGE_EN},
	    {"", LANGUAGE_EN},
	    {"de", LANGUAGE_DE},
	    {"DE-at,en;q=0.5", LANGUAGE_DE},
	    {"en;q=0.5, fr;q=0.9", LANGUAGE_FR},
	    {"cy-GB, en-GB;q=0.8", LANGUAGE_CY},
	    {"ja, es;q=0.1", LANGUAGE_ES},
	    {"fr;q=0, de;q=0.001", LANGUAGE_DE},
	    {"*", LANGUAGE_EN},
	    {"fr;q=0.95,de;q=0.96", LANGUAGE_DE},
	    {"fr,de", LANGUAGE_FR},
	    {"deu", LANGUAGE_EN},
	    {";q=1,,fr ; q=0.3", LANGUAGE_FR},
	    {"fr;q=", LANGUAGE_FR},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (language_choose(view_of(rows[i].accept)) != rows[i].l)
			fail_msg("row %zu: %s", i, rows[i].accept);
}

static void texts_are_complete(void **state)
{
	(void)state;
	for (size_t i = 0; text_key(i); i++)
		for (enum language l = 0; l < LANGUAGES; l++) {
			struct view t = text_of(view_of(text_key(i)), l);
			if (!t.p || t.n == 0)
				fail_msg("%s lacks %s", text_key(i), language_tag(l));
		}
}

static void routes_are_found(void **state)
{
	(void)state;
	static const struct route table[] = {{METHOD_GET, "/u/*", NULL, NULL},
	    {METHOD_POST, "/u/*", NULL, NULL}, {METHOD_GET, "/healthz", NULL, NULL}};
	static const struct {
		enum method method;
		const char *path;
		int row;
		const char *capture, *allow;
	} rows[] = {
	    {METHOD_GET, "/u/abc", 0, "abc", "GET, HEAD, POST, OPTIONS"},
	    {METHOD_HEAD, "/u/abc", 0, "abc", "GET, HEAD, POST, OPTIONS"},
	    {METHOD_POST, "/u/abc", 1, "abc", "GET, HEAD, POST, OPTIONS"},
	    {METHOD_OPTIONS, "/u/abc", -1, NULL, "GET, HEAD, POST, OPTIONS"},
	    {METHOD_OTHER, "/healthz", -1, NULL, "GET, HEAD, OPTIONS"},
	    {METHOD_POST, "/healthz", -1, NULL, "GET, HEAD, OPTIONS"},
	    {METHOD_GET, "/healthz", 2, "", "GET, HEAD, OPTIONS"},
	    {METHOD_GET, "/u/", -1, NULL, ""},
	    {METHOD_GET, "/u/a/b", -1, NULL, ""},
	    {METHOD_GET, "/", -1, NULL, ""},
	    {METHOD_GET, "", -1, NULL, ""},
	    {METHOD_GET, "/healthz/", -1, NULL, ""},
	    {METHOD_GET, "//u/a", -1, NULL, ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct view capture;
		unsigned allowed;
		struct buf allow;
		buf_init(&allow, 100);
		const struct route *r =
		    route_find(table, 3, rows[i].method, view_of(rows[i].path), &capture, &allowed);
		assert_int_equal(r ? r - table : -1, rows[i].row);
		if (rows[i].capture)
			assert_true(view_eq(capture, view_of(rows[i].capture)));
		route_allow_text(allowed, &allow);
		assert_string_equal(buf_cstr(&allow), rows[i].allow);
		buf_free(&allow);
	}
}

static void throttle_counts_a_minute(void **state)
{
	(void)state;
	struct throttle *t = mem_alloc(sizeof *t);
	throttle_init(t, THROTTLE_WINDOW_MS);
	struct endpoint a = {0}, b = {0}, c = {0};
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)&a.sa, *b6 = (struct sockaddr_in6 *)&b.sa,
			    *c6 = (struct sockaddr_in6 *)&c.sa;
	a6->sin6_family = b6->sin6_family = c6->sin6_family = AF_INET6;
	inet_pton(AF_INET6, "2001:db8::1", &a6->sin6_addr);
	inet_pton(AF_INET6, "2001:db8::2", &b6->sin6_addr); /* the same /64 */
	inet_pton(AF_INET6, "2001:db8:0:1::1", &c6->sin6_addr);
	assert_int_equal(throttle_count(t, &a, 1000), 1);
	assert_int_equal(throttle_count(t, &b, 1001), 2);
	assert_int_equal(throttle_count(t, &c, 1002), 1);
	assert_int_equal(throttle_count(t, &a, 1000 + THROTTLE_WINDOW_MS - 1), 3);
	assert_int_equal(throttle_count(t, &a, 1000 + THROTTLE_WINDOW_MS), 1);
	throttle_end(t);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(templates_escape_what_they_insert),
	    cmocka_unit_test(languages_are_chosen),
	    cmocka_unit_test(texts_are_complete),
	    cmocka_unit_test(routes_are_found),
	    cmocka_unit_test(throttle_counts_a_minute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
