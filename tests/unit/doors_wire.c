/* doors: the two protocols' parsers: tables, and every cut. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "../../src/doors/milter_wire.h"
#include "../../src/doors/request.h"
#include "base/mem.h"

static const struct {
	struct view in;
	enum policy_kind kind;
	struct view recipient, user;
	size_t behind;
} requests[] = {
    {V("request=smtpd_access_policy\nrecipient=a@b.test\nsasl_username=x\nnew_thing=7\n\n"), POLICY_GOOD, V("a@b.test"), V("x"), 0},
    {V("request=smtpd_access_policy\nrecipient=a=b@c.test\nsasl_username=\n\nrequest="), POLICY_GOOD, V("a=b@c.test"), V(""), 8},
    {V("request=x\n\n"), POLICY_GOOD, V(""), V(""), 0},
    {V("\n"), POLICY_BAD, V(""), V(""), 0},
    {V("recipient=a@b.test\n\n"), POLICY_BAD, V(""), V(""), 0},
    {V("request=smtpd_access_policy\nrequest=smtpd_access_policy\n\n"), POLICY_BAD, V(""), V(""), 0},
    {V("request=smtpd_access_policy\nrecipient\n\n"), POLICY_BAD, V(""), V(""), 0},
    {V("request=smtpd_access_policy\n=x\n\n"), POLICY_BAD, V(""), V(""), 0},
    {V("request=smtpd_access_policy\nrecipient=a\0b\n\n"), POLICY_BAD, V(""), V(""), 0},
};

static void policy_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		struct policy_request r = {0};
		size_t eaten = 0;
		enum policy_kind kind = policy_take(requests[i].in, &r, &eaten);
		if (kind != requests[i].kind)
			fail_msg("request %zu: %d", i, kind);
		if (kind != POLICY_GOOD)
			continue;
		assert_true(view_eq(r.recipient, requests[i].recipient));
		assert_true(view_eq(r.user, requests[i].user));
		assert_int_equal(eaten, requests[i].in.n - requests[i].behind);
		for (size_t n = 0; n < eaten; n++)
			assert_int_equal(policy_take(view_sub(requests[i].in, 0, n), &r, &eaten), POLICY_MORE);
	}
}

static void policy_request_too_long(void **state)
{
	struct policy_request r;
	size_t eaten;
	char *text = mem_alloc(POLICY_REQUEST_MAX);
	(void)state;
	memset(text, 'a', POLICY_REQUEST_MAX);
	assert_int_equal(policy_take(view_n(text, POLICY_REQUEST_MAX - 1), &r, &eaten), POLICY_MORE);
	assert_int_equal(policy_take(view_n(text, POLICY_REQUEST_MAX), &r, &eaten), POLICY_BAD);
	free(text);
}

static void packets(void **state)
{
	static const char two[] = "\0\0\0\4Hab\0\0\0\0\1Q";
	struct view in = view_n(two, sizeof two - 1);
	struct milter_packet p;
	size_t eaten = 0;
	(void)state;
	for (size_t n = 0; n < 8; n++)
		assert_int_equal(milter_take(view_sub(in, 0, n), &p, &eaten), PACKET_MORE);
	assert_int_equal(milter_take(in, &p, &eaten), PACKET_GOOD);
	assert_int_equal(eaten, 8);
	assert_int_equal(p.command, MILTER_HELO);
	assert_true(view_eq(p.data, V("ab\0")));
	assert_int_equal(milter_take(view_sub(in, 8, in.n), &p, &eaten), PACKET_GOOD);
	assert_int_equal(eaten, 5);
	assert_true(p.command == MILTER_QUIT && p.data.n == 0);
	assert_int_equal(milter_take(V("\0\0\0\0"), &p, &eaten), PACKET_BAD);
	assert_int_equal(milter_take(V("\0\x10\0\1"), &p, &eaten), PACKET_BAD);
	assert_int_equal(milter_take(V("\0\x10\0\0"), &p, &eaten), PACKET_MORE);
}

static void offers(void **state)
{
	static const struct {
		struct milter_offer theirs, ours;
		bool good;
	} rows[] = {
	    {{6, 0x1ff, 0x1fffff}, {6, 0x59, 0x1c3380}, true},
	    {{7, 0xffffffff, 0xffffffff}, {6, 0x59, 0x1c3380}, true},
	    {{2, 0x1f, 0x7f}, {2, 0x19, 0}, true},
	    {{4, 0x3f, 0x3ff}, {4, 0x19, 0x380}, true},
	    {{1, 0x1ff, 0}, {0, 0, 0}, false},
	    {{6, 0x11, 0x1fffff}, {0, 0, 0}, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct milter_offer o = {0};
		const char *why = NULL;
		assert_int_equal(milter_negotiate(&rows[i].theirs, &o, &why), rows[i].good);
		assert_int_equal(why == NULL, rows[i].good);
		assert_int_equal(o.version, rows[i].ours.version);
		assert_int_equal(o.actions, rows[i].ours.actions);
		assert_int_equal(o.steps, rows[i].ours.steps);
	}
	struct milter_offer o;
	assert_true(milter_read_offer(V("\0\0\0\6\0\0\0\1\0\0\0\2"), &o) && o.version == 6 && o.actions == 1 && o.steps == 2);
	assert_false(milter_read_offer(V("\0\0\0\6\0\0\0\1\0\0\0"), &o));
}

static void connects(void **state)
{
	struct milter_connect c;
	(void)state;
	assert_true(milter_read_connect(V("h.test\0" "4" "\4\1" "192.0.2.1\0"), &c));
	assert_true(view_eq(c.host, V("h.test")) && view_eq(c.address, V("192.0.2.1")) && c.port == 1025);
	assert_true(milter_read_connect(V("h\0" "6" "\0\0" "IPv6:2001:db8::1\0"), &c) && view_eq(c.address, V("IPv6:2001:db8::1")));
	assert_true(milter_read_connect(V("h\0" "U"), &c) && c.address.n == 0);
	assert_true(milter_read_connect(V("h\0" "L" "\0\0" "/run/x\0"), &c) && c.address.n == 0);
	static const struct view bad[] = {V(""), V("h"), V("h\0"), V("h\0" "4"), V("h\0" "4" "\0\0" "192.0.2.1"), V("h\0" "4" "\0")};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(milter_read_connect(bad[i], &c));
}

static void macros(void **state)
{
	struct view list = V("i\0" "4ABC\0" "{auth_authen}\0" "tool\0" "odd\0");
	(void)state;
	assert_true(view_eq(milter_macro(list, V("{auth_authen}")), V("tool")));
	assert_true(view_eq(milter_macro(list, V("auth_authen")), V("tool")));
	assert_true(view_eq(milter_macro(list, V("{i}")), V("4ABC")));
	assert_int_equal(milter_macro(list, V("{odd}")).n, 0);
	assert_int_equal(milter_macro(V(""), V("i")).n, 0);
}

static void answers(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 1000);
	milter_write_header(&b, MILTER_ADD_HEADER, 0, V("A"), V(" b\r\n\tc"));
	assert_true(view_eq(buf_view(&b), V("\0\0\0\x09h" "A\0" " b\n\tc" "\0")));
	buf_clear(&b);
	milter_write_header(&b, MILTER_CHANGE_HEADER, 3, V("A"), V(""));
	assert_true(view_eq(buf_view(&b), V("\0\0\0\x08m" "\0\0\0\3" "A\0" "\0")));
	buf_clear(&b);
	milter_write_code(&b, 550, "5.7.1", "<a%b@c.test>: no");
	assert_true(view_eq(buf_view(&b), V("\0\0\0\x1c" "y550 5.7.1 <a?b@c.test>: no\0")));
	assert_int_equal(milter_take(buf_view(&b), &(struct milter_packet){0}, &(size_t){0}), PACKET_GOOD);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(policy_requests),
	    cmocka_unit_test(policy_request_too_long),
	    cmocka_unit_test(packets),
	    cmocka_unit_test(offers),
	    cmocka_unit_test(connects),
	    cmocka_unit_test(macros),
	    cmocka_unit_test(answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
