/* A hash table with open addressing over the file's records. Rewritten at start, so that the file holds what still counts. */
#include "inbound/soft.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/be.h"
#include "base/file.h"

#define RECORD_BYTES 24
#define FIRST_ROOM 1024
#define FILE_MAX ((size_t)1 << 30)
#define DAY_MS 86400000

struct counted {
	struct person_key who;
	uint32_t last_day;
	uint16_t days, disabled;
};

struct soft {
	pthread_mutex_t lock;
	struct counted *rows; /* .days 0: free */
	size_t room, count;
	unsigned window_days;
	int fd;
	bool failed; /* a write did: said at the next sync */
};

static size_t place_of(const struct soft *s, const struct person_key *who)
{
	size_t i = be_get(who->b, 8) & (s->room - 1); /* keys are a keyed hash's bytes */
	while (s->rows[i].days && memcmp(&s->rows[i].who, who, sizeof *who) != 0)
		i = (i + 1) & (s->room - 1);
	return i;
}

static void grow(struct soft *s)
{
	struct counted *old = s->rows;
	size_t room = s->room;
	s->room = room ? room * 2 : FIRST_ROOM;
	s->rows = mem_zero(s->room * sizeof *s->rows);
	for (size_t i = 0; i < room; i++)
		if (old[i].days)
			s->rows[place_of(s, &old[i].who)] = old[i];
	free(old);
}

/* Takes row I out and moves those up that it had pushed on. */
static void take_out(struct soft *s, size_t i)
{
	s->rows[i].days = 0;
	s->count--;
	for (size_t k = (i + 1) & (s->room - 1); s->rows[k].days; k = (k + 1) & (s->room - 1)) {
		struct counted moved = s->rows[k];
		s->rows[k].days = 0;
		s->rows[place_of(s, &moved.who)] = moved;
	}
}

/* True when the table is another one now. */
static bool apply(struct soft *s, const struct person_key *who, uint32_t day, enum soft_kind kind)
{
	size_t i = place_of(s, who);
	struct counted *c = &s->rows[i];
	if (kind == SOFT_RESET) {
		if (!c->days)
			return false;
		take_out(s, i);
		return true;
	}
	if (c->days && day > c->last_day + s->window_days)
		take_out(s, i);
	if (s->rows[i].days && day <= s->rows[i].last_day)
		return false;
	if (!s->rows[i].days && s->count == SOFT_PERSONS_MAX)
		return false;
	if (!s->rows[i].days && (s->count + 1) * 2 > s->room)
		grow(s);
	c = &s->rows[place_of(s, who)];
	if (!c->days) {
		*c = (struct counted){.who = *who};
		s->count++;
	}
	c->last_day = day;
	c->days += c->days < UINT16_MAX;
	c->disabled += kind == SOFT_DISABLED && c->disabled < UINT16_MAX;
	return true;
}

static void record(const struct person_key *who, uint32_t day, enum soft_kind kind, char dst[RECORD_BYTES])
{
	memset(dst, 0, RECORD_BYTES);
	memcpy(dst, who->b, PERSON_KEY_BYTES);
	be_put(dst + PERSON_KEY_BYTES, day, 4);
	dst[PERSON_KEY_BYTES + 4] = (char)kind;
}

static void append(struct soft *s, const struct person_key *who, uint32_t day, enum soft_kind kind)
{
	char bytes[RECORD_BYTES];
	record(who, day, kind, bytes);
	if (write(s->fd, bytes, sizeof bytes) != sizeof bytes)
		s->failed = true;
}

static void read_records(struct soft *s, struct view all, uint32_t today)
{
	for (size_t at = 0; at + RECORD_BYTES <= all.n; at += RECORD_BYTES) {
		struct person_key who;
		memcpy(who.b, all.p + at, PERSON_KEY_BYTES);
		uint32_t day = (uint32_t)be_get(all.p + at + PERSON_KEY_BYTES, 4);
		unsigned kind = (unsigned char)all.p[at + PERSON_KEY_BYTES + 4];
		if (kind >= SOFT_BOUNCE && kind <= SOFT_RESET && day + s->window_days >= today)
			apply(s, &who, day, (enum soft_kind)kind);
	}
}

static int take_file(struct soft *s, const char *path, uint32_t today, struct err *err)
{
	struct buf all, kept;
	struct err why;
	buf_init(&all, FILE_MAX);
	buf_init(&kept, FILE_MAX);
	int rc = file_read(path, &all, &why) < 0 && why.kind != ERR_MISSING ? -1 : 0;
	if (rc < 0 && err)
		*err = why;
	read_records(s, buf_view(&all), today);
	for (size_t at = 0; at + RECORD_BYTES <= all.n; at += RECORD_BYTES) {
		struct person_key who;
		memcpy(who.b, all.p + at, PERSON_KEY_BYTES);
		uint32_t day = (uint32_t)be_get(all.p + at + PERSON_KEY_BYTES, 4);
		if (day + s->window_days >= today && s->rows[place_of(s, &who)].days)
			buf_add(&kept, view_n(all.p + at, RECORD_BYTES));
	}
	if (rc == 0)
		rc = file_replace(path, buf_view(&kept), 0600, err);
	buf_free(&all);
	buf_free(&kept);
	return rc;
}

int soft_open(struct soft **ret, const char *path, unsigned window_days, int64_t now_ms, struct err *err)
{
	struct soft *s = mem_zero(sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	s->window_days = window_days;
	s->fd = -1;
	grow(s);
	if (take_file(s, path, (uint32_t)(now_ms / DAY_MS), err) == 0) {
		s->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
		if (s->fd < 0)
			err_sys(err, "%s", path);
	}
	if (s->fd < 0) {
		soft_close(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

void soft_close(struct soft **s)
{
	if (!*s)
		return;
	if ((*s)->fd >= 0)
		close((*s)->fd);
	pthread_mutex_destroy(&(*s)->lock);
	free((*s)->rows);
	free(*s);
	*s = NULL;
}

unsigned soft_count(
    struct soft *s, const struct person_key *who, enum soft_kind kind, int64_t now_ms, unsigned *ret_disabled)
{
	uint32_t day = (uint32_t)(now_ms / DAY_MS);
	pthread_mutex_lock(&s->lock);
	if (apply(s, who, day, kind))
		append(s, who, day, kind);
	const struct counted *c = &s->rows[place_of(s, who)];
	unsigned days = c->days;
	*ret_disabled = c->days ? c->disabled : 0;
	pthread_mutex_unlock(&s->lock);
	return days;
}

void soft_reset(struct soft *s, const struct person_key *who, int64_t now_ms)
{
	uint32_t day = (uint32_t)(now_ms / DAY_MS);
	pthread_mutex_lock(&s->lock);
	if (apply(s, who, day, SOFT_RESET))
		append(s, who, day, SOFT_RESET);
	pthread_mutex_unlock(&s->lock);
}

int soft_sync(struct soft *s, struct err *err)
{
	pthread_mutex_lock(&s->lock);
	bool failed = s->failed;
	s->failed = false;
	pthread_mutex_unlock(&s->lock);
	if (failed || fdatasync(s->fd) < 0)
		return err_sys(err, "soft bounces: cannot be written");
	return 0;
}
