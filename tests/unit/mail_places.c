/* mail: postal addresses and names on social networks, as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "mail/post_address.h"
#include "mail/social_handle.h"

static void postal_addresses_have_one_form(void **state)
{
	static const struct {
		struct view text;
		const char *canonical; /* NULL = refused */
	} rows[] = {
		{V("1 High St, London SW1A 1AA"), "1 high st london sw1a 1aa"},
		{V("1 High St.,\r\nLondon,\r\nsw1a1aa\r\n"), "1 high st london sw1a 1aa"},
		{V("1  HIGH ST;London\tSW1A  1AA , United Kingdom"), "1 high st london sw1a 1aa"},
		{V("1 High St, London, SW1A1AA, UK"), "1 high st london sw1a 1aa"},
		{V("1 High St, London, sw1a 1aa, England"), "1 high st london sw1a 1aa"},
		{V("2 Dee Row, Oban PA34 4LN Scotland"), "2 dee row oban pa34 4ln"},
		{V("M11AE Manchester"), "m1 1ae manchester"},
		{V("W1A0AX London"), "w1a 0ax london"},
		{V("B338TH Birmingham"), "b33 8th birmingham"},
		{V("England House, Leeds"), "england house leeds"},
		{V("Little England"), "little england"},          /* no postcode before it */
		{V("SW1A 1AA England"), "sw1a 1aa"},
		{V("St John's Road 5, Bath"), "st johns road 5 bath"},
		{V("St John\xe2\x80\x99s Road 5 Bath"), "st johns road 5 bath"},
		{V("HAUPTSTRASSE 7, 10115 BERLIN"), "hauptstrasse 7 10115 berlin"},
		{V("Hauptstra\xc3\x9f" "e 7, 10115 Berlin"), "hauptstrasse 7 10115 berlin"},
		{V("\xc3\x89" "cole 3, Gen\xc3\xa8ve"), "\xc3\xa9" "cole 3 gen\xc3\xa8ve"},
		{V("E\xcc\x81" "cole 3, Gen\xc3\xa8ve"), "\xc3\xa9" "cole 3 gen\xc3\xa8ve"},
		{V("Flat 2/1, 12-14 Mill Lane"), "flat 2/1 12-14 mill lane"},
		{V(""), NULL},
		{V("London"), NULL},
		{V("12 34"), NULL},
		{V(" ,.; \n"), NULL},
		{V("1 High\0St"), NULL},
		{V("1 High\x1bSt"), NULL},
		{V("1 H\xfcgel St"), NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char got[POST_ADDRESS_MAX + 1] = "untouched", again[POST_ADDRESS_MAX + 1];
		struct err err;
		int rc = post_address_parse(rows[i].text, got, &err);
		assert_string_equal(got, rows[i].canonical ? rows[i].canonical : "untouched");
		assert_int_equal(rc, rows[i].canonical ? 0 : -1);
		if (rc == 0) {
			assert_int_equal(post_address_parse(view_of(got), again, &err), 0);
			assert_string_equal(got, again);
		}
	}
}

static void postal_addresses_have_an_end(void **state)
{
	char text[POST_ADDRESS_MAX + 3], got[POST_ADDRESS_MAX + 1] = "untouched";
	struct err err;
	(void)state;
	memset(text, 'a', sizeof text);
	text[1] = ' ';
	assert_int_equal(post_address_parse(view_n(text, POST_ADDRESS_MAX), got, &err), 0);
	assert_int_equal(strlen(got), POST_ADDRESS_MAX);
	assert_int_equal(post_address_parse(view_n(text, POST_ADDRESS_MAX + 1), got, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	char words[200];
	for (size_t i = 0; i < sizeof words; i++)
		words[i] = i % 2 ? ' ' : 'a';
	assert_int_equal(post_address_parse(view_n(words, sizeof words), got, &err), -1);
}

static void social_handles_have_one_form(void **state)
{
	static const struct {
		const char *text, *canonical; /* NULL = refused */
	} rows[] = {
		{"x:ann", "x:ann"}, {" X:@Ann ", "x:ann"}, {"twitter:ANN", "x:ann"}, {"https://twitter.com/Ann", "x:ann"}, {"https://www.x.com/Ann/", "x:ann"},
		{"http://m.facebook.com/ann.lee?ref=1", "facebook:ann.lee"}, {"fb:ann.lee", "facebook:ann.lee"}, {"ig:ann_lee", "instagram:ann_lee"},
		{"https://www.linkedin.com/in/Ann-Lee/", "linkedin:ann-lee"}, {"https://www.tiktok.com/@ann", "tiktok:ann"},
		{"bluesky:ann.bsky.social", "bluesky:ann.bsky.social"}, {"https://bsky.app/profile/ann.bsky.social", "bluesky:ann.bsky.social"},
		{"mastodon:@Ann@Example.social", "mastodon:ann@example.social"}, {"newnet:ann", "newnet:ann"},
		{"ann", NULL}, {"", NULL}, {":ann", NULL}, {"x:", NULL}, {"x:@", NULL}, {"x:a b", NULL}, {"x:a@b@c", NULL}, {"x:a@", NULL}, {"x:\xc3\xbc", NULL},
		{"a-network:ann", NULL}, {"https://x.com/", NULL}, {"https://x.com/ann/status/1", NULL}, {"https://example.com/ann", NULL},
		{"123456789012345678901:ann", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char got[SOCIAL_TEXT] = "untouched", again[SOCIAL_TEXT];
		struct err err;
		int rc = social_handle_parse(view_of(rows[i].text), got, &err);
		assert_string_equal(got, rows[i].canonical ? rows[i].canonical : "untouched");
		assert_int_equal(rc, rows[i].canonical ? 0 : -1);
		if (rc == 0) {
			assert_int_equal(social_handle_parse(view_of(got), again, &err), 0);
			assert_string_equal(got, again);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(postal_addresses_have_one_form),
		cmocka_unit_test(postal_addresses_have_an_end),
		cmocka_unit_test(social_handles_have_one_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
