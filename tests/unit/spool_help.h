/* What the spool's tests share: directories of their own, a clock that is moved by hand, submissions that wait for their answer. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "spool/spool.h"

static inline void make_dir(char dst[64])
{
	/* Memory will do where what a disk does is not the question. */
	snprintf(dst, 64, "%s/spool-test.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dst));
}

/* Files of a directory, not deeper. */
static inline void each_file(const char *dir, void (*each)(const char *path, const char *name, void *arg), void *arg)
{
	char path[512];
	DIR *d = opendir(dir);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		each(path, e->d_name, arg);
	}
	closedir(d);
}

static inline void remove_one(const char *path, const char *name, void *arg)
{
	(void)name;
	(void)arg;
	unlink(path);
}

static inline void remove_dir(const char *dir)
{
	each_file(dir, remove_one, NULL);
	rmdir(dir);
}

static inline void copy_one(const char *path, const char *name, void *arg)
{
	char to[512];
	struct err err;
	struct buf b;
	snprintf(to, sizeof to, "%s/%s", (const char *)arg, name);
	buf_init(&b, 1u << 30);
	assert_int_equal(file_read(path, &b, &err), 0);
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write_all_at(fd, buf_view(&b), 0, &err), 0);
	close(fd);
	buf_free(&b);
}

/* What a power cut leaves, if all that was written had reached the disk. */
static inline void copy_dir(const char *from, const char *to)
{
	each_file(to, remove_one, NULL);
	each_file(from, copy_one, (void *)(uintptr_t)to);
}

struct hand_clock {
	struct clock clock;
	_Atomic int64_t now;
};
static inline int64_t hand_now(const struct clock *c)
{
	return ((const struct hand_clock *)(const void *)c)->now;
}
static struct hand_clock hand = {{hand_now, hand_now}, 1000000};

static inline struct spool *open_spool_with(const char *dir, struct spool_settings set)
{
	struct spool *s = NULL;
	struct err err = {0};
	set.dir = dir;
	if (!set.min_free_bytes)
		set.min_free_bytes = 1;
	if (!set.segment_bytes)
		set.segment_bytes = 1 << 16;
	if (spool_open(&s, &set, &hand.clock, &err) < 0)
		fail_msg("spool_open: %s", err.text);
	return s;
}

static inline struct spool *open_spool(const char *dir)
{
	return open_spool_with(dir, (struct spool_settings){0});
}

/* ---- submissions that wait ---- */

struct answer {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	struct err err; /* .kind ERR_NONE: durable */
};

static inline void answered(void *arg, const struct err *err)
{
	struct answer *a = arg;
	pthread_mutex_lock(&a->lock);
	a->done = true;
	if (err)
		a->err = *err;
	pthread_cond_signal(&a->cond);
	pthread_mutex_unlock(&a->lock);
}

static inline enum err_kind submit_and_wait(struct spool *s, uint64_t id, const struct spool_submission *sub)
{
	struct answer a = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
	spool_submit(s, id, sub, answered, &a);
	pthread_mutex_lock(&a.lock);
	while (!a.done)
		pthread_cond_wait(&a.cond, &a.lock);
	pthread_mutex_unlock(&a.lock);
	return a.err.kind;
}

#define RECIPIENTS_MOST 8

/* A message whose bytes follow from its id, so that any reader can tell whether they are right. */
struct sample {
	char envelope[32], message[4096], lane[RECIPIENTS_MOST][32], data[RECIPIENTS_MOST][48];
	struct spool_new_item items[RECIPIENTS_MOST];
	struct spool_submission sub;
};

static inline void sample_fill(struct sample *m, uint64_t id, unsigned items, unsigned lanes)
{
	snprintf(m->envelope, sizeof m->envelope, "envelope %llx", (unsigned long long)id);
	size_t n = 20 + id * 7919 % (sizeof m->message - 20);
	for (size_t i = 0; i < n; i++)
		m->message[i] = (char)(id * 31 + i * 7);
	for (unsigned i = 0; i < items; i++) {
		snprintf(m->lane[i], sizeof m->lane[i], "lane-%llu", (unsigned long long)(id + i) % lanes);
		snprintf(m->data[i], sizeof m->data[i], "item %u of %llx", i, (unsigned long long)id);
		m->items[i] = (struct spool_new_item){view_of(m->lane[i]), view_of(m->data[i]), false};
	}
	m->sub = (struct spool_submission){view_of(m->envelope), view_n(m->message, n), m->items, items, false};
}

static inline uint64_t keep(struct spool *s, unsigned items)
{
	struct sample *m = mem_alloc(sizeof *m);
	uint64_t id = spool_new_id(s);
	sample_fill(m, id, items, 3);
	assert_int_equal(submit_and_wait(s, id, &m->sub), ERR_NONE);
	free(m);
	return id;
}

static inline bool bytes_are_right(const struct spool_bytes *b, uint64_t id, uint32_t index)
{
	struct sample *m = mem_alloc(sizeof *m);
	sample_fill(m, id, index + 1, 3);
	bool ok = view_eq(b->envelope, m->sub.envelope) && view_eq(b->message, m->sub.message) &&
	    view_eq(b->item, m->items[index].data);
	free(m);
	return ok;
}

/* Any item that is due, whether its lane was handed out or not. */
static inline bool take_any(struct spool *s, struct spool_item *ret)
{
	struct spool_stats st;
	spool_stats(s, &st);
	for (uint32_t lane = 0; lane < st.lanes; lane++)
		if (spool_take(s, lane, hand.now, ret))
			return true;
	return false;
}

/* Small and reproducible. */
static inline uint32_t dice(uint64_t *seed, uint32_t sides)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % sides;
}

static inline uint64_t items_in(struct spool *s)
{
	struct spool_stats st;
	spool_stats(s, &st);
	return st.items;
}
