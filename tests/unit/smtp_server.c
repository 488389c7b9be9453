/* smtp: the server on real sockets: several workers, late answers, lost clients, TLS, limits, drain. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "net_tls_help.h"
#include "smtp/server.h"
#include "smtp/sink.h"

struct site {
	struct test_cert cert;
	struct tls_server *tls;
	struct sink *sink;
	struct smtp_server *server;
	struct endpoint at[2]; /* plain, TLS */
	_Atomic int messages;
	_Atomic size_t bytes;
};

static void deliver(void *arg, const struct sink_mail *m)
{
	struct site *s = arg;
	s->messages++;
	s->bytes += m->bytes.n;
}

static void site_open_as(struct site *s, struct smtp_settings settings, const char *rule)
{
	static const char *const any[] = {"127.0.0.1:0"};
	static char hostname[] = "gate.test";
	struct err err;
	struct sink_rule r;
	*s = (struct site){.messages = 0};
	settings.hostname = hostname;
	test_cert_make(&s->cert);
	assert_int_equal(tls_server_new(&s->tls, s->cert.cert, s->cert.key, &err), 0);
	if (rule)
		assert_int_equal(sink_rule_parse(rule, &r, &err), 0);
	struct sink_settings k = {.max_message_bytes = 1 << 20, .user = "tool", .password = "secret", .rules = &r, .rule_count = rule != NULL,
	    .deliver = deliver, .arg = s};
	assert_int_equal(sink_new(&s->sink, &k, &clock_system, &err), 0);
	if (smtp_server_start(&s->server, &settings, any, 1, any, 1, s->tls, &sink_verbs, s->sink, &clock_system, &err))
		fail_msg("%s", err.text);
	assert_int_equal(smtp_server_addresses(s->server, s->at, 2), 2);
}

static const struct smtp_settings usual = {.workers = 2, .max_connections = 100, .max_connections_per_ip = 100, .max_errors = 10,
    .max_commands = 100, .idle_timeout_ms = 60000, .data_timeout_ms = 60000};

static void site_close(struct site *s)
{
	smtp_server_stop(&s->server);
	sink_free(&s->sink);
	tls_server_free(&s->tls);
	test_cert_remove(&s->cert);
}

static int dial(const struct endpoint *e)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct timeval t = {20, 0};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	ALWAYS(connect(fd, (const struct sockaddr *)&e->sa, e->sa_len) == 0);
	return fd;
}

static void put(int fd, const char *text)
{
	size_t n = strlen(text);
	ALWAYS(write(fd, text, n) == (ssize_t)n);
}

/* Reads until WANTED last replies have come, or the end. Returns the last code, 0 at the end. */
static int take(int fd, int wanted)
{
	char line[1024];
	size_t n = 0;
	int code = 0;
	while (wanted && read(fd, line + n, 1) == 1) {
		if (line[n++] != '\n')
			continue;
		code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
		wanted -= line[3] == ' ';
		n = 0;
	}
	return wanted ? 0 : code;
}

static bool is_closed(int fd)
{
	char c;
	while (read(fd, &c, 1) == 1)
		;
	close(fd);
	return true;
}

#define ENVELOPE "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n"

static void *campaign(void *arg)
{
	int fd = dial(arg);
	ALWAYS(take(fd, 1) == 220);
	put(fd, "EHLO c.test\r\n");
	ALWAYS(take(fd, 1) == 250);
	for (int i = 0; i < 50; i++) {
		put(fd, ENVELOPE);
		ALWAYS(take(fd, 3) == 354);
		put(fd, "Subject: x\r\n\r\nbody\r\n.\r\n");
		ALWAYS(take(fd, 1) == 250);
	}
	put(fd, "QUIT\r\n");
	ALWAYS(take(fd, 1) == 221);
	is_closed(fd);
	return NULL;
}

static void many_clients(const char *rule)
{
	struct site s;
	pthread_t t[8];
	site_open_as(&s, usual, rule);
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&t[i], NULL, campaign, &s.at[0]), 0);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(s.messages, 400);
	assert_int_equal(s.bytes, 400 * 20);
	site_close(&s);
}

static void clients_are_served_at_once(void **state)
{
	(void)state;
	many_clients(NULL);
	many_clients("commit=delay 1ms"); /* answers from another thread */
}

static void late_answers_find_no_freed_memory(void **state)
{
	(void)state;
	struct site s;
	site_open_as(&s, usual, "commit=delay 30ms");
	for (int i = 0; i < 20; i++) {
		int fd = dial(&s.at[0]);
		assert_int_equal(take(fd, 1), 220);
		put(fd, "EHLO c.test\r\n" ENVELOPE);
		assert_int_equal(take(fd, 4), 354);
		put(fd, "x\r\n.\r\nNOOP\r\n");
		struct linger now = {1, 0};
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now); /* a reset: noticed while the answer is on its way */
		if (i % 2)
			usleep(2000);
		close(fd);
	}
	if (s.messages < 20)
		usleep(20000);
	site_close(&s); /* waits for what is on its way */
	assert_true(s.messages <= 20);
}

static void logins_may_be_late_too(void **state)
{
	(void)state;
	struct site s;
	site_open_as(&s, usual, "login=delay 20ms");
	int fd = dial(&s.at[0]);
	put(fd, "EHLO c.test\r\nAUTH PLAIN AHRvb2wAc2VjcmV0\r\nNOOP\r\n");
	assert_int_equal(take(fd, 3), 235);
	assert_int_equal(take(fd, 1), 250);
	close(fd);
	site_close(&s);
}

static void tls_put(SSL *ssl, const char *text)
{
	ALWAYS(SSL_write(ssl, text, (int)strlen(text)) == (int)strlen(text));
}

/* All that comes until REPLY's last line was seen. */
static void tls_expect(SSL *ssl, const char *reply)
{
	char got[4096];
	size_t n = 0;
	while (n < sizeof got && view_ifind(view_n(got, n), view_of(reply)) == n) {
		int r = SSL_read(ssl, got + n, (int)(sizeof got - n));
		if (r <= 0)
			fail_msg("\"%s\" is not in \"%.*s\"", reply, (int)n, got);
		n += (size_t)r;
	}
}

static void mail_over_tls(const struct endpoint *at, bool starttls, const char *injected)
{
	int fd = dial(at);
	if (starttls) {
		char text[200];
		assert_int_equal(take(fd, 1), 220);
		put(fd, "EHLO c.test\r\n");
		assert_int_equal(take(fd, 1), 250);
		snprintf(text, sizeof text, "STARTTLS\r\n%s", injected);
		put(fd, text);
		assert_int_equal(take(fd, 1), 220);
	}
	SSL *ssl = test_tls_client(fd, TLS1_3_VERSION);
	assert_int_equal(SSL_connect(ssl), 1);
	if (!starttls)
		tls_expect(ssl, "220 gate.test");
	tls_put(ssl, "MAIL FROM:<a@b.test>\r\n");
	tls_expect(ssl, "503 5.5.1 Say EHLO first"); /* neither the old EHLO nor an injected one counts */
	tls_put(ssl, "EHLO c.test\r\n" ENVELOPE);
	tls_expect(ssl, "354 ");
	tls_put(ssl, "x\r\n.\r\nQUIT\r\n");
	tls_expect(ssl, "221 2.0.0 Bye");
	SSL_free(ssl);
	close(fd);
}

static void tls_works_and_trusts_nothing_from_before(void **state)
{
	(void)state;
	struct site s;
	site_open_as(&s, usual, NULL);
	mail_over_tls(&s.at[0], true, "");
	mail_over_tls(&s.at[0], true, "EHLO evil.test\r\nMAIL FROM:<x@evil.test>\r\n");
	mail_over_tls(&s.at[1], false, "");
	assert_int_equal(s.messages, 3);
	site_close(&s);
}

static void connections_are_limited(void **state)
{
	(void)state;
	struct site s;
	struct smtp_settings few = usual;
	few.max_connections = 3;
	few.max_connections_per_ip = 2;
	site_open_as(&s, few, NULL);
	int a = dial(&s.at[0]), b = dial(&s.at[0]);
	assert_int_equal(take(a, 1), 220);
	assert_int_equal(take(b, 1), 220);
	int c = dial(&s.at[0]);
	assert_int_equal(take(c, 1), 421);
	assert_true(is_closed(c));
	put(a, "QUIT\r\n");
	assert_int_equal(take(a, 1), 221);
	assert_true(is_closed(a));
	for (int i = 0; i < 50; i++) { /* the place becomes free a moment after the client saw the end */
		c = dial(&s.at[0]);
		if (take(c, 1) == 220)
			break;
		is_closed(c);
		usleep(1000);
	}
	put(c, "NOOP\r\n");
	assert_int_equal(take(c, 1), 250);
	close(b);
	close(c);
	site_close(&s);
}

static struct smtp_settings behind_a_balancer(void)
{
	static struct network here;
	struct smtp_settings set = usual;
	assert_int_equal(network_parse("127.0.0.1", &here, NULL), 0);
	set.proxy_networks = &here;
	set.proxy_network_count = 1;
	set.proxy_on = PROXY_ON_LISTEN;
	set.max_connections_per_ip = 2;
	return set;
}

#define PROXY_FROM(ip) "PROXY TCP4 " ip " 192.0.2.1 1025 25\r\n"

/* The header comes first, in any pieces; connections count for the client that it names. */
static void balancers_name_the_client(void **state)
{
	(void)state;
	struct site s;
	int fd[4];
	site_open_as(&s, behind_a_balancer(), NULL);
	for (int i = 0; i < 3; i++) {
		fd[i] = dial(&s.at[0]);
		put(fd[i], PROXY_FROM("198.51.100.7") "EHLO c.test\r\n");
		assert_int_equal(take(fd[i], i < 2 ? 2 : 1), i < 2 ? 250 : 421);
	}
	assert_true(is_closed(fd[2]));
	fd[2] = dial(&s.at[0]);
	for (const char *p = PROXY_FROM("198.51.100.8") "NOOP\r\n"; *p; p++) {
		assert_int_equal(write(fd[2], p, 1), 1);
		usleep(200);
	}
	assert_int_equal(take(fd[2], 2), 250);
	fd[3] = dial(&s.at[0]);
	put(fd[3], "EHLO c.test\r\n");
	assert_int_equal(take(fd[3], 1), 421);
	assert_true(is_closed(fd[3]));
	fd[3] = dial(&s.at[1]); /* not asked for on the TLS listener: no header, a handshake */
	put(fd[3], PROXY_FROM("198.51.100.8"));
	assert_int_equal(take(fd[3], 1), 0);
	for (int i = 0; i < 4; i++)
		close(fd[i]);
	int silent = dial(&s.at[0]), gone = dial(&s.at[0]);
	put(gone, "PROXY ");
	close(gone);
	put(silent, "PROXY T");
	usleep(5000);
	site_close(&s); /* while one still waits */
	close(silent);
}

/* Nearly full: who has its part gets no more, who has none gets in. */
static void the_last_places_are_shared(void **state)
{
	(void)state;
	struct site s;
	struct smtp_settings few = behind_a_balancer();
	int fd[8], n = 0;
	few.max_connections = 8;
	few.max_connections_per_ip = 100;
	site_open_as(&s, few, NULL);
	for (; n < 6; n++) {
		fd[n] = dial(&s.at[0]);
		put(fd[n], PROXY_FROM("198.51.100.7"));
		assert_int_equal(take(fd[n], 1), 220);
	}
	int one_more = dial(&s.at[0]);
	put(one_more, PROXY_FROM("198.51.100.7"));
	assert_int_equal(take(one_more, 1), 421);
	assert_true(is_closed(one_more));
	fd[n] = dial(&s.at[0]);
	put(fd[n], PROXY_FROM("198.51.100.8"));
	assert_int_equal(take(fd[n++], 1), 220);
	while (n)
		close(fd[--n]);
	site_close(&s);
}

static void silence_ends_a_connection(void **state)
{
	(void)state;
	struct site s;
	struct smtp_settings hasty = usual;
	hasty.idle_timeout_ms = 60;
	hasty.data_timeout_ms = 30;
	site_open_as(&s, hasty, NULL);
	int idle = dial(&s.at[0]), data = dial(&s.at[0]), drip = dial(&s.at[0]);
	assert_int_equal(take(idle, 1), 220);
	assert_int_equal(take(drip, 1), 220);
	put(data, "EHLO c.test\r\n" ENVELOPE);
	assert_int_equal(take(data, 5), 354);
	assert_int_equal(take(data, 1), 421);
	for (int i = 0; i < 20; i++) { /* half a command keeps nobody alive */
		send(drip, "N", 1, MSG_NOSIGNAL);
		usleep(10000);
	}
	assert_int_equal(take(drip, 1), 421);
	assert_int_equal(take(idle, 1), 421);
	is_closed(idle);
	is_closed(data);
	is_closed(drip);
	site_close(&s);
}

/* 40 bytes a second are too few where 400 are asked for, and enough where 10 are. */
static void a_slow_drip_ends(void **state)
{
	(void)state;
	for (unsigned rate = 10; rate <= 400; rate += 390) {
		struct site s;
		struct smtp_settings strict = usual;
		strict.data_timeout_ms = 200;
		strict.min_data_rate = rate;
		site_open_as(&s, strict, NULL);
		int fd = dial(&s.at[0]);
		put(fd, "EHLO c.test\r\n" ENVELOPE);
		assert_int_equal(take(fd, 5), 354);
		for (int i = 0; i < 20; i++) {
			send(fd, "x\r\n", 3, MSG_NOSIGNAL);
			usleep(25000);
		}
		send(fd, ".\r\n", 3, MSG_NOSIGNAL);
		assert_int_equal(take(fd, 1), rate == 10 ? 250 : 421);
		close(fd);
		site_close(&s);
	}
}

static void *drainer(void *arg)
{
	smtp_server_drain(arg, clock_mono(&clock_system) + 10000);
	return NULL;
}

static void drain_waits_for_transactions(void **state)
{
	(void)state;
	struct site s;
	pthread_t t;
	site_open_as(&s, usual, "commit=delay 20ms");
	int idle = dial(&s.at[0]), busy = dial(&s.at[0]);
	assert_int_equal(take(idle, 1), 220);
	put(busy, "EHLO c.test\r\n" ENVELOPE);
	assert_int_equal(take(busy, 5), 354);
	assert_int_equal(pthread_create(&t, NULL, drainer, s.server), 0);
	assert_int_equal(take(idle, 1), 421);
	put(busy, "x\r\n.\r\n");
	assert_int_equal(take(busy, 1), 250);
	assert_int_equal(take(busy, 1), 421);
	pthread_join(t, NULL);
	assert_int_equal(s.messages, 1);
	is_closed(idle);
	is_closed(busy);
	site_close(&s);
}

static void *backed_up_reader(void *arg)
{
	usleep(50000);
	for (int i = 0; i < 20001; i++)
		ALWAYS(take(*(int *)arg, 1) == (i ? 250 : 220));
	return NULL;
}

static void a_client_that_reads_late_gets_every_reply(void **state)
{
	(void)state;
	struct site s;
	struct smtp_settings patient = usual;
	pthread_t t;
	patient.max_commands = 100000;
	site_open_as(&s, patient, NULL);
	int fd = dial(&s.at[0]);
	assert_int_equal(pthread_create(&t, NULL, backed_up_reader, &fd), 0);
	for (int i = 0; i < 20000; i++)
		put(fd, "NOOP\r\n");
	pthread_join(t, NULL);
	close(fd);
	site_close(&s);
}

static void stalled_connections_end_with_the_server(void **state)
{
	(void)state;
	struct site s;
	site_open_as(&s, usual, "commit=stall");
	int fd = dial(&s.at[0]);
	put(fd, "EHLO c.test\r\n" ENVELOPE);
	assert_int_equal(take(fd, 5), 354);
	put(fd, "x\r\n.\r\n");
	usleep(20000);
	site_close(&s);
	assert_int_equal(take(fd, 1), 0);
	close(fd);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(clients_are_served_at_once),
	    cmocka_unit_test(late_answers_find_no_freed_memory),
	    cmocka_unit_test(logins_may_be_late_too),
	    cmocka_unit_test(tls_works_and_trusts_nothing_from_before),
	    cmocka_unit_test(connections_are_limited),
	    cmocka_unit_test(balancers_name_the_client),
	    cmocka_unit_test(the_last_places_are_shared),
	    cmocka_unit_test(silence_ends_a_connection),
	    cmocka_unit_test(a_slow_drip_ends),
	    cmocka_unit_test(drain_waits_for_transactions),
	    cmocka_unit_test(a_client_that_reads_late_gets_every_reply),
	    cmocka_unit_test(stalled_connections_end_with_the_server),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
