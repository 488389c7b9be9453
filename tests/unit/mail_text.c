/* mail: replies, dates, envelopes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "mail/date.h"
#include "mail/envelope.h"
#include "mail/lane.h"
#include "mail/reply.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static void lanes_say_what_they_carry(void **state)
{
	(void)state;
	static const struct {
		struct mail_lane parts;
		const char *name;
	} rows[] = {
	    {{V("acme/offers"), V("example.com"), V("tool"), V("spring sale")}, "acme/offers@example.com tool spring sale"},
	    {{V("acme/offers"), V("example.com"), V("tool"), V("")}, "acme/offers@example.com tool"},
	    {{V("acme/offers"), V("example.com"), V(""), V("w47")}, "acme/offers@example.com  w47"},
	    {{V("acme/offers"), V("example.com"), V(""), V("")}, "acme/offers@example.com"}, /* as it was written before */
	    {{V("acme"), V(""), V(""), V("")}, "acme@"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mail_lane got;
		struct buf b;
		buf_init(&b, 1000);
		mail_lane_write(&rows[i].parts, &b);
		assert_string_equal(buf_cstr(&b), rows[i].name);
		mail_lane_read(buf_view(&b), &got);
		assert_true(view_eq(got.stream, rows[i].parts.stream) && view_eq(got.domain, rows[i].parts.domain));
		assert_true(view_eq(got.client, rows[i].parts.client) && view_eq(got.campaign, rows[i].parts.campaign));
		buf_free(&b);
	}
}

static void replies_are_one_line(void **state)
{
	(void)state;
	struct reply r;
	struct buf b;
	buf_init(&b, 1000);
	reply_set(&r, 550, "5.7.1", "<%s>: recipient has opted out", "a\r\n250 b@c");
	reply_write(&r, &b);
	assert_string_equal(buf_cstr(&b), "550 5.7.1 <a??250 b@c>: recipient has opted out\r\n");
	buf_clear(&b);
	reply_set(&r, 354, "", "Go ahead");
	reply_write(&r, &b);
	assert_string_equal(buf_cstr(&b), "354 Go ahead\r\n");
	buf_clear(&b);
	reply_set(&r, 250, "2.0.0", "%0600d", 1);
	reply_write(&r, &b);
	assert_true(b.n < 512); /* RFC 5321 4.5.3.1.5 */
	buf_free(&b);
}

static void replies_of_servers_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		int code;
		const char *enhanced, *text;
	} rows[] = {
	    {"250 2.1.5 OK\r\n", 250, "2.1.5", "OK"},
	    {"250 OK", 250, "", "OK"},
	    {"250", 250, "", ""},
	    {"550-5.1.1 No such user\r\n550 5.1.1 here\r\n", 550, "5.1.1", "No such user here"},
	    {"550-First\n550-5.7.26 second\n550 5.7.26 third", 550, "5.7.26", "First second third"},
	    {"421 4.7.0 a\x01\x1b[31mb\x7f" "c\r\n", 421, "4.7.0", "a[31mbc"},
	    {"550 4.2.2 odd", 550, "", "4.2.2 odd"},
	    {"550 5.1.1.example.com", 550, "", "5.1.1.example.com"},
	    {"550 5.1 x", 550, "", "5.1 x"},
	    {"550 5.1234.1 x", 550, "", "5.1234.1 x"},
	    {"250-a\r\n250 b\r\n250 c\r\n", 250, "", "a b"},
	    {"", 0, NULL, NULL}, {"25", 0, NULL, NULL}, {"199 x", 0, NULL, NULL}, {"600 x", 0, NULL, NULL},
	    {"2500 x", 0, NULL, NULL}, {"250-a\r\n550 b\r\n", 0, NULL, NULL}, {"hello", 0, NULL, NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reply r;
		bool good = reply_parse(view_of(rows[i].in), &r);
		if (good != (rows[i].code != 0))
			fail_msg("%s", rows[i].in);
		if (!good)
			continue;
		assert_int_equal(r.code, rows[i].code);
		assert_string_equal(r.enhanced, rows[i].enhanced);
		assert_string_equal(r.text, rows[i].text);
	}
}

static void dates_are_written(void **state)
{
	(void)state;
	char text[MAIL_DATE_TEXT];
	mail_date(1795485960000, text);
	assert_string_equal(text, "Tue, 24 Nov 2026 02:06:00 +0000");
	mail_date(951782399999, text);
	assert_string_equal(text, "Mon, 28 Feb 2000 23:59:59 +0000");
	mail_date(951782400000, text);
	assert_string_equal(text, "Tue, 29 Feb 2000 00:00:00 +0000");
	mail_date(-1, text);
	assert_string_equal(text, "Wed, 31 Dec 1969 23:59:59 +0000");
	mail_date(INT64_MAX, text);
	assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 +0000");
}

static void dates_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		int64_t s; /* -1: no date */
	} rows[] = {
	    {"Tue, 24 Nov 2026 02:06:00 +0000", 1795485960}, {"24 Nov 2026 02:06 GMT", 1795485960},
	    {"Tue, 24 Nov 2026 02:06:00 +0000 (UTC)", 1795485960}, {"Tue, 24 Nov 2026 04:06:00 +0200", 1795485960},
	    {"Mon, 23 Nov 26 21:06:00 EST", 1795485960}, {"(x (y) \\) z) Tue (a) , 24 (b) Nov 2026 02 : 06 : 00 (c) Z", 1795485960},
	    {"Tue Nov 24 02:06:00 2026", 1795485960}, {"Tue Nov 24 02:06:00 UTC 2026", 1795485960},
	    {"24-Nov-2026 02:06:00", 1795485960}, {"Tue,\r\n 24 Nov 2026\r\n 02:06:00 -0000", 1795485960},
	    {"1 Jan 1970 00:00:00 +0000", 0}, {"1 Jan 70 00:00", 0}, {"29 Feb 2024 00:00:00 +0000", 1709164800},
	    {"Tuesday, 24 November 2026 02:06:00 A", 1795485960}, {"31 Dec 2016 23:59:60 +0000", 1483228800},
	    {"30 Feb 2026 00:00:00 +0000", -1}, {"29 Feb 2026 00:00 +0000", -1}, {"0 Jan 2026 00:00 +0000", -1},
	    {"32 Jan 2026 00:00 +0000", -1}, {"1 Jan 2026 24:00 +0000", -1}, {"1 Jan 2026 00:60 +0000", -1},
	    {"1 Foo 2026 00:00", -1}, {"1 Jan 2026", -1}, {"", -1}, {"Tue", -1}, {"(", -1}, {"1 Jan 2026 00:00 +00", -1},
	    {"1 Jan 99999 00:00 +0000", -1},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ms = -1;
		bool good = mail_date_parse(view_of(rows[i].in), &ms);
		if (good != (rows[i].s >= 0) || (good && ms != rows[i].s * 1000))
			fail_msg("%s: %lld", rows[i].in, (long long)ms);
	}
}

static void envelopes_come_back(void **state)
{
	(void)state;
	struct envelope e = {.client = V("shop"), .client_ip = V("192.0.2.1"), .helo = V("h"), .brand = V("b"), .stream = V("s"),
	    .campaign = V("c"), .return_path = V("r@x.example"), .envid = V("QQ"), .ret = 2, .protocol = 4, .arrived_ms = -5, .class = 2, .named = 70000}, got;
	struct recipient r = {.address = V("a@b.c"), .orcpt = V("rfc822;a@b.c"), .notify = 6}, back;
	struct buf b;
	struct err err;
	buf_init(&b, 1 << 20);
	envelope_write(&e, &b);
	assert_int_equal(envelope_read(buf_view(&b), &got, &err), 0);
	assert_true(view_eq(got.client, e.client) && view_eq(got.client_ip, e.client_ip) && view_eq(got.helo, e.helo));
	assert_true(view_eq(got.brand, e.brand) && view_eq(got.stream, e.stream) && view_eq(got.topic, e.topic));
	assert_true(view_eq(got.campaign, e.campaign) && view_eq(got.return_path, e.return_path) && view_eq(got.envid, e.envid));
	assert_true(got.ret == 2 && got.protocol == 4 && got.arrived_ms == -5 && got.class == 2 && got.named == 70000);
	for (uint8_t version = 1; version < 3; version++) { /* what lies in a queue from before */
		struct buf old;
		buf_init(&old, 1000);
		buf_add(&old, view_n(b.p, b.n - (version == 1 ? 5 : 4)));
		old.p[0] = (char)version;
		assert_int_equal(envelope_read(buf_view(&old), &got, &err), 0);
		assert_true(got.class == (version == 1 ? 0 : 2) && got.named == 0 && got.arrived_ms == -5);
		buf_free(&old);
	}
	for (size_t n = 0; n < b.n; n++) {
		assert_int_equal(envelope_read(view_n(b.p, n), &got, &err), -1);
		assert_int_equal(err.kind, ERR_CORRUPT);
	}
	buf_byte(&b, 0);
	assert_int_equal(envelope_read(buf_view(&b), &got, &err), -1);
	buf_clear(&b);
	recipient_write(&r, &b);
	assert_int_equal(recipient_read(buf_view(&b), &back, &err), 0);
	assert_true(view_eq(back.address, r.address) && view_eq(back.orcpt, r.orcpt) && back.notify == 6);
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(recipient_read(view_n(b.p, n), &back, &err), -1);
	b.p[0] = 9;
	assert_int_equal(recipient_read(buf_view(&b), &back, &err), -1);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lanes_say_what_they_carry), cmocka_unit_test(replies_are_one_line), cmocka_unit_test(replies_of_servers_are_read),
	    cmocka_unit_test(dates_are_written), cmocka_unit_test(dates_are_read), cmocka_unit_test(envelopes_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
