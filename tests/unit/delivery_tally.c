/* delivery: what the complaint breaker counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/delivery/tally.h"

#define HOUR 3600000ll

static struct tally *fresh(void)
{
	struct scope stream, brand;
	assert_int_equal(scope_parse(V("acme/offers"), &stream, NULL), 0);
	assert_int_equal(scope_parse(V("acme"), &brand, NULL), 0);
	return tally_new(&stream, &brand);
}

static const struct person_key ann = {{1, 2, 3, 4, 5, 6, 7, 8}}, bob = {{9, 2, 3, 4, 5, 6, 7, 8}};

static void what_lies_behind_the_window_counts_no_more(void **state)
{
	(void)state;
	struct tally *t = fresh();
	for (int hour = 0; hour < 48; hour++) {
		tally_delivered(t, &ann, 24 * HOUR, hour * HOUR);
		tally_complaint(t, 24 * HOUR, hour * HOUR);
		uint32_t most = hour < 24 ? (uint32_t)hour + 1 : 24;
		assert_in_range(tally_sum(t->delivered), most - 1, most + 1); /* a slice is a millisecond longer than an hour */
		assert_in_range(tally_sum(t->complaints), most - 1, most + 1);
	}
	tally_delivered(t, &ann, 24 * HOUR, 1000 * HOUR);
	assert_int_equal(tally_sum(t->delivered), 1);
	assert_int_equal(tally_sum(t->complaints), 0);
	tally_delivered(t, &ann, 24 * HOUR, 10 * HOUR); /* the clock was set back: nothing is lost */
	assert_int_equal(tally_sum(t->delivered), 2);
	tally_delivered(t, &ann, HOUR, 1000 * HOUR); /* another window */
	assert_int_equal(tally_sum(t->delivered), 1);
	tally_free(&t);
}

static void the_latest_recipients_are_known_once(void **state)
{
	(void)state;
	struct tally *t = fresh();
	tally_delivered(t, &ann, HOUR, 0);
	assert_false(tally_take_recipient(t, &bob));
	assert_true(tally_take_recipient(t, &ann));
	assert_false(tally_take_recipient(t, &ann));
	tally_free(&t);
}

static void what_is_kept_comes_back(void **state)
{
	(void)state;
	struct tally *t = fresh();
	struct buf b;
	buf_init(&b, 10000);
	for (int i = 0; i < 30; i++)
		tally_delivered(t, &ann, 24 * HOUR, i * HOUR);
	tally_complaint(t, 24 * HOUR, 30 * HOUR);
	t->stopped = true;
	tally_write(t, &b);
	struct be_reader r = {.rest = buf_view(&b)};
	struct tally *back = tally_read(&r);
	assert_true(back && !r.bad && r.rest.n == 0 && back->stopped);
	assert_string_equal(back->scope.name, "acme/offers");
	assert_memory_equal(back->brand.id, t->brand.id, SCOPE_ID_BYTES);
	assert_memory_equal(back->delivered, t->delivered, sizeof t->delivered);
	assert_memory_equal(back->complaints, t->complaints, sizeof t->complaints);
	assert_int_equal(back->slice, t->slice);
	tally_free(&back);
	for (size_t n = 0; n < b.n; n++) { /* torn anywhere */
		r = (struct be_reader){.rest = view_sub(buf_view(&b), 0, n)};
		back = tally_read(&r);
		assert_true(!back && r.bad);
	}
	buf_free(&b);
	tally_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_lies_behind_the_window_counts_no_more),
	    cmocka_unit_test(the_latest_recipients_are_known_once),
	    cmocka_unit_test(what_is_kept_comes_back),
	};
	return cmocka_run_group_tests_name("delivery_tally", tests, NULL, NULL);
}
