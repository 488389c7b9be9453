/* How many mails a person was sent: windows, taking and giving back, what is left after a death, many threads, a full disk. */
#include "../../src/sent/sent_internal.h"
#include "ledger_help.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define HOUR_MS INT64_C(3600000)
#define T0      (20000 * SENT_DAY_MS)

static char dir[64];
static struct sent *s;

static void open_it(void)
{
	struct err err;
	if (sent_open(&s, dir, &test_clock, &err) < 0)
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	(void)state;
	test_now_ms = T0;
	snprintf(dir, sizeof dir, "/tmp/sent-test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	open_it();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sent_close(&s);
	nftw(dir, place_unlink, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static struct person_key person(unsigned n)
{
	struct person_key k = {{0}};
	memcpy(k.b, &n, sizeof n);
	return k;
}

static struct sent_asks asks_of(unsigned day, unsigned week, unsigned month)
{
	return (struct sent_asks){.at = {{.scope = {1}, .limits = {(uint16_t)day, (uint16_t)week, (uint16_t)month}}}, .count = 1};
}

/* 1 taken, 0 not now. */
static int try_it(const struct sent_asks *a, unsigned who, uint64_t id, int64_t *ret_when)
{
	const struct person_key k = person(who);
	const struct sent_mail m = {id, 0};
	struct err err;
	int rc = sent_take(s, &k, a, &m, false, test_now_ms, ret_when, &err);
	if (rc < 0)
		fail_msg("%s", err.text);
	return rc;
}

static void keep(const struct sent_asks *a, unsigned who, uint64_t id)
{
	const struct person_key k = person(who);
	sent_keep(s, &k, a, &(struct sent_mail){id, 0});
}

static bool send_it(const struct sent_asks *a, unsigned who, uint64_t id)
{
	int64_t t;
	bool may = try_it(a, who, id, &t);
	if (may)
		keep(a, who, id);
	return may;
}

static unsigned count_of(unsigned who, int64_t window_ms)
{
	const struct person_key k = person(who);
	const uint8_t scope[SCOPE_ID_BYTES] = {1};
	const struct sent_counts c = sent_count(s, &k, scope, test_now_ms);
	return window_ms == SENT_DAY_MS ? c.day : window_ms == SENT_WEEK_MS ? c.week : c.month;
}

static void windows_slide(void **state)
{
	(void)state;
	const struct sent_asks a = asks_of(2, 3, 4);
	int64_t t;
	assert_true(send_it(&a, 7, 1));
	test_now_ms += HOUR_MS;
	assert_true(send_it(&a, 7, 2));
	assert_int_equal(try_it(&a, 7, 3, &t), 0);
	assert_int_equal(t, T0 + SENT_DAY_MS);
	assert_true(send_it(&a, 8, 3)); /* somebody else */
	test_now_ms = T0 + SENT_DAY_MS - 1;
	assert_false(send_it(&a, 7, 3));
	test_now_ms++;
	assert_true(send_it(&a, 7, 3));
	test_now_ms = T0 + 3 * SENT_DAY_MS;
	assert_int_equal(try_it(&a, 7, 4, &t), 0);
	assert_int_equal(t, T0 + SENT_WEEK_MS);
	test_now_ms = t;
	assert_true(send_it(&a, 7, 4));
	test_now_ms = T0 + 20 * SENT_DAY_MS;
	assert_int_equal(try_it(&a, 7, 5, &t), 0);
	assert_int_equal(t, T0 + SENT_MONTH_MS);
	assert_int_equal(count_of(7, SENT_WEEK_MS), 0);
	assert_int_equal(count_of(7, SENT_MONTH_MS), 4);
}

static void a_lowered_limit_says_when(void **state)
{
	(void)state;
	const struct sent_asks many = asks_of(9, 0, 0), one = asks_of(1, 0, 0);
	int64_t t;
	for (uint64_t i = 1; i <= 5; i++, test_now_ms += HOUR_MS)
		assert_true(send_it(&many, 7, i));
	assert_int_equal(try_it(&one, 7, 6, &t), 0);
	assert_int_equal(t, T0 + 4 * HOUR_MS + SENT_DAY_MS);
}

static void what_did_not_go_does_not_count(void **state)
{
	(void)state;
	const struct sent_asks a = asks_of(1, 0, 0);
	const struct person_key k = person(7);
	int64_t t;
	assert_int_equal(try_it(&a, 7, 1, &t), 1);
	assert_int_equal(try_it(&a, 7, 2, &t), 0);
	assert_int_equal(try_it(&a, 7, 1, &t), 1); /* the same mail again: the same place */
	sent_give_back(s, &k, &a, &(struct sent_mail){1, 0});
	assert_int_equal(count_of(7, SENT_DAY_MS), 0);
	assert_true(send_it(&a, 7, 2));
	sent_give_back(s, &k, &a, &(struct sent_mail){2, 0}); /* it has gone: nothing to give back */
	assert_int_equal(count_of(7, SENT_DAY_MS), 1);
}

static void a_mail_may_count_twice_over(void **state)
{
	(void)state;
	struct sent_asks a = {.at = {{.scope = {1}, .limits = {5, 0, 0}}, {.scope = {2}, .limits = {1, 0, 0}}}, .count = 2};
	assert_true(send_it(&a, 7, 1));
	assert_false(send_it(&a, 7, 2));
	a.count = 1;
	assert_true(send_it(&a, 7, 2));
	assert_int_equal(count_of(7, SENT_DAY_MS), 2);
}

static void on_trial_it_counts_anyway(void **state)
{
	(void)state;
	const struct sent_asks a = asks_of(1, 0, 0);
	const struct person_key k = person(7);
	int64_t t;
	struct err err;
	assert_true(send_it(&a, 7, 1));
	assert_int_equal(sent_take(s, &k, &a, &(struct sent_mail){2, 0}, true, test_now_ms, &t, &err), 1);
	assert_int_equal(count_of(7, SENT_DAY_MS), 2);
}

/* It may have arrived days ago: when it is tried again, it needs a place of today. */
static void a_later_try_counts_then(void **state)
{
	(void)state;
	const struct sent_asks a = asks_of(1, 0, 0);
	int64_t t;
	assert_int_equal(try_it(&a, 7, 1, &t), 1);
	test_now_ms += 2 * SENT_DAY_MS;
	assert_true(send_it(&a, 7, 2));
	assert_int_equal(try_it(&a, 7, 1, &t), 0);
	test_now_ms += SENT_DAY_MS;
	assert_true(send_it(&a, 7, 1));
	assert_int_equal(count_of(7, SENT_MONTH_MS), 2);
	assert_false(send_it(&a, 7, 3));
}

/* By a process that ends without a word between its steps. */
static void die_after(const struct sent_asks *a, bool kept)
{
	int status;
	sent_close(&s);
	int pid = fork();
	if (pid == 0) {
		const struct person_key k = person(7);
		int64_t t;
		struct err err;
		if (sent_open(&s, dir, &test_clock, &err) < 0 || sent_take(s, &k, a, &(struct sent_mail){1, 0}, false, test_now_ms, &t, &err) != 1)
			_exit(1);
		if (kept)
			sent_keep(s, &k, a, &(struct sent_mail){1, 0});
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	open_it();
}

static void a_death_loses_nothing_and_doubles_nothing(void **state)
{
	(void)state;
	const struct sent_asks a = asks_of(1, 0, 0);
	int64_t t;
	die_after(&a, false);
	assert_int_equal(try_it(&a, 7, 2, &t), 0); /* the place is taken */
	assert_int_equal(try_it(&a, 7, 1, &t), 1); /* by this one, tried again */
	assert_int_equal(count_of(7, SENT_DAY_MS), 1);
	test_now_ms += 2 * SENT_DAY_MS;
	die_after(&a, true);
	assert_false(send_it(&a, 7, 2));
	assert_int_equal(count_of(7, SENT_MONTH_MS), 1);
}

static void a_torn_end_and_bad_bytes_are_passed_over(void **state)
{
	(void)state;
	const struct sent_asks a = asks_of(9, 0, 0);
	char path[100];
	uint8_t junk[STEP_BYTES + 13] = {0};
	for (uint64_t i = 1; i <= 3; i++)
		assert_true(send_it(&a, 7, i));
	sent_close(&s);
	snprintf(path, sizeof path, "%s/00020000.log", dir);
	int fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, junk, sizeof junk), sizeof junk);
	close(fd);
	open_it();
	assert_int_equal(count_of(7, SENT_DAY_MS), 3);
	assert_true(send_it(&a, 7, 4));
	sent_close(&s);
	open_it();
	assert_int_equal(count_of(7, SENT_DAY_MS), 4);
}

static void months_that_are_over_go(void **state)
{
	(void)state;
	const struct sent_asks a = asks_of(0, 0, 5);
	char path[100];
	assert_true(send_it(&a, 7, 1));
	snprintf(path, sizeof path, "%s/00020000.log", dir);
	assert_int_equal(access(path, F_OK), 0);
	test_now_ms += 40 * SENT_DAY_MS;
	assert_int_equal(count_of(7, SENT_MONTH_MS), 0);
	assert_true(send_it(&a, 7, 2));
	sent_tend(s);
	assert_int_equal(access(path, F_OK), -1);
	sent_close(&s);
	open_it();
	assert_int_equal(count_of(7, SENT_MONTH_MS), 1);
}

static void one_person_is_looked_at_beside_the_writer(void **state)
{
	(void)state;
	const struct sent_asks a = asks_of(9, 0, 0);
	const struct person_key k = person(7);
	const uint8_t scope[SCOPE_ID_BYTES] = {1};
	struct sent *look;
	struct err err;
	int64_t t;
	send_it(&a, 7, 1);
	send_it(&a, 8, 2);
	send_it(&a, 7, 3);
	assert_int_equal(sent_open_person(&look, dir, &k, &test_clock, &err), 0);
	assert_int_equal(sent_count(look, &k, scope, test_now_ms).day, 2);
	const struct person_key other = person(8);
	assert_int_equal(sent_count(look, &other, scope, test_now_ms).day, 0);
	assert_int_equal(sent_take(look, &k, &a, &(struct sent_mail){9, 0}, false, test_now_ms, &t, &err), -1);
	sent_close(&look);
	assert_int_equal(sent_open_person(&look, "/tmp/no-such-directory-here", &k, &test_clock, &err), 0);
	assert_int_equal(sent_count(look, &k, scope, test_now_ms).day, 0);
	sent_close(&look);
}

/* A file may not grow: nothing is taken; then it may, and all is as before. */
static void a_full_disk_sends_nothing(void **state)
{
	(void)state;
	const struct sent_asks a = asks_of(9, 0, 0);
	const struct person_key k = person(7);
	struct rlimit was, full;
	struct err err;
	int64_t t;
	assert_true(send_it(&a, 7, 1)); /* take and keep: two steps */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	full = was;
	full.rlim_cur = 2 * STEP_BYTES + 11; /* the next is torn */
	setrlimit(RLIMIT_FSIZE, &full);
	assert_int_equal(sent_take(s, &k, &a, &(struct sent_mail){2, 0}, false, test_now_ms, &t, &err), -1);
	assert_int_equal(sent_take(s, &k, &a, &(struct sent_mail){2, 0}, false, test_now_ms, &t, &err), -1);
	setrlimit(RLIMIT_FSIZE, &was);
	assert_int_equal(count_of(7, SENT_DAY_MS), 1);
	assert_true(send_it(&a, 7, 2));
	sent_close(&s);
	open_it();
	assert_int_equal(count_of(7, SENT_DAY_MS), 2);
}

#define THREADS 8
#define PEOPLE  50
#define ROUNDS  40

static _Atomic unsigned went[PEOPLE];

static void *race(void *arg)
{
	const struct sent_asks a = asks_of(3, 0, 0);
	const uint64_t first = (uint64_t)(uintptr_t)arg * 100000;
	for (unsigned i = 0; i < ROUNDS * PEOPLE; i++) {
		const struct person_key k = person(i % PEOPLE + 1000);
		const struct sent_mail m = {first + i, 0};
		int64_t t;
		struct err err;
		if (sent_take(s, &k, &a, &m, false, T0, &t, &err) != 1)
			continue;
		if (i % 3 == 0) {
			sent_give_back(s, &k, &a, &m);
			continue;
		}
		sent_keep(s, &k, &a, &m);
		went[i % PEOPLE]++;
		sent_tend(s);
	}
	return NULL;
}

static void many_threads_are_exact(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, (void *)(i + 1)), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < PEOPLE; i++) {
		assert_int_equal(went[i], 3);
		assert_int_equal(count_of(i + 1000, SENT_DAY_MS), 3);
	}
	sent_close(&s);
	open_it();
	for (unsigned i = 0; i < PEOPLE; i++)
		assert_int_equal(count_of(i + 1000, SENT_DAY_MS), 3);
}

/* More people than buckets, and none lost on the way. */
static void many_people(void **state)
{
	(void)state;
	const struct sent_asks a = asks_of(1, 0, 0);
	for (unsigned i = 0; i < 10000; i++)
		assert_true(send_it(&a, i * 2654435761u, i + 1));
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(count_of(i * 2654435761u, SENT_DAY_MS), 1);
}

static void a_step_comes_back_as_it_was(void **state)
{
	(void)state;
	uint8_t bytes[STEP_BYTES];
	struct step r, x = {.kind = STEP_KEEP, .who = person(77), .scope = {9, 8, 7}, .entry = {123456, 654321}};
	step_write(&x, bytes);
	assert_true(step_read(bytes, &r));
	assert_int_equal(r.kind, x.kind);
	assert_memory_equal(&r.who, &x.who, sizeof r.who);
	assert_memory_equal(r.scope, x.scope, sizeof r.scope);
	assert_int_equal(r.entry.at_s, x.entry.at_s);
	assert_int_equal(r.entry.print, x.entry.print);
	for (size_t i = 0; i < sizeof bytes * 8; i++) {
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(step_read(bytes, &r));
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(windows_slide, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_lowered_limit_says_when, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_did_not_go_does_not_count, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_later_try_counts_then, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_mail_may_count_twice_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(on_trial_it_counts_anyway, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_death_loses_nothing_and_doubles_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_torn_end_and_bad_bytes_are_passed_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(months_that_are_over_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_person_is_looked_at_beside_the_writer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_disk_sends_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_threads_are_exact, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_people, set_up, tear_down),
		cmocka_unit_test(a_step_comes_back_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
