#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

/* Files kept open for reading. */
#define OPEN_MAX_SEGMENTS 128

void segment_name(uint32_t number, char dst[SEGMENT_NAME])
{
	snprintf(dst, SEGMENT_NAME, "seg-%08x.log", number);
}

bool segment_name_parse(const char *name, uint32_t *ret_number)
{
	unsigned char four[4];
	struct view v = view_of(name);
	char again[SEGMENT_NAME];
	if (v.n != SEGMENT_NAME - 1 || !view_starts(v, V("seg-")) || !hex_decode(view_sub(v, 4, 12), four, 4))
		return false;
	*ret_number = (uint32_t)be_get(four, 4);
	segment_name(*ret_number, again);
	return strcmp(name, again) == 0 && *ret_number;
}

/* The place of NUMBER, or where it would be. */
static uint32_t place_of(const struct segments *t, uint32_t number)
{
	uint32_t lo = 0, hi = t->count;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (t->rows[mid]->number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct segment *segments_find(const struct segments *t, uint32_t number)
{
	uint32_t at = place_of(t, number);
	return at < t->count && t->rows[at]->number == number ? t->rows[at] : NULL;
}

struct segment *segments_add(struct segments *t, uint32_t number, uint32_t mark)
{
	ALWAYS(t->count == 0 || t->rows[t->count - 1]->number < number);
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->rows = mem_grow(t->rows, t->room * sizeof *t->rows);
	}
	struct segment *seg = mem_zero(sizeof *seg);
	seg->number = seg->ref_min = number;
	seg->mark = mark;
	seg->fd = -1;
	t->rows[t->count++] = seg;
	return seg;
}

static void segment_free(struct segment *seg)
{
	if (seg->fd >= 0)
		close(seg->fd);
	free(seg);
}

void segments_drop(struct segments *t, struct segment *seg)
{
	uint32_t at = place_of(t, seg->number);
	ALWAYS(at < t->count && t->rows[at] == seg);
	memmove(t->rows + at, t->rows + at + 1, (--t->count - at) * sizeof *t->rows);
	t->bytes -= seg->end;
	t->open -= seg->fd >= 0;
	seg->gone = true;
	if (!seg->users)
		segment_free(seg);
}

void segments_free(struct segments *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		segment_free(t->rows[i]);
	free(t->rows);
	memset(t, 0, sizeof *t);
}

void segment_refers(struct segment *seg, uint32_t other)
{
	if (other < seg->ref_min)
		seg->ref_min = other;
}

bool segment_is_needed(const struct segments *t, const struct segment *seg)
{
	return t->rows[place_of(t, seg->ref_min)]->number < seg->number;
}

void segments_grow(struct segments *t, struct segment *seg, uint32_t end)
{
	t->bytes += (uint64_t)end - seg->end;
	seg->end = end;
}

/* A file that nobody reads right now is closed for the one that is being opened. Returns its descriptor, or -1. */
static int spare_file(struct spool *s)
{
	struct segments *t = &s->segments;
	for (uint32_t n = t->count; t->open > OPEN_MAX_SEGMENTS && n; n--) {
		struct segment *seg = t->rows[t->hand++ % t->count];
		if (seg->fd < 0 || seg->users || seg == s->current)
			continue;
		int fd = seg->fd;
		seg->fd = -1;
		t->open--;
		return fd;
	}
	return -1;
}

/* Gives SEG the file FD unless it has got one meanwhile. Returns a descriptor to close, or -1. */
static int lend(struct spool *s, struct segment *seg, int fd)
{
	pthread_mutex_lock(&s->lock);
	int spare = fd;
	if (seg->fd < 0) {
		seg->fd = fd;
		s->segments.open += !seg->gone;
		spare = spare_file(s);
	}
	pthread_mutex_unlock(&s->lock);
	return spare;
}

int segment_open(struct spool *s, uint32_t number, struct segment **ret, struct err *err)
{
	char name[SEGMENT_NAME];
	pthread_mutex_lock(&s->lock);
	struct segment *seg = segments_find(&s->segments, number);
	if (seg)
		seg->users++;
	bool is_open = seg && seg->fd >= 0;
	pthread_mutex_unlock(&s->lock);
	segment_name(number, name);
	if (!seg)
		return err_set(err, ERR_MISSING, "spool: %s is gone", name);
	*ret = seg;
	if (is_open)
		return 0;
	int fd = openat(s->dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_sys(err, "spool: %s", name);
		segment_close(s, seg);
		return -1;
	}
	int spare = lend(s, seg, fd);
	if (spare >= 0)
		close(spare);
	return 0;
}

void segment_close(struct spool *s, struct segment *seg)
{
	pthread_mutex_lock(&s->lock);
	bool last = --seg->users == 0 && seg->gone;
	pthread_mutex_unlock(&s->lock);
	if (last)
		segment_free(seg);
}
