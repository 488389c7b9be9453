/* The start: the newest checkpoint that is whole, then every record behind it, in order. Without a checkpoint: every record there is. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "checkpoint.h"
#include "internal.h"
#include "scan.h"

/* ---- what a record does ---- */

void spool_apply_message(struct spool *s, const struct message_head *head, struct location at)
{
	uint32_t m = index_find(&s->index, head->id);
	spool_saw_id(s, head->id);
	if (m != NONE && message_at(&s->index, m)->segment == at.segment && message_at(&s->index, m)->offset == at.offset)
		return; /* a checkpoint knew it, and maybe more of it */
	if (m != NONE) {
		struct segment *in = segments_find(&s->segments, at.segment);
		segment_refers(in, message_at(&s->index, m)->segment);
		spool_forget_message(s, m);
	}
	m = index_add_message(&s->index, head, at);
	if (m != NONE)
		spool_count_message(s, message_at(&s->index, m), +1);
}

static void apply_state(struct spool *s, struct segment *in, const struct state_entry *e)
{
	uint32_t m = index_find(&s->index, e->id);
	uint32_t i = m == NONE ? NONE : index_find_item(&s->index, m, e->index);
	spool_saw_id(s, e->id);
	if (m != NONE)
		segment_refers(in, message_at(&s->index, m)->segment);
	if (i == NONE || item_at(&s->index, i)->state == ITEM_GONE)
		return;
	if (e->state >= STORED_SETTLED) {
		if (index_move(&s->index, i, ITEM_GONE, 0))
			spool_forget_message(s, m);
		return;
	}
	item_at(&s->index, i)->attempts = e->attempts & ATTEMPTS_MAX;
	index_move(&s->index, i, e->state == STORED_HELD ? ITEM_HELD : ITEM_DEFERRED, e->due);
}

void spool_apply_states(struct spool *s, struct segment *in, struct view entries)
{
	struct state_entry e;
	while (state_entry_take(&entries, &e))
		apply_state(s, in, &e);
}

/* ---- segments ---- */

static bool read_file(void *arg, void *dst, size_t n, uint64_t offset)
{
	return read_all_at(*(int *)arg, dst, n, (off_t)offset, NULL) == 0;
}

static void apply_record(struct spool *s, struct segment *seg, const struct scanned *rec)
{
	struct message_head head;
	s->records_since++;
	if (rec->frame.type == RECORD_STATES) {
		spool_apply_states(s, seg, rec->head);
		return;
	}
	struct location at = {seg->number, (uint32_t)rec->offset, (uint32_t)frame_length(&rec->frame)};
	if (message_head_parse(rec->head, rec->frame.body_n, &head))
		spool_apply_message(s, &head, at);
	else
		s->damaged_bytes += at.length;
}

static void apply_records(struct spool *s, struct segment *seg, struct scanner *sc, uint64_t from)
{
	struct scanned rec;
	while (from < sc->limit && (scan_at(sc, from, &rec) || scan_search(sc, from, false, &rec))) {
		s->damaged_bytes += rec.offset - from;
		apply_record(s, seg, &rec);
		from = rec.offset + frame_length(&rec.frame);
	}
	s->damaged_bytes += sc->limit - from;
}

/* A segment that lies there, before any record of it is read. */
struct found {
	uint32_t number;
	uint64_t size;
	struct segment_head head;
	bool sound; /* its head is */
};

struct found_list {
	struct found *rows;
	uint32_t count, room;
};

/* The mark alone is in every frame too: a damaged head doesn't lose its segment. */
static int look_at(struct spool *s, struct found *f, struct err *err)
{
	char name[SEGMENT_NAME];
	unsigned char bytes[SEGMENT_HEAD + 4] = {0};
	struct stat st;
	segment_name(f->number, name);
	int fd = openat(s->dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_sys(err, "spool: %s", name);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	f->size = (uint64_t)st.st_size < UINT32_MAX ? (uint64_t)st.st_size : UINT32_MAX;
	int rc = f->size < sizeof bytes ? 0 : read_all_at(fd, bytes, sizeof bytes, 0, err);
	close(fd);
	f->sound = segment_head_parse(view_n(bytes, SEGMENT_HEAD), &f->head) && f->head.number == f->number;
	if (!f->sound)
		f->head = (struct segment_head){.number = f->number, .mark = (uint32_t)be_get(bytes + SEGMENT_HEAD, 4)};
	return rc;
}

static int by_number(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

static void remember(struct found_list *l, uint32_t number)
{
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->rows = mem_grow(l->rows, l->room * sizeof *l->rows);
	}
	l->rows[l->count++] = (struct found){.number = number};
}

static int find_segments(struct spool *s, struct found_list *l, struct err *err)
{
	DIR *d = opendir(s->set.dir);
	if (!d)
		return err_sys(err, "spool: %s", s->set.dir);
	uint32_t number;
	for (struct dirent *e; (e = readdir(d));)
		if (segment_name_parse(e->d_name, &number))
			remember(l, number);
	closedir(d);
	if (l->count)
		qsort(l->rows, l->count, sizeof *l->rows, by_number);
	for (uint32_t i = 0; i < l->count; i++)
		if (look_at(s, &l->rows[i], err) < 0)
			return -1;
	return 0;
}

/* How far segment I goes: as the one made after it says. */
static uint64_t limit_of(const struct found_list *l, uint32_t i)
{
	const struct found *f = &l->rows[i], *next = i + 1 < l->count ? f + 1 : NULL;
	bool told = next && next->sound && next->head.prev == f->number && next->head.prev_end < f->size;
	return told ? next->head.prev_end : f->size;
}

static int cut_tail(int fd, struct segment *seg, uint64_t size, struct err *err)
{
	if (seg->end == size)
		return 0;
	if (ftruncate(fd, seg->end) < 0 || fsync(fd) < 0)
		return err_sys(err, "spool: segment %08x can't be cut at %u", seg->number, seg->end);
	return 0;
}

/* Records of one segment from FROM on. */
static int replay(struct spool *s, struct segment *seg, const struct found *f, uint64_t limit, uint64_t from, bool newest,
    struct err *err)
{
	char name[SEGMENT_NAME];
	struct scanner sc;
	segment_name(seg->number, name);
	int fd = openat(s->dir_fd, name, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "spool: %s", name);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	scanner_init(&sc, read_file, &fd, limit, seg->mark);
	if (newest)
		sc.limit = scan_end(&sc, from);
	segments_grow(&s->segments, seg, (uint32_t)sc.limit);
	apply_records(s, seg, &sc, from);
	scanner_free(&sc);
	int rc = newest ? cut_tail(fd, seg, f->size, err) : 0;
	close(fd);
	return rc;
}

/* A file that was made, but no batch in it was ever synced. */
static void forget_empty(struct spool *s, struct segment *seg)
{
	char name[SEGMENT_NAME];
	segment_name(seg->number, name);
	unlinkat(s->dir_fd, name, 0);
	segments_drop(&s->segments, seg);
}

static int replay_all(struct spool *s, const struct found_list *l, struct position from, struct err *err)
{
	for (uint32_t i = 0; i < l->count; i++) {
		const struct found *f = &l->rows[i];
		bool newest = i + 1 == l->count;
		struct segment *seg = segments_find(&s->segments, f->number);
		if (!seg || f->number < from.segment)
			continue;
		uint64_t start = f->number == from.segment && from.offset > SEGMENT_HEAD ? from.offset : SEGMENT_HEAD;
		uint64_t limit = limit_of(l, i);
		if (replay(s, seg, f, limit, start < limit ? start : limit, newest, err) < 0)
			return -1;
		if (newest && !f->sound && seg->end <= SEGMENT_HEAD)
			forget_empty(s, seg);
	}
	return 0;
}

static void list_segments(struct spool *s, const struct found_list *l)
{
	for (uint32_t i = 0; i < l->count; i++) {
		const struct found *f = &l->rows[i];
		spool_saw_id(s, f->head.id_floor);
		struct segment *seg = segments_add(&s->segments, f->number, f->head.mark);
		segments_grow(&s->segments, seg, (uint32_t)limit_of(l, i));
	}
}

/* Messages that a checkpoint names in a segment that is gone were settled, or moved, after it was written. */
static void drop_strays(struct spool *s)
{
	for (uint32_t m = 0; m < s->index.messages.used; m++) {
		struct message *msg = message_at(&s->index, m);
		if (msg->used && !segments_find(&s->segments, msg->segment))
			index_remove(&s->index, m);
	}
}

static void note_newest(struct spool *s, struct position covered)
{
	const struct segments *t = &s->segments;
	const struct segment *last = t->count ? t->rows[t->count - 1] : NULL;
	s->last_number = last ? last->number : 0;
	s->last_end = last ? last->end : 0;
	if (s->last_number < covered.segment) { /* all of it was settled and unlinked */
		s->last_number = covered.segment;
		s->last_end = covered.offset;
	}
	s->applied = (struct position){s->last_number, s->last_end};
}

int spool_recover(struct spool *s, struct err *err)
{
	struct found_list l = {0};
	struct position from = {0};
	int rc = find_segments(s, &l, err);
	if (rc == 0) {
		ids_recover(s);
		list_segments(s, &l);
		rc = checkpoint_read(s, &from, err);
	}
	if (rc == 0)
		rc = replay_all(s, &l, from, err);
	free(l.rows);
	if (rc < 0)
		return -1;
	drop_strays(s);
	note_newest(s, from);
	index_loaded(&s->index);
	return 0;
}
