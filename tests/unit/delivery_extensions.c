/* delivery: TLS from the first byte, source addresses, and the parameters that are passed on where they are offered. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "delivery_play.h"

static char ca_file[64];

/* ---- implicit TLS ---- */

static const struct tls_row {
	const char *cert_name, *expect;
	enum hop_tls mode;
	enum delivery_outcome outcome;
} tls_rows[] = {
    {"hop.example.net", "hop.example.net", HOP_TLS_VERIFIED, DELIVERED},
    {"hop.example.net", "other.example.net", HOP_TLS_VERIFIED, DELIVERY_ROUTE_DOWN},
    {"hop.example.net", "other.example.net", HOP_TLS_REQUIRED, DELIVERED},
    {"hop.example.net", "other.example.net", HOP_TLS_NONE, DELIVERED}, /* encrypted all the same */
};

static void tls_from_the_first_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof tls_rows / sizeof *tls_rows; i++) {
		const struct tls_row *row = &tls_rows[i];
		struct play p;
		SSL_CTX *tls = hop_tls(row->cert_name, ca_file);
		set_up(&p, &(struct hop_script){.tls = tls, .tls_from_start = true, .ehlo = "250-hop\r\n250 AUTH PLAIN\r\n"}, 3);
		p.plan.tls_from_start = true;
		p.plan.tls = row->mode;
		p.plan.tls_name = row->expect;
		p.plan.ca_file = ca_file;
		p.plan.user = "me";
		p.plan.password = "secret";
		run(&p);
		assert_int_equal(outcome(&p, 0), row->outcome);
		assert_int_equal(hop_count(&p.hop, "STARTTLS"), 0);
		if (row->outcome == DELIVERED) {
			assert_int_equal(p.hop.messages, 3);
			assert_string_equal(p.hop.sni, row->expect);
			assert_int_equal(hop_count(&p.hop, "AUTH"), 1);
		} else {
			assert_non_null(strstr(p.r[0].reply.text, "TLS: "));
		}
		SSL_CTX_free(tls);
	}
}

static void a_large_mail_passes_the_pump_whole(void **state)
{
	(void)state;
	struct play p;
	SSL_CTX *tls = hop_tls("hop.example.net", ca_file);
	set_up(&p, &(struct hop_script){.tls = tls, .tls_from_start = true, .pause_ms = 200}, 1);
	char *big = malloc(300000);
	memset(big, 'x', 300000);
	for (int i = 998; i + 2 < 300000; i += 1000)
		memcpy(big + i, "\r\n", 2);
	memcpy(big + 299998, "\r\n", 2);
	p.body = view_n(big, 300000);
	p.plan.tls_from_start = true;
	pthread_t t;
	pthread_create(&t, NULL, watch, &p);
	session_run(&p.plan, &calls, &p);
	assert_int_equal(outcome(&p, 0), DELIVERED);
	hop_close(&p.hop);
	assert_int_equal(hop_got_bytes(&p.hop), sizeof head - 1 + 300000);
	assert_memory_equal(p.hop.mail + sizeof head - 1, big, 300000);
	pthread_join(t, NULL);
	wire_free(&p.wire);
	hop_free(&p.hop);
	free(big);
	SSL_CTX_free(tls);
}

/* A server that speaks no TLS, and one that says nothing. */
static void a_hop_without_tls_is_a_route_problem(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct play p;
		set_up(&p, &(struct hop_script){.greeting = i ? HOP_STALL : NULL}, 1);
		p.plan.tls_from_start = true;
		p.plan.connect_timeout_ms = 500;
		run(&p);
		assert_int_equal(outcome(&p, 0), DELIVERY_ROUTE_DOWN);
		assert_non_null(strstr(p.r[0].reply.text, "TLS: "));
		assert_in_range(p.took_ms, 0, 3000);
	}
}

static void a_stalled_hop_behind_tls_is_cut(void **state)
{
	(void)state;
	struct play p;
	SSL_CTX *tls = hop_tls("hop.example.net", ca_file);
	set_up(&p, &(struct hop_script){.tls = tls, .tls_from_start = true, .final = HOP_STALL}, 1);
	p.plan.tls_from_start = true;
	p.plan.reply_timeout_s = 0;
	p.plan.attempt_timeout_ms = 500;
	run(&p);
	assert_int_equal(outcome(&p, 0), DELIVERY_UNKNOWN);
	assert_in_range(p.took_ms, 0, 4000);
	SSL_CTX_free(tls);
}

/* ---- source addresses ---- */

static void the_source_address_is_bound(void **state)
{
	(void)state;
	struct addresses source;
	for (int i = 0; i < 3; i++) { /* 127.0.0.2 is ours; 192.0.2.1 is not; ::1 is of another family */
		static const char *const from[] = {"127.0.0.2", "192.0.2.1", "::1"};
		struct play p;
		assert_int_equal(resolve(from[i], 0, &source, NULL), 0);
		set_up(&p, &(struct hop_script){0}, 1);
		p.plan.source = &source.at[0];
		run(&p);
		assert_int_equal(outcome(&p, 0), i == 0 ? DELIVERED : DELIVERY_ROUTE_DOWN);
		assert_string_equal(p.hop.peer, i == 0 ? "127.0.0.2" : "");
	}
}

/* ---- parameters ---- */

static const char dsn_ehlo[] = "250-hop\r\n250-DSN\r\n250-8BITMIME\r\n250 PIPELINING\r\n";
static const struct parameters asked = {.envid = "QQ+1", .orcpt_type = "rfc822", .orcpt = "b+x@example.net", .ret = 2,
    .notify = NOTIFY_SUCCESS | NOTIFY_FAILURE};

static void parameters_go_where_they_are_offered(void **state)
{
	(void)state;
	static const struct {
		const char *ehlo;
		bool offered;
	} rows[] = {{dsn_ehlo, true}, {NULL, false}, {"250-hop\r\n250-XDSN\r\n250 DSNX 8BITMIMES\r\n", false}, {"250-hop\r\n250 dsn\r\n", true}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct play p;
		set_up(&p, &(struct hop_script){.ehlo = rows[i].ehlo}, 3);
		p.parameters = &asked;
		run(&p);
		assert_int_equal(p.hop.messages, 3); /* the first, and those after it */
		unsigned n = rows[i].offered ? 3 : 0;
		assert_int_equal(hop_count(&p.hop, "RET=HDRS"), n);
		assert_int_equal(hop_count(&p.hop, "ENVID=QQ+2B1"), n);
		assert_int_equal(hop_count(&p.hop, "ORCPT=rfc822;b+2Bx@example.net"), n);
		assert_int_equal(hop_count(&p.hop, "NOTIFY=SUCCESS,FAILURE"), n);
	}
}

static void parameters_wait_for_the_hello_behind_tls(void **state)
{
	(void)state;
	SSL_CTX *tls = hop_tls("hop.example.net", ca_file);
	static const char *const behind[] = {"250-hop\r\n250 PIPELINING\r\n", "250-hop\r\n250 DSN\r\n"};
	for (unsigned i = 0; i < 2; i++) {
		struct play p;
		set_up(&p, &(struct hop_script){.tls = tls, .ehlo = "250-hop\r\n250-DSN\r\n250 STARTTLS\r\n", .ehlo_tls = behind[i]}, 2);
		p.plan.tls = HOP_TLS_REQUIRED;
		p.parameters = &asked;
		run(&p);
		assert_int_equal(p.hop.messages, 2);
		assert_int_equal(hop_count(&p.hop, "ENVID="), 2 * i);
	}
	SSL_CTX_free(tls);
}

static void eight_bits_are_declared_where_they_may_be(void **state)
{
	(void)state;
	static const char latin[] = "caf\xc3\xa9\r\n";
	static const struct {
		const char *ehlo;
		bool eight;
		unsigned told;
	} rows[] = {{dsn_ehlo, true, 2}, {dsn_ehlo, false, 0}, {NULL, true, 0}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct play p;
		set_up(&p, &(struct hop_script){.ehlo = rows[i].ehlo}, 2);
		p.parameters = &(struct parameters){0};
		if (rows[i].eight)
			p.body = view_n(latin, sizeof latin - 1);
		run(&p);
		assert_int_equal(p.hop.messages, 2);
		assert_int_equal(hop_count(&p.hop, "BODY=8BITMIME"), rows[i].told);
	}
}

static void only_what_is_harmless_is_passed_on(void **state)
{
	(void)state;
	char long_id[300];
	memset(long_id, 'a', sizeof long_id);
	const struct {
		struct view envid, orcpt;
		uint8_t notify;
		bool ours;
		const char *want_envid, *want_type, *want_orcpt;
		uint8_t want_notify;
	} rows[] = {
	    {V("QQ314"), V("rfc822;Bob+2Bx@example.com"), 0, true, "QQ314", "rfc822", "Bob+x@example.com", 0},
	    {view_n(long_id, 250), V(""), NOTIFY_NEVER, true, NULL, "", "", 0},
	    {view_n(long_id, 251), V("rfc822"), NOTIFY_NEVER, false, "", "", "", NOTIFY_NEVER},
	    {V("++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++"), V("x y;a"), NOTIFY_SUCCESS, true, "", "", "", NOTIFY_FAILURE},
	    {V("a\r\nRCPT"), V("rfc822;a+0D+0ADATA"), NOTIFY_DELAY, true, "", "", "", NOTIFY_DELAY | NOTIFY_FAILURE},
	    {V("a b\x80"), V("rfc822;a+zz"), NOTIFY_FAILURE, false, "", "", "", NOTIFY_FAILURE},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct parameters p;
		struct envelope e = {.envid = rows[i].envid, .ret = 1};
		struct recipient r = {.orcpt = rows[i].orcpt, .notify = rows[i].notify};
		parameters_make(&p, &e, &r, rows[i].ours);
		if (rows[i].want_envid)
			assert_string_equal(p.envid, rows[i].want_envid);
		else
			assert_int_equal(strlen(p.envid), 250);
		assert_string_equal(p.orcpt_type, rows[i].want_type);
		assert_string_equal(p.orcpt, rows[i].want_orcpt);
		assert_int_equal(p.notify, rows[i].want_notify);
	}
	for (unsigned n = 0; n < 40; n++) { /* wherever the one byte stands */
		char text[40];
		memset(text, 'a', sizeof text);
		assert_false(has_eight_bit(view_n(text, n)));
		for (unsigned i = 0; i < n; i++) {
			text[i] = '\x80';
			assert_true(has_eight_bit(view_n(text, n)));
			text[i] = 'a';
		}
	}
}

/* ---- a connection lost after each byte that the hop says ---- */

static void no_byte_of_the_dialogue_is_a_yes_but_the_last(void **state)
{
	(void)state;
	static const char ordinary[] = "220 hop ESMTP\r\n"
	                               "250-hop\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 1000000\r\n"
	                               "250 2.1.0 sender\r\n250 2.1.5 recipient\r\n354 go\r\n250 2.0.0 kept\r\n";
	int whole = sizeof ordinary - 1;
	for (int n = 1; n <= whole; n++) {
		struct play p;
		set_up(&p, &(struct hop_script){.cut_after = n}, 1);
		run(&p);
		enum delivery_outcome o = outcome(&p, 0);
		/* A reply ends with its line. */
		if (n == whole)
			assert_int_equal(o, DELIVERED);
		else
			assert_true(o == DELIVERY_ROUTE_DOWN || o == DELIVERY_UNKNOWN);
	}
}

/* ... and after each byte that we say: the last of the message's end is the first that may count. */
static void no_byte_of_ours_is_delivery_but_the_last(void **state)
{
	(void)state;
	struct play whole;
	set_up(&whole, &(struct hop_script){0}, 1);
	run(&whole);
	int last = whole.hop.read;
	assert_true(last > 200);
	for (int n = 1; n <= last; n++) {
		struct play p;
		set_up(&p, &(struct hop_script){.cut_reading = n}, 1);
		run(&p);
		enum delivery_outcome o = outcome(&p, 0);
		if (n == last)
			assert_true(p.hop.messages == 1 && (o == DELIVERED || o == DELIVERY_UNKNOWN));
		else
			assert_true(p.hop.messages == 0 && (o == DELIVERY_ROUTE_DOWN || o == DELIVERY_UNKNOWN));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tls_from_the_first_byte),
	    cmocka_unit_test(a_large_mail_passes_the_pump_whole),
	    cmocka_unit_test(a_hop_without_tls_is_a_route_problem),
	    cmocka_unit_test(a_stalled_hop_behind_tls_is_cut),
	    cmocka_unit_test(the_source_address_is_bound),
	    cmocka_unit_test(parameters_go_where_they_are_offered),
	    cmocka_unit_test(parameters_wait_for_the_hello_behind_tls),
	    cmocka_unit_test(eight_bits_are_declared_where_they_may_be),
	    cmocka_unit_test(only_what_is_harmless_is_passed_on),
	    cmocka_unit_test(no_byte_of_the_dialogue_is_a_yes_but_the_last),
	    cmocka_unit_test(no_byte_of_ours_is_delivery_but_the_last),
	};
	snprintf(ca_file, sizeof ca_file, "/tmp/optgate-ca-%d.pem", getpid());
	session_library_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(ca_file);
	return failed;
}
