/* Looking, counting, keeping, giving back; one lock over all of it. */
#include "sent/sent.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/be.h"
#include "base/codec.h"
#include "base/file.h"
#include "sent_internal.h"

#define KEEP_DAYS 31 /* files: every second of a month lies in one of them */

struct sent {
	pthread_mutex_t lock;
	struct people *people;
	char *dir;
	const struct clock *clock;
	const struct person_key *only; /* while reading; NULL = everybody */
	bool writes;
	int fd;        /* of the day's file; -1 = not open */
	int64_t day;
	off_t bytes;   /* whole records in it */
	bool dirty, is_new; /* since the last tending: something was written, the file was made */
};

static uint32_t seconds_of(int64_t ms)
{
	return ms > 0 ? (uint32_t)(ms / 1000) : 0;
}

/* Never 0. */
static uint32_t print_of(const struct sent_mail *m)
{
	uint8_t b[12];
	be_put(b, m->id, 8);
	be_put(b + 8, m->index, 4);
	uint32_t print = crc32c(0, b, sizeof b);
	return print ? print : 1;
}

/* ---- opening ---- */

static void learn(void *arg, const struct step *r)
{
	struct sent *s = arg;
	if (s->only && memcmp(s->only->b, r->who.b, PERSON_KEY_BYTES) != 0)
		return;
	struct sent_entry *open = r->kind == STEP_KEEP ? people_find(s->people, &r->who, r->scope, r->entry.print) : NULL;
	if (r->kind == STEP_TAKE)
		people_add(s->people, &r->who, r->scope, r->entry);
	else if (r->kind == STEP_GIVE_BACK)
		people_remove(s->people, &r->who, r->scope, r->entry.print);
	else if (open)
		open->print = 0;
}

static int open_all(struct sent **ret, const char *dir, const struct person_key *only, const struct clock *clock, struct err *err)
{
	struct sent *s = mem_zero(sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	s->people = people_new();
	s->dir = mem_strdup(dir);
	s->clock = clock;
	s->writes = !only;
	s->only = only;
	s->fd = -1;
	int rc = s->writes ? dir_make(dir, 0700, err) : 0;
	if (rc == 0)
		rc = files_read(dir, clock_wall(clock) / SENT_DAY_MS - KEEP_DAYS, s->writes, learn, s, err);
	s->only = NULL;
	if (rc < 0)
		sent_close(&s);
	else
		*ret = s;
	return rc;
}

int sent_open(struct sent **ret, const char *dir, const struct clock *clock, struct err *err)
{
	return open_all(ret, dir, NULL, clock, err);
}

int sent_open_person(struct sent **ret, const char *dir, const struct person_key *who, const struct clock *clock, struct err *err)
{
	return open_all(ret, dir, who, clock, err);
}

void sent_close(struct sent **sp)
{
	struct sent *s = *sp;
	if (!s)
		return;
	if (s->fd >= 0) {
		fdatasync(s->fd);
		close(s->fd);
	}
	people_free(&s->people);
	pthread_mutex_destroy(&s->lock);
	free(s->dir);
	free(s);
	*sp = NULL;
}

/* ---- looking. Lock held ---- */

struct moment {
	uint32_t now_s;
	uint32_t mine; /* the mail that asks does not stand in its own way; 0 = none asks */
};

static bool counts(const struct sent_entry *e, const struct moment *m, int64_t window_ms)
{
	bool other = !m->mine || e->print != m->mine;
	return other && (e->at_s >= m->now_s || (int64_t)(m->now_s - e->at_s) * 1000 < window_ms);
}

static unsigned count_in(const struct sent_entry *at, unsigned n, const struct moment *m, int64_t window_ms)
{
	unsigned sum = 0;
	for (unsigned i = 0; i < n; i++)
		sum += counts(&at[i], m, window_ms);
	return sum;
}

/* When fewer than MOST will be left of those in the window: the one that must go first is the MOST-th from the end. */
static int64_t window_opens(const struct sent_entry *at, unsigned n, unsigned most, const struct moment *m, int64_t window_ms)
{
	if (!most || count_in(at, n, m, window_ms) < most)
		return 0;
	for (unsigned i = n, seen = 0; i-- > 0;)
		if (counts(&at[i], m, window_ms) && ++seen == most)
			return (int64_t)(at[i].at_s < m->now_s ? at[i].at_s : m->now_s) * 1000 + window_ms;
	return 0;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t when(struct sent *s, const struct person_key *who, const struct sent_asks *asks, uint32_t mine, int64_t now_ms)
{
	const struct moment m = {seconds_of(now_ms), mine};
	int64_t latest = 0;
	for (unsigned i = 0; i < asks->count; i++) {
		const struct sent_ask *a = &asks->at[i];
		unsigned n;
		const struct sent_entry *at = people_entries(s->people, who, a->scope, m.now_s, &n);
		latest = later(latest, window_opens(at, n, a->limits.day, &m, SENT_DAY_MS));
		latest = later(latest, window_opens(at, n, a->limits.week, &m, SENT_WEEK_MS));
		latest = later(latest, window_opens(at, n, a->limits.month, &m, SENT_MONTH_MS));
	}
	return latest;
}

int64_t sent_when(struct sent *s, const struct person_key *who, const struct sent_asks *asks, int64_t now_ms)
{
	pthread_mutex_lock(&s->lock);
	int64_t t = when(s, who, asks, 0, now_ms);
	pthread_mutex_unlock(&s->lock);
	return t;
}

struct sent_counts sent_count(struct sent *s, const struct person_key *who, const uint8_t scope[SCOPE_ID_BYTES], int64_t now_ms)
{
	const struct moment m = {seconds_of(now_ms), 0};
	unsigned n;
	pthread_mutex_lock(&s->lock);
	const struct sent_entry *at = people_entries(s->people, who, scope, m.now_s, &n);
	const struct sent_counts c = {count_in(at, n, &m, SENT_DAY_MS), count_in(at, n, &m, SENT_WEEK_MS), count_in(at, n, &m, SENT_MONTH_MS)};
	pthread_mutex_unlock(&s->lock);
	return c;
}

/* ---- writing. Lock held ---- */

static void close_file(struct sent *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static int open_today(struct sent *s, struct err *err)
{
	int64_t day = clock_wall(s->clock) / SENT_DAY_MS;
	if (s->fd >= 0 && day == s->day)
		return 0;
	if (s->fd >= 0)
		fdatasync(s->fd);
	close_file(s);
	s->day = day;
	s->is_new = true;
	return files_append(s->dir, day, &s->fd, &s->bytes, err);
}

/* All or nothing: what was written half is cut off again, at the latest when the file is next opened. */
static int append(struct sent *s, const uint8_t *bytes, size_t n, struct err *err)
{
	if (!s->writes)
		return err_set(err, ERR_REFUSED, "%s: open for looking only", s->dir);
	if (open_today(s, err) < 0)
		return -1;
	ssize_t wrote = write(s->fd, bytes, n);
	if (wrote == (ssize_t)n) {
		s->bytes += wrote;
		s->dirty = true;
		return 0;
	}
	int rc = wrote < 0 ? err_sys(err, "%s", s->dir) : err_set(err, ERR_SYSTEM, "%s: the disk is full", s->dir);
	if (wrote > 0 && ftruncate(s->fd, s->bytes) < 0)
		close_file(s);
	return rc;
}

static int append_steps(struct sent *s, enum step_kind kind, const struct person_key *who, const struct sent_asks *asks, struct sent_entry e, struct err *err)
{
	uint8_t bytes[SENT_ASKS * STEP_BYTES];
	for (unsigned i = 0; i < asks->count; i++) {
		struct step r = {.kind = kind, .who = *who, .entry = e};
		memcpy(r.scope, asks->at[i].scope, SCOPE_ID_BYTES);
		step_write(&r, bytes + i * STEP_BYTES);
	}
	return append(s, bytes, asks->count * STEP_BYTES, err);
}

/* ---- the steps ---- */

static void give_back(struct sent *s, const struct person_key *who, const struct sent_asks *asks, uint32_t print)
{
	const struct sent_entry e = {.print = print};
	struct err err;
	(void)!append_steps(s, STEP_GIVE_BACK, who, asks, e, &err); /* unwritten, a restart counts one too many */
	for (unsigned i = 0; i < asks->count; i++)
		people_remove(s->people, who, asks->at[i].scope, print);
}

/* Tried before, and still counted. */
static bool is_taken(struct sent *s, const struct person_key *who, const struct sent_asks *asks, uint32_t print)
{
	for (unsigned i = 0; i < asks->count; i++)
		if (people_find(s->people, who, asks->at[i].scope, print))
			return true;
	return false;
}

static int take(struct sent *s, const struct person_key *who, const struct sent_asks *asks, uint32_t print, bool anyway, int64_t now_ms,
    int64_t *ret_when_ms, struct err *err)
{
	const struct sent_entry e = {seconds_of(now_ms + 999), print}; /* rounded up: no window is shorter than it says */
	*ret_when_ms = when(s, who, asks, print, now_ms);
	if (*ret_when_ms && !anyway)
		return 0;
	if (is_taken(s, who, asks, print)) /* it counts once, at its latest try */
		give_back(s, who, asks, print);
	if (append_steps(s, STEP_TAKE, who, asks, e, err) < 0)
		return -1;
	for (unsigned i = 0; i < asks->count; i++)
		people_add(s->people, who, asks->at[i].scope, e);
	return 1;
}

int sent_take(struct sent *s, const struct person_key *who, const struct sent_asks *asks, const struct sent_mail *mail, bool anyway,
    int64_t now_ms, int64_t *ret_when_ms, struct err *err)
{
	pthread_mutex_lock(&s->lock);
	int rc = take(s, who, asks, print_of(mail), anyway, now_ms, ret_when_ms, err);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void sent_keep(struct sent *s, const struct person_key *who, const struct sent_asks *asks, const struct sent_mail *mail)
{
	const struct sent_entry e = {.print = print_of(mail)};
	struct err err;
	pthread_mutex_lock(&s->lock);
	(void)!append_steps(s, STEP_KEEP, who, asks, e, &err); /* unwritten, it counts all the same */
	for (unsigned i = 0; i < asks->count; i++) {
		struct sent_entry *open = people_find(s->people, who, asks->at[i].scope, e.print);
		if (open)
			open->print = 0;
	}
	pthread_mutex_unlock(&s->lock);
}

void sent_give_back(struct sent *s, const struct person_key *who, const struct sent_asks *asks, const struct sent_mail *mail)
{
	pthread_mutex_lock(&s->lock);
	give_back(s, who, asks, print_of(mail));
	pthread_mutex_unlock(&s->lock);
}

/* ---- tending ---- */

void sent_tend(struct sent *s)
{
	struct err err;
	int64_t now_ms = clock_wall(s->clock);
	pthread_mutex_lock(&s->lock);
	people_sweep(s->people, seconds_of(now_ms));
	int fd = s->dirty && s->fd >= 0 ? dup(s->fd) : -1;
	bool is_new = s->is_new && fd >= 0;
	s->dirty &= fd < 0;
	s->is_new &= !is_new;
	pthread_mutex_unlock(&s->lock);
	if (fd >= 0) { /* without the lock: nobody waits for the disk */
		fdatasync(fd);
		close(fd);
	}
	if (is_new && dir_sync(s->dir, &err) == 0)
		(void)!files_drop_before(s->dir, now_ms / SENT_DAY_MS - KEEP_DAYS, &err); /* else with the next day's file */
}
