/* The way to the committer, and what it takes from there. */
#include <stdlib.h>
#include <time.h>

#include "batch.h"

#define STATES_KEPT 16384 /* room for states that a list keeps */
#define LINGER_MS   1000

int64_t spool_mono_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct waiting *waiting_new(uint64_t id, struct view head, struct view small_body, struct view message)
{
	struct waiting *w = mem_alloc(sizeof *w + FRAME + head.n + small_body.n);
	*w = (struct waiting){.id = id, .message = message, .head_n = (uint32_t)head.n};
	w->body_n = (uint32_t)(small_body.n + message.n);
	w->block_n = FRAME + head.n + small_body.n;
	memcpy(w->block + FRAME, head.p, head.n);
	if (small_body.n)
		memcpy(w->block + FRAME + head.n, small_body.p, small_body.n);
	w->body_crc = crc32c(crc32c(0, small_body.p, small_body.n), message.p, message.n);
	return w;
}

void committer_add(struct spool *s, struct waiting *w)
{
	pthread_mutex_lock(&s->lock);
	bool first = !s->first;
	if (first)
		s->first = w;
	else
		s->last->next = w;
	s->last = w;
	pthread_mutex_unlock(&s->lock);
	if (first)
		pthread_cond_signal(&s->work);
}

/* When states must go out though no message does; INT64_MAX: there are none. */
static int64_t states_deadline(const struct spool *s)
{
	if (!s->pending.count)
		return INT64_MAX;
	int64_t due = s->hurried || s->closing ? 0 : s->pending_since_ms + SETTLE_SYNC_MS;
	return due > s->retry_at_ms ? due : s->retry_at_ms;
}

static void wait_until(struct spool *s, int64_t mono_ms)
{
	struct timespec t = {.tv_sec = mono_ms / 1000, .tv_nsec = mono_ms % 1000 * 1000000};
	if (mono_ms == INT64_MAX)
		pthread_cond_wait(&s->work, &s->lock);
	else
		pthread_cond_timedwait(&s->work, &s->lock, &t);
}

/* For a while after work it looks for states by itself, in time for SETTLE_SYNC_MS: nobody need wake it for one. Later it dozes until it is
 * called. */
static void wait_for_change(struct spool *s, int64_t deadline)
{
	int64_t now = spool_mono_ms();
	s->dozing = deadline == INT64_MAX && now - s->worked_at_ms > LINGER_MS;
	if (deadline == INT64_MAX && !s->dozing)
		deadline = now + SETTLE_SYNC_MS;
	wait_until(s, deadline);
	s->dozing = false;
}

/* False: the spool is closing and nothing is left to do. */
static bool wait_for_work(struct spool *s)
{
	for (;;) {
		int64_t deadline = states_deadline(s);
		if (s->abandoned)
			s->pending.count = 0;
		if (s->first || deadline <= spool_mono_ms())
			return true;
		if (s->closing && (!s->pending.count || s->retry_at_ms > spool_mono_ms()))
			return false;
		wait_for_change(s, deadline);
	}
}

static struct err *refusal(const char *what, uint64_t limit)
{
	struct err *e = mem_zero(sizeof *e);
	err_set(e, ERR_LIMIT, "spool: %s is reached (%llu)", what, (unsigned long long)limit);
	return e;
}

static uint64_t items_in_all(const struct index *ix)
{
	return ix->count[ITEM_DUE] + ix->count[ITEM_TAKEN] + ix->count[ITEM_DEFERRED] + ix->count[ITEM_HELD];
}

/* NULL: may be written. */
static struct err *limit_check(struct spool *s, const struct waiting *w, uint64_t items, uint64_t bytes, bool disk_is_full)
{
	if (s->abandoned)
		return refusal("the end", 0);
	if (w->from.segment)
		return NULL;
	if (disk_is_full)
		return refusal("min_free_bytes", s->set.min_free_bytes);
	if (items + w->count > s->set.max_items)
		return refusal("max_items", s->set.max_items);
	if (s->set.max_bytes && s->segments.bytes + bytes + waiting_length(w) > s->set.max_bytes)
		return refusal("max_bytes", s->set.max_bytes);
	if (index_find(&s->index, w->id) == NONE)
		return NULL;
	struct err *e = refusal("id", w->id);
	err_set(e, ERR_CONFLICT, "spool: id %llx is in use", (unsigned long long)w->id);
	return e;
}

/* A move carries the states that its items have now; states noted before stand before it in the log, later ones behind it.
 * False: the message is gone or lies elsewhere. */
static bool refresh_move(struct spool *s, struct waiting *w)
{
	uint32_t m = index_find(&s->index, w->id);
	if (m == NONE || message_at(&s->index, m)->segment != w->from.segment || message_at(&s->index, m)->offset != w->from.offset)
		return false;
	struct view items = view_sub(waiting_head(w), MESSAGE_HEAD, w->head_n);
	struct item_head it;
	while (items.n) {
		unsigned char *at = w->block + FRAME + w->head_n - items.n;
		ALWAYS(item_head_take(&items, &it));
		uint32_t i = index_find_item(&s->index, m, it.index);
		const struct item *now = i == NONE ? NULL : item_at(&s->index, i);
		uint8_t state = !now || now->state == ITEM_GONE ? STORED_SETTLED : now->state == ITEM_HELD ? STORED_HELD : STORED_DUE;
		item_head_patch(at, state, now ? now->attempts : 0, now ? (int64_t)now->due : 0);
	}
	return true;
}

static void set_aside(struct batch *b, struct waiting *w)
{
	w->next = b->refused;
	b->refused = w;
}

static void take_waiting(struct spool *s, struct batch *b, bool disk_is_full)
{
	uint64_t items = items_in_all(&s->index);
	while (s->first && b->messages < BATCH_MESSAGES && b->bytes < BATCH_BYTES) {
		struct waiting *w = s->first;
		s->first = w->next;
		w->next = NULL;
		w->refused = limit_check(s, w, items, b->bytes, disk_is_full);
		if (w->refused || (w->from.segment && !refresh_move(s, w))) {
			set_aside(b, w);
			continue;
		}
		*b->tail = w;
		b->tail = &w->next;
		b->messages++;
		b->bytes += waiting_length(w);
		items += w->from.segment ? 0 : w->count;
	}
}

static bool disk_is_full(struct spool *s)
{
	uint64_t bytes;
	return s->io->free_bytes(s->dir_fd, &bytes) == 0 && bytes < s->set.min_free_bytes;
}

static void batch_clear(struct batch *b)
{
	b->first = b->refused = NULL;
	b->tail = &b->first;
	b->states.count = 0;
	b->state_bytes = NULL;
	b->state_bytes_n = 0;
	b->messages = 0;
	b->bytes = 0;
	b->pieces = 0;
	b->made = NULL;
}

/* A burst's memory is not kept. */
static void shrink(struct state_list *l)
{
	if (l->room <= STATES_KEPT)
		return;
	free(l->rows);
	*l = (struct state_list){0};
}

bool batch_gather(struct spool *s, struct batch *b)
{
	batch_clear(b);
	shrink(&b->states);
	pthread_mutex_lock(&s->lock);
	bool work = wait_for_work(s);
	pthread_mutex_unlock(&s->lock);
	if (!work)
		return false;
	bool full = disk_is_full(s);
	pthread_mutex_lock(&s->lock);
	s->worked_at_ms = spool_mono_ms();
	take_waiting(s, b, full);
	struct state_list spare = b->states;
	b->states = s->pending;
	s->pending = spare;
	pthread_mutex_unlock(&s->lock);
	return true;
}
