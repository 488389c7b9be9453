/* The spool's figures: durable submissions against one file a message in the same run, the way out, a queue of a million.
 *
 *     spool [directory [items]]      the directory's file system is what is measured */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "spool/spool.h"

#define SECONDS   2
#define ROUNDS    3
#define MESSAGE   10240
#define SAMPLES   400000
#define PRODUCERS 256

static char root[200], message[MESSAGE];
static struct spool *spool;
static _Atomic bool stop;
static _Atomic uint64_t sent;
static double *took_us;
static int files_fd;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(int rc, const struct err *err)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

static void open_spool(void)
{
	struct err err;
	char dir[256];
	snprintf(dir, sizeof dir, "%s/spool", root);
	check(spool_open(&spool, &(struct spool_settings){.dir = dir}, &clock_system, &err), &err);
}

static void clean(void)
{
	char command[600];
	snprintf(command, sizeof command, "rm -rf %s/spool %s/files", root, root);
	if (system(command) != 0)
		exit(1);
}

/* ---- producers who wait ---- */

struct answer {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
};

static void answered(void *arg, const struct err *err)
{
	struct answer *a = arg;
	if (err)
		check(-1, err);
	pthread_mutex_lock(&a->lock);
	a->done = true;
	pthread_cond_signal(&a->cond);
	pthread_mutex_unlock(&a->lock);
}

static void submit_one(struct answer *a, size_t bytes)
{
	char lane[40];
	uint64_t id = spool_new_id(spool);
	snprintf(lane, sizeof lane, "brand/offers@example-%llu.com", (unsigned long long)id % 100);
	struct spool_new_item item = {view_of(lane), V("recipient@example.com and what else is known"), false};
	struct spool_submission sub = {V("sender@brand.example"), view_n(message, bytes), &item, 1, false};
	a->done = false;
	spool_submit(spool, id, &sub, answered, a);
	pthread_mutex_lock(&a->lock);
	while (!a->done)
		pthread_cond_wait(&a->cond, &a->lock);
	pthread_mutex_unlock(&a->lock);
}

static void file_one(unsigned long long n)
{
	char tmp[40], name[40];
	snprintf(tmp, sizeof tmp, "tmp-%llu", n);
	snprintf(name, sizeof name, "msg-%llu", n);
	int fd = openat(files_fd, tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, message, MESSAGE) != MESSAGE || fdatasync(fd) < 0)
		exit(1);
	close(fd);
	if (renameat(files_fd, tmp, files_fd, name) < 0 || fsync(files_fd) < 0)
		exit(1);
}

static void *produce(void *arg)
{
	bool files = arg;
	struct answer a = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
	while (!stop) {
		double from = now();
		uint64_t n = atomic_fetch_add(&sent, 1);
		if (files)
			file_one(n);
		else
			submit_one(&a, MESSAGE);
		if (n < SAMPLES)
			took_us[n] = (now() - from) * 1e6;
	}
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double run_producers(const char *what, unsigned producers, bool files)
{
	pthread_t t[PRODUCERS];
	struct spool_stats before = {0}, after = {0};
	if (spool)
		spool_stats(spool, &before);
	stop = false;
	sent = 0;
	double from = now();
	for (unsigned i = 0; i < producers; i++)
		pthread_create(&t[i], NULL, produce, files ? &stop : NULL);
	sleep(SECONDS);
	stop = true;
	for (unsigned i = 0; i < producers; i++)
		pthread_join(t[i], NULL);
	double rate = (double)sent / (now() - from);
	size_t n = sent < SAMPLES ? sent : SAMPLES;
	qsort(took_us, n, sizeof *took_us, by_size);
	if (spool)
		spool_stats(spool, &after);
	printf("  %-18s %3u producers %8.0f /s   p50 %6.0f us  p99 %6.0f us  max %7.0f us", what, producers, rate, took_us[n / 2],
	    took_us[n * 99 / 100], took_us[n - 1]);
	if (!files)
		printf("   %.3f syncs a message", (double)(after.syncs - before.syncs) / (double)sent);
	putchar('\n');
	return rate;
}

static double spool_rate(const char *what, unsigned producers)
{
	return run_producers(what, producers, false);
}

static double file_rate(unsigned producers)
{
	char dir[256];
	struct err err;
	snprintf(dir, sizeof dir, "%s/files", root);
	check(dir_make(dir, 0700, &err), &err);
	files_fd = open(dir, O_RDONLY | O_DIRECTORY);
	double rate = run_producers("file a message", producers, true);
	close(files_fd);
	return rate;
}

static void compare_with_files(void)
{
	static const unsigned producers[] = {1, 16, 20, 64};
	puts("durable submissions of 10 KiB");
	for (size_t i = 0; i < sizeof producers / sizeof *producers; i++) {
		open_spool();
		double s = spool_rate("spool", producers[i]);
		spool_close(&spool);
		clean();
		double f = file_rate(producers[i]);
		clean();
		printf("spool to one file a message, %u producers: %.1f\n", producers[i], s / f);
	}
}

/* ---- the way out ---- */

static _Atomic uint64_t settled, drain_most;

static void *consume(void *arg)
{
	uint32_t lane;
	int64_t next;
	bool some = true;
	(void)arg;
	while (some && !stop) {
		struct spool_item it;
		struct spool_bytes b;
		struct err err;
		some = spool_ready_lane(spool, clock_wall(&clock_system), &lane, &next);
		while (some && !stop && spool_take(spool, lane, clock_wall(&clock_system), &it)) {
			check(spool_read(spool, &it, &b, &err), &err);
			spool_release_bytes(&b);
			spool_settle(spool, &it, SPOOL_DELIVERED);
			if (++settled >= drain_most)
				stop = true;
		}
	}
	return NULL;
}

static double drain(const char *what, unsigned threads, uint64_t most)
{
	pthread_t t[16];
	settled = 0;
	drain_most = most;
	stop = false;
	double from = now();
	for (unsigned i = 0; i < threads; i++)
		pthread_create(&t[i], NULL, consume, NULL);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	double spent = now() - from;
	printf("  %-18s %3u threads   %8.0f /s\n", what, threads, (double)settled / spent);
	return (double)settled / spent;
}

static void way_out(void)
{
	puts("take, read, settle");
	for (unsigned threads = 1; threads <= 4; threads *= 4) {
		open_spool();
		spool_rate("(filled)", 64);
		drain("10 KiB", threads, UINT64_MAX);
		spool_close(&spool);
		clean();
	}
}

/* ---- a long queue ---- */

static _Atomic uint64_t in_flight;

static void counted(void *arg, const struct err *err)
{
	(void)arg;
	if (err)
		check(-1, err);
	in_flight--;
}

static long resident_kib(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f && fscanf(f, "%*s %ld", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void fill(uint64_t items)
{
	for (uint64_t i = 0; i < items; i++) {
		char lane[40];
		snprintf(lane, sizeof lane, "brand/offers@example-%llu.com", (unsigned long long)i % 1000);
		struct spool_new_item item = {view_of(lane), V("recipient@example.com and what else is known"), false};
		struct spool_submission sub = {V("sender@brand.example"), view_n(message, 300), &item, 1, false};
		while (in_flight > 2000)
			usleep(50);
		in_flight++;
		spool_submit(spool, spool_new_id(spool), &sub, counted, NULL);
	}
	while (in_flight)
		usleep(50);
}

/* Half of them tried once already. */
static void defer_some(uint64_t items)
{
	uint32_t lane;
	int64_t next;
	struct spool_item it;
	uint64_t n = 0;
	while (n < items / 2 && spool_ready_lane(spool, clock_wall(&clock_system), &lane, &next))
		for (; n < items / 2 && spool_take(spool, lane, clock_wall(&clock_system), &it); n++)
			spool_defer(spool, &it, clock_wall(&clock_system) + 3600000 + (int64_t)(n * 7919 % 3600000), true);
}

static void first_item(const char *what, double from)
{
	uint32_t lane;
	int64_t next;
	struct spool_item it;
	struct spool_bytes b;
	struct err err;
	if (!spool_ready_lane(spool, clock_wall(&clock_system), &lane, &next) ||
	    !spool_take(spool, lane, clock_wall(&clock_system), &it))
		exit(1);
	check(spool_read(spool, &it, &b, &err), &err);
	spool_release_bytes(&b);
	printf("  %-40s %6.2f s to the first item, read\n", what, now() - from);
}

/* The same producers into the long queue and into one that is nearly empty, by turns. */
static void compare_with_empty(const char *when)
{
	static struct spool *other;
	struct spool *full = spool;
	struct err err;
	char dir[256];
	double rates[2] = {0};
	snprintf(dir, sizeof dir, "%s/files", root);
	check(spool_open(&other, &(struct spool_settings){.dir = dir}, &clock_system, &err), &err);
	for (int round = 0; round < ROUNDS; round++) {
		spool = full;
		rates[0] += spool_rate("into a full one", 16);
		spool = other;
		rates[1] += spool_rate("into an empty one", 16);
	}
	spool_close(&other);
	spool = full;
	printf("  accept, full to empty, %s: %.2f\n", when, rates[0] / rates[1]);
}

static void long_queue(uint64_t items)
{
	char command[300];
	struct spool_stats st;
	printf("a queue of %llu\n", (unsigned long long)items);
	open_spool();
	spool_rate("(filled)", 64);
	double empty = drain("way out, empty", 2, items / 10);
	spool_close(&spool);
	clean();
	long before = resident_kib();
	open_spool();
	double from = now();
	fill(items);
	printf("  filled in %.1f s\n", now() - from);
	spool_stats(spool, &st);
	printf("  memory %.1f bytes an item, none deferred\n", (double)(resident_kib() - before) * 1024 / (double)items);
	compare_with_empty("just filled");
	spool_stats(spool, &st);
	defer_some(st.items);
	spool_stats(spool, &st);
	printf("  memory %.1f bytes an item, half of them deferred; %llu segments\n",
	    (double)(resident_kib() - before) * 1024 / (double)st.items, (unsigned long long)st.segments);
	compare_with_empty("half deferred");
	double full = drain("way out, full", 2, items / 10);
	printf("  way out, full to empty: %.2f\n", full / empty);
	from = now();
	spool_close(&spool);
	printf("  closed in %.2f s\n", now() - from);
	from = now();
	open_spool();
	first_item("opened with its checkpoint", from);
	spool_close(&spool);
	snprintf(command, sizeof command, "rm -f %s/spool/index-*", root);
	if (system(command) != 0)
		exit(1);
	from = now();
	open_spool();
	first_item("opened without one: the whole log read", from);
	spool_close(&spool);
	clean();
}

int main(int argc, char **argv)
{
	snprintf(root, sizeof root, "%s/spool-bench.XXXXXX", argc > 1 ? argv[1] : "/var/tmp");
	if (!mkdtemp(root))
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	took_us = mem_zero(SAMPLES * sizeof *took_us);
	memset(message, 'm', sizeof message);
	compare_with_files();
	way_out();
	long_queue(argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000);
	free(took_us);
	return rmdir(root);
}
