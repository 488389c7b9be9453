/* Noting and writing. Two buffers: one that is noted into, one that is being written; the writer swaps them under the lock. */
#include "decisions/decisions.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/counter.h"
#include "base/file.h"
#include "base/log.h"
#include "files.h"

#define DAY_MS INT64_C(86400000)
#define PRUNE_EVERY_MS INT64_C(600000)

COUNTER(noted, "optgate_decisions_total{result=\"kept\"}", "Decisions for the decision log");
COUNTER(lost, "optgate_decisions_total{result=\"lost\"}", "Decisions for the decision log");

struct decisions {
	char *dir;
	struct decisions_settings settings;
	const struct clock *clock;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct buf pending; /* lock */
	bool stopping;      /* lock */
	/* the writer's own */
	struct buf writing;
	int fd;
	int64_t start_ms, pruned_ms;
	uint64_t bytes;
	bool failing;
};

/* ---- files ---- */

static int file_begin(struct decisions *d, struct err *err)
{
	char name[FILE_NAME], path[PATH_MAX];
	int64_t now = clock_wall(d->clock);
	d->start_ms = now > d->start_ms ? now : d->start_ms + 1;
	for (int i = 0; i < 1000; i++, d->start_ms++) {
		file_name(d->start_ms, name);
		if (path_join(path, sizeof path, d->dir, name, err) < 0)
			return -1;
		d->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
		if (d->fd >= 0 || errno != EEXIST)
			break;
	}
	if (d->fd < 0)
		return err_sys(err, "%s", path);
	d->bytes = sizeof FILE_MAGIC - 1;
	return write_all_at(d->fd, V(FILE_MAGIC), 0, err);
}

static void file_end(struct decisions *d)
{
	if (d->fd >= 0) {
		(void)fdatasync(d->fd);
		close(d->fd);
	}
	d->fd = -1;
}

static int prune(struct decisions *d, struct err *err)
{
	int64_t now = clock_mono(d->clock);
	if (d->pruned_ms && now - d->pruned_ms < PRUNE_EVERY_MS)
		return 0;
	d->pruned_ms = now;
	return files_prune(d->dir, d->start_ms, clock_wall(d->clock) - d->settings.keep_ms, d->settings.max_bytes, err);
}

static int put(struct decisions *d, struct err *err)
{
	bool full = d->bytes + d->writing.n > DECISIONS_FILE_MAX || clock_wall(d->clock) - d->start_ms > DAY_MS;
	if (d->fd >= 0 && full) {
		file_end(d);
		d->pruned_ms = 0;
	}
	if (d->fd < 0 && file_begin(d, err) < 0)
		return -1;
	if (write_all_at(d->fd, buf_view(&d->writing), (off_t)d->bytes, err) < 0) {
		file_end(d); /* whatever stands there now is torn: the next goes into a file of its own */
		return -1;
	}
	d->bytes += d->writing.n;
	return 0;
}

/* A full disk costs decisions, never mail. Said once, until it works again. */
static void write_out(struct decisions *d)
{
	struct err err;
	int rc = d->writing.n ? put(d, &err) : 0;
	if (rc == 0)
		rc = prune(d, &err);
	if (rc < 0 && !d->failing)
		log_event(LOG_LEVEL_ERROR, "decisions.write.fail", "why=\"%s\"", err.text);
	d->failing = rc < 0;
	buf_clear(&d->writing);
}

static void wait_a_little(struct decisions *d)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += DECISIONS_WRITE_MS * 1000000l;
	until.tv_sec += until.tv_nsec / 1000000000l;
	until.tv_nsec %= 1000000000l;
	pthread_cond_timedwait(&d->wake, &d->lock, &until);
}

static void *write_main(void *arg)
{
	struct decisions *d = arg;
	bool stopping = false;
	while (!stopping) {
		pthread_mutex_lock(&d->lock);
		if (!d->stopping)
			wait_a_little(d);
		struct buf full = d->pending;
		d->pending = d->writing;
		d->writing = full;
		stopping = d->stopping;
		pthread_mutex_unlock(&d->lock);
		write_out(d);
	}
	return NULL;
}

/* ---- the room's door ---- */

static void release(struct decisions *d)
{
	file_end(d);
	buf_free(&d->pending);
	buf_free(&d->writing);
	free(d->dir);
	free(d);
}

int decisions_open(struct decisions **ret, const struct decisions_settings *s, const struct clock *clock, struct err *err)
{
	struct decisions *d = mem_zero(sizeof *d);
	d->settings = *s;
	d->dir = mem_strdup(s->dir);
	d->clock = clock;
	d->fd = -1;
	buf_init(&d->pending, DECISIONS_MEMORY / 2);
	buf_init(&d->writing, DECISIONS_MEMORY / 2);
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->wake, &attr);
	pthread_condattr_destroy(&attr);
	int rc = dir_make(s->dir, 0700, err);
	if (rc == 0 && (errno = pthread_create(&d->thread, NULL, write_main, d)) != 0)
		rc = err_sys(err, "decisions: thread");
	if (rc < 0) {
		release(d);
		return -1;
	}
	*ret = d;
	return 0;
}

void decisions_note(struct decisions *d, const struct decision *x)
{
	char bytes[1100];
	if (!d)
		return;
	struct buf one = {.p = bytes, .cap = sizeof bytes, .max = sizeof bytes}; /* never grows: a frame is smaller */
	decision_write(&one, x);
	pthread_mutex_lock(&d->lock);
	bool fits = !one.failed && d->pending.n + one.n <= d->pending.max;
	if (fits)
		buf_add(&d->pending, buf_view(&one));
	if (d->pending.n > d->pending.max / 2)
		pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	counter_add(fits ? &noted : &lost, 1);
}

void decisions_close(struct decisions **dp)
{
	struct decisions *d = *dp;
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	release(d);
	*dp = NULL;
}
