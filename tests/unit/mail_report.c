/* mail: delivery reports and complaints. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "mail/address.h"
#include "mail/arf.h"
#include "mail/dsn.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define ARENA_MAX (1 << 20)

static void every_group_is_read(void **state)
{
	(void)state;
	struct arena a;
	struct dsn d;
	struct err err;
	struct address address;
	arena_init(&a, ARENA_MAX);
	assert_int_equal(dsn_parse(&a, V("Original-Envelope-Id: QQ1\r\nReporting-MTA: dns; mx.example.com\r\nArrival-Date: today\r\n\r\n"
	    "Original-Recipient: rfc822;Joe@example.net\r\nFinal-Recipient: RFC822; <joe@example.net>\r\nAction: Failed (really)\r\n"
	    "Status: 5.1.1 (unknown)\r\nRemote-MTA: dns; mx.example.net\r\nDiagnostic-Code: smtp; 550 5.1.1 <joe@example.net>:\r\n"
	    "    no such; user\r\nX-Own: 1\r\n\r\n"
	    "Final-Recipient: rfc822;ann@example.net\r\nAction: delayed\r\nStatus: 4.2.2\r\nWill-Retry-Until: tomorrow\r\n"), &d, &err), 0);
	assert_true(view_eq(d.envelope_id, V("QQ1")) && view_eq(d.arrival_date, V("today")));
	assert_true(view_eq(d.reporting_mta.type, V("dns")) && view_eq(d.reporting_mta.value, V("mx.example.com")));
	assert_int_equal(d.count, 2);
	const struct dsn_recipient *r = d.recipients;
	assert_int_equal(r[0].action, DSN_FAILED);
	assert_true(view_eq(r[0].status, V("5.1.1")));
	assert_true(view_eq(r[0].diagnostic.type, V("smtp")));
	assert_true(view_eq(r[0].diagnostic.value, V("550 5.1.1 <joe@example.net>:    no such; user")));
	assert_true(view_eq(r[0].remote_mta.value, V("mx.example.net")));
	assert_true(view_starts(r[0].raw, V("Original-Recipient")) && view_ends(r[0].raw, V("X-Own: 1\r\n")));
	assert_int_equal(dsn_address(&r[0].original_recipient, &address, &err), 0);
	assert_string_equal(address.exact, "Joe@example.net");
	assert_int_equal(dsn_address(&r[0].final_recipient, &address, &err), 0);
	assert_string_equal(address.text, "joe@example.net");
	assert_int_equal(r[1].action, DSN_DELAYED);
	assert_true(view_eq(r[1].status, V("4.2.2")) && view_eq(r[1].will_retry, V("tomorrow")));
	assert_int_equal(r[1].original_recipient.value.n, 0);
	assert_true(dsn_address(&d.reporting_mta, &address, &err) < 0);
	arena_free(&a);
}

static void reports_are_read_as_they_come(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		struct view in;
		const char *out; /* recipient action status, ... */
	} rows[] = {
	    {"nothing", V(""), ""},
	    {"only blank lines", V("\r\n\r\n\r\n"), ""},
	    {"no blank line", V("Reporting-MTA: dns;x\r\nFinal-Recipient: rfc822;a@b.c\r\nAction: failed\r\nStatus: 5.1.1\r\n"
	        "Final-Recipient: rfc822;d@e.f\r\nAction: failed\r\n"), "a@b.c failed 5.1.1,d@e.f failed "},
	    {"too many blank lines", V("\r\n\r\nFinal-Recipient: rfc822;a@b.c\r\n\r\n\r\n\r\nFinal-Recipient: rfc822;d@e.f\r\n\r\n"),
	        "a@b.c  ,d@e.f  "},
	    {"junk between", V("Final-Recipient: rfc822;a@b.c\r\nthis is no field\r\nAction: failed\r\n"), "a@b.c failed "},
	    {"no type", V("Final-Recipient: a@b.c\r\nAction: expanded\r\nStatus: 2.0.0"), "a@b.c expanded 2.0.0"},
	    {"unknown action", V("Final-Recipient: rfc822;a@b.c\r\nAction: expired\r\nStatus: unknown"), "a@b.c  "},
	    {"first of two", V("Final-Recipient: rfc822;a@b.c\r\nStatus: 4.4.7\r\nStatus: 5.0.0"), "a@b.c  4.4.7"},
	    {"two names", V("Original-Recipient: rfc822;o@b.c\r\nFinal-Recipient: rfc822;f@b.c\r\nOriginal-Recipient: rfc822;p@b.c\r\n"),
	        "f@b.c  ,-  "},
	    {"line feeds only", V("Reporting-MTA: dns;x\n\nFinal-Recipient: rfc822;a@b.c\nStatus: 5.2.2\n\nFinal-Recipient: rfc822;d@e.f\n"),
	        "a@b.c  5.2.2,d@e.f  "},
	};
	struct buf b;
	buf_init(&b, 1000);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena a;
		struct dsn d;
		struct err err;
		arena_init(&a, ARENA_MAX);
		buf_clear(&b);
		assert_int_equal(dsn_parse(&a, rows[i].in, &d, &err), 0);
		for (unsigned k = 0; k < d.count; k++) {
			struct address address = {.text = "-"};
			bool good = dsn_address(&d.recipients[k].final_recipient, &address, &err) == 0;
			buf_fmt(&b, "%s%s %s %.*s", k ? "," : "", good ? address.text : "-", dsn_action_name(d.recipients[k].action),
			    VFMT(d.recipients[k].status));
		}
		if (strcmp(buf_cstr(&b), rows[i].out) != 0)
			fail_msg("%s: [%s]", rows[i].what, buf_cstr(&b));
		arena_free(&a);
	}
	buf_free(&b);
}

static void recipients_are_limited(void **state)
{
	(void)state;
	struct buf b;
	struct arena a;
	struct dsn d;
	struct err err;
	buf_init(&b, 1 << 20);
	arena_init(&a, ARENA_MAX);
	for (int i = 0; i < DSN_MAX_RECIPIENTS; i++)
		buf_str(&b, "Final-Recipient: rfc822;a@b.c\r\n\r\n");
	assert_int_equal(dsn_parse(&a, buf_view(&b), &d, &err), 0);
	assert_int_equal(d.count, DSN_MAX_RECIPIENTS);
	buf_str(&b, "Final-Recipient: rfc822;a@b.c\r\n\r\n");
	assert_int_equal(dsn_parse(&a, buf_view(&b), &d, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_free(&b);
	arena_free(&a);
}

static void status_codes_stand_alone(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"5.1.1", "5.1.1"}, {"(5.7.26)", "5.7.26"}, {"550 5.1.1 no", "5.1.1"}, {"#5.1.1", "5.1.1"}, {"x 4.2.2.", "4.2.2"},
	    {"5.1.1>", "5.1.1"}, {"15.1.1", ""}, {"5.1.1.2", ""}, {"192.5.1.1", ""}, {"5.1.1a", ""}, {"3.1.1", ""}, {"5.1234.1", ""},
	    {"5.1", ""}, {"", ""}, {"v-5.1.1", ""}, {"10.4.5.1 then 5.2.0", "5.2.0"}, {"5.", ""}, {"5.1.", ""},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!view_eq(dsn_status(view_of(rows[i].in)), view_of(rows[i].out)))
			fail_msg("%s: %.*s", rows[i].in, VFMT(dsn_status(view_of(rows[i].in))));
}

static void complaints_are_read(void **state)
{
	(void)state;
	struct arena a;
	struct arf r;
	struct err err;
	arena_init(&a, ARENA_MAX);
	assert_int_equal(arf_parse(&a, V("Feedback-Type: Abuse\r\nUser-Agent: X/1\r\nVersion: 1\r\nOriginal-Mail-From: <a@b.c>\r\n"
	    "Original-Rcpt-To: <d@e.f>\r\nOriginal-Rcpt-To: g@h.i\r\nReceived-Date: Thu, 8 Mar 2005 14:00:00 EDT\r\n"
	    "Source-IP: 192.0.2.1\r\nReported-URI: http://x\r\n /y\r\nIncidents: 3\r\n"), &r, &err), 0);
	assert_int_equal(r.type, ARF_ABUSE);
	assert_int_equal(r.incidents, 3);
	assert_true(view_eq(r.arrival_date, V("Thu, 8 Mar 2005 14:00:00 EDT")) && view_eq(r.mail_from, V("<a@b.c>")));
	assert_int_equal(r.rcpt_to.count, 2);
	assert_true(view_eq(r.rcpt_to.items[1], V("g@h.i")));
	assert_true(view_eq(r.reported_uri.items[0], V("http://x /y")));
	assert_null(r.malformed);
	arena_free(&a);
}

static void complaints_say_what_they_are(void **state)
{
	(void)state;
	static const struct {
		struct view in;
		int type; /* -1: no report */
		bool malformed;
	} rows[] = {
	    {V("Feedback-Type: not-spam\r\nUser-Agent: x\r\nVersion: 1\r\n"), ARF_NOT_SPAM, false},
	    {V("\r\nFeedback-Type: fraud\r\n\r\nUser-Agent: x\r\nVersion: 1\r\n"), ARF_FRAUD, false},
	    {V("Feedback-Type: virus\r\n"), ARF_VIRUS, true},
	    {V("Feedback-Type: auth-failure\r\nUser-Agent: x\r\nVersion: 1\r\n"), ARF_AUTH_FAILURE, false},
	    {V("Feedback-Type: opt-out-list\r\nUser-Agent: x\r\nVersion: 1\r\n"), ARF_OPT_OUT, false},
	    {V("Feedback-Type: something\r\nUser-Agent: x\r\nVersion: 1\r\n"), ARF_OTHER, false},
	    {V("Feedback-Type: abuse\r\nUser-Agent: x\r\nVersion: 1\r\nArrival-Date: a\r\nReceived-Date: b\r\n"), ARF_ABUSE, true},
	    {V("Feedback-Type: abuse\r\nFeedback-Type: not-spam\r\nUser-Agent: x\r\nVersion: 1\r\n"), ARF_ABUSE, true},
	    {V("Feedback-Type: abuse\r\nUser-Agent: x\r\nVersion: 1\r\nIncidents: many\r\n"), ARF_ABUSE, true},
	    {V("User-Agent: x\r\nVersion: 1\r\n"), -1, false}, {V("Feedback-Type:\r\n"), -1, false}, {V(""), -1, false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena a;
		struct arf r;
		struct err err;
		arena_init(&a, ARENA_MAX);
		int rc = arf_parse(&a, rows[i].in, &r, &err);
		if (rc != (rows[i].type < 0 ? -1 : 0) || (rc == 0 && ((int)r.type != rows[i].type || !r.malformed == rows[i].malformed)))
			fail_msg("row %zu", i);
		arena_free(&a);
	}
	assert_string_equal(arf_type_name(ARF_OPT_OUT), "opt-out");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_group_is_read), cmocka_unit_test(reports_are_read_as_they_come),
	    cmocka_unit_test(recipients_are_limited), cmocka_unit_test(status_codes_stand_alone),
	    cmocka_unit_test(complaints_are_read), cmocka_unit_test(complaints_say_what_they_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
