/* The plain form of an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "mail/fold.h"

static void forms_are_folded(void **state)
{
	static const struct {
		const char *address, *plain; /* NULL: it is that already */
	} cases[] = {
	    {"ann@example.com", NULL},
	    {"a.nn@example.com", NULL},
	    {"ann+shop@example.com", "ann@example.com"},
	    {"ann+a+b@example.com", "ann@example.com"},
	    {"ann+@example.com", "ann@example.com"},
	    {"+shop@example.com", NULL},
	    {"ann@gmail.com", NULL},
	    {"a.n.n@gmail.com", "ann@gmail.com"},
	    {"a.nn+x@googlemail.com", "ann@gmail.com"},
	    {"ann@googlemail.com", "ann@gmail.com"},
	    {"a.nn@pm.me", "ann@proton.me"},
	    {"\"a+b c\"@example.com", NULL},
	    {"\"a.b c\"@gmail.com", NULL},
	    {"ann", NULL},
	    {"", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char plain[ADDRESS_MAX + 1], again[ADDRESS_MAX + 1];
		bool other = address_fold(view_of(cases[i].address), plain);
		if (other != (cases[i].plain != NULL))
			fail_msg("%s: folded to %s", cases[i].address, other ? plain : "itself");
		if (!other)
			continue;
		assert_string_equal(plain, cases[i].plain);
		assert_false(address_fold(view_of(plain), again));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(forms_are_folded)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
