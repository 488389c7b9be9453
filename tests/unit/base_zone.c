/* Time zones: the same local times as libc's, rules of footers, and files that are none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "../../src/base/zone_rule.h"
#include "base/be.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/zone.h"

#define HOUR 3600

static const char *const names[] = {"UTC", "Europe/London", "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/St_Johns", "America/Sao_Paulo",
    "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran", "Africa/Casablanca", "Africa/Cairo", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Chatham",
    "Pacific/Apia", "Pacific/Kiritimati", "America/Nuuk", "Antarctica/Troll", "America/Asuncion", "Asia/Gaza", "Etc/GMT+5"};
#define NAMES (sizeof names / sizeof *names)

static struct zone *load(const char *name)
{
	struct zone *z = NULL;
	struct err err;
	if (zone_load(&z, view_of(name), &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return z;
}

/* From 1970 to 2100, twice a day at odd hours, and around every change that libc has between two of them. */
static void local_time_is_libcs(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		struct zone *z = load(names[i]);
		setenv("TZ", names[i], 1);
		tzset();
		for (int64_t t = 0; t < INT64_C(4102444800); t += 11 * HOUR + 1811) {
			struct tm tm;
			time_t at = (time_t)t;
			assert_non_null(localtime_r(&at, &tm));
			if (tm.tm_gmtoff != zone_offset(z, t))
				fail_msg("%s at %lld: %ld, not %d", names[i], (long long)t, tm.tm_gmtoff, (int)zone_offset(z, t));
		}
		zone_free(&z);
	}
	unsetenv("TZ");
}

static int64_t at(const char *text)
{
	int64_t ms;
	assert_true(time_parse(text, strlen(text), &ms));
	return ms / 1000;
}

static void rules_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *rule, *when;
		int offset; /* INT32_MIN: it is none */
	} rows[] = {
	    {"UTC0", "2050-07-01T00:00:00Z", 0},
	    {"EST5", "2050-07-01T00:00:00Z", -5 * HOUR},
	    {"<+0330>-3:30", "2050-07-01T00:00:00Z", 3 * HOUR + 1800},
	    {"GMT0BST,M3.5.0/1,M10.5.0", "2027-03-28T00:59:59Z", 0},
	    {"GMT0BST,M3.5.0/1,M10.5.0", "2027-03-28T01:00:00Z", HOUR},
	    {"GMT0BST,M3.5.0/1,M10.5.0", "2027-10-31T00:59:59Z", HOUR},
	    {"GMT0BST,M3.5.0/1,M10.5.0", "2027-10-31T01:00:00Z", 0},
	    {"EST5EDT,M3.2.0,M11.1.0", "2027-03-14T06:59:59Z", -5 * HOUR},
	    {"EST5EDT,M3.2.0,M11.1.0", "2027-03-14T07:00:00Z", -4 * HOUR},
	    {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2027-01-01T00:00:00Z", 11 * HOUR},
	    {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2027-07-01T00:00:00Z", 10 * HOUR},
	    {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2027-12-01T00:00:00Z", 11 * HOUR},
	    {"IST-1GMT0,M10.5.0,M3.5.0/1", "2027-12-01T00:00:00Z", 0},
	    {"IST-1GMT0,M10.5.0,M3.5.0/1", "2027-06-01T00:00:00Z", HOUR},
	    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2027-03-28T00:59:59Z", -2 * HOUR},
	    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2027-03-28T01:00:00Z", -HOUR},
	    {"AAA0BBB,J60/0,J300/0", "2028-03-01T00:00:00Z", HOUR},
	    {"AAA0BBB,J60/0,J300/0", "2028-02-29T23:59:59Z", 0},
	    {"AAA0BBB,59/0,300/0", "2028-02-29T00:00:00Z", HOUR},
	    {"AAA0BBB,59/0,300/0", "2027-02-28T23:59:59Z", 0},
	    {"", "2027-01-01T00:00:00Z", INT32_MIN},
	    {"GM0", "2027-01-01T00:00:00Z", INT32_MIN},
	    {"GMT", "2027-01-01T00:00:00Z", INT32_MIN},
	    {"GMT0BST", "2027-01-01T00:00:00Z", INT32_MIN},
	    {"GMT0BST,M3.5.0", "2027-01-01T00:00:00Z", INT32_MIN},
	    {"GMT0BST,M13.5.0,M10.5.0", "2027-01-01T00:00:00Z", INT32_MIN},
	    {"GMT0BST,M3.6.0,M10.5.0", "2027-01-01T00:00:00Z", INT32_MIN},
	    {"GMT0BST,M3.5.7,M10.5.0", "2027-01-01T00:00:00Z", INT32_MIN},
	    {"GMT0BST,J0,J300", "2027-01-01T00:00:00Z", INT32_MIN},
	    {"GMT0BST,M3.5.0/168,M10.5.0", "2027-01-01T00:00:00Z", INT32_MIN},
	    {"GMT0BST,M3.5.0/1,M10.5.0x", "2027-01-01T00:00:00Z", INT32_MIN},
	    {"<GMT0", "2027-01-01T00:00:00Z", INT32_MIN},
	    {"GMT0:60", "2027-01-01T00:00:00Z", INT32_MIN},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct zone_rule r;
		bool good = zone_rule_parse(view_of(rows[i].rule), &r);
		if (good != (rows[i].offset != INT32_MIN) || (good && zone_rule_offset(&r, at(rows[i].when)) != rows[i].offset))
			fail_msg("%s at %s", rows[i].rule, rows[i].when);
	}
}

/* A file without a list of changes, as newer zic writes them: all is in the footer. */
static void a_slim_file(struct buf *b, const char *footer, unsigned types)
{
	buf_init(b, 4096);
	for (int part = 0; part < 2; part++) {
		buf_str(b, "TZif2");
		for (int i = 0; i < 15; i++)
			buf_byte(b, 0);
		const unsigned counts[] = {0, 0, 0, 0, types, 4};
		for (int i = 0; i < 6; i++)
			be_add(b, counts[i], 4);
		for (unsigned i = 0; i < types; i++)
			be_add(b, 0, 6);
		buf_add(b, view_n("GMT", 4));
	}
	buf_fmt(b, "\n%s\n", footer);
}

static void slim_files_are_read(void **state)
{
	(void)state;
	struct buf b;
	struct zone *z = NULL;
	struct err err;
	a_slim_file(&b, "GMT0BST,M3.5.0/1,M10.5.0", 1);
	assert_int_equal(zone_parse(&z, buf_view(&b), &err), 0);
	assert_int_equal(zone_offset(z, at("2027-07-01T00:00:00Z")), HOUR);
	assert_int_equal(zone_offset(z, at("2027-01-01T00:00:00Z")), 0);
	zone_free(&z);
	buf_free(&b);
	a_slim_file(&b, "", 1);
	assert_int_equal(zone_parse(&z, buf_view(&b), &err), 0);
	assert_int_equal(zone_offset(z, at("2027-07-01T00:00:00Z")), 0);
	zone_free(&z);
	buf_free(&b);
	a_slim_file(&b, "nonsense", 1);
	assert_int_equal(zone_parse(&z, buf_view(&b), &err), -1);
	buf_free(&b);
	a_slim_file(&b, "GMT0", 0);
	assert_int_equal(zone_parse(&z, buf_view(&b), &err), -1);
	buf_free(&b);
}

/* Cut anywhere, it is none; with any byte changed it is none or has offsets that can be. */
static void files_that_are_none(void **state)
{
	(void)state;
	struct buf b;
	struct zone *z = NULL;
	struct err err;
	buf_init(&b, ZONE_FILE_MAX);
	assert_int_equal(file_read("/usr/share/zoneinfo/Europe/London", &b, &err), 0);
	for (size_t n = 0; n + 1 < b.n; n++)
		assert_int_equal(zone_parse(&z, view_n(b.p, n), &err), -1);
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 0x41;
		if (zone_parse(&z, buf_view(&b), &err) == 0) {
			int32_t offset = zone_offset(z, 1800000000);
			assert_true(offset >= -200 * HOUR && offset <= 200 * HOUR);
			zone_free(&z);
		}
		b.p[i] ^= 0x41;
	}
	buf_free(&b);
}

static void names_that_are_none(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "/etc/passwd", "../x", "Europe/../UTC", "Nowhere/Land", "Europe", "right/UTC", "Europe/London/", "a b"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct zone *z = NULL;
		struct err err;
		assert_int_equal(zone_load(&z, view_of(wrong[i]), &err), -1);
		assert_null(z);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_time_is_libcs),
		cmocka_unit_test(rules_are_read),
		cmocka_unit_test(slim_files_are_read),
		cmocka_unit_test(files_that_are_none),
		cmocka_unit_test(names_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
