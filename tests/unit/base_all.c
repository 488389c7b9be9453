/* base: views, buffers, codecs, times, files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/be.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/counter.h"
#include "base/file.h"
#include "base/mem.h"

static void months_are_of_the_calendar(void **state)
{
	(void)state;
	static const struct {
		const char *from;
		unsigned months;
		const char *to;
	} rows[] = {{"2026-01-15T10:20:30.456Z", 6, "2026-07-15T10:20:30.456Z"}, {"2026-08-31T00:00:00.000Z", 6, "2027-02-28T00:00:00.000Z"},
	    {"2027-08-31T23:59:59.999Z", 6, "2028-02-29T23:59:59.999Z"}, {"2028-02-29T12:00:00.000Z", 12, "2029-02-28T12:00:00.000Z"},
	    {"2028-02-29T12:00:00.000Z", 48, "2032-02-29T12:00:00.000Z"}, {"2026-12-31T00:00:00.000Z", 1, "2027-01-31T00:00:00.000Z"},
	    {"2026-12-31T00:00:00.000Z", 2, "2027-02-28T00:00:00.000Z"}, {"1969-12-31T23:00:00.000Z", 24, "1971-12-31T23:00:00.000Z"},
	    {"2024-01-31T00:00:00.000Z", 1201, "2124-02-29T00:00:00.000Z"}, {"2026-03-01T00:00:00.000Z", 0, "2026-03-01T00:00:00.000Z"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t from_ms;
		char got[TIME_TEXT];
		assert_true(time_parse(rows[i].from, strlen(rows[i].from), &from_ms));
		time_text(time_months_later(from_ms, rows[i].months), got);
		assert_string_equal(got, rows[i].to);
	}
	/* Every day of 40 years: a month later is the same day or a last one, never earlier than the day before had. */
	int64_t before = 0;
	for (int64_t day = 0; day < 40 * 366; day++) {
		int64_t later = time_months_later(day * 86400000, 1);
		assert_true(later >= before && later >= (day + 28) * 86400000 && later <= (day + 31) * 86400000);
		before = later;
	}
}

static void codecs_follow_rfc_4648(void **state)
{
	(void)state;
	static const struct {
		const char *plain, *b64, *b32;
	} rows[] = {{"", "", ""}, {"f", "Zg==", "my"}, {"fo", "Zm8=", "mzxq"}, {"foo", "Zm9v", "mzxw6"},
	    {"foob", "Zm9vYg==", "mzxw6yq"}, {"fooba", "Zm9vYmE=", "mzxw6ytb"}, {"foobar", "Zm9vYmFy", "mzxw6ytboi"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf b, back;
		buf_init(&b, 100);
		buf_init(&back, 100);
		base64_encode(&b, view_of(rows[i].plain));
		assert_string_equal(buf_cstr(&b), rows[i].b64);
		assert_true(base64_decode(buf_view(&b), &back));
		assert_true(view_eq(buf_view(&back), view_of(rows[i].plain)));
		buf_clear(&b);
		buf_clear(&back);
		base32_encode(&b, view_of(rows[i].plain));
		assert_string_equal(buf_cstr(&b), rows[i].b32);
		assert_true(base32_decode(buf_view(&b), &back));
		assert_true(view_eq(buf_view(&back), view_of(rows[i].plain)));
		buf_free(&b);
		buf_free(&back);
	}
}

static void decoders_refuse_second_spellings(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 100);
	assert_false(base64_decode(V("Zh=="), &b)); /* bits behind the padding */
	assert_false(base64_decode(V("Zg="), &b));
	assert_false(base64_decode(V("Z g="), &b));
	assert_false(base64url_decode(V("Zg=="), &b));
	assert_false(base64url_decode(V("Z"), &b));
	assert_false(base32_decode(V("mz"), &b));
	assert_false(base32_decode(V("m1"), &b));
	buf_free(&b);
}

static void crc_is_castagnoli(void **state)
{
	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	/* any cut gives the same */
	for (size_t cut = 0; cut <= 9; cut++)
		assert_int_equal(crc32c(crc32c(0, "123456789", cut), "123456789" + cut, 9 - cut), 0xe3069283);
}

static void times_round_trip(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
		bool good;
	} rows[] = {{"2026-11-24T02:06:00.000Z", 1795485960000, true}, {"1970-01-01", 0, true},
	    {"2026-11-24T04:06:00+02:00", 1795485960000, true}, {"2024-02-29", 1709164800000, true},
	    {"2026-02-30", 0, false}, {"2026-13-01", 0, false}, {"yesterday", 0, false}, {"2026-11-24T02:06", 0, false},
	    {"2026-11-24T02:06:00", 0, false}, {"", 0, false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t ms = -1;
		assert_int_equal(time_parse(rows[i].text, strlen(rows[i].text), &ms), rows[i].good);
		if (rows[i].good)
			assert_int_equal(ms, rows[i].ms);
	}
	char text[TIME_TEXT];
	time_text(1795485960000, text);
	assert_string_equal(text, "2026-11-24T02:06:00.000Z");
	int64_t ms;
	assert_true(duration_parse("90m", 3, &ms));
	assert_int_equal(ms, 5400000);
	assert_false(duration_parse("5 m", 3, &ms));
	assert_false(duration_parse("9999999999999d", 14, &ms));
	char d[24];
	duration_text(5400000, d);
	assert_string_equal(d, "90m");
}

static void a_buffer_stops_at_its_maximum(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 4);
	buf_str(&b, "abcd");
	assert_false(b.failed);
	buf_byte(&b, 'e');
	assert_true(b.failed);
	buf_byte(&b, 'f');
	assert_int_equal(b.n, 4);
	buf_free(&b);
}

static void an_arena_stops_at_its_maximum(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 100000);
	for (int round = 0; round < 3; round++) {
		size_t n = 0;
		while (arena_alloc(&a, 999))
			n++;
		assert_int_equal(n, 100000 / 1008);
		arena_reset(&a);
	}
	arena_free(&a);
}

static void a_reader_turns_bad_and_stays_so(void **state)
{
	(void)state;
	struct be_reader r = {.rest = V("\x00\x03" "abc" "\x00\x09" "x")};
	assert_true(view_eq(be_take_view(&r, 2), V("abc")));
	assert_int_equal(be_take_view(&r, 2).n, 0);
	assert_true(r.bad);
	assert_int_equal(be_take_u(&r, 1), 0);
}

static void files_are_replaced_whole_and_keys_never(void **state)
{
	(void)state;
	char dir[] = "/tmp/optgate-base-XXXXXX";
	assert_non_null(mkdtemp(dir));
	char path[64];
	struct err err;
	assert_int_equal(path_join(path, sizeof path, dir, "key", &err), 0);
	assert_int_equal(file_create(path, V("one"), 0600, &err), 0);
	assert_int_equal(file_create(path, V("two"), 0600, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_int_equal(file_replace(path, V("three"), 0600, &err), 0);
	struct buf b;
	buf_init(&b, 4);
	assert_int_equal(file_read(path, &b, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_free(&b);
	unlink(path);
	assert_int_equal(file_read(path, &b, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
	rmdir(dir);
}

COUNTER(apples, "test_fruit_total{kind=\"apple\"}", "Fruit seen");
COUNTER(pears, "test_fruit_total{kind=\"pear\"}", "Fruit seen");

static void counters_come_out_in_families(void **state)
{
	(void)state;
	counter_add(&apples, 2);
	counter_add(&pears, 1);
	struct buf b;
	buf_init(&b, 10000);
	metrics_write(&b);
	assert_non_null(strstr(buf_cstr(&b), "# HELP test_fruit_total Fruit seen\n# TYPE test_fruit_total counter\n"
	                                     "test_fruit_total{kind=\"apple\"} 2\ntest_fruit_total{kind=\"pear\"} 1\n"));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(months_are_of_the_calendar),
		cmocka_unit_test(codecs_follow_rfc_4648), cmocka_unit_test(decoders_refuse_second_spellings),
	    cmocka_unit_test(crc_is_castagnoli), cmocka_unit_test(times_round_trip),
	    cmocka_unit_test(a_buffer_stops_at_its_maximum), cmocka_unit_test(an_arena_stops_at_its_maximum),
	    cmocka_unit_test(a_reader_turns_bad_and_stays_so), cmocka_unit_test(files_are_replaced_whole_and_keys_never),
	    cmocka_unit_test(counters_come_out_in_families),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
