#include "checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define CHECKPOINT_VERSION 1
#define CHECKPOINT_NAME    20 /* "index-0000002a.ckpt" */
#define HEADER             28
#define SLICE              128           /* slots encoded under one hold of the lock */
#define WRITE_BYTES        65536         /* at a time, about */
#define PACE_BYTES         (512u << 10)  /* then these are synced, and a rest is taken: who waits for the disk comes first */
#define PACE_MS            20
#define BUFFER_MAX         (256u << 20)  /* a slice of messages with very many recipients */
#define TMP_NAME           "index.tmp"

static const char magic[8] = {'o', 'g', 'i', 'n', 'd', 'e', 'x', '\n'};

static void checkpoint_name(uint32_t number, char dst[CHECKPOINT_NAME])
{
	snprintf(dst, CHECKPOINT_NAME, "index-%08x.ckpt", number);
}

static bool checkpoint_name_parse(const char *name, uint32_t *ret_number)
{
	unsigned char four[4];
	struct view v = view_of(name);
	if (v.n != CHECKPOINT_NAME - 1 || !view_starts(v, V("index-")) || !view_ends(v, V(".ckpt")))
		return false;
	if (!hex_decode(view_sub(v, 6, 14), four, 4))
		return false;
	*ret_number = (uint32_t)be_get(four, 4);
	return true;
}

/* ---- writing ---- */

struct writer {
	int fd;
	off_t at, synced;
	uint32_t crc;
	struct buf b;
};

static int flush(struct spool *s, struct writer *w, struct err *err)
{
	if (w->b.failed)
		return err_set(err, ERR_LIMIT, "spool: a slice of the checkpoint is too large");
	if (!w->b.n)
		return 0;
	w->crc = crc32c(w->crc, w->b.p, w->b.n);
	struct iovec iov = {.iov_base = w->b.p, .iov_len = w->b.n};
	if (write_pieces(s->io, w->fd, &iov, 1, w->at, err) < 0)
		return -1;
	w->at += (off_t)w->b.n;
	buf_clear(&w->b);
	return 0;
}

static void add_item(const struct item *it, struct buf *b)
{
	be_add(b, it->index, 2);
	be_add(b, it->state == ITEM_HELD ? STORED_HELD : STORED_DUE, 1);
	be_add(b, it->attempts, 2);
	be_add(b, it->due, 8);
	be_add(b, it->lane, 4);
}

static void add_message(const struct spool *s, uint32_t m, struct buf *b)
{
	const struct message *msg = message_at(&s->index, m);
	if (!msg->used)
		return;
	buf_byte(b, 'M');
	be_add(b, msg->id, 8);
	be_add(b, msg->segment, 4);
	be_add(b, msg->offset, 4);
	be_add(b, msg->length, 4);
	be_add(b, msg->arrived, 8);
	be_add(b, msg->live, 2);
	for (uint32_t i = msg->first; i != NONE; i = item_at(&s->index, i)->sibling)
		if (item_at(&s->index, i)->state != ITEM_GONE)
			add_item(item_at(&s->index, i), b);
}

static void add_lane(const struct spool *s, uint32_t l, struct buf *b)
{
	const struct lane *lane = lane_at(&s->index, l);
	if (!lane->used)
		return;
	buf_byte(b, 'L');
	be_add(b, l, 4);
	be_add_view(b, view_of(lane->name), 2);
}

static void add_segment(const struct spool *s, uint32_t n, struct buf *b)
{
	buf_byte(b, 'G');
	be_add(b, s->segments.rows[n]->number, 4);
	be_add(b, s->segments.rows[n]->ref_min, 4);
}

static uint32_t message_slots(const struct spool *s)
{
	return s->index.messages.used;
}
static uint32_t lane_slots(const struct spool *s)
{
	return s->index.lanes.used;
}
static uint32_t segment_rows(const struct spool *s)
{
	return s->segments.count;
}

/* Messages first: a lane that one of them names is there when lanes are written. */
static const struct {
	uint32_t (*count)(const struct spool *s);
	void (*add)(const struct spool *s, uint32_t n, struct buf *b);
} parts[] = {{message_slots, add_message}, {lane_slots, add_lane}, {segment_rows, add_segment}};

static void rest(struct spool *s)
{
	int64_t until = spool_mono_ms() + PACE_MS;
	struct timespec t = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
	pthread_mutex_lock(&s->lock);
	while (!s->stopping && spool_mono_ms() < until)
		pthread_cond_timedwait(&s->chores, &s->lock, &t);
	pthread_mutex_unlock(&s->lock);
}

static int pace(struct spool *s, struct writer *w, struct err *err)
{
	if (w->at - w->synced < PACE_BYTES)
		return 0;
	if (s->io->fdatasync(w->fd) < 0)
		return err_sys(err, "spool: fdatasync of " TMP_NAME);
	w->synced = w->at;
	rest(s);
	return 0;
}

/* The lock is released between slices. */
static int write_part(struct spool *s, size_t part, struct writer *w, struct err *err)
{
	bool more = true;
	for (uint32_t n = 0; more;) {
		pthread_mutex_lock(&s->lock);
		uint32_t count = parts[part].count(s), stop = count - n > SLICE && count > n ? n + SLICE : count;
		for (; n < stop; n++)
			parts[part].add(s, n, &w->b);
		more = n < count;
		pthread_mutex_unlock(&s->lock);
		if ((w->b.n >= WRITE_BYTES || !more) && (flush(s, w, err) < 0 || pace(s, w, err) < 0))
			return -1;
	}
	return 0;
}

static int write_rows(struct spool *s, struct writer *w, struct position at, struct err *err)
{
	buf_add(&w->b, view_n(magic, sizeof magic));
	be_add(&w->b, CHECKPOINT_VERSION, 4);
	be_add(&w->b, at.segment, 4);
	be_add(&w->b, at.offset, 4);
	be_add(&w->b, atomic_load(&s->last_id), 8);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (write_part(s, i, w, err) < 0)
			return -1;
	buf_byte(&w->b, 'E');
	if (flush(s, w, err) < 0)
		return -1;
	be_add(&w->b, w->crc, 4);
	if (flush(s, w, err) < 0)
		return -1;
	return s->io->fdatasync(w->fd) < 0 ? err_sys(err, "spool: fdatasync of " TMP_NAME) : 0;
}

/* Everything but the two newest goes. */
static void remove_old(struct spool *s)
{
	DIR *d = opendir(s->set.dir);
	uint32_t number;
	for (struct dirent *e; d && (e = readdir(d));)
		if (checkpoint_name_parse(e->d_name, &number) && number + 1 < s->checkpoint_number)
			unlinkat(s->dir_fd, e->d_name, 0);
	if (d)
		closedir(d);
}

static int install(struct spool *s, struct position at, struct err *err)
{
	char name[CHECKPOINT_NAME];
	checkpoint_name(s->checkpoint_number + 1, name);
	if (renameat(s->dir_fd, TMP_NAME, s->dir_fd, name) < 0)
		return err_sys(err, "spool: %s", name);
	if (fsync(s->dir_fd) < 0)
		return err_sys(err, "spool: fsync of %s", s->set.dir);
	s->checkpoint_number++;
	remove_old(s);
	pthread_mutex_lock(&s->lock);
	s->checkpoints[1] = s->checkpoints[0];
	s->checkpoints[0] = at;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

int checkpoint_write(struct spool *s, struct err *err)
{
	struct writer w = {.fd = openat(s->dir_fd, TMP_NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
	if (w.fd < 0)
		return err_sys(err, "spool: " TMP_NAME);
	buf_init(&w.b, BUFFER_MAX);
	pthread_mutex_lock(&s->lock);
	struct position at = s->applied;
	s->records_since = 0;
	pthread_mutex_unlock(&s->lock);
	int rc = write_rows(s, &w, at, err);
	close(w.fd);
	buf_free(&w.b);
	if (rc == 0)
		rc = install(s, at, err);
	if (rc < 0)
		unlinkat(s->dir_fd, TMP_NAME, 0);
	return rc;
}

/* ---- reading ---- */

struct lane_names {
	struct view *names;
	uint32_t count;
};

static void read_message(struct spool *s, struct be_reader *r, const struct lane_names *lanes)
{
	uint64_t id = be_take_u(r, 8);
	struct location at = {.segment = (uint32_t)be_take_u(r, 4)};
	at.offset = (uint32_t)be_take_u(r, 4);
	at.length = (uint32_t)be_take_u(r, 4);
	int64_t arrived = (int64_t)be_take_u(r, 8);
	uint32_t m = NONE;
	for (uint64_t left = be_take_u(r, 2); left && !r->bad; left--) {
		struct item_head it = {.index = (uint32_t)be_take_u(r, 2)};
		it.state = (uint8_t)be_take_u(r, 1);
		it.attempts = (uint32_t)be_take_u(r, 2);
		it.due = (int64_t)be_take_u(r, 8);
		uint32_t lane = (uint32_t)be_take_u(r, 4);
		if (!lanes || r->bad || lane >= lanes->count || !lanes->names[lane].p)
			continue;
		it.lane = lanes->names[lane];
		if (m == NONE)
			m = index_add(&s->index, id, arrived, at);
		index_add_item(&s->index, m, &it);
	}
	if (m != NONE)
		spool_count_message(s, message_at(&s->index, m), +1);
}

static void read_lane(struct be_reader *r, struct lane_names *keep)
{
	uint32_t number = (uint32_t)be_take_u(r, 4);
	struct view name = be_take_view(r, 2);
	if (!keep || r->bad || number >= LANES_MAX)
		return;
	if (number >= keep->count) {
		uint32_t count = number + number / 2 + 64;
		keep->names = mem_grow(keep->names, count * sizeof *keep->names);
		memset(keep->names + keep->count, 0, (count - keep->count) * sizeof *keep->names);
		keep->count = count;
	}
	keep->names[number] = name;
}

static void read_segment(struct spool *s, struct be_reader *r)
{
	struct segment *seg = segments_find(&s->segments, (uint32_t)be_take_u(r, 4));
	uint32_t ref_min = (uint32_t)be_take_u(r, 4);
	if (seg && !r->bad)
		segment_refers(seg, ref_min);
}

/* The lanes come behind the messages that name them: so twice over the rows, for LANES first, then with them. */
static bool read_rows(struct spool *s, struct view rows, struct lane_names *lanes, bool for_lanes)
{
	struct be_reader r = {.rest = rows};
	while (!r.bad) {
		switch (be_take_u(&r, 1)) {
		case 'M':
			read_message(s, &r, for_lanes ? NULL : lanes);
			break;
		case 'L':
			read_lane(&r, for_lanes ? lanes : NULL);
			break;
		case 'G':
			read_segment(s, &r);
			break;
		case 'E':
			return r.rest.n == 0;
		default:
			return false;
		}
	}
	return false;
}

static bool is_whole(struct view file)
{
	return file.n > HEADER + 4 && memcmp(file.p, magic, sizeof magic) == 0 && be_get(file.p + 8, 4) == CHECKPOINT_VERSION &&
	    be_get(file.p + file.n - 4, 4) == crc32c(0, file.p, file.n - 4);
}

static bool load(struct spool *s, struct view file, struct position *ret)
{
	struct lane_names lanes = {0};
	struct view rows = view_sub(file, HEADER, file.n - 4);
	if (!is_whole(file))
		return false;
	bool ok = read_rows(s, rows, &lanes, true) && read_rows(s, rows, &lanes, false);
	free(lanes.names);
	*ret = (struct position){(uint32_t)be_get(file.p + 12, 4), (uint32_t)be_get(file.p + 16, 4)};
	spool_saw_id(s, be_get(file.p + 20, 8));
	return ok;
}

static bool load_file(struct spool *s, uint32_t number, struct position *ret)
{
	char name[CHECKPOINT_NAME];
	struct stat st;
	bool ok = false;
	checkpoint_name(number, name);
	int fd = openat(s->dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		ok = p != MAP_FAILED && load(s, view_n(p, (size_t)st.st_size), ret);
		if (p != MAP_FAILED)
			munmap(p, (size_t)st.st_size);
	}
	if (fd >= 0)
		close(fd);
	if (!ok)
		unlinkat(s->dir_fd, name, 0);
	return ok;
}

/* The highest number below BELOW; 0 when there is none. */
static uint32_t newest_below(struct spool *s, uint32_t below)
{
	DIR *d = opendir(s->set.dir);
	uint32_t number, best = 0;
	for (struct dirent *e; d && (e = readdir(d));)
		if (checkpoint_name_parse(e->d_name, &number) && number < below && number > best)
			best = number;
	if (d)
		closedir(d);
	return best;
}

int checkpoint_read(struct spool *s, struct position *ret_covers, struct err *err)
{
	unlinkat(s->dir_fd, TMP_NAME, 0);
	uint32_t number = newest_below(s, UINT32_MAX);
	s->checkpoint_number = number;
	for (; number; number = newest_below(s, number)) {
		if (!load_file(s, number, ret_covers))
			continue;
		s->checkpoints[0] = *ret_covers;
		return 0;
	}
	(void)err;
	*ret_covers = (struct position){0};
	return 0;
}
