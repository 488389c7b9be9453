/* smtp: what balancers and front ends say: the PROXY header, XCLIENT and XFORWARD, parsers and whole dialogues. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../../src/smtp/proxy.h"
#include "smtp_dialog.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"

struct row {
	struct view in;
	enum proxy_kind kind;
	const char *client; /* of GOOD */
	size_t behind;      /* bytes that are no part of the header */
};

static const struct row rows[] = {
    {V("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nEHLO"), PROXY_GOOD, "192.0.2.1:56324", 4},
    {V("PROXY TCP6 2001:db8::1 2001:db8::2 1 25\r\n"), PROXY_GOOD, "[2001:db8::1]:1", 0},
    {V("PROXY UNKNOWN\r\n"), PROXY_LOCAL, "", 0},
    {V("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\nx"), PROXY_LOCAL, "", 1},
    {V("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n"), PROXY_BAD, "", 0},
    {V("PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n"), PROXY_BAD, "", 0},
    {V("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 1\r\n"), PROXY_BAD, "", 0},
    {V("PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n"), PROXY_BAD, "", 0},
    {V("PROXY TCP4 192.0.2.1 198.51.100.1 01 443\r\n"), PROXY_BAD, "", 0},
    {V("PROXY TCP4 192.0.2.256 198.51.100.1 1 443\r\n"), PROXY_BAD, "", 0},
    {V("PROXY TCP4  192.0.2.1 198.51.100.1 1 443\r\n"), PROXY_BAD, "", 0},
    {V("PROXY TCP4 2001:db8::1 2001:db8::2 1 25\r\n"), PROXY_BAD, "", 0},
    {V("PROXY UDP4 192.0.2.1 198.51.100.1 1 443\r\n"), PROXY_BAD, "", 0},
    {V("PROXY \r\n"), PROXY_BAD, "", 0},
    {V("proxy TCP4 192.0.2.1 198.51.100.1 1 443\r\n"), PROXY_BAD, "", 0},
    {V("EHLO client.test\r\n"), PROXY_BAD, "", 0},
    {V("PROXY UNKNOWN "
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
	PROXY_BAD, "", 0},
    {V(SIG "\x21\x11\0\x0c" "\xc0\0\2\1" "\xc6\x33\x64\1" "\xdc\4" "\1\xbb" "EHLO"), PROXY_GOOD, "192.0.2.1:56324", 4},
    {V(SIG "\x21\x11\0\x10" "\xc0\0\2\1" "\xc6\x33\x64\1" "\xdc\4" "\1\xbb" "\4\0\1x" "\x16\3\1"), PROXY_GOOD, "192.0.2.1:56324", 3},
    {V(SIG "\x21\x21\0\x24" "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1" "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2" "\0\1" "\0\x19"),
	PROXY_GOOD, "[2001:db8::1]:1", 0},
    {V(SIG "\x20\0\0\0" "x"), PROXY_LOCAL, "", 1},
    {V(SIG "\x20\x11\0\x0c" "\xc0\0\2\1" "\xc6\x33\x64\1" "\xdc\4" "\1\xbb"), PROXY_LOCAL, "", 0},
    {V(SIG "\x21\0\0\0"), PROXY_LOCAL, "", 0},
    {V(SIG "\x21\x11\0\x0b" "\xc0\0\2\1" "\xc6\x33\x64\1" "\xdc\4" "\1"), PROXY_BAD, "", 0},
    {V(SIG "\x21\x12\0\x0c" "\xc0\0\2\1" "\xc6\x33\x64\1" "\xdc\4" "\1\xbb"), PROXY_BAD, "", 0},
    {V(SIG "\x11\x11\0\x0c" "\xc0\0\2\1" "\xc6\x33\x64\1" "\xdc\4" "\1\xbb"), PROXY_BAD, "", 0},
    {V(SIG "\x22\x11\0\x0c" "\xc0\0\2\1" "\xc6\x33\x64\1" "\xdc\4" "\1\xbb"), PROXY_BAD, "", 0},
    {V(SIG "\x21\x11\xff\xff" "\xc0\0\2\1" "\xc6\x33\x64\1" "\xdc\4" "\1\xbb"), PROXY_BAD, "", 0},
};

/* Whole, and every part of it: a header is never taken for whole before it is. */
static void proxy_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *r = &rows[i];
		struct endpoint client = {0};
		char text[ENDPOINT_TEXT] = "";
		size_t eaten = 0;
		enum proxy_kind kind = proxy_take(r->in, &client, &eaten);
		if (kind != r->kind)
			fail_msg("row %zu: %d", i, kind);
		if (kind == PROXY_BAD)
			continue;
		assert_int_equal(eaten, r->in.n - r->behind);
		if (kind == PROXY_GOOD)
			endpoint_text(&client, text);
		assert_string_equal(text, r->client);
		for (size_t n = 0; n < r->in.n; n++) {
			size_t before = 0;
			kind = proxy_take(view_sub(r->in, 0, n), &client, &before);
			assert_int_equal(kind, n < eaten ? PROXY_MORE : r->kind);
			assert_int_equal(before, n < eaten ? 0 : eaten);
		}
	}
}

struct front_row {
	const char *in;
	bool forward, good;
	const char *addr, *port, *helo, *login, *at;
};

static const struct front_row front_rows[] = {
    {"NAME=spike.test ADDR=192.0.2.1", false, true, "192.0.2.1", "", "", "", "192.0.2.1:0"},
    {"addr=IPV6:2001:db8::1 PORT=99 PROTO=ESMTP HELO=spike.test", false, true, "IPV6:2001:db8::1", "99", "spike.test", "", "[2001:db8::1]:99"},
    {"ADDR=2001:db8::1", false, true, "2001:db8::1", "", "", "", "[2001:db8::1]:0"},
    {"LOGIN=a+2Bb NAME=[UNAVAILABLE] HELO=[TEMPUNAVAIL]", false, true, "", "", "", "a+b", NULL},
    {"DESTADDR=192.0.2.2 DESTPORT=25", false, true, "", "", "", "", NULL},
    {"IDENT=7 SOURCE=REMOTE", true, true, "", "", "", "", NULL},
    {"LOGIN=x", true, false, NULL, NULL, NULL, NULL, NULL},
    {"IDENT=7", false, false, NULL, NULL, NULL, NULL, NULL},
    {"ADDR=unix", false, false, NULL, NULL, NULL, NULL, NULL},
    {"ADDR=unix:/x", false, false, NULL, NULL, NULL, NULL, NULL},
    {"ADDR=192.0.2", false, false, NULL, NULL, NULL, NULL, NULL},
    {"ADDR=192.0.2.1 PORT=66000", false, false, NULL, NULL, NULL, NULL, NULL},
    {"HELO=a+0D+0Ab", false, false, NULL, NULL, NULL, NULL, NULL},
    {"HELO=a+2", false, false, NULL, NULL, NULL, NULL, NULL},
    {"FOO=1", false, false, NULL, NULL, NULL, NULL, NULL},
};

static void front_attributes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof front_rows / sizeof *front_rows; i++) {
		const struct front_row *r = &front_rows[i];
		struct front f = {0};
		struct reply reply = {0};
		struct endpoint e;
		char text[ENDPOINT_TEXT];
		if (front_parse(view_of(r->in), r->forward, &f, &reply) != r->good)
			fail_msg("%s", r->in);
		if (!r->good) {
			assert_int_equal(reply.code, 501);
			continue;
		}
		assert_string_equal(f.addr, r->addr);
		assert_string_equal(f.port, r->port);
		assert_string_equal(f.helo, r->helo);
		assert_string_equal(f.login, r->login);
		assert_int_equal(front_endpoint(&f, &e), r->at != NULL);
		if (r->at) {
			endpoint_text(&e, text);
			assert_string_equal(text, r->at);
		}
	}
}

/* A value that is too long is refused, and changes nothing. */
static void front_too_long(void **state)
{
	char text[600] = "HELO=";
	struct front f = {0};
	struct reply reply = {0};
	(void)state;
	memset(text + 5, 'a', FRONT_VALUE_MAX);
	assert_true(front_parse(view_of(text), false, &f, &reply));
	text[5 + FRONT_VALUE_MAX] = 'a';
	f.helo[0] = 0;
	assert_false(front_parse(view_of(text), false, &f, &reply));
	assert_string_equal(f.helo, "");
}

/* ---- dialogues */

static bool moved(struct session *s, const struct endpoint *real)
{
	*(struct endpoint *)(uintptr_t)s->peer = *real;
	return true;
}

static void front_open(struct dialog *d, const char *network)
{
	static struct network n;
	assert_int_equal(network_parse(network, &n, NULL), 0);
	dialog_open(d, NULL, 0);
	session_close(&d->session);
	d->settings.xclient_networks = &n;
	d->settings.xclient_network_count = 1;
	d->session = (struct session){.out = &d->out, .moved = moved};
	session_open(&d->session, &d->env, &d->peer);
}

static bool says(struct dialog *d, const char *text)
{
	return view_ifind(buf_view(&d->replies), view_of(text)) < d->replies.n;
}

static void xclient(void **state)
{
	struct dialog d;
	char text[ENDPOINT_TEXT];
	(void)state;
	front_open(&d, "192.0.2.0/24");
	dialog_feed(&d, V("EHLO front.test\r\n"));
	assert_true(says(&d, "250-XCLIENT NAME ADDR"));
	assert_true(says(&d, "250-XFORWARD NAME ADDR"));
	dialog_feed(&d, V("MAIL FROM:<a@b.test>\r\nXCLIENT ADDR=198.51.100.9\r\nRSET\r\nXCLIENT ADDR=198.51.100.9 PORT=7\r\n"));
	assert_true(says(&d, "503 5.5.1 Not inside a mail transaction"));
	endpoint_text(&d.peer, text);
	assert_string_equal(text, "198.51.100.9:7");
	assert_true(says(&d, "220 gate.test"));
	assert_int_equal(d.session.state, STATE_NEW);
	dialog_feed(&d, V("XCLIENT HELO=tool.test PROTO=ESMTP\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nx\r\n.\r\n"));
	assert_true(view_eq(buf_view(&d.received), V("[a@b.test -> c@d.test]x\r\n")));
	buf_clear(&d.replies);
	dialog_feed(&d, V("XCLIENT LOGIN=tool\r\n")); /* this taker can't be told */
	assert_true(says(&d, "501 5.5.4 LOGIN is not known here"));
	assert_false(d.session.logged_in);
	dialog_close(&d);
}

static void not_a_front(void **state)
{
	struct dialog d;
	(void)state;
	front_open(&d, "203.0.113.0/24");
	dialog_feed(&d, V("EHLO front.test\r\nXCLIENT ADDR=198.51.100.9\r\nXFORWARD ADDR=198.51.100.9\r\n"));
	assert_false(says(&d, "250-XCLIENT"));
	assert_true(says(&d, "550 5.7.0 Not allowed from your address\r\n550 5.7.0 Not allowed"));
	dialog_feed(&d, V("PROXY TCP4 198.51.100.9 192.0.2.2 1 2\r\nNOOP\r\n"));
	assert_true(says(&d, "550 5.7.0 A PROXY header is not expected"));
	assert_int_equal(d.session.step, SESSION_CLOSE);
	dialog_close(&d);
	front_open(&d, "203.0.113.0/24");
	dialog_feed(&d, V(SIG "\x21\x11\0\x0c" "\xc0\0\2\1" "\xc6\x33\x64\1" "\xdc\4" "\1\xbb" "EHLO x.test\r\nNOOP\r\n"));
	assert_false(says(&d, "250"));
	dialog_close(&d);
}

/* Names add up, live to the message's end, and go with RSET. */
static void xforward(void **state)
{
	struct dialog d;
	(void)state;
	front_open(&d, "192.0.2.7");
	dialog_feed(&d, V("EHLO front.test\r\nXFORWARD ADDR=198.51.100.9\r\nXFORWARD HELO=tool.test IDENT=3 SOURCE=LOCAL\r\n"));
	assert_non_null(d.session.forwarded);
	assert_string_equal(d.session.forwarded->addr, "198.51.100.9");
	assert_string_equal(d.session.forwarded->helo, "tool.test");
	dialog_feed(&d, V("MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nx\r\n.\r\n"));
	assert_null(d.session.forwarded);
	dialog_feed(&d, V("XFORWARD ADDR=198.51.100.9\r\nRSET\r\n"));
	assert_null(d.session.forwarded);
	dialog_feed(&d, V("XFORWARD ADDR=nonsense\r\nXFORWARD HELO=x\r\n")); /* freed with the session */
	assert_true(says(&d, "501 5.5.4 ADDR or PORT: no address"));
	dialog_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(proxy_headers),
	    cmocka_unit_test(front_attributes),
	    cmocka_unit_test(front_too_long),
	    cmocka_unit_test(xclient),
	    cmocka_unit_test(not_a_front),
	    cmocka_unit_test(xforward),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
