/* net: addresses, and the loop's timers, tasks and watches. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/endpoint.h"
#include "net/loop.h"

static void endpoints_are_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *in, *text;
	} rows[] = {{"127.0.0.1:25", "127.0.0.1:25"}, {"[::1]:587", "[::1]:587"}, {"0.0.0.0:0", "0.0.0.0:0"}, {"unix:/a/b", "unix:/a/b"},
	    {"[::ffff:192.0.2.1]:25", "192.0.2.1:25"}, {"localhost:25", NULL}, {"127.0.0.1", NULL}, {"::1:25", NULL}, {"[::1]", NULL},
	    {"127.0.0.1:65536", NULL}, {"127.0.0.1:", NULL}, {"[127.0.0.1]:25", NULL}, {"unix:", NULL}, {"", NULL}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct endpoint e;
		struct err err;
		char text[ENDPOINT_TEXT];
		assert_int_equal(endpoint_parse(rows[i].in, &e, &err), rows[i].text ? 0 : -1);
		if (!rows[i].text)
			continue;
		endpoint_text(&e, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void public_addresses(void **state)
{
	(void)state;
	static const struct {
		const char *address;
		bool is_public;
	} rows[] = {{"8.8.8.8:443", true}, {"1.1.1.1:443", true}, {"223.255.255.255:1", true}, {"172.32.0.1:1", true}, {"100.128.0.1:1", true},
	    {"[2606:4700::1111]:443", true}, {"[2a00:1450::1]:443", true}, {"[::ffff:8.8.8.8]:443", true},
	    {"0.0.0.0:1", false}, {"10.1.2.3:1", false}, {"100.64.0.1:1", false}, {"127.0.0.1:1", false}, {"127.255.0.1:1", false}, {"169.254.169.254:80", false},
	    {"172.16.0.1:1", false}, {"172.31.255.255:1", false}, {"192.168.1.1:1", false}, {"198.18.0.1:1", false}, {"203.0.113.9:1", false},
	    {"224.0.0.1:1", false}, {"240.0.0.1:1", false}, {"255.255.255.255:1", false}, {"[::]:1", false}, {"[::1]:1", false}, {"[::ffff:127.0.0.1]:1", false},
	    {"[::ffff:10.0.0.1]:1", false}, {"[::7f00:1]:1", false}, {"[64:ff9b::7f00:1]:1", false}, {"[2002:7f00:1::]:1", false}, {"[2001::1]:1", false},
	    {"[2001:db8::1]:1", false}, {"[fc00::1]:1", false}, {"[fd12::1]:1", false}, {"[fe80::1]:1", false}, {"[ff02::1]:1", false},
	    {"unix:/run/x", false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct endpoint e;
		struct err err;
		assert_int_equal(endpoint_parse(rows[i].address, &e, &err), 0);
		if (endpoint_is_public(&e) != rows[i].is_public)
			fail_msg("%s", rows[i].address);
	}
}

static void networks_hold_addresses(void **state)
{
	(void)state;
	static const struct {
		const char *network, *peer;
		bool has;
	} rows[] = {{"10.0.0.0/8", "10.255.0.1:1", true}, {"10.0.0.0/8", "11.0.0.1:1", false}, {"192.0.2.1", "192.0.2.1:9", true},
	    {"192.0.2.128/25", "192.0.2.127:1", false}, {"192.0.2.128/25", "192.0.2.200:1", true}, {"0.0.0.0/0", "8.8.8.8:1", true},
	    {"0.0.0.0/0", "[2001:db8::1]:1", false}, {"2001:db8::/33", "[2001:db8:7fff::1]:1", true},
	    {"2001:db8::/33", "[2001:db8:8000::1]:1", false}, {"::1", "[::1]:1", true}, {"127.0.0.0/8", "[::ffff:127.0.0.1]:1", true},
	    {"0.0.0.0/0", "unix:/x", false}};
	struct network n;
	struct endpoint e;
	struct err err;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(network_parse(rows[i].network, &n, &err), 0);
		assert_int_equal(endpoint_parse(rows[i].peer, &e, &err), 0);
		assert_int_equal(network_has(&n, &e), rows[i].has);
	}
	static const char *const wrong[] = {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "ten", "", "::1/129", "2001:db8::1/64"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(network_parse(wrong[i], &n, &err), -1);
}

static void dead_unix_sockets_are_replaced(void **state)
{
	(void)state;
	char dir[] = "/tmp/optgate-net-XXXXXX", at[64];
	struct err err;
	int a, b;
	assert_non_null(mkdtemp(dir));
	snprintf(at, sizeof at, "unix:%s/s", dir);
	assert_int_equal(listen_on(at, 1, &a, &err), 0);
	assert_int_equal(listen_on(at, 1, &b, &err), -1); /* alive */
	close(a);
	assert_int_equal(listen_on(at, 1, &b, &err), 0);
	close(b);
	unlink(at + 5);
	rmdir(dir);
	assert_int_equal(listen_on("systemd:smtp", 1, &b, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
}

/* ---- the loop */

static struct loop *new_loop(void)
{
	struct loop *l;
	struct err err;
	assert_int_equal(loop_new(&l, &clock_system, &err), 0);
	return l;
}

#define TIMERS 500
static int64_t last_due;
static unsigned fired;
static struct loop *timer_loop;

static void in_order(struct timer *t)
{
	assert_true(t->due_ms >= last_due);
	last_due = t->due_ms;
	if (++fired == TIMERS / 2)
		loop_stop(timer_loop);
}

static void timers_fire_in_order_unless_disarmed(void **state)
{
	(void)state;
	static struct timer t[TIMERS];
	unsigned seed = 7;
	timer_loop = new_loop();
	int64_t now = loop_now(timer_loop);
	for (int i = 0; i < TIMERS; i++) {
		t[i].expired = in_order;
		seed = seed * 1103515245 + 12345;
		timer_arm(timer_loop, &t[i], now + 500 - seed / 65536 % 600);
	}
	for (int i = 0; i < TIMERS; i += 2) {
		timer_arm(timer_loop, &t[i + 1], now + i % 20); /* armed anew */
		timer_disarm(timer_loop, &t[i]);
		timer_disarm(timer_loop, &t[i]);
	}
	loop_run(timer_loop);
	assert_int_equal(fired, TIMERS / 2);
	loop_free(&timer_loop);
}

#define POSTERS 4
#define POSTS   2000

struct posted {
	struct task task;
	int poster, number;
};
static struct posted posts[POSTERS][POSTS];
static int next_number[POSTERS], posts_run;
static struct loop *post_loop;

static void count_post(struct task *t)
{
	struct posted *p = (struct posted *)t;
	assert_int_equal(p->number, next_number[p->poster]++);
	if (++posts_run == POSTERS * POSTS)
		loop_stop(post_loop);
}

static void *poster(void *arg)
{
	struct posted *mine = arg;
	for (int i = 0; i < POSTS; i++)
		loop_post(post_loop, &mine[i].task);
	return NULL;
}

static void posted_tasks_run_once_and_in_order(void **state)
{
	(void)state;
	pthread_t t[POSTERS];
	post_loop = new_loop();
	for (int p = 0; p < POSTERS; p++) {
		for (int i = 0; i < POSTS; i++)
			posts[p][i] = (struct posted){{NULL, count_post}, p, i};
		assert_int_equal(pthread_create(&t[p], NULL, poster, posts[p]), 0);
	}
	loop_run(post_loop);
	loop_free(&post_loop); /* waits for posters that are still on their way out */
	for (int p = 0; p < POSTERS; p++)
		pthread_join(t[p], NULL);
	assert_int_equal(posts_run, POSTERS * POSTS);
}

static struct loop *pair_loop;
static struct watch pair[2];
static int handled;

/* Whoever comes first removes the other: that one's event of this turn must not be handled. */
static void remove_other(struct watch *w, uint32_t events)
{
	struct watch *other = w == &pair[0] ? &pair[1] : &pair[0];
	(void)events;
	handled++;
	loop_unwatch(pair_loop, other);
	other->ready = NULL;
	loop_stop(pair_loop);
}

static void removed_watches_are_not_handled(void **state)
{
	(void)state;
	int a[2], b[2];
	struct err err;
	pair_loop = new_loop();
	assert_int_equal(pipe(a) | pipe(b), 0);
	assert_int_equal(write(a[1], "x", 1) + write(b[1], "x", 1), 2);
	pair[0] = (struct watch){a[0], EPOLLIN, remove_other};
	pair[1] = (struct watch){b[0], EPOLLIN, remove_other};
	assert_int_equal(loop_watch(pair_loop, &pair[0], &err) | loop_watch(pair_loop, &pair[1], &err), 0);
	loop_run(pair_loop);
	assert_int_equal(handled, 1);
	loop_free(&pair_loop);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(endpoints_are_numbers),
	    cmocka_unit_test(networks_hold_addresses),
	    cmocka_unit_test(public_addresses),
	    cmocka_unit_test(dead_unix_sockets_are_replaced),
	    cmocka_unit_test(timers_fire_in_order_unless_disarmed),
	    cmocka_unit_test(posted_tasks_run_once_and_in_order),
	    cmocka_unit_test(removed_watches_are_not_handled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
