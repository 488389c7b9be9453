/* The operator's view: rows, acts on many, figures. All of it in slices, so that mail goes on meanwhile. */
#include <stdlib.h>

#include "internal.h"

#define SLICE     2048 /* message slots looked at under one hold of the lock */
#define ROWS_MOST 256  /* rows copied under one hold */
#define ACT_WAIT_MS 60000 /* for the disk to have it */

static const struct {
	enum item_state in;
	enum spool_state state;
	const char *word;
} states[] = {
	{ITEM_DUE, SPOOL_STATE_DUE, "due"},
	{ITEM_TAKEN, SPOOL_STATE_TAKEN, "taken"},
	{ITEM_DEFERRED, SPOOL_STATE_DEFERRED, "deferred"},
	{ITEM_HELD, SPOOL_STATE_HELD, "held"},
};
#define STATES (sizeof states / sizeof *states)

const char *spool_state_word(enum spool_state st)
{
	for (size_t i = 0; i < STATES; i++)
		if (states[i].state == st)
			return states[i].word;
	return "unknown";
}

static enum spool_state state_of(const struct item *it)
{
	for (size_t i = 0; i < STATES; i++)
		if (states[i].in == it->state)
			return states[i].state;
	return 0;
}

/* ---- every row ---- */

static int by_id(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

struct id_list {
	uint64_t *ids;
	size_t count, room;
};

static void add_ids(const struct index *ix, uint32_t from, uint32_t to, struct id_list *l)
{
	for (uint32_t m = from; m < to; m++) {
		if (!message_at(ix, m)->used)
			continue;
		if (l->count == l->room) {
			l->room = l->room ? 2 * l->room : SLICE;
			l->ids = mem_grow(l->ids, l->room * sizeof *l->ids);
		}
		l->ids[l->count++] = message_at(ix, m)->id;
	}
}

/* Of all messages, sorted. Those that come or go meanwhile may be in it or not. */
static struct id_list all_ids(struct spool *s)
{
	struct id_list l = {0};
	bool more = true;
	for (uint32_t m = 0; more; m += SLICE) {
		pthread_mutex_lock(&s->lock);
		uint32_t used = s->index.messages.used;
		more = used > m && used - m > SLICE;
		add_ids(&s->index, m, more ? m + SLICE : used, &l);
		pthread_mutex_unlock(&s->lock);
	}
	if (l.count)
		qsort(l.ids, l.count, sizeof *l.ids, by_id);
	return l;
}

static void add_row(const struct index *ix, uint32_t i, struct spool_row *row)
{
	const struct item *it = item_at(ix, i);
	const struct message *msg = message_at(ix, it->message);
	*row = (struct spool_row){.id = msg->id, .index = it->index, .attempts = it->attempts, .state = state_of(it),
	    .due_ms = (int64_t)it->due, .arrived_ms = (int64_t)msg->arrived, .lane = lane_at(ix, it->lane)->name};
}

struct rows {
	struct spool_row *rows;
	size_t count, room;
};

static int by_index(const void *a, const void *b)
{
	const struct spool_row *x = a, *y = b;
	return (x->index > y->index) - (x->index < y->index);
}

/* All live items of one message; the lock is held. */
static void add_rows(const struct index *ix, uint64_t id, struct rows *r)
{
	uint32_t m = index_find(ix, id);
	size_t first = r->count;
	for (uint32_t i = m == NONE ? NONE : message_at(ix, m)->first; i != NONE; i = item_at(ix, i)->sibling) {
		if (item_at(ix, i)->state == ITEM_GONE)
			continue;
		if (r->count == r->room) {
			r->room = r->room ? 2 * r->room : ROWS_MOST;
			r->rows = mem_grow(r->rows, r->room * sizeof *r->rows);
		}
		add_row(ix, i, &r->rows[r->count++]);
	}
	if (r->count > first + 1)
		qsort(r->rows + first, r->count - first, sizeof *r->rows, by_index);
}

/* Calls EACH_ROWS for runs of rows in id order, without the lock; false stops. */
static void walk(struct spool *s, bool (*each_rows)(void *arg, const struct rows *r), void *arg)
{
	struct id_list l = all_ids(s);
	struct rows r = {0};
	bool go_on = true;
	for (size_t n = 0; n < l.count && go_on;) {
		r.count = 0;
		pthread_mutex_lock(&s->lock);
		while (n < l.count && r.count < ROWS_MOST)
			add_rows(&s->index, l.ids[n++], &r);
		pthread_mutex_unlock(&s->lock);
		go_on = each_rows(arg, &r);
	}
	free(r.rows);
	free(l.ids);
}

struct each {
	bool (*each)(void *arg, const struct spool_row *row);
	void *arg;
};

static bool each_row(void *arg, const struct rows *r)
{
	const struct each *e = arg;
	for (size_t i = 0; i < r->count; i++)
		if (!e->each(e->arg, &r->rows[i]))
			return false;
	return true;
}

void spool_each(struct spool *s, bool (*each)(void *arg, const struct spool_row *row), void *arg)
{
	walk(s, each_row, &(struct each){each, arg});
}

/* ---- acts ---- */

/* What each act does to an item in each state; ITEM_FREE: nothing. */
static const struct {
	uint8_t to[ITEM_GONE];
	uint8_t stored;
} acts[] = {
	[SPOOL_HOLD] = {{[ITEM_DUE] = ITEM_HELD, [ITEM_DEFERRED] = ITEM_HELD}, STORED_HELD},
	[SPOOL_RELEASE] = {{[ITEM_HELD] = ITEM_DUE}, STORED_DUE},
	[SPOOL_DROP] = {{[ITEM_DUE] = ITEM_GONE, [ITEM_DEFERRED] = ITEM_GONE, [ITEM_HELD] = ITEM_GONE}, STORED_SETTLED + SPOOL_DROPPED},
	[SPOOL_RETRY] = {{[ITEM_DEFERRED] = ITEM_DUE}, STORED_DUE},
};

struct acting {
	struct spool *s;
	enum spool_act act;
	bool (*match)(void *arg, const struct spool_row *row);
	void *arg;
	uint64_t count;
};

static bool act_on_item(struct spool *s, enum spool_act act, uint64_t id, uint32_t index)
{
	uint32_t m = index_find(&s->index, id);
	uint32_t i = m == NONE ? NONE : index_find_item(&s->index, m, index);
	if (i == NONE || item_at(&s->index, i)->state == ITEM_GONE)
		return false;
	enum item_state to = acts[act].to[item_at(&s->index, i)->state];
	if (to == ITEM_FREE)
		return false;
	int64_t due = to == ITEM_DUE ? clock_wall(s->clock) : (int64_t)item_at(&s->index, i)->due;
	if (to == ITEM_GONE)
		s->settled++;
	else
		item_at(&s->index, i)->due = (uint64_t)due & TIME_MAX;
	spool_note_state(s, i, acts[act].stored);
	if (index_move(&s->index, i, to, due))
		spool_forget_message(s, m);
	return true;
}

static bool act_on_rows(void *arg, const struct rows *r)
{
	struct acting *a = arg;
	bool *wanted = mem_alloc(r->count + 1);
	for (size_t i = 0; i < r->count; i++)
		wanted[i] = !a->match || a->match(a->arg, &r->rows[i]);
	pthread_mutex_lock(&a->s->lock);
	for (size_t i = 0; i < r->count; i++)
		if (wanted[i])
			a->count += act_on_item(a->s, a->act, r->rows[i].id, r->rows[i].index);
	spool_unlock(a->s);
	free(wanted);
	return true;
}

/* Until all states noted so far are on disk. */
static int wait_durable(struct spool *s, struct err *err)
{
	pthread_mutex_lock(&s->lock);
	uint64_t wanted = s->states_added, failures = s->failures;
	int64_t until = spool_mono_ms() + ACT_WAIT_MS;
	struct timespec t = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
	s->hurried++;
	pthread_cond_signal(&s->work);
	while (s->states_durable < wanted && s->failures == failures && spool_mono_ms() < until)
		pthread_cond_timedwait(&s->synced, &s->lock, &t);
	s->hurried--;
	bool ok = s->states_durable >= wanted;
	if (!ok && s->failures == failures)
		err_set(err, ERR_UNAVAILABLE, "spool: not on disk within %d s; it may be later", ACT_WAIT_MS / 1000);
	else if (!ok && err)
		*err = s->failure;
	pthread_mutex_unlock(&s->lock);
	return ok ? 0 : -1;
}

int spool_act_on(struct spool *s, enum spool_act act, bool (*match)(void *arg, const struct spool_row *row), void *arg,
    uint64_t *ret_count, struct err *err)
{
	struct acting a = {.s = s, .act = act, .match = match, .arg = arg};
	walk(s, act_on_rows, &a);
	if (a.count && wait_durable(s, err) < 0)
		return -1;
	*ret_count = a.count;
	return 0;
}

/* ---- figures ---- */

static int64_t oldest(struct spool *s)
{
	uint64_t best = UINT64_MAX;
	bool more = true;
	for (uint32_t m = 0; more; m += SLICE) {
		pthread_mutex_lock(&s->lock);
		uint32_t used = s->index.messages.used, stop;
		more = used > m && used - m > SLICE;
		stop = more ? m + SLICE : used;
		for (uint32_t n = m; n < stop; n++)
			if (message_at(&s->index, n)->used && message_at(&s->index, n)->arrived < best)
				best = message_at(&s->index, n)->arrived;
		pthread_mutex_unlock(&s->lock);
	}
	return best == UINT64_MAX ? 0 : (int64_t)best;
}

void spool_stats(struct spool *s, struct spool_stats *ret)
{
	int64_t oldest_ms = oldest(s);
	pthread_mutex_lock(&s->lock);
	const uint64_t *count = s->index.count;
	*ret = (struct spool_stats){
		.items = count[ITEM_DUE] + count[ITEM_TAKEN] + count[ITEM_DEFERRED] + count[ITEM_HELD],
		.held = count[ITEM_HELD],
		.taken = count[ITEM_TAKEN],
		.lanes = s->index.by_name.count,
		.segments = s->segments.count,
		.bytes = s->segments.bytes,
		.syncs = s->syncs,
		.submitted = s->submitted,
		.settled = s->settled,
		.damaged_bytes = s->damaged_bytes,
		.oldest_ms = oldest_ms,
	};
	pthread_mutex_unlock(&s->lock);
}
