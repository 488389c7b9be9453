/* delivery: reports to the client (RFC 3464), read back by our own reader. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../../src/delivery/report.h"
#include "mail/dsn.h"
#include "mail/header.h"

static const char original[] = "From: News <news@acme.example>\r\nSubject: offer\r\nX-Optgate-Campaign: c1\r\n\r\nBuy caf\xc3\xa9.\r\n";

static void who_wants_to_know(void **state)
{
	(void)state;
	static const struct {
		const char *client, *path;
		uint8_t notify;
		bool failed, relayed;
	} rows[] = {{"tool", "a@b.example", 0, true, false}, {"tool", "", 0, false, false}, {"", "a@b.example", 0, false, false},
	    {"tool", "a@b.example", NOTIFY_NEVER, false, false}, {"tool", "a@b.example", NOTIFY_SUCCESS, false, true},
	    {"tool", "a@b.example", NOTIFY_FAILURE, true, false}, {"tool", "a@b.example", NOTIFY_DELAY, false, false},
	    {"tool", "a@b.example", NOTIFY_FAILURE | NOTIFY_SUCCESS, true, true}, {"tool", "", NOTIFY_SUCCESS, false, false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct envelope e = {.client = view_of(rows[i].client), .return_path = view_of(rows[i].path)};
		struct recipient r = {.notify = rows[i].notify};
		assert_int_equal(report_is_wanted(&e, &r, REPORT_FAILED), rows[i].failed);
		assert_int_equal(report_is_wanted(&e, &r, REPORT_RELAYED), rows[i].relayed);
	}
}

static struct view part(struct view message, const char *type)
{
	size_t at = view_ifind(message, view_of(type));
	struct view rest = view_sub(message, at, message.n);
	size_t from = view_ifind(rest, V("\r\n\r\n")) + 4;
	rest = view_sub(rest, from, rest.n);
	return view_sub(rest, 0, view_ifind(rest, V("\r\n--=_")));
}

static void a_report_is_read_back(void **state)
{
	(void)state;
	for (unsigned full = 0; full < 2; full++) {
		struct envelope e = {.client = V("tool"), .return_path = V("news@acme.example"), .envid = V("QQ314"), .ret = full ? 1 : 2};
		struct recipient r = {.address = V("Bob+x@example.net"), .orcpt = V("rfc822;robert+2Bx@example.net")};
		struct report_facts f = {.envelope = &e, .recipient = &r, .hostname = "gate.example.com", .hop = "mta", .kind = REPORT_FAILED,
		    .message = view_n(original, sizeof original - 1), .arrived_ms = 1795485600000, .now_ms = 1795485660000, .id = 77};
		reply_set(&f.reply, 550, "5.1.1", "no such\r\nuser \xff");
		struct buf out;
		struct arena arena;
		struct dsn d;
		struct err err;
		struct head h;
		buf_init(&out, 1 << 20);
		arena_init(&arena, 1 << 20);
		assert_true(report_write(&out, &f));
		struct view m = buf_view(&out);
		for (size_t i = 0; i < m.n; i++) /* CRLF lines only */
			assert_true(m.p[i] != '\n' || (i && m.p[i - 1] == '\r'));
		assert_int_equal(head_parse(&arena, m, &h, &err), 0);
		assert_int_equal(head_count(&h, V("From")), 1);
		assert_non_null(head_find(&h, V("Auto-Submitted")));
		assert_non_null(head_find(&h, V("Message-ID")));
		assert_int_equal(dsn_parse(&arena, part(m, "message/delivery-status"), &d, &err), 0);
		assert_int_equal(d.count, 1);
		assert_true(view_eq(d.reporting_mta.value, V("gate.example.com")));
		assert_true(view_eq(d.envelope_id, V("QQ314")));
		assert_int_equal(d.recipients[0].action, DSN_FAILED);
		assert_true(view_eq(d.recipients[0].status, V("5.1.1")));
		assert_true(view_eq(d.recipients[0].final_recipient.value, V("Bob+x@example.net")));
		assert_true(view_eq(d.recipients[0].original_recipient.value, V("robert+x@example.net")));
		assert_true(view_starts(d.recipients[0].diagnostic.value, V("550 5.1.1 no such")));
		assert_true(view_eq(d.recipients[0].remote_mta.value, V("mta")));
		assert_int_equal(view_ifind(m, V("Buy caf")) < m.n, full);
		assert_true(view_ifind(m, V("X-Optgate-Campaign: c1")) < m.n);
		assert_int_equal(view_ifind(m, V("8bit")) < m.n, full);
		buf_free(&out);
		arena_free(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_wants_to_know),
	    cmocka_unit_test(a_report_is_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
