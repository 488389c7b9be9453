/* spool: cut at any byte, torn, refused by the disk, killed: what was answered is there, what was settled stays settled. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "../../src/spool/io.h"
#include "spool_help.h"

static char dir[64], copy[64];

static int setup(void **state)
{
	*state = NULL;
	make_dir(dir);
	make_dir(copy);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	remove_dir(dir);
	remove_dir(copy);
	return 0;
}

/* ---- cuts ---- */

#define STEPS 6
static struct {
	uint64_t id, end; /* the log's length when it was answered */
	uint64_t gone;    /* a message that is settled with it; 0: none */
} steps[STEPS];

static void keep_short(struct spool *s, uint64_t id)
{
	struct spool_new_item items[2] = {{V("lane"), V("first"), false}, {V("lane"), V("second"), false}};
	struct spool_submission sub = {V("envelope"), V("a message"), items, 2, false};
	assert_int_equal(submit_and_wait(s, id, &sub), ERR_NONE);
}

static void settle_message(struct spool *s, uint64_t id)
{
	struct spool_item it;
	for (int i = 0; i < 2; i++) {
		assert_true(take_any(s, &it));
		assert_int_equal(it.id, id);
		spool_settle(s, &it, SPOOL_DELIVERED);
	}
}

static void fill_log(void)
{
	struct spool *s = open_spool(dir);
	struct spool_stats st;
	for (int i = 0; i < STEPS; i++) {
		steps[i].id = spool_new_id(s);
		steps[i].gone = i >= 2 && i % 2 ? steps[(i - 2) / 2].id : 0;
		if (steps[i].gone)
			settle_message(s, steps[i].gone);
		keep_short(s, steps[i].id);
		spool_stats(s, &st);
		steps[i].end = st.bytes;
	}
	copy_dir(dir, copy);
	spool_abandon(&s);
}

static bool see_row(void *arg, const struct spool_row *row)
{
	unsigned *seen = arg;
	int i = 0;
	while (i < STEPS && steps[i].id != row->id)
		i++;
	assert_in_range(i, 0, STEPS - 1);
	assert_int_equal(row->state, SPOOL_STATE_DUE);
	seen[i]++;
	return true;
}

/* All that the first END bytes of the log say yes to; more may be there, but whole. */
static void check_after_cut(uint64_t end)
{
	struct spool *s = open_spool(copy);
	struct spool_bytes b;
	struct err err;
	unsigned seen[STEPS] = {0};
	spool_each(s, see_row, seen);
	for (int i = 0; i < STEPS; i++) {
		bool gone = false, maybe_gone = false;
		for (int k = 0; k < STEPS; k++) {
			gone = gone || (steps[k].gone == steps[i].id && steps[k].end <= end);
			maybe_gone = maybe_gone || (steps[k].gone == steps[i].id && (!k || steps[k - 1].end <= end));
		}
		if (gone)
			assert_int_equal(seen[i], 0);
		else if (steps[i].end <= end && !maybe_gone)
			assert_int_equal(seen[i], 2);
		for (uint32_t n = 0; seen[i] && n < 2; n++) {
			assert_int_equal(spool_peek(s, steps[i].id, n, &b, &err), 0);
			assert_true(view_eq(b.message, V("a message")));
			spool_release_bytes(&b);
		}
	}
	keep_short(s, spool_new_id(s)); /* and goes on */
	spool_abandon(&s);
}

enum damage { CUT, ZEROS, NOISE, HOLE, DAMAGES };

/* HOLE: 16 bytes went missing, those behind them didn't. */
static void damage_log(const char *path, const char *name, void *arg)
{
	const struct {
		uint64_t at;
		enum damage how;
	} *d = arg;
	char bytes[4096] = {0};
	if (!strstr(name, ".log"))
		return;
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	for (size_t i = 0; d->how == NOISE && i < sizeof bytes; i++)
		bytes[i] = (char)(i * i + d->at);
	if (d->how == CUT)
		assert_int_equal(ftruncate(fd, (off_t)d->at), 0);
	else
		assert_true(pwrite(fd, bytes, d->how == HOLE ? 16 : sizeof bytes, (off_t)d->at) > 0);
	close(fd);
}

static void a_log_may_end_at_any_byte(void **state)
{
	(void)state;
	char whole[64];
	fill_log();
	make_dir(whole);
	copy_dir(copy, whole);
	struct {
		uint64_t at;
		enum damage how;
	} d;
	for (d.how = CUT; d.how < DAMAGES; d.how++) {
		/* A hole can only be where nothing was synced yet: in the last batch. */
		for (d.at = d.how == HOLE ? steps[STEPS - 2].end : 48; d.at <= steps[STEPS - 1].end; d.at++) {
			copy_dir(whole, copy);
			each_file(copy, damage_log, &d);
			check_after_cut(d.at);
		}
	}
	remove_dir(whole);
}

/* A byte that went bad in what was synced long ago costs the record that it is in, and no other. */
static void damage_in_the_middle_costs_one_record(void **state)
{
	(void)state;
	struct spool *s;
	struct spool_stats st;
	fill_log();
	struct {
		uint64_t at;
		enum damage how;
	} d = {steps[0].end + 30, HOLE};
	each_file(copy, damage_log, &d);
	s = open_spool(copy);
	spool_stats(s, &st);
	assert_true(st.damaged_bytes > 0);
	assert_true(st.items == 2 * (STEPS - 3) || st.items == 2 * (STEPS - 2));
	spool_close(&s);
}

/* Either checkpoint, or none: the same queue. */
static void break_newest(const char *path, const char *name, void *arg)
{
	(void)arg;
	if (strstr(name, ".ckpt") && truncate(path, 40) < 0)
		fail();
}

static void a_broken_checkpoint_is_done_without(void **state)
{
	(void)state;
	struct spool *s = open_spool(dir);
	struct spool_item it;
	for (int i = 0; i < 50; i++)
		keep(s, 3);
	for (int i = 0; i < 70; i++) {
		assert_true(take_any(s, &it));
		if (i % 3)
			spool_settle(s, &it, SPOOL_DELIVERED);
		else
			spool_defer(s, &it, hand.now + 10 + i, true);
	}
	spool_close(&s);
	uint64_t expect = 150 - 46;
	each_file(dir, break_newest, NULL);
	s = open_spool(dir);
	assert_int_equal(items_in(s), expect);
	spool_close(&s);
	s = open_spool(dir);
	assert_int_equal(items_in(s), expect);
	spool_close(&s);
}

/* ---- a disk that refuses ---- */

static struct {
	_Atomic int write_errno, sync_errno; /* 0: works */
	_Atomic bool short_writes;
} fault;

static ssize_t bad_pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
	if (fault.write_errno) {
		if (iov->iov_len > 1) /* part of it gets there */
			(void)!pwrite(fd, iov->iov_base, iov->iov_len / 2, offset);
		errno = fault.write_errno;
		return -1;
	}
	if (fault.short_writes && iov->iov_len > 1)
		return pwrite(fd, iov->iov_base, 1 + iov->iov_len / 3, offset);
	return pwritev(fd, iov, count, offset);
}

static int bad_fdatasync(int fd)
{
	if (fault.sync_errno) {
		errno = fault.sync_errno;
		return -1;
	}
	return fdatasync(fd);
}

static int no_reserve(int fd, off_t bytes)
{
	(void)fd;
	(void)bytes;
	errno = EOPNOTSUPP;
	return -1;
}

static int much_free(int dir_fd, uint64_t *ret)
{
	(void)dir_fd;
	*ret = UINT64_MAX;
	return 0;
}

static const struct spool_io bad_io = {bad_pwritev, bad_fdatasync, no_reserve, much_free};

static struct spool *open_bad(void)
{
	struct spool *s = NULL;
	struct err err;
	struct spool_settings set = {.dir = dir, .segment_bytes = 1 << 14};
	assert_int_equal(spool_open_on(&s, &set, &hand.clock, &bad_io, &err), 0);
	return s;
}

static void short_writes_are_finished(void **state)
{
	(void)state;
	struct spool *s = open_bad();
	struct spool_bytes b;
	struct err err;
	uint64_t ids[20];
	fault.short_writes = true;
	for (int i = 0; i < 20; i++)
		ids[i] = keep(s, 2);
	fault.short_writes = false;
	spool_abandon(&s);
	s = open_spool(dir);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(spool_peek(s, ids[i], 1, &b, &err), 0);
		assert_true(bytes_are_right(&b, ids[i], 1));
		spool_release_bytes(&b);
	}
	spool_close(&s);
}

#define FAULTY_ROUNDS 300
static void a_refusing_disk_loses_nothing(void **state)
{
	(void)state;
	static const int errnos[] = {ENOSPC, EIO, EDQUOT};
	struct spool *s = open_bad();
	struct spool_item it;
	struct spool_bytes b;
	struct err err;
	uint64_t seed = 7, kept[FAULTY_ROUNDS];
	unsigned n = 0, done = 0;
	for (int i = 0; i < FAULTY_ROUNDS; i++) {
		struct sample m;
		uint64_t id = spool_new_id(s);
		int what = (int)dice(&seed, 4);
		sample_fill(&m, id, 1, 1);
		fault.write_errno = what == 1 ? errnos[dice(&seed, 3)] : 0;
		fault.sync_errno = what == 2 ? EIO : 0;
		enum err_kind kind = submit_and_wait(s, id, &m.sub);
		assert_int_equal(kind, what == 1 || what == 2 ? ERR_SYSTEM : ERR_NONE);
		if (kind == ERR_NONE)
			kept[n++] = id;
		/* Settled while the disk refuses, too: the records wait until it doesn't. */
		if (dice(&seed, 2) && take_any(s, &it)) {
			assert_int_equal(it.id, kept[done++]);
			assert_int_equal(spool_read(s, &it, &b, &err), 0);
			assert_true(bytes_are_right(&b, it.id, 0));
			spool_release_bytes(&b);
			spool_settle(s, &it, SPOOL_DELIVERED);
		}
	}
	fault.write_errno = fault.sync_errno = 0;
	(void)keep(s, 1); /* the states go out with it */
	spool_abandon(&s);
	s = open_spool(dir);
	assert_int_equal(items_in(s), n - done + 1);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(spool_peek(s, kept[i], 0, &b, &err), i < done ? -1 : 0);
		if (i >= done)
			spool_release_bytes(&b);
	}
	spool_close(&s);
}

static void an_act_that_cannot_be_kept_says_so(void **state)
{
	(void)state;
	struct spool *s = open_bad();
	struct err err = {0};
	uint64_t n;
	keep(s, 3);
	fault.sync_errno = EIO;
	assert_int_equal(spool_act_on(s, SPOOL_HOLD, NULL, NULL, &n, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	fault.sync_errno = 0;
	assert_int_equal(spool_act_on(s, SPOOL_RELEASE, NULL, NULL, &n, &err), 0);
	assert_int_equal(n, 3);
	spool_close(&s);
}

/* ---- kill -9 ---- */

struct word {
	char what; /* K: kept; S: about to be settled; D: settled and durable */
	uint64_t id;
};

static struct spool *child_spool;
static int child_pipe;

static void say(char what, uint64_t id)
{
	struct word w;
	memset(&w, 0, sizeof w);
	w.what = what;
	w.id = id;
	if (write(child_pipe, &w, sizeof w) != sizeof w)
		_exit(1);
}

static void *child_producer(void *arg)
{
	(void)arg;
	for (;;)
		say('K', keep(child_spool, 1));
	return NULL;
}

static void child(const char *where, int fd)
{
	struct spool_settings set = {.dir = where, .segment_bytes = 1 << 17, .min_free_bytes = 1, .checkpoint_records = 100};
	struct err err;
	pthread_t t[3];
	struct spool_item it;
	child_pipe = fd;
	if (spool_open(&child_spool, &set, &clock_system, &err) < 0)
		_exit(2);
	hand.now = clock_wall(&clock_system);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, child_producer, NULL);
	for (unsigned n = 0;; n++) {
		hand.now = clock_wall(&clock_system);
		if (!take_any(child_spool, &it))
			continue;
		if (n % 4 == 0) {
			spool_defer(child_spool, &it, hand.now + 60000, true);
			continue;
		}
		say('S', it.id);
		spool_settle(child_spool, &it, SPOOL_DELIVERED);
		if (n % 8 == 1) {
			say('K', keep(child_spool, 1));
			say('D', it.id);
		}
	}
}

struct words {
	struct word rows[200000];
	size_t count;
};

static void listen_and_kill(pid_t pid, int fd, unsigned after_us, struct words *w)
{
	/* From its first word on, so that a slow start is no empty round. */
	if (read(fd, &w->rows[w->count], sizeof *w->rows) == sizeof *w->rows)
		w->count++;
	usleep(after_us);
	kill(pid, SIGKILL);
	while (w->count < 200000 && read(fd, &w->rows[w->count], sizeof *w->rows) == sizeof *w->rows)
		w->count++;
	close(fd);
	waitpid(pid, NULL, 0);
}

static void nothing_answered_is_lost_by_a_kill(void **state)
{
	(void)state;
	struct words *w = mem_zero(sizeof *w);
	uint64_t seed = (uint64_t)getpid();
	for (int round = 0; round < 15; round++) {
		int fds[2];
		assert_int_equal(pipe(fds), 0);
		pid_t pid = fork();
		if (pid == 0) {
			close(fds[0]);
			child(dir, fds[1]);
		}
		close(fds[1]);
		listen_and_kill(pid, fds[0], 1000 + dice(&seed, 60000), w);
		struct spool *s = open_spool(dir);
		for (size_t i = 0; i < w->count; i++) {
			struct spool_bytes b;
			struct err err;
			uint64_t id = w->rows[i].id;
			bool settled = false, durable = false;
			for (size_t k = w->rows[i].what == 'K' ? 0 : w->count; k < w->count; k++) {
				settled = settled || (w->rows[k].id == id && w->rows[k].what == 'S');
				durable = durable || (w->rows[k].id == id && w->rows[k].what == 'D');
			}
			bool there = spool_peek(s, id, 0, &b, &err) == 0;
			if (there) {
				assert_true(bytes_are_right(&b, id, 0));
				spool_release_bytes(&b);
			}
			if (w->rows[i].what == 'K' && !settled)
				assert_true(there);
			if (durable || w->rows[i].what == 'D')
				assert_false(there);
		}
		uint64_t count;
		struct err err;
		assert_int_equal(spool_act_on(s, SPOOL_DROP, NULL, NULL, &count, &err), 0);
		w->count = 0;
		spool_close(&s);
	}
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_log_may_end_at_any_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_in_the_middle_costs_one_record, setup, teardown),
		cmocka_unit_test_setup_teardown(a_broken_checkpoint_is_done_without, setup, teardown),
		cmocka_unit_test_setup_teardown(short_writes_are_finished, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusing_disk_loses_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(an_act_that_cannot_be_kept_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_answered_is_lost_by_a_kill, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
