/* delivery: one session against a next hop that misbehaves. Most rows name the fault of libesmtp that would show without its cure. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <time.h>

#include "delivery_play.h"

static void many_mails_share_a_connection_and_arrive_byte_for_byte(void **state)
{
	(void)state;
	struct play p;
	set_up(&p, &(struct hop_script){0}, 5);
	run(&p);
	assert_int_equal(p.hop.connections, 1);
	assert_int_equal(p.hop.messages, 5);
	assert_int_equal(hop_count(&p.hop, "EHLO"), 1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(outcome(&p, (unsigned)i), DELIVERED);
}

static void bytes_are_what_they_were(void **state)
{
	(void)state;
	static const char *const ehlo[] = {"250-hop\r\n250 PIPELINING\r\n", "250-hop\r\n250 CHUNKING\r\n",
	    "250-hop\r\n250-PIPELINING\r\n250 CHUNKING\r\n", "250 hop\r\n"};
	for (size_t i = 0; i < sizeof ehlo / sizeof *ehlo; i++) {
		struct play p;
		set_up(&p, &(struct hop_script){.ehlo = ehlo[i]}, 1);
		char *long_body = malloc(100001), *got = NULL;
		for (int k = 0; k < 100000; k++)
			long_body[k] = "0123456789abcdef"[k % 16];
		for (int k = 3000; k + 2 < 100000; k += 3000) /* lines of 3000 bytes, some with a leading dot */
			memcpy(long_body + k, "\r\n.", 3);
		memcpy(long_body + 99998, "\r\n", 2);
		p.body = view_n(long_body, 100000);
		pthread_t t;
		pthread_create(&t, NULL, watch, &p);
		session_run(&p.plan, &calls, &p);
		assert_int_equal(outcome(&p, 0), DELIVERED);
		assert_int_equal(hop_got_bytes(&p.hop), sizeof head - 1 + 100000);
		got = p.hop.mail;
		assert_memory_equal(got, head, sizeof head - 1);
		assert_memory_equal(got + sizeof head - 1, long_body, 100000);
		assert_int_equal(hop_count(&p.hop, "BDAT"), 0); /* offered or not */
		hop_close(&p.hop);
		hop_free(&p.hop);
		pthread_join(t, NULL);
		wire_free(&p.wire);
		free(long_body);
	}
}

/* Nagle and delayed ACK: 44 ms a message without TCP_NODELAY. */
static void large_mails_do_not_wait_for_acks(void **state)
{
	(void)state;
	struct play p;
	set_up(&p, &(struct hop_script){0}, 8);
	char *b = malloc(20000);
	memset(b, 'x', 20000);
	for (int i = 70; i < 20000; i += 72)
		memcpy(b + i, "\r\n", 2);
	memcpy(b + 19998, "\r\n", 2);
	p.body = view_n(b, 20000);
	run(&p);
	free(b);
	assert_int_equal(p.hop.messages, 8);
	assert_true(p.took_ms < 300); /* 350 and more without */
}

static const struct odd_row {
	const char *what;
	struct hop_script script;
	enum session_stage stage;
	enum delivery_outcome outcome;
	int code;
	const char *enhanced;
} odd_rows[] = {
    {"greeting 554", {.greeting = "554 5.3.2 go away\r\n"}, STAGE_HELLO, DELIVERY_ROUTE_DOWN, 554, "5.3.2"},
    {"greeting 421", {.greeting = "421 4.3.2 busy\r\n"}, STAGE_HELLO, DELIVERY_ROUTE_DOWN, 421, "4.3.2"},
    {"greeting dropped", {.greeting = HOP_DROP}, STAGE_HELLO, DELIVERY_ROUTE_DOWN, 0, ""},
    {"greeting stalled", {.greeting = HOP_STALL}, STAGE_HELLO, DELIVERY_ROUTE_DOWN, 0, ""},
    {"greeting absurd", {.greeting = "hello there\r\n"}, STAGE_HELLO, DELIVERY_ROUTE_DOWN, 0, ""},
    {"EHLO 4xx", {.ehlo = "450 4.3.0 later\r\n"}, STAGE_HELLO, DELIVERY_ROUTE_DOWN, 450, "4.3.0"},
    {"EHLO dropped", {.ehlo = HOP_DROP}, STAGE_HELLO, DELIVERY_ROUTE_DOWN, 0, ""},
    {"EHLO word with bytes over 127", {.ehlo = "250-hop\r\n250-\xff\xfe\r\n250 PIPELINING\r\n"}, STAGE_FINAL, DELIVERED, 250, "2.0.0"},
    {"MAIL 421", {.mail = "421 4.3.2 closing\r\n"}, STAGE_MAIL, DELIVERY_UNKNOWN, 421, "4.3.2"},
    {"MAIL 4xx", {.mail = "451 4.1.8 sender later\r\n"}, STAGE_MAIL, DELIVERY_TEMPORARY, 451, "4.1.8"},
    {"MAIL 5xx", {.mail = "550 5.1.8 sender\r\n"}, STAGE_MAIL, DELIVERY_PERMANENT, 550, "5.1.8"},
    {"MAIL 530", {.mail = "530 5.7.0 authenticate first\r\n"}, STAGE_MAIL, DELIVERY_ROUTE_DOWN, 530, "5.7.0"},
    {"MAIL dropped", {.mail = HOP_DROP}, STAGE_MAIL, DELIVERY_UNKNOWN, 0, ""},
    {"MAIL stalled", {.mail = HOP_STALL}, STAGE_MAIL, DELIVERY_UNKNOWN, 0, ""},
    {"RCPT 4xx", {.rcpt = "452 4.2.2 full\r\n", .data = "503 5.5.1 no\r\n"}, STAGE_RCPT, DELIVERY_TEMPORARY, 452, "4.2.2"},
    {"RCPT 5xx", {.rcpt = "550-5.1.1 no\r\n550 5.1.1 such user\r\n", .data = "554 5.5.1 no\r\n"}, STAGE_RCPT, DELIVERY_PERMANENT, 550, "5.1.1"},
    {"RCPT 5xx, DATA 354 all the same", {.rcpt = "550 5.1.1 no\r\n", .final = "554 5.5.1 no valid\r\n"}, STAGE_RCPT, DELIVERY_PERMANENT, 550, "5.1.1"},
    {"RCPT 421", {.rcpt = "421 4.7.0 slow down\r\n"}, STAGE_RCPT, DELIVERY_UNKNOWN, 421, "4.7.0"},
    {"RCPT dropped", {.rcpt = HOP_DROP}, STAGE_RCPT, DELIVERY_UNKNOWN, 0, ""},
    {"DATA 250", {.data = "250 2.0.0 taken already\r\n"}, STAGE_DATA, DELIVERY_UNKNOWN, 250, "2.0.0"},
    {"DATA 451", {.data = "451 4.3.0 not now\r\n"}, STAGE_DATA, DELIVERY_TEMPORARY, 451, "4.3.0"},
    {"DATA dropped", {.data = HOP_DROP}, STAGE_DATA, DELIVERY_UNKNOWN, 0, ""},
    {"end 4xx", {.final = "451 4.7.1 greylisted\r\n"}, STAGE_FINAL, DELIVERY_TEMPORARY, 451, "4.7.1"},
    {"end 5xx", {.final = "552 5.7.0 content\r\n"}, STAGE_FINAL, DELIVERY_PERMANENT, 552, "5.7.0"},
    {"end 421", {.final = "421 4.3.2 closing\r\n"}, STAGE_FINAL, DELIVERY_UNKNOWN, 421, "4.3.2"},
    {"end 354", {.final = "354 and then?\r\n"}, STAGE_FINAL, DELIVERY_UNKNOWN, 354, ""},
    {"end dropped", {.final = HOP_DROP}, STAGE_FINAL, DELIVERY_UNKNOWN, 0, ""},
    {"end stalled", {.final = HOP_STALL}, STAGE_FINAL, DELIVERY_UNKNOWN, 0, ""},
};

static void odd_answers_are_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof odd_rows / sizeof *odd_rows; i++) {
		const struct odd_row *row = &odd_rows[i];
		struct play p;
		set_up(&p, &row->script, 1);
		p.plan.reply_timeout_s = 1;
		p.plan.attempt_timeout_ms = 3000;
		run(&p);
		if (p.r[0].stage != row->stage || outcome(&p, 0) != row->outcome || p.r[0].reply.code != row->code)
			fail_msg("%s: stage %s, outcome %s, code %d \"%s\"", row->what, session_stage_word(p.r[0].stage),
			    delivery_outcome_word(outcome(&p, 0)), p.r[0].reply.code, p.r[0].reply.text);
		if (row->enhanced[0])
			assert_string_equal(p.r[0].reply.enhanced, row->enhanced);
		assert_null(strpbrk(p.r[0].reply.text, "\r\n"));
	}
}

/* After a refusal the connection goes on with the next mail. */
static void refusals_do_not_end_the_session(void **state)
{
	(void)state;
	static const struct hop_script scripts[] = {{.rcpt = "550 5.1.1 no\r\n", .data = "554 5.5.1 no\r\n"},
	    {.rcpt = "550 5.1.1 no\r\n", .final = "554 5.5.1 no\r\n"}, {.mail = "550 5.1.8 no\r\n"}, {.final = "550 5.7.1 no\r\n"}};
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		struct play p;
		set_up(&p, &scripts[i], 4);
		run(&p);
		assert_int_equal(p.hop.connections, 1);
		assert_int_equal(p.results, 4);
		for (unsigned k = 0; k < 4; k++)
			assert_int_equal(outcome(&p, k), DELIVERY_PERMANENT);
	}
}

/* libesmtp has decided on QUIT before it tells: a mail that is added then would not be sent. */
static void no_mail_is_taken_after_a_refused_data(void **state)
{
	(void)state;
	struct play p;
	set_up(&p, &(struct hop_script){.data = "451 4.3.0 not now\r\n"}, 2);
	run(&p);
	assert_int_equal(p.given, 1);
}

/* A wire on this thread over a pair of sockets: RET is what libesmtp would have, PEER the hop's end. */
static void enter_pair(struct wire *w, int *ret, int *peer)
{
	static struct wire_plan plan;
	static const struct sockaddr nowhere = {.sa_family = AF_UNIX};
	int sv[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv), 0);
	*ret = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*peer = sv[1];
	wire_init(w);
	plan = (struct wire_plan){.connect_timeout_ms = 1000, .given_fd = sv[0]};
	wire_enter(w, &plan);
	assert_int_equal(connect(*ret, &nowhere, sizeof nowhere), 0);
}

/* A TLS 1.3 ticket makes the socket readable before EHLO went out: reading first would wait for an answer to nothing. */
static void on_a_wire_writing_comes_before_reading(void **state)
{
	(void)state;
	int fd, peer;
	struct wire w;
	enter_pair(&w, &fd, &peer);
	assert_int_equal(write(peer, "x", 1), 1);
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = fd, .events = POLLOUT}};
	assert_int_equal(poll(p, 2, 1000), 1);
	assert_int_equal(p[0].revents, 0);
	assert_int_equal(p[1].revents, POLLOUT);
	assert_int_equal(poll(p, 1, 1000), 1);
	assert_int_equal(p[0].revents, POLLIN);
	close(dup(fd)); /* others' descriptors are others' business */
	wire_leave(&w);
	assert_int_equal(poll(p, 2, 1000), 2);
	wire_free(&w);
	close(fd);
	close(peer);
}

static void what_is_written_goes_out_before_a_reply_is_awaited(void **state)
{
	(void)state;
	int fd, peer;
	char got[8];
	struct wire w;
	enter_pair(&w, &fd, &peer);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	assert_int_equal(write(fd, "ab", 2), 2);
	assert_int_equal(write(fd, "c", 1), 1);
	assert_int_equal(read(peer, got, sizeof got), -1); /* gathered */
	assert_int_equal(poll(&p, 1, 1), 0);
	assert_int_equal(read(peer, got, sizeof got), 3);
	assert_memory_equal(got, "abc", 3);
	assert_int_equal(write(fd, "d", 1), 1);
	wire_cut(&w, WIRE_DEADLINE);
	close(fd);
	assert_int_equal(read(peer, got, sizeof got), 0); /* what was cut off says nothing more */
	wire_leave(&w);
	wire_free(&w);
	close(peer);
}

/* More than fits is passed on; a hop that takes nothing for a whole timeout is cut off. */
static void gathering_has_an_end(void **state)
{
	(void)state;
	int fd, peer;
	static char piece[2048], got[65536];
	struct wire w;
	enter_pair(&w, &fd, &peer);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	size_t wrote = 0, seen = 0;
	for (int stalls = 0; stalls < 2;) {
		ssize_t n = write(fd, piece, sizeof piece);
		wrote += n > 0 ? (size_t)n : 0;
		assert_true(n > 0 || errno == EAGAIN);
		if (n > 0 || stalls++)
			continue;
		for (ssize_t k; (k = read(peer, got, sizeof got)) > 0;)
			seen += (size_t)k;
		assert_int_equal(poll(&p, 1, 50), 1);
	}
	assert_true(wrote > seen && wrote - seen > sizeof got / 2);
	assert_int_equal(poll(&p, 1, 50), 0);
	assert_int_equal(wire_was_cut(&w), WIRE_WRITE_STALL);
	p.events = POLLIN;
	poll(&p, 1, 50);
	assert_int_equal(write(fd, piece, 1), -1); /* no hole: nothing follows what is missing */
	close(fd);
	wire_leave(&w);
	wire_free(&w);
	close(peer);
}

static void a_connection_lost_between_mails_blames_none(void **state)
{
	(void)state;
	struct play p;
	set_up(&p, &(struct hop_script){.mail = HOP_DROP, .from_message = 2}, 4);
	run(&p);
	assert_int_equal(outcome(&p, 0), DELIVERED);
	assert_int_equal(outcome(&p, 1), DELIVERED);
	assert_int_equal(p.given, 3);
	assert_int_equal(p.r[2].stage, STAGE_NOT_TRIED);
}

static void a_421_ends_the_session_after_its_own_mail(void **state)
{
	(void)state;
	struct play p;
	set_up(&p, &(struct hop_script){.final = "421 4.3.2 closing\r\n", .from_message = 1}, 4);
	run(&p);
	assert_int_equal(outcome(&p, 0), DELIVERED);
	assert_int_equal(outcome(&p, 1), DELIVERY_UNKNOWN);
	assert_int_equal(p.given, 2);
}

/* A reply line over 1023 bytes: its own mail counts, and no other is put behind it. */
static void long_reply_lines_count_for_their_own_mail_only(void **state)
{
	(void)state;
	char reply[1600];
	memset(reply, 'y', sizeof reply);
	memcpy(reply, "250 2.0.0 ", 10);
	memcpy(reply + sizeof reply - 3, "\r\n", 3);
	struct play p;
	set_up(&p, &(struct hop_script){.final = reply}, 3);
	run(&p);
	assert_int_equal(p.given, 1);
	assert_int_equal(outcome(&p, 0), DELIVERED);
}

/* Replies that nobody asked for are not taken for the next mail's: what the hop refused, or never saw, is not delivered. */
static void a_hop_that_repeats_itself_has_taken_one_mail(void **state)
{
	(void)state;
	static const char *const more[] = {"250 2.1.0 s\r\n250 2.1.5 r\r\n354 go\r\n250 2.0.0 kept\r\n", "250 2.0.0 kept\r\n",
	    "250 2.1.0 s\r\n250 2.1.5 r\r\n", "250 2.1.0 s\r\n250 2.1.5 r\r\n354 go\r\n"};
	for (size_t i = 0; i < 2 * sizeof more / sizeof *more; i++) {
		bool late = i % 2;
		struct play p;
		set_up(&p, &(struct hop_script){.astray = more[i / 2], .astray_ms = late ? 20 : 0, .from_message = 1, .data = "451 4.3.0 no\r\n"}, 2);
		p.park_ms = late ? 100 : 0;
		run(&p);
		assert_int_equal(outcome(&p, 0), DELIVERED);
		assert_int_equal(p.hop.messages, 1);
		if (p.given == 2)
			assert_int_not_equal(outcome(&p, 1), DELIVERED);
	}
}

/* A yes that was there before the message had ended is no answer to it; a refusal is one. */
static void a_yes_before_the_end_is_none(void **state)
{
	(void)state;
	static const struct early_row {
		struct hop_script script;
		enum delivery_outcome outcome;
	} rows[] = {
	    {{.early = "250 2.0.0 kept\r\n", .final = "554 5.6.0 no\r\n"}, DELIVERY_UNKNOWN},
	    {{.early = "250 2.0.0 kept\r\n", .final = HOP_DROP}, DELIVERY_UNKNOWN},
	    {{.early = "250-2.0.0 kept\r\n", .final = "554 5.6.0 no\r\n"}, DELIVERY_UNKNOWN},
	    {{.early = "552 5.3.4 too big\r\n", .final = HOP_DROP}, DELIVERY_PERMANENT},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct play p;
		set_up(&p, &rows[i].script, 2);
		run(&p);
		assert_int_equal(outcome(&p, 0), rows[i].outcome);
		assert_int_equal(p.given, rows[i].outcome == DELIVERY_PERMANENT ? 2 : 1);
	}
}

static void the_gate_is_asked_before_the_first_byte(void **state)
{
	(void)state;
	static const char *const ehlo[] = {"250-hop\r\n250 PIPELINING\r\n", "250-hop\r\n250-PIPELINING\r\n250 CHUNKING\r\n"};
	for (int i = 0; i < 2; i++) {
		struct play p;
		set_up(&p, &(struct hop_script){.ehlo = ehlo[i]}, 1);
		p.refuse_to_go = true;
		run(&p);
		assert_int_equal(p.asked, 1);
		assert_int_equal(p.hop.messages, 0);
		assert_int_equal(p.hop.mail_n, 0);
		assert_int_equal(p.r[0].stage, STAGE_GATE);
	}
}

/* Dribbling, and an EHLO without end: no single wait is ever long. */
static void a_deadline_ends_what_no_timeout_does(void **state)
{
	(void)state;
	static const struct hop_script scripts[] = {{.dribble_ms = 100}, {.endless_ehlo = true}};
	for (size_t i = 0; i < 2; i++) {
		struct play p;
		set_up(&p, &scripts[i], 1);
		p.plan.attempt_timeout_ms = 700;
		run(&p);
		assert_true(p.took_ms < 3000);
		assert_int_not_equal(outcome(&p, 0), DELIVERED);
		assert_string_equal(p.r[0].reply.text, wire_cut_sentence(WIRE_DEADLINE));
	}
}

/* The silent hole: libesmtp drops a buffer that could not be written in time, goes on, and reports the 250. */
static void a_stalled_write_never_ends_in_yes(void **state)
{
	(void)state;
	struct play p;
	set_up(&p, &(struct hop_script){.pause_ms = 3500, .rcvbuf = 4096}, 1);
	p.plan.reply_timeout_s = 1;
	size_t n = 12000000;
	char *b = malloc(n);
	memset(b, 'z', n);
	for (size_t i = 98; i + 2 <= n; i += 100)
		memcpy(b + i, "\r\n", 2);
	p.body = view_n(b, n);
	run(&p);
	free(b);
	assert_int_equal(p.hop.messages, 0);
	assert_int_equal(outcome(&p, 0), DELIVERY_UNKNOWN);
	assert_string_equal(p.r[0].reply.text, wire_cut_sentence(WIRE_WRITE_STALL));
}

static void a_port_without_server_is_a_route_problem(void **state)
{
	(void)state;
	struct play p;
	set_up(&p, &(struct hop_script){0}, 2);
	((struct sockaddr_in *)&p.addresses.at[0].sa)->sin_port = htons(1);
	run(&p);
	assert_int_equal(p.given, 1);
	assert_int_equal(p.r[0].stage, STAGE_CONNECT);
	assert_int_equal(outcome(&p, 0), DELIVERY_ROUTE_DOWN);
}

static void the_next_address_is_tried(void **state)
{
	(void)state;
	struct play p;
	set_up(&p, &(struct hop_script){0}, 1);
	p.addresses.at[1] = p.addresses.at[0];
	p.addresses.count = 2;
	((struct sockaddr_in *)&p.addresses.at[0].sa)->sin_port = htons(1);
	run(&p);
	assert_int_equal(outcome(&p, 0), DELIVERED);
}

static void addresses_that_would_forge_a_command_stay_here(void **state)
{
	(void)state;
	static const char *const bad[] = {"a@b.example>\r\nRCPT TO:<c@d.example", "a b@example.net", "a@example.net\r\nDATA", ""};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct play p;
		set_up(&p, &(struct hop_script){0}, 2);
		p.recipient = bad[i];
		run(&p);
		assert_int_equal(p.results, 2);
		assert_int_equal(p.hop.connections, 0);
		assert_int_equal(outcome(&p, 0), DELIVERY_PERMANENT);
		assert_string_equal(p.r[0].reply.enhanced, "5.1.3");
	}
}

/* ---- AUTH ---- */

#define OFFERS_AUTH "250-hop\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN\r\n"

static void auth_is_given_once(void **state)
{
	(void)state;
	struct play p;
	set_up(&p, &(struct hop_script){.ehlo = OFFERS_AUTH}, 3);
	p.plan.user = "gate";
	p.plan.password = "secret";
	run(&p);
	assert_int_equal(hop_count(&p.hop, "AUTH PLAIN AGdhdGUAc2VjcmV0"), 1); /* \0gate\0secret */
	assert_int_equal(p.hop.messages, 3);
}

static void mail_never_goes_out_unauthenticated(void **state)
{
	(void)state;
	static const struct hop_script scripts[] = {{.ehlo = OFFERS_AUTH, .auth = "535 5.7.8 wrong\r\n"}, {.ehlo = "250 hop\r\n"},
	    {.ehlo = OFFERS_AUTH, .auth = "454 4.7.0 later\r\n"}, {.ehlo = "250-hop\r\n250 AUTH GSSAPI\r\n"}};
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		struct play p;
		set_up(&p, &scripts[i], 2);
		p.plan.user = "gate";
		p.plan.password = "secret";
		run(&p);
		assert_int_equal(hop_count(&p.hop, "MAIL"), 0);
		assert_int_equal(p.given, 1);
		assert_int_equal(p.r[0].stage, STAGE_AUTH);
		assert_int_equal(outcome(&p, 0), DELIVERY_ROUTE_DOWN);
	}
}

/* ---- TLS ---- */

static char ca_file[64];

struct tls_row {
	enum hop_tls mode;
	const char *cert_name, *asked_name;
	struct hop_script script;
	bool delivered;
};

static void play_tls(const struct tls_row *row, unsigned mails, struct play *p)
{
	struct hop_script script = row->script;
	SSL_CTX *tls = hop_tls(row->cert_name, ca_file);
	script.tls = tls;
	set_up(p, &script, mails);
	p->plan.tls = row->mode;
	p->plan.tls_name = row->asked_name;
	p->plan.ca_file = ca_file;
	run(p);
	SSL_CTX_free(tls);
	assert_int_equal(p->hop.messages, row->delivered ? mails : 0);
	assert_int_equal(outcome(p, 0), row->delivered ? DELIVERED : DELIVERY_ROUTE_DOWN);
	if (!row->delivered)
		assert_int_equal(p->r[0].stage, STAGE_TLS);
}

static void tls_is_as_strict_as_asked(void **state)
{
	(void)state;
	static const struct tls_row rows[] = {
	    {HOP_TLS_VERIFIED, "hop.example.net", "hop.example.net", {0}, true},
	    {HOP_TLS_VERIFIED, "hop.example.net", "other.example.net", {0}, false},
	    {HOP_TLS_REQUIRED, "hop.example.net", "other.example.net", {0}, true},
	    {HOP_TLS_OPPORTUNISTIC, "hop.example.net", "other.example.net", {0}, true},
	    {HOP_TLS_REQUIRED, "hop.example.net", "hop.example.net", {.ehlo = "250-hop\r\n250 PIPELINING\r\n"}, false},
	    {HOP_TLS_OPPORTUNISTIC, "hop.example.net", "hop.example.net", {.ehlo = "250-hop\r\n250 PIPELINING\r\n"}, true},
	    {HOP_TLS_REQUIRED, "hop.example.net", "hop.example.net", {.starttls = "454 4.7.0 not now\r\n"}, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct play p;
		play_tls(&rows[i], 3, &p);
		if (rows[i].delivered && !rows[i].script.ehlo)
			assert_string_equal(p.hop.sni, rows[i].asked_name);
	}
}

/* libesmtp's own context is freed twice: the second session would crash. Tickets before EHLO would make it hang. */
static void tls_sessions_follow_each_other_at_once(void **state)
{
	(void)state;
	static const struct tls_row row = {HOP_TLS_VERIFIED, "hop.example.net", "hop.example.net", {.tls_pause_ms = 50}, true};
	for (int i = 0; i < 8; i++) {
		struct play p;
		play_tls(&row, 2, &p);
		assert_true(p.took_ms < 1500);
	}
}

static void what_comes_in_clear_behind_starttls_is_no_reply(void **state)
{
	(void)state;
	static const char *const replies[] = {"220 ready\r\n250-hop\r\n250 AUTH PLAIN\r\n", "220-a\r\n220 b\r\n250 x\r\n", "220 ready\r\n\r\n"};
	for (int i = 0; i < 3; i++) {
		struct tls_row row = {HOP_TLS_REQUIRED, "hop.example.net", "hop.example.net", {.starttls = replies[i]}, false};
		struct play p;
		play_tls(&row, 1, &p);
		assert_int_equal(hop_count(&p.hop, "MAIL"), 0);
		assert_string_equal(p.r[0].reply.text, wire_cut_sentence(WIRE_INJECTION));
	}
}

static void a_password_waits_for_tls(void **state)
{
	(void)state;
	struct play p;
	set_up(&p, &(struct hop_script){.ehlo = OFFERS_AUTH}, 1);
	p.plan.tls = HOP_TLS_OPPORTUNISTIC;
	p.plan.user = "gate";
	p.plan.password = "secret";
	run(&p);
	assert_int_equal(hop_count(&p.hop, "AUTH"), 0);
	assert_int_equal(outcome(&p, 0), DELIVERY_ROUTE_DOWN);
}

static int start(void **state)
{
	(void)state;
	session_library_start();
	snprintf(ca_file, sizeof ca_file, "/tmp/optgate-ca-%d.pem", getpid());
	return 0;
}

static int stop(void **state)
{
	(void)state;
	unlink(ca_file);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(many_mails_share_a_connection_and_arrive_byte_for_byte),
	    cmocka_unit_test(bytes_are_what_they_were),
	    cmocka_unit_test(large_mails_do_not_wait_for_acks),
	    cmocka_unit_test(odd_answers_are_understood),
	    cmocka_unit_test(refusals_do_not_end_the_session),
	    cmocka_unit_test(no_mail_is_taken_after_a_refused_data),
	    cmocka_unit_test(on_a_wire_writing_comes_before_reading),
	    cmocka_unit_test(what_is_written_goes_out_before_a_reply_is_awaited),
	    cmocka_unit_test(gathering_has_an_end),
	    cmocka_unit_test(a_connection_lost_between_mails_blames_none),
	    cmocka_unit_test(a_421_ends_the_session_after_its_own_mail),
	    cmocka_unit_test(long_reply_lines_count_for_their_own_mail_only),
	    cmocka_unit_test(a_hop_that_repeats_itself_has_taken_one_mail),
	    cmocka_unit_test(a_yes_before_the_end_is_none),
	    cmocka_unit_test(the_gate_is_asked_before_the_first_byte),
	    cmocka_unit_test(a_deadline_ends_what_no_timeout_does),
	    cmocka_unit_test(a_stalled_write_never_ends_in_yes),
	    cmocka_unit_test(a_port_without_server_is_a_route_problem),
	    cmocka_unit_test(the_next_address_is_tried),
	    cmocka_unit_test(addresses_that_would_forge_a_command_stay_here),
	    cmocka_unit_test(auth_is_given_once),
	    cmocka_unit_test(mail_never_goes_out_unauthenticated),
	    cmocka_unit_test(tls_is_as_strict_as_asked),
	    cmocka_unit_test(tls_sessions_follow_each_other_at_once),
	    cmocka_unit_test(what_comes_in_clear_behind_starttls_is_no_reply),
	    cmocka_unit_test(a_password_waits_for_tls),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
