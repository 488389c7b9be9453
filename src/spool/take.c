/* The way out: lanes are handed out, items taken, read and given back. */
#include <stdlib.h>

#include "base/file.h"
#include "internal.h"

/* Deferred items that one call moves into their lanes, so that no caller waits long. */
#define PROMOTE_MOST 256

/* Calls of listeners that this thread is in. */
static __thread unsigned telling_here;

static void tell(struct spool *s, void (*ready)(void *arg), void *arg)
{
	telling_here++;
	ready(arg);
	telling_here--;
	if (atomic_fetch_sub(&s->telling, 1) > 1 || !atomic_load(&s->told_awaited))
		return;
	pthread_mutex_lock(&s->lock);
	pthread_cond_broadcast(&s->told);
	pthread_mutex_unlock(&s->lock);
}

void spool_unlock(struct spool *s)
{
	void (*ready)(void *arg) = s->index.woke ? s->ready : NULL;
	void *arg = s->ready_arg;
	s->index.woke = false;
	if (ready)
		atomic_fetch_add(&s->telling, 1);
	pthread_mutex_unlock(&s->lock);
	if (ready)
		tell(s, ready, arg);
}

void spool_on_ready(struct spool *s, void (*ready)(void *arg), void *arg)
{
	pthread_mutex_lock(&s->lock);
	s->ready = NULL;
	atomic_store(&s->told_awaited, true);
	while (!telling_here && atomic_load(&s->telling))
		pthread_cond_wait(&s->told, &s->lock);
	atomic_store(&s->told_awaited, false);
	s->ready = ready;
	s->ready_arg = arg;
	s->index.woke = s->index.ready_first != NONE;
	spool_unlock(s);
}

bool spool_ready_lane(struct spool *s, int64_t now_ms, uint32_t *ret_lane, int64_t *ret_next_ms)
{
	pthread_mutex_lock(&s->lock);
	index_promote(&s->index, now_ms, PROMOTE_MOST);
	uint32_t lane = lane_ready(&s->index), first = heap_first(&s->index);
	*ret_next_ms = first == NONE ? INT64_MAX : (int64_t)item_at(&s->index, first)->due;
	s->index.woke = false; /* the caller is who would be told */
	pthread_mutex_unlock(&s->lock);
	if (lane == NONE)
		return false;
	*ret_lane = lane;
	return true;
}

const char *spool_lane_name(struct spool *s, uint32_t lane)
{
	pthread_mutex_lock(&s->lock);
	ALWAYS(lane < s->index.lanes.used);
	const char *name = lane_at(&s->index, lane)->name;
	pthread_mutex_unlock(&s->lock);
	return name;
}

static void fill(const struct index *ix, uint32_t i, struct spool_item *ret)
{
	const struct item *it = item_at(ix, i);
	const struct message *msg = message_at(ix, it->message);
	*ret = (struct spool_item){
		.id = msg->id,
		.index = it->index,
		.attempts = it->attempts,
		.lane = it->lane,
		.due_ms = (int64_t)it->due,
		.arrived_ms = (int64_t)msg->arrived,
		.handle = (void *)((uintptr_t)i + 1),
	};
}

bool spool_take(struct spool *s, uint32_t lane, int64_t now_ms, struct spool_item *ret)
{
	pthread_mutex_lock(&s->lock);
	ALWAYS(lane < s->index.lanes.used);
	index_promote(&s->index, now_ms, PROMOTE_MOST);
	uint32_t i = lane_next(&s->index, lane);
	if (i != NONE) {
		index_move(&s->index, i, ITEM_TAKEN, (int64_t)item_at(&s->index, i)->due);
		fill(&s->index, i, ret);
	}
	spool_unlock(s);
	return i != NONE;
}

/* ---- giving back ---- */

/* The slot of a taken item; the lock is held. */
static uint32_t taken(struct spool *s, const struct spool_item *item)
{
	uint32_t i = (uint32_t)((uintptr_t)item->handle - 1);
	ALWAYS(i < s->index.items.used);
	const struct item *it = item_at(&s->index, i);
	ALWAYS(it->state == ITEM_TAKEN && it->index == item->index && message_at(&s->index, it->message)->id == item->id);
	return i;
}

void spool_note_state(struct spool *s, uint32_t i, uint8_t stored)
{
	const struct item *it = item_at(&s->index, i);
	const struct message *msg = message_at(&s->index, it->message);
	struct state_list *p = &s->pending;
	if (p->count == p->room) {
		p->room = p->room ? 2 * p->room : 1024;
		p->rows = mem_grow(p->rows, p->room * sizeof *p->rows);
	}
	p->rows[p->count++] = (struct state_entry){.id = msg->id, .due = (int64_t)it->due, .index = it->index,
	    .attempts = it->attempts, .segment = msg->segment, .state = stored};
	s->states_added++;
	if (p->count == 1) {
		s->pending_since_ms = spool_mono_ms();
		if (s->dozing)
			pthread_cond_signal(&s->work);
	}
}

void spool_count_message(struct spool *s, const struct message *msg, int sign)
{
	struct segment *seg = segments_find(&s->segments, msg->segment);
	if (!seg)
		return;
	seg->live += (uint32_t)sign;
	seg->live_bytes += sign > 0 ? msg->length : -(uint64_t)msg->length;
	if (!seg->live && seg != s->current)
		pthread_cond_signal(&s->chores);
}

void spool_forget_message(struct spool *s, uint32_t m)
{
	spool_count_message(s, message_at(&s->index, m), -1);
	index_remove(&s->index, m);
}

void spool_settle(struct spool *s, const struct spool_item *item, enum spool_outcome outcome)
{
	pthread_mutex_lock(&s->lock);
	uint32_t i = taken(s, item), m = item_at(&s->index, i)->message;
	spool_note_state(s, i, (uint8_t)(STORED_SETTLED + outcome));
	s->settled++;
	if (index_move(&s->index, i, ITEM_GONE, 0))
		spool_forget_message(s, m);
	spool_unlock(s);
}

static int64_t stored_time(int64_t ms)
{
	return ms < 0 ? 0 : ms > TIME_MAX ? TIME_MAX : ms;
}

void spool_defer(struct spool *s, const struct spool_item *item, int64_t due_ms, bool counts_as_attempt)
{
	pthread_mutex_lock(&s->lock);
	uint32_t i = taken(s, item);
	struct item *it = item_at(&s->index, i);
	if (counts_as_attempt && it->attempts < ATTEMPTS_MAX)
		it->attempts++;
	index_move(&s->index, i, ITEM_DEFERRED, stored_time(due_ms));
	spool_note_state(s, i, STORED_DUE);
	if (heap_first(&s->index) == i)
		s->index.woke = true; /* whoever waits for the next must wait shorter */
	spool_unlock(s);
}

void spool_put_back(struct spool *s, const struct spool_item *item)
{
	pthread_mutex_lock(&s->lock);
	uint32_t i = taken(s, item);
	s->index.count[ITEM_TAKEN]--;
	s->index.count[ITEM_DUE]++;
	item_at(&s->index, i)->state = ITEM_DUE;
	lane_prepend(&s->index, i);
	spool_unlock(s);
}

void spool_hold_item(struct spool *s, const struct spool_item *item)
{
	pthread_mutex_lock(&s->lock);
	uint32_t i = taken(s, item);
	index_move(&s->index, i, ITEM_HELD, (int64_t)item_at(&s->index, i)->due);
	spool_note_state(s, i, STORED_HELD);
	spool_unlock(s);
}

/* ---- bytes ---- */

/* Where the item's data lies in the body. */
static bool find_data(const struct message_head *head, uint32_t index, size_t *ret_from, size_t *ret_n)
{
	struct view items = head->items;
	struct item_head it;
	size_t from = 0;
	for (uint32_t i = 0; i < head->count && item_head_take(&items, &it); i++) {
		if (it.index == index) {
			*ret_from = from;
			*ret_n = it.data_n;
			return true;
		}
		from += it.data_n;
	}
	return false;
}

static bool open_record(struct view record, uint32_t mark, struct frame *ret_frame, struct message_head *ret_head)
{
	if (!frame_parse(record, mark, ret_frame) || ret_frame->type != RECORD_MESSAGE || frame_length(ret_frame) != record.n)
		return false;
	struct view head = view_sub(record, FRAME, FRAME + ret_frame->head_n);
	struct view body = view_sub(record, FRAME + ret_frame->head_n, record.n);
	return frame_verify((const unsigned char *)record.p, head) && crc32c(0, body.p, body.n) == ret_frame->body_crc &&
	    message_head_parse(head, ret_frame->body_n, ret_head);
}

static bool cut_bytes(struct view record, uint32_t mark, uint64_t id, uint32_t index, struct spool_bytes *ret)
{
	struct frame f;
	struct message_head head;
	size_t from, n;
	if (!open_record(record, mark, &f, &head) || head.id != id || !find_data(&head, index, &from, &n))
		return false;
	struct view body = view_sub(record, FRAME + f.head_n, record.n);
	ret->item = view_sub(body, from, from + n);
	ret->message = view_sub(body, body.n - head.message_n, body.n);
	ret->envelope = view_sub(body, body.n - head.message_n - head.envelope_n, body.n - head.message_n);
	return true;
}

static int read_at(struct spool *s, uint64_t id, uint32_t index, struct location at, struct spool_bytes *ret, struct err *err)
{
	struct segment *seg;
	if (segment_open(s, at.segment, &seg, err) < 0)
		return -1;
	char *record = mem_alloc(at.length);
	int rc = read_all_at(seg->fd, record, at.length, at.offset, err);
	uint32_t mark = seg->mark;
	segment_close(s, seg);
	if (rc == 0 && !cut_bytes(view_n(record, at.length), mark, id, index, ret))
		rc = err_set(err, ERR_CORRUPT, "spool: segment %08x is damaged at %u: message %llx", at.segment, at.offset,
		    (unsigned long long)id);
	if (rc < 0)
		free(record);
	else
		ret->memory = record;
	return rc;
}

int spool_peek(struct spool *s, uint64_t id, uint32_t index, struct spool_bytes *ret, struct err *err)
{
	struct location at, before = {0};
	for (;;) {
		pthread_mutex_lock(&s->lock);
		uint32_t m = index_find(&s->index, id);
		uint32_t i = m == NONE ? NONE : index_find_item(&s->index, m, index);
		if (i == NONE || item_at(&s->index, i)->state == ITEM_GONE) {
			pthread_mutex_unlock(&s->lock);
			return err_set(err, ERR_MISSING, "spool: no such item");
		}
		const struct message *msg = message_at(&s->index, m);
		at = (struct location){msg->segment, msg->offset, msg->length};
		pthread_mutex_unlock(&s->lock);
		struct err why = {0};
		if (read_at(s, id, index, at, ret, &why) == 0)
			return 0;
		/* It may have been moved between the look and the open. */
		if (why.kind != ERR_MISSING || (at.segment == before.segment && at.offset == before.offset))
			return err_set(err, why.kind, "%s", why.text);
		before = at;
	}
}

int spool_read(struct spool *s, const struct spool_item *item, struct spool_bytes *ret, struct err *err)
{
	return spool_peek(s, item->id, item->index, ret, err);
}

void spool_release_bytes(struct spool_bytes *b)
{
	free(b->memory);
	*b = (struct spool_bytes){0};
}
