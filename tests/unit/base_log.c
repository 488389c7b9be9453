/* base: the log's order, its count of dropped lines, and how soon a line is written. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define THREADS 4
#define LINES   20000

static void *talk(void *arg)
{
	for (int i = 0; i < LINES; i++)
		log_event(LOG_LEVEL_INFO, "test.line", "thread=%d number=%d", *(int *)arg, i);
	return NULL;
}

/* Every line is there in its thread's order, or counted as dropped. */
static void threads_keep_order(void **state)
{
	(void)state;
	char path[] = "/tmp/optgate-log-XXXXXX";
	int fd = mkstemp(path), numbers[THREADS];
	struct err err;
	pthread_t threads[THREADS];
	log_set_fd(fd);
	assert_int_equal(log_start(&err), 0);
	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, talk, &numbers[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	log_stop();
	log_set_fd(2);
	struct buf text;
	buf_init(&text, 64u << 20);
	assert_int_equal(file_read(path, &text, &err), 0);
	struct view rest = buf_view(&text), line;
	int last[THREADS] = {-1, -1, -1, -1};
	unsigned long seen = 0, dropped = 0, lost;
	while (view_cut(&rest, '\n', &line)) {
		char one[200];
		int thread, number;
		view_str(line, one, sizeof one);
		if (sscanf(one, "<6>test.line thread=%d number=%d", &thread, &number) == 2) {
			assert_true(number > last[thread]);
			last[thread] = number;
			seen++;
		} else {
			assert_int_equal(sscanf(one, "<4>log.dropped lines=%lu", &lost), 1);
			dropped += lost;
		}
	}
	assert_int_equal(seen + dropped, THREADS * LINES);
	buf_free(&text);
	unlink(path);
	close(fd);
}

static int64_t waited_for_line(int fd, enum log_level level)
{
	char line[200];
	struct pollfd p = {fd, POLLIN, 0};
	int64_t from = clock_mono(&clock_system);
	log_event(level, "test.line", "x=1");
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_true(read(fd, line, sizeof line) > 0);
	return clock_mono(&clock_system) - from;
}

static void lines_come_soon(void **state)
{
	(void)state;
	int ends[2];
	struct err err;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	log_set_fd(ends[1]);
	assert_int_equal(log_start(&err), 0);
	usleep(60000); /* asleep */
	int64_t best = 1000;
	for (int i = 0; i < 20; i++) { /* from here on it naps: an error does not wait for the nap's end */
		int64_t waited = waited_for_line(ends[0], LOG_LEVEL_ERROR);
		best = waited < best ? waited : best;
	}
	assert_true(best < 10);
	assert_true(waited_for_line(ends[0], LOG_LEVEL_INFO) < 2000);
	log_stop();
	log_set_fd(2);
	log_stop(); /* once more does no harm */
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(threads_keep_order), cmocka_unit_test(lines_come_soon)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
