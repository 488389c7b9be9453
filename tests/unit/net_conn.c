/* net: connections over a socket pair: cuts, back-pressure, pauses, TLS, the end. The peer is a thread with a blocking socket. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "net/conn.h"
#include "net_tls_help.h"

/* An owner that echoes whole lines, "starttls" switches, "pause" stops reading until a timer, "bye" closes. */
struct echo {
	struct loop *loop;
	struct conn *conn;
	struct tls_server *tls;
	struct timer unpause;
	const char *why;
	bool secured;
};

static void end(struct echo *e, const char *why)
{
	e->why = why;
	conn_close(&e->conn);
	loop_stop(e->loop);
}

static void unpause(struct timer *t)
{
	struct echo *e = (struct echo *)(void *)((char *)t - offsetof(struct echo, unpause));
	if (e->conn)
		conn_pause(e->conn, false);
}

static void on_line(struct echo *e, struct view line)
{
	struct err err;
	conn_write(e->conn, line);
	if (view_eq(line, V("starttls\n")))
		assert_int_equal(conn_starttls(e->conn, e->tls, &err), 0);
	if (view_eq(line, V("bye\n")))
		end(e, "bye");
	if (view_eq(line, V("pause\n"))) {
		conn_pause(e->conn, true);
		timer_arm(e->loop, &e->unpause, loop_now(e->loop) + 20);
	}
}

static void on_readable(void *arg)
{
	struct echo *e = arg;
	while (e->conn && !conn_is_backed_up(e->conn)) {
		struct view in = conn_in(e->conn);
		size_t lf = view_find(in, 0, '\n');
		if (lf == in.n)
			return;
		char line[512];
		ALWAYS(lf < sizeof line);
		memcpy(line, in.p, lf + 1);
		conn_eat(e->conn, lf + 1);
		on_line(e, view_n(line, lf + 1));
		if (e->unpause.slot)
			return;
	}
}

static void on_closed(void *arg, const char *why)
{
	end(arg, why);
}

static void on_secured(void *arg)
{
	((struct echo *)arg)->secured = true;
}

static const struct conn_owner echo_owner = {on_readable, on_closed, on_secured};

static void echo_start(struct echo *e, int fd, struct tls_server *tls, bool tls_first)
{
	struct err err;
	*e = (struct echo){.tls = tls, .unpause.expired = unpause};
	assert_int_equal(loop_new(&e->loop, &clock_system, &err), 0);
	e->conn = conn_new(e->loop, fd, tls_first ? tls : NULL, &echo_owner, e, &err);
	assert_non_null(e->conn);
}

static void echo_run(struct echo *e)
{
	loop_run(e->loop);
	loop_expire_timers(e->loop);
	loop_free(&e->loop);
}

static void make_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(0, setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &(int){4096}, sizeof(int)));
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
}

static size_t read_all(int fd, char *dst, size_t size)
{
	size_t n = 0;
	for (ssize_t r; n < size && (r = read(fd, dst + n, size - n)) > 0;)
		n += (size_t)r;
	return n;
}

/* ---- plain, in every cut */

static const char script[] = "one\ntwo\npause\nthree\nbye\nafter\n";

struct cut_peer {
	int fd;
	size_t cut;
	char got[256];
	size_t n;
};

static void *cut_peer(void *arg)
{
	struct cut_peer *p = arg;
	ALWAYS(write(p->fd, script, p->cut) == (ssize_t)p->cut);
	usleep(1000);
	ALWAYS(write(p->fd, script + p->cut, sizeof script - 1 - p->cut) >= -1);
	p->n = read_all(p->fd, p->got, sizeof p->got);
	return NULL;
}

static void any_cut_gives_the_same_lines(void **state)
{
	(void)state;
	for (size_t cut = 1; cut < sizeof script - 1; cut++) {
		int fds[2];
		struct echo e;
		struct cut_peer p = {.cut = cut};
		pthread_t t;
		make_pair(fds);
		p.fd = fds[1];
		echo_start(&e, fds[0], NULL, false);
		assert_int_equal(pthread_create(&t, NULL, cut_peer, &p), 0);
		echo_run(&e);
		pthread_join(t, NULL);
		close(fds[1]);
		assert_string_equal(e.why, "bye");
		assert_true(view_eq(view_n(p.got, p.n), V("one\ntwo\npause\nthree\nbye\n")));
	}
}

/* ---- a peer that sends much before it reads */

#define FLOOD_LINES 60000

static void *flood_writer(void *arg)
{
	int fd = *(int *)arg;
	char block[8 * 1000];
	for (int i = 0; i < 1000; i++)
		memcpy(block + 8 * i, "1234567\n", 8);
	for (int i = 0; i < FLOOD_LINES / 1000; i++)
		for (size_t at = 0; at < sizeof block;) {
			ssize_t n = write(fd, block + at, sizeof block - at);
			ALWAYS(n > 0);
			at += (size_t)n;
		}
	ALWAYS(write(fd, "bye\n", 4) == 4);
	return NULL;
}

static size_t flood_got;

static void *flood_reader(void *arg)
{
	char piece[4096];
	usleep(50000);
	for (ssize_t r; (r = read(*(int *)arg, piece, sizeof piece)) > 0;)
		flood_got += (size_t)r;
	return NULL;
}

static void back_pressure_loses_nothing(void **state)
{
	(void)state;
	int fds[2];
	struct echo e;
	pthread_t w, r;
	make_pair(fds);
	echo_start(&e, fds[0], NULL, false);
	assert_int_equal(pthread_create(&w, NULL, flood_writer, &fds[1]) | pthread_create(&r, NULL, flood_reader, &fds[1]), 0);
	echo_run(&e);
	pthread_join(w, NULL);
	pthread_join(r, NULL);
	close(fds[1]);
	assert_string_equal(e.why, "bye");
	/* the last part may still have been in the connection when the loop ended, but never more than its bounds */
	assert_true(flood_got <= FLOOD_LINES * 8 + 4 && flood_got + 3 * CONN_OUT_HIGH >= FLOOD_LINES * 8);
}

/* ---- TLS */

struct tls_peer {
	int fd, max_version;
	bool starttls;
	const char *inject; /* sent in plain together with "starttls" */
	char got[256];
	size_t n;
};

static void *tls_peer(void *arg)
{
	struct tls_peer *p = arg;
	char plain[9];
	if (p->starttls) {
		char first[64];
		int n = snprintf(first, sizeof first, "starttls\n%s", p->inject);
		ALWAYS(write(p->fd, first, (size_t)n) == n);
		ALWAYS(read_all(p->fd, plain, 9) == 9);
	}
	SSL *ssl = test_tls_client(p->fd, p->max_version);
	if (SSL_connect(ssl) == 1) {
		SSL_write(ssl, "two\nbye\n", 8);
		for (int r; (r = SSL_read(ssl, p->got + p->n, (int)(sizeof p->got - p->n))) > 0;)
			p->n += (size_t)r;
	}
	SSL_free(ssl);
	shutdown(p->fd, SHUT_RDWR);
	return NULL;
}

static void run_tls(struct tls_peer *p, bool expect)
{
	int fds[2];
	struct echo e;
	struct err err;
	struct test_cert cert;
	struct tls_server *tls;
	pthread_t t;
	test_cert_make(&cert);
	assert_int_equal(tls_server_new(&tls, cert.cert, cert.key, &err), 0);
	make_pair(fds);
	p->fd = fds[1];
	echo_start(&e, fds[0], tls, !p->starttls);
	assert_int_equal(pthread_create(&t, NULL, tls_peer, p), 0);
	echo_run(&e);
	pthread_join(t, NULL);
	close(fds[1]);
	tls_server_free(&tls);
	test_cert_remove(&cert);
	assert_int_equal(e.secured, expect);
	assert_true(view_eq(view_n(p->got, p->n), expect ? V("two\nbye\n") : V("")));
}

static void tls_from_the_first_byte(void **state)
{
	(void)state;
	run_tls(&(struct tls_peer){.max_version = TLS1_3_VERSION}, true);
	run_tls(&(struct tls_peer){.max_version = TLS1_2_VERSION}, true);
	run_tls(&(struct tls_peer){.max_version = TLS1_1_VERSION}, false);
}

static void starttls_throws_injected_plaintext_away(void **state)
{
	(void)state;
	run_tls(&(struct tls_peer){.max_version = TLS1_3_VERSION, .starttls = true, .inject = ""}, true);
	run_tls(&(struct tls_peer){.max_version = TLS1_3_VERSION, .starttls = true, .inject = "evil\n"}, true);
	run_tls(&(struct tls_peer){.max_version = TLS1_2_VERSION, .starttls = true, .inject = "evil\nbye\n"}, true);
}

static void wrong_certificates_are_told(void **state)
{
	(void)state;
	struct tls_server *tls;
	struct test_cert a, b;
	struct err err;
	test_cert_make(&a);
	test_cert_make(&b);
	assert_int_equal(tls_server_new(&tls, "/nonexistent", a.key, &err), -1);
	assert_int_equal(tls_server_new(&tls, a.cert, b.key, &err), -1);
	assert_int_equal(tls_server_new(&tls, a.key, a.key, &err), -1);
	test_cert_remove(&a);
	test_cert_remove(&b);
}

static void a_peer_that_goes_is_noticed(void **state)
{
	(void)state;
	int fds[2];
	struct echo e;
	make_pair(fds);
	echo_start(&e, fds[0], NULL, false);
	close(fds[1]);
	echo_run(&e);
	assert_string_equal(e.why, "peer closed the connection");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(any_cut_gives_the_same_lines),
	    cmocka_unit_test(back_pressure_loses_nothing),
	    cmocka_unit_test(tls_from_the_first_byte),
	    cmocka_unit_test(starttls_throws_injected_plaintext_away),
	    cmocka_unit_test(wrong_certificates_are_told),
	    cmocka_unit_test(a_peer_that_goes_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
