/* What may go wrong below: a full map, a full disk, a failed commit, kill -9, two processes, many threads. Answered changes are there
 * afterwards, failures are answered, and the ledger is whole again without being opened anew. */
#include "ledger_help.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#ifdef __SANITIZE_THREAD__
#define CHANGES 40
#else
#define CHANGES 200
#endif
#define THREADS 8

static struct place place;
static struct ledger *l;

static int set_up(void **state)
{
	(void)state;
	place_make(&place);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ledger_close(&l);
	place_remove(&place);
	return 0;
}

static void count_suppression(void *arg, const struct suppression_row *row)
{
	(void)row;
	++*(unsigned *)arg;
}

static unsigned rows_of(struct ledger *on, const char *address)
{
	static const struct ledger_visitor visitor = {.suppression = count_suppression};
	unsigned n = 0;
	struct err err = {0};
	struct person_key who = person_of(on, address);
	if (ledger_visit(on, &who, &visitor, &n, &err) < 0)
		fail_msg("ledger_visit: %s", err.text);
	return n;
}

static void numbered(char dst[40], int thread, int i)
{
	snprintf(dst, 40, "t%d-p%d@example.com", thread, i);
}

static int suppress_try(struct ledger *on, const char *address, struct err *err)
{
	struct change_result r;
	struct change c = change_on(on, CHANGE_SUPPRESS, address, "acme");
	c.reason = REASON_UNSUBSCRIBE;
	return ledger_change(on, &c, &r, err);
}

/* ---- threads ---- */

struct worker {
	pthread_t thread;
	int number;
	_Atomic bool *stop;
	unsigned long looks;
};

static void *write_many(void *arg)
{
	const struct worker *w = arg;
	char address[40];
	struct err err = {0};
	for (int i = 0; i < CHANGES; i++) {
		numbered(address, w->number, i);
		if (suppress_try(l, address, &err) < 0)
			fail_msg("%s: %s", address, err.text);
		/* Durable means visible: at once, and for everybody. */
		assert_int_equal(rows_of(l, address), 1);
	}
	return NULL;
}

static void *look_always(void *arg)
{
	struct worker *w = arg;
	while (!*w->stop) {
		rows_of(l, "t0-p0@example.com");
		w->looks++;
	}
	return NULL;
}

static void many_threads(unsigned long *ret_looks)
{
	struct worker writers[THREADS], readers[2];
	_Atomic bool stop = false;
	for (int i = 0; i < 2; i++) {
		readers[i] = (struct worker){.stop = &stop};
		pthread_create(&readers[i].thread, NULL, look_always, &readers[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		writers[i] = (struct worker){.number = i};
		pthread_create(&writers[i].thread, NULL, write_many, &writers[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(writers[i].thread, NULL);
	stop = true;
	*ret_looks = 0;
	for (int i = 0; i < 2; i++) {
		pthread_join(readers[i].thread, NULL);
		*ret_looks += readers[i].looks;
	}
}

static void all_there_and_proved(struct ledger *on, uint64_t wanted)
{
	uint64_t good = 0;
	struct err err = {0};
	struct ledger_stats s;
	assert_int_equal(ledger_stats(on, &s, &err), 0);
	assert_int_equal(s.suppressions, wanted);
	if (ledger_journal_verify(on, &good, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(good, wanted);
}

static void threads_share_commits(void **state)
{
	unsigned long looks;
	(void)state;
	l = place_open(&place);
	many_threads(&looks);
	all_there_and_proved(l, THREADS * CHANGES);
	ledger_close(&l);
	l = place_open(&place);
	all_there_and_proved(l, THREADS * CHANGES);
}

/* The map has to grow several times, with readers about. */
static void a_full_map_grows(void **state)
{
	unsigned long looks;
	struct ledger_stats s;
	struct err err = {0};
	(void)state;
	place.settings.map_bytes = 64 << 10;
	l = place_open(&place);
	many_threads(&looks);
	all_there_and_proved(l, THREADS * CHANGES);
	assert_int_equal(ledger_stats(l, &s, &err), 0);
	assert_true(s.map_bytes > 64 << 10);
}

/* ---- other processes ---- */

static int child(void (*run)(int fd), int *ret_fd)
{
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	int pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		run(fds[1]);
		_exit(0);
	}
	close(fds[1]);
	*ret_fd = fds[0];
	return pid;
}

/* Writes the number of each change that was answered. */
static void answer_for_ever(int fd)
{
	char address[40];
	struct ledger *mine = place_open(&place);
	for (int i = 0;; i++) {
		numbered(address, 0, i);
		if (suppress_try(mine, address, NULL) < 0 || write(fd, &i, sizeof i) != sizeof i)
			_exit(1);
	}
}

static void answered_is_kept_through_kill(void **state)
{
	char address[40];
	(void)state;
	int answered = -1, fd, status;
	for (int round = 0; round < 5; round++) {
		int pid = child(answer_for_ever, &fd), wanted = 20 + 7 * round;
		while (answered < wanted && read(fd, &answered, sizeof answered) == sizeof answered)
			;
		kill(pid, SIGKILL);
		while (read(fd, &answered, sizeof answered) == sizeof answered)
			;
		close(fd);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		l = place_open(&place);
		for (int i = 0; i <= answered; i++) {
			numbered(address, 0, i);
			assert_int_equal(rows_of(l, address), 1);
		}
		/* One more may be on disk than was answered. */
		struct ledger_stats s;
		assert_int_equal(ledger_stats(l, &s, NULL), 0);
		assert_in_range(s.suppressions, (unsigned)answered + 1, (unsigned)answered + 2);
		all_there_and_proved(l, s.suppressions);
		ledger_close(&l);
		answered = -1;
	}
}

static void answer_some(int fd)
{
	char address[40];
	struct ledger *mine = place_open(&place);
	for (int i = 0; i < CHANGES; i++) {
		numbered(address, 1, i);
		if (suppress_try(mine, address, NULL) < 0 || write(fd, &i, sizeof i) != sizeof i)
			_exit(1);
	}
	ledger_close(&mine);
}

/* The tool beside the daemon: both write, both see the other's rows, either may outgrow the map. */
static void two_processes_share(void **state)
{
	char address[40];
	int fd, status, i;
	(void)state;
	place.settings.map_bytes = 64 << 10;
	l = place_open(&place); /* makes the keys */
	ledger_close(&l);
	int pid = child(answer_some, &fd);
	l = place_open(&place);
	for (int k = 0; k < CHANGES; k++) {
		numbered(address, 2, k);
		assert_int_equal(suppress_try(l, address, NULL), 0);
	}
	while (read(fd, &i, sizeof i) == sizeof i) {
		numbered(address, 1, i);
		assert_int_equal(rows_of(l, address), 1);
	}
	close(fd);
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	all_there_and_proved(l, 2 * CHANGES);
}

static void hold_a_reader_slot(int fd)
{
	int one = 1;
	struct ledger *mine = place_open(&place);
	rows_of(mine, "a@example.com");
	if (write(fd, &one, sizeof one) == sizeof one)
		pause();
	ledger_close(&mine);
}

/* No slot left is an answer; the slots of the dead come back. */
static void reader_slots_run_out(void **state)
{
	struct ledger *none = NULL;
	struct err err = {0};
	int fd, one;
	(void)state;
	place.settings.max_readers = 1;
	int pid = child(hold_a_reader_slot, &fd);
	assert_int_equal(read(fd, &one, sizeof one), sizeof one);
	assert_int_equal(ledger_open(&none, &place.settings, &test_clock, &err), -1);
	assert_int_equal(err.kind, ERR_UNAVAILABLE);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
	l = place_open(&place);
	assert_int_equal(rows_of(l, "a@example.com"), 0);
}

/* ---- a disk that says no ---- */

static void a_full_disk_is_answered(void **state)
{
	struct err err = {0};
	char address[40];
	struct rlimit was;
	int refused = 0;
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	l = place_open(&place);
	suppress_ok(l, "before@example.com", "", REASON_MANUAL);
	struct ledger_stats s;
	assert_int_equal(ledger_stats(l, &s, &err), 0);
	getrlimit(RLIMIT_FSIZE, &was);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){s.file_bytes, was.rlim_max});
	for (int i = 0; i < 200; i++) {
		numbered(address, 0, i);
		if (suppress_try(l, address, &err) == 0)
			continue;
		refused++;
		assert_int_equal(err.kind, ERR_UNAVAILABLE);
		assert_int_equal(rows_of(l, address), 0); /* and looks go on */
	}
	assert_true(refused > 0);
	assert_int_equal(rows_of(l, "before@example.com"), 1);
	setrlimit(RLIMIT_FSIZE, &was);
	for (int i = 0; i < 200; i++) {
		numbered(address, 0, i);
		if (suppress_try(l, address, &err) < 0)
			fail_msg("%s", err.text);
	}
	all_there_and_proved(l, 201);
}

/* LMDB gives an environment up when its meta page can't be written: the descriptor of that (O_DSYNC) is made unwritable. */
static int meta_fd(void)
{
	char path[64], target[256];
	for (int fd = 3; fd < 256; fd++) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, target, sizeof target - 1);
		if (n > 0 && view_ends(view_n(target, (size_t)n), V("data.mdb")) && fcntl(fd, F_GETFL) & O_DSYNC)
			return fd;
	}
	return -1;
}

static void a_given_up_environment_is_reopened(void **state)
{
	struct err err = {0};
	char path[128];
	(void)state;
	l = place_open(&place);
	suppress_ok(l, "before@example.com", "", REASON_MANUAL);
	int fd = meta_fd();
	if (fd < 0)
		skip();
	int was = dup(fd);
	snprintf(path, sizeof path, "%s/data.mdb", place.data);
	int unwritable = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(dup3(unwritable, fd, O_CLOEXEC) >= 0);
	assert_int_equal(suppress_try(l, "during@example.com", &err), -1);
	assert_int_equal(err.kind, ERR_UNAVAILABLE);
	/* Either it still fails, or the environment was opened anew on a descriptor of its own: never a wrong answer. */
	assert_int_equal(rows_of(l, "before@example.com"), 1);
	assert_int_equal(rows_of(l, "during@example.com"), 0);
	close(unwritable);
	close(was);
	assert_int_equal(suppress_try(l, "after@example.com", &err), 0);
	assert_int_equal(rows_of(l, "after@example.com"), 1);
	all_there_and_proved(l, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answered_is_kept_through_kill, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_processes_share, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reader_slots_run_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(threads_share_commits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_map_grows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_disk_is_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_given_up_environment_is_reopened, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
