/* Rewriting a nearly empty segment: what still lives in it goes to the committer as moves, a few at a time. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "internal.h"
#include "scan.h"

#define MOVES_AT_ONCE 32

struct move {
	struct spool *s;
	char *record; /* the message's bytes are in it */
	int *rc;
	struct err *err;
};

/* Runs on the committer's thread. */
static void move_done(void *arg, const struct err *err)
{
	struct move *mv = arg;
	pthread_mutex_lock(&mv->s->lock);
	if (err) {
		*mv->rc = -1;
		*mv->err = *err;
	}
	mv->s->moves--;
	pthread_cond_broadcast(&mv->s->synced);
	pthread_mutex_unlock(&mv->s->lock);
	free(mv->record);
	free(mv);
}

static bool read_segment(void *arg, void *dst, size_t n, uint64_t offset)
{
	return read_all_at(((const struct segment *)arg)->fd, dst, n, (off_t)offset, NULL) == 0;
}

/* Whether the message at this place is the one that counts; and which of its items do. */
static bool is_live(struct spool *s, uint64_t id, struct location at)
{
	pthread_mutex_lock(&s->lock);
	uint32_t m = index_find(&s->index, id);
	bool live = m != NONE && message_at(&s->index, m)->segment == at.segment && message_at(&s->index, m)->offset == at.offset;
	pthread_mutex_unlock(&s->lock);
	return live;
}

static bool item_is_live(struct spool *s, uint64_t id, uint32_t index)
{
	pthread_mutex_lock(&s->lock);
	uint32_t m = index_find(&s->index, id);
	uint32_t i = m == NONE ? NONE : index_find_item(&s->index, m, index);
	bool live = i != NONE && item_at(&s->index, i)->state != ITEM_GONE;
	pthread_mutex_unlock(&s->lock);
	return live;
}

/* The record again, with the live items only. NULL: there is none. */
static struct waiting *shorten(struct spool *s, const struct message_head *old, struct view body)
{
	struct buf items, head, data;
	struct view rest = old->items;
	struct item_head it;
	struct message_head h = *old;
	size_t at = 0;
	buf_init(&items, HEAD_MAX);
	buf_init(&head, HEAD_MAX);
	buf_init(&data, MESSAGE_MAX);
	h.count = 0;
	for (uint32_t n = old->count; n && item_head_take(&rest, &it); n--, at += it.data_n) {
		if (it.state >= STORED_SETTLED || !item_is_live(s, h.id, it.index))
			continue;
		item_head_add(&items, &it);
		buf_add(&data, view_sub(body, at, at + it.data_n));
		h.count++;
	}
	buf_add(&data, view_sub(body, at, at + h.envelope_n));
	h.items = buf_view(&items);
	message_head_add(&head, &h);
	struct waiting *w = NULL;
	if (h.count && !head.failed && !data.failed)
		w = waiting_new(h.id, buf_view(&head), buf_view(&data), view_sub(body, body.n - h.message_n, body.n));
	buf_free(&items);
	buf_free(&head);
	buf_free(&data);
	return w;
}

static void send_move(struct spool *s, struct waiting *w, char *record, struct location from, int *rc, struct err *err)
{
	struct move *mv = mem_alloc(sizeof *mv);
	*mv = (struct move){.s = s, .record = record, .rc = rc, .err = err};
	w->from = from;
	w->done = move_done;
	w->arg = mv;
	pthread_mutex_lock(&s->lock);
	s->moves++;
	pthread_mutex_unlock(&s->lock);
	committer_add(s, w);
}

/* Hands one record over. A damaged one stays where it is. */
static void move_record(struct spool *s, struct segment *seg, const struct scanned *rec, int *rc, struct err *err)
{
	struct message_head head;
	struct location at = {seg->number, (uint32_t)rec->offset, (uint32_t)frame_length(&rec->frame)};
	if (rec->frame.type != RECORD_MESSAGE || !is_live(s, be_get(rec->head.p, 8), at))
		return;
	char *record = mem_alloc(at.length);
	struct view all = view_n(record, at.length), body = view_sub(all, FRAME + rec->frame.head_n, at.length);
	struct waiting *w = NULL;
	if (read_segment(seg, record, at.length, at.offset) && crc32c(0, body.p, body.n) == rec->frame.body_crc &&
	    message_head_parse(view_sub(all, FRAME, FRAME + rec->frame.head_n), rec->frame.body_n, &head))
		w = shorten(s, &head, body);
	if (w)
		send_move(s, w, record, at, rc, err);
	else
		free(record);
}

static void wait_for_moves(struct spool *s, unsigned most)
{
	pthread_mutex_lock(&s->lock);
	while (s->moves > most)
		pthread_cond_wait(&s->synced, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static bool goes_on(struct spool *s, const int *rc)
{
	pthread_mutex_lock(&s->lock);
	bool yes = *rc == 0 && !s->stopping;
	pthread_mutex_unlock(&s->lock);
	return yes;
}

int compact_segment(struct spool *s, uint32_t number, struct err *err)
{
	struct segment *seg;
	struct scanner sc;
	struct scanned rec;
	int rc = 0;
	if (segment_open(s, number, &seg, err) < 0)
		return -1;
	scanner_init(&sc, read_segment, seg, seg->end, seg->mark);
	for (uint64_t at = SEGMENT_HEAD; goes_on(s, &rc) && (scan_at(&sc, at, &rec) || scan_search(&sc, at, false, &rec));) {
		wait_for_moves(s, MOVES_AT_ONCE - 1);
		move_record(s, seg, &rec, &rc, err);
		at = rec.offset + frame_length(&rec.frame);
	}
	wait_for_moves(s, 0);
	scanner_free(&sc);
	pthread_mutex_lock(&s->lock);
	seg->moving = rc == 0; /* what is still in it is damaged */
	pthread_mutex_unlock(&s->lock);
	segment_close(s, seg);
	return rc;
}
