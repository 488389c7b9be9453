/* The tripwire: signal by signal, real newsletters, mail that is none, and the count of bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "corpus.h"
#include "intake/tripwire.h"

static uint32_t signals_of(struct view message)
{
	struct arena a;
	struct head h;
	struct err err;
	arena_init(&a, 8 << 20);
	assert_int_equal(head_parse(&a, message, &h, &err), 0);
	uint32_t s = tripwire_signals(&a, message, &h);
	arena_free(&a);
	return s;
}

#define HEAD "From: shop@acme.test\r\nSubject: Your order\r\n"
#define TEXT "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n"

static void each_signal_is_seen(void **state)
{
	static const struct {
		const char *message;
		uint32_t signals;
		bool trips;
	} rows[] = {
	    {HEAD TEXT "Your order 17 is on its way: https://acme.test/orders/17\r\n", 0, false},
	    {HEAD TEXT "Reset your password: https://acme.test/reset?t=abc\r\n", 0, false},
	    {HEAD "Auto-Submitted: auto-generated\r\nX-Mailer: PHPMailer 6.9\r\n" TEXT "hi\r\n", 0, false},
	    {HEAD "List-Unsubscribe: <mailto:x@acme.test>\r\n" TEXT "hi\r\n", SIGNAL(SIGNAL_LIST_UNSUBSCRIBE), true},
	    {HEAD "List-Id: <offers.acme.test>\r\n" TEXT "hi\r\n", SIGNAL(SIGNAL_LIST_ID), false},
	    {HEAD "List-Id: <offers.acme.test>\r\nFeedback-ID: a:b:c\r\n" TEXT "hi\r\n", SIGNAL(SIGNAL_LIST_ID) | SIGNAL(SIGNAL_FEEDBACK_ID), true},
	    {HEAD "Precedence: BULK\r\n" TEXT "hi\r\n", SIGNAL(SIGNAL_PRECEDENCE), true},
	    {HEAD "Precedence: first-class\r\n" TEXT "hi\r\n", 0, false},
	    {HEAD "X-Listmonk-Campaign: 7\r\n" TEXT "hi\r\n", SIGNAL(SIGNAL_CAMPAIGN_FIELD), true},
	    {HEAD "x-campaignid:\r\n 17\r\n" TEXT "hi\r\n", SIGNAL(SIGNAL_CAMPAIGN_FIELD), true},
	    {HEAD "X-Mailer: MailChimp Mailer - **CID1**\r\n" TEXT "hi\r\n", SIGNAL(SIGNAL_CAMPAIGN_TOOL), false},
	    {HEAD TEXT "To unsubscribe, tell the driver.\r\n", 0, false},
	    {HEAD TEXT "Unsubscribe: https://acme.test/u/1\r\n", SIGNAL(SIGNAL_OPT_OUT_LINK), true},
	    {HEAD TEXT "https://acme.test/Opt-Out?id=1\r\n", SIGNAL(SIGNAL_OPT_OUT_LINK), true},
	    {HEAD "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<a href=3D\"https://acme.test/x\">Newsletter ab=\r\nmelden</a>\r\n",
		SIGNAL(SIGNAL_OPT_OUT_LINK), true},
	    {HEAD "Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGEgaHJlZj0iaHR0cHM6Ly9hY21lLnRlc3QvdSI+dW5zdWJzY3JpYmU8L2E+\r\n",
		SIGNAL(SIGNAL_OPT_OUT_LINK), true},
	    {HEAD "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: text/html\r\n\r\n"
		  "<a href='http://acme.test/'>D\xc3\xa9sabonnement</a>\r\n--b--\r\n", SIGNAL(SIGNAL_OPT_OUT_LINK), true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t s = signals_of(view_of(rows[i].message));
		if (s != rows[i].signals || tripwire_trips(s) != rows[i].trips)
			fail_msg("row %zu: signals %x, trips %d", i, s, tripwire_trips(s));
	}
}

static void words_and_masks(void **state)
{
	char text[200];
	(void)state;
	tripwire_text(0, text, sizeof text);
	assert_string_equal(text, "");
	tripwire_text(SIGNAL(SIGNAL_PRECEDENCE) | SIGNAL(SIGNAL_SAME_BODY), text, sizeof text);
	assert_string_equal(text, "precedence,same-body");
	for (int s = 0; s < SIGNAL_COUNT; s++)
		assert_non_null(tripwire_word((enum tripwire_signal)s));
	assert_null(tripwire_word(SIGNAL_COUNT));
	char small[8];
	tripwire_text(0xff, small, sizeof small);
}

struct tally {
	unsigned tripped, all;
	bool name_misses;
};

static void tally_one(void *arg, const char *name)
{
	struct tally *t = arg;
	struct buf b;
	struct arena a;
	struct head h;
	struct err err;
	buf_init(&b, CORPUS_FILE_MAX);
	arena_init(&a, 64 << 20);
	if (corpus_read(name, true, &b) && head_parse(&a, buf_view(&b), &h, &err) == 0) {
		bool trips = tripwire_trips(tripwire_signals(&a, buf_view(&b), &h));
		t->all++;
		t->tripped += trips;
		if (t->name_misses && !trips)
			print_message("not seen: %s\n", name);
	}
	arena_free(&a);
	buf_free(&b);
}

static struct tally tally(const char *const *dirs, size_t n, bool name_misses)
{
	struct tally t = {.name_misses = name_misses};
	for (size_t i = 0; i < n; i++)
		corpus_each(dirs[i], tally_one, &t);
	return t;
}

/* Newsletters of 2002 to 2025; the sisimai files are machines' answers, which must not be taken for marketing. */
static void real_newsletters_trip_it(void **state)
{
	static const char *const letters[] = {"newsletter/spamassassin-easy-ham-1", "newsletter/spamassassin-hard-ham-1", "newsletter/unspy",
	    "newsletter/james-ham", "newsletter/rspamd"};
	static const char *const others[] = {"bounce/sisimai", "notbounce/sisimai-rfc3834"};
	(void)state;
	if (!corpus_present("newsletter"))
		return;
	struct tally t = tally(letters, 5, getenv("OPTGATE_NAMES") != NULL), o = tally(others, 2, false);
	print_message("newsletters seen: %u of %u; machines' answers taken for marketing: %u of %u\n", t.tripped, t.all, o.tripped, o.all);
	assert_true(t.tripped * 100 >= t.all * 90);
	assert_true(o.tripped * 100 <= o.all * 5);
}

static void the_same_body_is_counted(void **state)
{
	(void)state;
	struct body_count *c = body_count_new();
	uint64_t a = body_hash(V("hello"), V("acme/receipts")), b = body_hash(V("hello"), V("acme/other")), d = body_hash(V("hellO"), V("acme/receipts"));
	assert_true(a && b && a != b && a != d);
	assert_int_equal(body_count_add(c, a, 10, 1000, 500), 10);
	assert_int_equal(body_count_add(c, a, 10, 1400, 500), 20);
	assert_int_equal(body_count_add(c, b, 1, 1400, 500), 1);
	assert_int_equal(body_count_add(c, a, 10, 1500, 500), 10); /* a new window */
	/* Many rare ones don't push a frequent one out. */
	body_count_add(c, a, 1000, 1500, 500);
	for (uint64_t i = 1; i < 200000; i++)
		body_count_add(c, i * 2654435761u + 17, 1, 1600, 500);
	assert_int_equal(body_count_add(c, a, 1, 1600, 500), 1011);
	body_count_free(&c);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_signal_is_seen),
	    cmocka_unit_test(words_and_masks),
	    cmocka_unit_test(real_newsletters_trip_it),
	    cmocka_unit_test(the_same_body_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
