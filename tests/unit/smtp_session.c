/* smtp: whole dialogues through the session, in one piece, byte by byte and in every cut in two. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "../../src/smtp/param.h"
#include "smtp_dialog.h"

#define HELLO    "EHLO c.test\r\n"
#define ENVELOPE "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n"

/* The codes of all replies, blank-separated; continued lines count once. */
static void codes_of(struct view replies, char *dst, size_t size)
{
	struct buf b;
	struct view line;
	buf_init(&b, size - 1);
	while (view_cut(&replies, '\n', &line))
		if (line.n > 3 && line.p[3] != '-')
			buf_fmt(&b, "%s%.3s", b.n ? " " : "", line.p);
	view_str(buf_view(&b), dst, size);
	buf_free(&b);
}

struct row {
	const char *name, *in, *codes, *received, *holds; /* NULL: not looked at */
};

#define GOT "[a@b.test -> c@d.test]"

static const struct row rows[] = {
    {"greeting is needed", "MAIL FROM:<a@b.test>\r\nNOOP\r\n", "503 250", "", "Say EHLO first"},
    {"helo", "HELO c.test\r\n" ENVELOPE "DATA\r\nhi\r\n.\r\nQUIT\r\n", "250 250 250 354 250 221", GOT "hi\r\n", NULL},
    {"ehlo lists extensions", HELLO, "250", "", "250-CHUNKING\r\n250 ENHANCEDSTATUSCODES\r\n"},
    {"size", HELLO, "250", "", "250-SIZE 2000\r\n"},
    {"no starttls without a certificate", HELLO "STARTTLS\r\n", "250 502", "", NULL},
    {"empty helo", "EHLO\r\nHELO\r\nEHLO a b\r\nEHLO \xc3\xa9\r\n", "501 501 501 501", "", NULL},
    {"lower case, blanks", "ehlo c.test  \r\nmail from: <a@b.test> \r\nrcpt to:<c@d.test>\r\nrset\r\n", "250 250 250 250", "", NULL},
    {"unknown", HELLO "EXPN x\r\nFOO\r\n\r\n", "250 500 500 500", "", NULL},
    {"control bytes", HELLO "NO\001OP\r\n", "250 500", "", NULL},
    {"arguments", HELLO "RSET x\r\nQUIT now\r\nVRFY\r\nNOOP x\r\nVRFY a\r\nHELP\r\n", "250 501 501 501 250 252 214", "", NULL},
    {"other protocols", "GET / HTTP/1.1\r\nHost: x\r\n", "500", "", NULL},
    {"nested mail", HELLO ENVELOPE "MAIL FROM:<x@y.test>\r\n", "250 250 250 503", "", NULL},
    {"order", HELLO "RCPT TO:<c@d.test>\r\nDATA\r\n", "250 503 503", "", "MAIL first"},
    {"null sender", HELLO "MAIL FROM:<>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nx\r\n.\r\n", "250 250 250 354 250", "[ -> c@d.test]x\r\n", NULL},
    {"null recipient", HELLO "MAIL FROM:<a@b.test>\r\nRCPT TO:<>\r\n", "250 250 501", "", NULL},
    {"bad paths",
	HELLO "MAIL FROM:a@b.test\r\nMAIL FROM:<a@b.test\r\nMAIL FROM <a@b.test>\r\nMAIL a@b.test\r\nMAIL FROM:<a@b.test>SIZE=1\r\n",
	"250 501 501 501 501 501", "", NULL},
    {"non-ascii local part", HELLO "MAIL FROM:<\xc3\xa9@b.test>\r\n", "250 553", "", "5.6.7"},
    {"params",
	HELLO "MAIL FROM:<a@b.test> SIZE=10 BODY=8BITMIME RET=HDRS ENVID=QQ+2B1 AUTH=<>\r\n"
	      "RCPT TO:<c@d.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c+40d.test\r\n",
	"250 250 250", "", NULL},
    {"bad params",
	HELLO "MAIL FROM:<a@b.test> SIZE=x\r\nMAIL FROM:<a@b.test> FOO=1\r\nMAIL FROM:<a@b.test> RET=FULL RET=FULL\r\n"
	      "MAIL FROM:<a@b.test> ENVID=+0D+0A\r\nMAIL FROM:<a@b.test> SMTPUTF8\r\nMAIL FROM:<a@b.test> BODY=BINARYMIME\r\n",
	"250 501 555 501 501 555 501", "", NULL},
    {"bad rcpt params",
	HELLO "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test> NOTIFY=NEVER,DELAY\r\nRCPT TO:<c@d.test> ORCPT=rfc822\r\n"
	      "RCPT TO:<c@d.test> NOTIFY=\r\nRCPT TO:<c@d.test> SIZE=1\r\n",
	"250 250 501 501 501 555", "", NULL},
    {"declared too large", HELLO "MAIL FROM:<a@b.test> SIZE=2001\r\nRCPT TO:<c@d.test>\r\n", "250 552 503", "", "MAIL was refused"},
    {"no recipient", HELLO "MAIL FROM:<a@b.test>\r\nDATA\r\n", "250 250 503", "", NULL},
    {"two messages", HELLO ENVELOPE "DATA\r\none\r\n.\r\n" ENVELOPE "DATA\r\n..two\r\n.\r\nQUIT\r\n",
	"250 250 250 354 250 250 250 354 250 221", GOT "one\r\n" GOT ".two\r\n", NULL},
    {"rset and again", HELLO ENVELOPE "RSET\r\n" ENVELOPE "DATA\r\nx\r\n.\r\n", "250 250 250 250 250 250 354 250", GOT "x\r\n", NULL},
    {"ehlo resets", HELLO ENVELOPE HELLO "DATA\r\n", "250 250 250 250 503", "", NULL},
    {"bare LF in a command", HELLO "NOOP\nNOOP\r\n", "250 500", "", "CR LF"},
    {"bare CR in a command", HELLO "NO\rOP\r\nNOOP\r\n", "250 500", "", NULL},
    {"CR CR LF", HELLO "NOOP\r\r\nNOOP\r\n", "250 500", "", NULL},
    {"bdat", HELLO ENVELOPE "BDAT 4\r\nab\r\nBDAT 4 LAST\r\ncd\r\nNOOP\r\n", "250 250 250 250 250 250", GOT "ab\r\ncd\r\n", NULL},
    {"bdat last empty", HELLO ENVELOPE "BDAT 4\r\nab\r\nBDAT 0 LAST\r\n", "250 250 250 250 250", GOT "ab\r\n", NULL},
    {"bdat line over chunks", HELLO ENVELOPE "BDAT 3\r\nab\rBDAT 1 LAST\r\n\n", "250 250 250 250 250", GOT "ab\r\n", NULL},
    {"bdat dots are text", HELLO ENVELOPE "BDAT 7 LAST\r\na\r\n.\r\nb", "250 250 250 250", GOT "a\r\n.\r\nb\r\n", NULL},
    {"bdat bare LF", HELLO ENVELOPE "BDAT 3 LAST\r\na\nbNOOP\r\n", "250 250 250 550 250", "", "5.6.0"},
    {"bdat bare CR over chunks", HELLO ENVELOPE "BDAT 2\r\na\rBDAT 1 LAST\r\nb", "250 250 250 250 550", "", NULL},
    {"bdat bare CR at the end", HELLO ENVELOPE "BDAT 2 LAST\r\na\r", "250 250 250 550", "", NULL},
    {"bdat without mail is swallowed", HELLO "BDAT 5 LAST\r\nQUIT\nNOOP\r\n", "250 503 250", "", NULL},
    {"bdat syntax", HELLO ENVELOPE "BDAT 5 FIRST\r\nNOOP\r\n", "250 250 250 501", "", NULL},
    {"bdat without size", HELLO ENVELOPE "BDAT\r\nNOOP\r\n", "250 250 250 501", "", NULL},
    {"bdat absurd", HELLO ENVELOPE "BDAT 99999999999\r\nNOOP\r\n", "250 250 250 552", "", NULL},
    {"bdat then data", HELLO ENVELOPE "BDAT 1\r\nxDATA\r\n", "250 250 250 250 503", "", NULL},
    {"bdat then rcpt", HELLO ENVELOPE "BDAT 1\r\nxRCPT TO:<e@f.test>\r\n", "250 250 250 250 503", "", NULL},
    {"auth plain", HELLO "AUTH PLAIN AHRvb2wAc2VjcmV0\r\nAUTH PLAIN\r\n", "250 235 503", "", NULL},
    {"auth plain in two steps", HELLO "AUTH PLAIN\r\nAHRvb2wAc2VjcmV0\r\n", "250 334 235", "", NULL},
    {"auth plain as oneself", HELLO "AUTH PLAIN dG9vbAB0b29sAHNlY3JldA==\r\n", "250 235", "", NULL},
    {"auth plain as another", HELLO "AUTH PLAIN cm9vdAB0b29sAHNlY3JldA==\r\n", "250 501", "", NULL},
    {"auth login", HELLO "AUTH LOGIN\r\ndG9vbA==\r\nc2VjcmV0\r\n", "250 334 334 235", "", NULL},
    {"auth login initial", HELLO "auth login dG9vbA==\r\nc2VjcmV0\r\n", "250 334 235", "", NULL},
    {"auth wrong", HELLO "AUTH PLAIN AHRvb2wAd3Jvbmc=\r\nNOOP\r\n", "250 535 250", "", NULL},
    {"auth wrong thrice",
	HELLO "AUTH PLAIN AHRvb2wAd3Jvbmc=\r\nAUTH PLAIN AHRvb2wAd3Jvbmc=\r\nAUTH PLAIN AHRvb2wAd3Jvbmc=\r\nNOOP\r\n",
	"250 535 535 535 421", "", "failed logins"},
    {"auth cancelled", HELLO "AUTH LOGIN\r\n*\r\nNOOP\r\n", "250 334 501 250", "", NULL},
    {"auth not base64", HELLO "AUTH PLAIN !!!\r\nAUTH PLAIN =\r\n", "250 501 501", "", NULL},
    {"auth unknown mechanism", HELLO "AUTH CRAM-MD5\r\n", "250 504", "", NULL},
    {"auth before ehlo", "AUTH PLAIN AHRvb2wAc2VjcmV0\r\n", "503", "", NULL},
    {"auth in a transaction", HELLO ENVELOPE "AUTH PLAIN AHRvb2wAc2VjcmV0\r\n", "250 250 250 503", "", NULL},
    {"max_errors", "A\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\nNOOP\r\n", "500 500 500 500 500 500 500 500 500 500 421", "",
	"Too many refused commands"},
};

/* The machine stops after its 421 or the like: then nothing more may be eaten or said. */
static void run(const struct row *r, const size_t *cuts, size_t n, char *codes, size_t size, struct buf *received, struct buf *replies)
{
	struct dialog d;
	dialog_open(&d, NULL, 0);
	dialog_feed_cut(&d, view_of(r->in), cuts, n);
	codes_of(buf_view(&d.replies), codes, size);
	buf_add(received, buf_view(&d.received));
	buf_add(replies, buf_view(&d.replies));
	dialog_close(&d);
}

static void check(const struct row *r, const size_t *cuts, size_t n)
{
	char codes[400];
	struct buf received, replies;
	buf_init(&received, 1 << 20);
	buf_init(&replies, 1 << 20);
	run(r, cuts, n, codes, sizeof codes, &received, &replies);
	if (strcmp(codes, r->codes) || (r->received && !view_eq(buf_view(&received), view_of(r->received))) ||
	    (r->holds && view_ifind(buf_view(&replies), view_of(r->holds)) == replies.n))
		fail_msg("%s (cuts %zu, first %zu): codes %s, received %s, said %s", r->name, n, n ? cuts[0] : 0, codes,
		    buf_cstr(&received), buf_cstr(&replies));
	buf_free(&received);
	buf_free(&replies);
}

static void dialogues_in_one_piece(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(&rows[i], NULL, 0);
}

static void dialogues_byte_by_byte(void **state)
{
	(void)state;
	size_t cuts[1024];
	for (size_t i = 0; i < 1024; i++)
		cuts[i] = i + 1;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(&rows[i], cuts, strlen(rows[i].in) - 1);
}

static void dialogues_in_every_two_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t cut = 1; cut < strlen(rows[i].in); cut++)
			check(&rows[i], &cut, 1);
}

static void too_large_messages_are_refused_at_their_end(void **state)
{
	(void)state;
	struct buf in;
	buf_init(&in, 1 << 20);
	buf_str(&in, HELLO ENVELOPE "DATA\r\n");
	for (int i = 0; i < 300; i++)
		buf_str(&in, "0123456\r\n");
	buf_str(&in, ".\r\n" ENVELOPE "BDAT 2001 LAST\r\n");
	for (int i = 0; i < 2001; i++)
		buf_byte(&in, 'x');
	buf_str(&in, "NOOP\r\n" ENVELOPE "BDAT 2001\r\n");
	for (int i = 0; i < 2001; i++)
		buf_byte(&in, 'y');
	buf_str(&in, "BDAT 1 LAST\r\nzRSET\r\nNOOP\r\n");
	for (size_t cut = 100; cut < in.n; cut += 97) {
		struct row r = {"too large", buf_cstr(&in), "250 250 250 354 552 250 250 552 250 250 250 552 503 250 250", "", "5.3.4"};
		check(&r, &cut, 1);
	}
	buf_free(&in);
}

static void long_lines_are_skipped(void **state)
{
	(void)state;
	struct buf in;
	buf_init(&in, 1 << 20);
	buf_str(&in, "NOOP ");
	for (int i = 0; i < 5000; i++)
		buf_byte(&in, i % 700 ? 'x' : '\r');
	buf_str(&in, "\r\nNOOP\r\nNOOP\n");
	for (size_t cut = 1; cut < in.n; cut++) {
		struct row r = {"long line", buf_cstr(&in), "500 250 500", "", "too long"};
		check(&r, &cut, 1);
	}
	buf_free(&in);
}

static void commands_without_a_message_are_limited(void **state)
{
	(void)state;
	struct dialog d;
	char codes[800];
	dialog_open(&d, NULL, 0);
	d.settings.max_commands = 6;
	/* a message starts the count anew, recipients don't count */
	dialog_feed(&d, V(HELLO "NOOP\r\n" ENVELOPE "RCPT TO:<e@f.test>\r\nDATA\r\nx\r\n.\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n"));
	assert_int_equal(d.session.step, SESSION_READ);
	dialog_feed(&d, V("NOOP\r\nNOOP\r\nNOOP\r\n"));
	codes_of(buf_view(&d.replies), codes, sizeof codes);
	assert_string_equal(codes, "250 250 250 250 250 354 250 250 250 250 250 250 250 250 421");
	assert_string_equal(d.session.why, "max_commands");
	dialog_close(&d);
}

static void xtext_lets_only_printable_characters_through(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = {{"abc", "abc"}, {"a+2Bb+3D", "a+b="}, {"a+20b", "a b"}, {"", ""}, {"a=b", NULL}, {"a+", NULL}, {"a+4", NULL},
	    {"a+0D", NULL}, {"a+0A", NULL}, {"a+00", NULL}, {"a+7F", NULL}, {"a+FF", NULL}, {"a b", NULL}, {"a+GG", NULL},
	    {"\xc3\xa9", NULL}, {"123456789", NULL}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char dst[8];
		int n = xtext_decode(view_of(cases[i].in), dst, sizeof dst);
		assert_int_equal(n, cases[i].out ? (int)strlen(cases[i].out) : -1);
		if (n > 0)
			assert_memory_equal(dst, cases[i].out, (size_t)n);
	}
}

static void refused_data_ends_a_pipelined_body(void **state)
{
	(void)state;
	struct row r = {"body behind a refused DATA", HELLO "DATA\r\nRSET\r\nMAIL FROM:<x@y.test>\r\n", "250 503 503", "", "behind DATA"};
	check(&r, NULL, 0);
}

/* Whatever the payload, one message at most comes in, never the smuggled one. */
static const char *const payloads[] = {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n.\r\r\n", "\r\r\n.\r\r\n",
    "\r\n\r.\r\n", "\n\r.\n\r", "\r\n.\n\r\n", "\r\n. \r\n", "\r\n.\t\r\n"};

static void check_smuggling(struct view first, const char *name)
{
	struct dialog d;
	dialog_open(&d, NULL, 0);
	dialog_feed(&d, V(HELLO ENVELOPE "DATA\r\n"));
	dialog_feed(&d, first);
	dialog_feed(&d, V("NOOP\r\n"));
	if (view_ifind(buf_view(&d.received), V("evil.test ->")) < d.received.n)
		fail_msg("%s: smuggled: %s", name, buf_cstr(&d.received));
	dialog_close(&d);
}

static void smuggling_payloads_make_no_second_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
		struct buf b;
		buf_init(&b, 4096);
		buf_fmt(&b, "Subject: one\r\n\r\nfirst%sMAIL FROM:<s@evil.test>\r\nRCPT TO:<v@d.test>\r\nDATA\r\n\r\nsmuggled\r\n.\r\n", payloads[i]);
		check_smuggling(buf_view(&b), payloads[i]);
		buf_free(&b);
	}
}

#define CORPUS "../shared/corpus/smtp/smuggling"

static void corpus_payloads_make_no_second_message(void **state)
{
	(void)state;
	DIR *dir = opendir(CORPUS);
	if (!dir) {
		print_message("skipped: no " CORPUS "\n");
		return;
	}
	for (struct dirent *e; (e = readdir(dir));) {
		char path[512];
		struct err err;
		struct buf b;
		buf_init(&b, 1 << 20);
		snprintf(path, sizeof path, CORPUS "/%s", e->d_name);
		if (e->d_name[0] != '.' && file_read(path, &b, &err) == 0)
			check_smuggling(buf_view(&b), e->d_name);
		buf_free(&b);
	}
	closedir(dir);
}

static void hidden_dots_are_refused(void **state)
{
	(void)state;
	struct dialog d;
	dialog_open(&d, NULL, 0);
	dialog_feed(&d, V(HELLO ENVELOPE "DATA\r\nfirst\r\n\0.\r\nsecond\r\n.\r\n" ENVELOPE "DATA\r\na\0b\r\n.\r\n"));
	char codes[200];
	codes_of(buf_view(&d.replies), codes, sizeof codes);
	assert_string_equal(codes, "250 250 250 354 550 250 250 354 250");
	dialog_close(&d);
}

static void starttls_forgets_what_was_said_in_plain(void **state)
{
	(void)state;
	struct dialog d;
	char codes[200];
	dialog_open(&d, NULL, 0);
	d.session.tls_offered = true;
	dialog_feed(&d, V(HELLO ENVELOPE "STARTTLS\r\nRSET\r\nNOOP\r\n"));
	assert_int_equal(d.session.state, STATE_NEW);
	assert_true(d.session.tls);
	dialog_feed(&d, V("MAIL FROM:<a@b.test>\r\n" HELLO "STARTTLS\r\n"));
	codes_of(buf_view(&d.replies), codes, sizeof codes);
	assert_string_equal(codes, "250 250 250 220 503 250 503");
	dialog_close(&d);
}

static void rules_make_the_sink_misbehave(void **state)
{
	(void)state;
	struct sink_rule r[4];
	struct err err;
	struct dialog d;
	char codes[200];
	assert_int_equal(sink_rule_parse("rcpt:bounce=550 5.1.1 No such user", &r[0], &err), 0);
	assert_int_equal(sink_rule_parse("mail@1=451 4.3.0 Try again", &r[1], &err), 0);
	assert_int_equal(sink_rule_parse("commit:drop=drop", &r[2], &err), 0);
	assert_int_equal(sink_rule_parse("mail:stall=stall", &r[3], &err), 0);
	dialog_open(&d, r, 4);
	dialog_feed(&d, V(HELLO "MAIL FROM:<a@b.test>\r\nMAIL FROM:<drop@b.test>\r\nRCPT TO:<bounce@d.test>\r\nRCPT TO:<c@d.test>\r\n"
				"DATA\r\nx\r\n.\r\n"));
	codes_of(buf_view(&d.replies), codes, sizeof codes);
	assert_string_equal(codes, "250 451 250 550 250 354");
	assert_int_equal(d.session.step, SESSION_CLOSE);
	assert_int_equal(d.received.n, 0);
	dialog_close(&d);
	dialog_open(&d, r, 4);
	dialog_feed(&d, V(HELLO "MAIL FROM:<a@b.test>\r\nMAIL FROM:<stall@b.test>\r\nNOOP\r\n"));
	assert_int_equal(d.session.step, SESSION_WAIT);
	dialog_close(&d);
	static const char *const wrong[] = {"", "rcpt", "foo=550 x", "rcpt=hello", "rcpt=250 ok", "mail@x=drop", "mail=delay soon"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(sink_rule_parse(wrong[i], &r[0], &err), -1);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dialogues_in_one_piece),
	    cmocka_unit_test(dialogues_byte_by_byte),
	    cmocka_unit_test(dialogues_in_every_two_parts),
	    cmocka_unit_test(too_large_messages_are_refused_at_their_end),
	    cmocka_unit_test(long_lines_are_skipped),
	    cmocka_unit_test(commands_without_a_message_are_limited),
	    cmocka_unit_test(xtext_lets_only_printable_characters_through),
	    cmocka_unit_test(refused_data_ends_a_pipelined_body),
	    cmocka_unit_test(smuggling_payloads_make_no_second_message),
	    cmocka_unit_test(corpus_payloads_make_no_second_message),
	    cmocka_unit_test(hidden_dots_are_refused),
	    cmocka_unit_test(starttls_forgets_what_was_said_in_plain),
	    cmocka_unit_test(rules_make_the_sink_misbehave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
