#include "index.h"

void index_init(struct index *ix, uint64_t name_key)
{
	memset(ix, 0, sizeof *ix);
	pool_init(&ix->messages, sizeof(struct message));
	pool_init(&ix->items, sizeof(struct item));
	pool_init(&ix->lanes, sizeof(struct lane));
	ix->ready_first = ix->ready_last = NONE;
	ix->name_key = name_key;
	ix->loading = true;
}

void index_free(struct index *ix)
{
	for (uint32_t l = 0; l < ix->lanes.used; l++)
		if (lane_at(ix, l)->used)
			free(lane_at(ix, l)->name);
	pool_free(&ix->messages);
	pool_free(&ix->items);
	pool_free(&ix->lanes);
	free(ix->by_id.slots);
	free(ix->by_name.slots);
	free(ix->heap.slots);
	memset(ix, 0, sizeof *ix);
}

/* ---- messages by id: open addressing, linear, no tombstones; between 3/8 and 3/4 full ---- */

static uint32_t id_home(uint64_t id, uint32_t mask)
{
	return (uint32_t)(id * 0x9e3779b97f4a7c15u >> 32) & mask;
}

static void id_place(struct index *ix, uint32_t m)
{
	struct table *t = &ix->by_id;
	uint32_t at = id_home(message_at(ix, m)->id, t->mask);
	while (t->slots[at] != NONE)
		at = (at + 1) & t->mask;
	t->slots[at] = m;
}

static void id_grow(struct index *ix)
{
	struct table old = ix->by_id;
	uint32_t room = old.slots ? 2 * (old.mask + 1) : 1024;
	ix->by_id = (struct table){.slots = mem_alloc(room * sizeof(uint32_t)), .mask = room - 1, .count = old.count};
	memset(ix->by_id.slots, 0xff, room * sizeof(uint32_t));
	for (uint32_t i = 0; old.slots && i <= old.mask; i++)
		if (old.slots[i] != NONE)
			id_place(ix, old.slots[i]);
	free(old.slots);
}

static uint32_t id_slot(const struct index *ix, uint64_t id)
{
	const struct table *t = &ix->by_id;
	if (!t->slots)
		return NONE;
	for (uint32_t at = id_home(id, t->mask); t->slots[at] != NONE; at = (at + 1) & t->mask)
		if (message_at(ix, t->slots[at])->id == id)
			return at;
	return NONE;
}

/* Closes the gap: whoever stands behind it and is not at home there moves up. */
static void id_unplace(struct index *ix, uint64_t id)
{
	struct table *t = &ix->by_id;
	uint32_t gap = id_slot(ix, id);
	ALWAYS(gap != NONE);
	for (uint32_t at = (gap + 1) & t->mask; t->slots[at] != NONE; at = (at + 1) & t->mask) {
		uint32_t home = id_home(message_at(ix, t->slots[at])->id, t->mask);
		if (((at - home) & t->mask) >= ((at - gap) & t->mask)) {
			t->slots[gap] = t->slots[at];
			gap = at;
		}
	}
	t->slots[gap] = NONE;
	t->count--;
}

uint32_t index_find(const struct index *ix, uint64_t id)
{
	uint32_t at = id_slot(ix, id);
	return at == NONE ? NONE : ix->by_id.slots[at];
}

uint32_t index_find_item(const struct index *ix, uint32_t m, uint32_t index)
{
	/* Items of one message mostly got neighbouring slots, in order, and the last comes first. */
	uint32_t first = message_at(ix, m)->first;
	if (first == NONE)
		return NONE;
	uint32_t guess = first - item_at(ix, first)->index + index;
	if (guess < ix->items.used && item_at(ix, guess)->state != ITEM_FREE && item_at(ix, guess)->message == m &&
	    item_at(ix, guess)->index == index)
		return guess;
	for (uint32_t i = first; i != NONE; i = item_at(ix, i)->sibling)
		if (item_at(ix, i)->index == index)
			return i;
	return NONE;
}

uint32_t index_add(struct index *ix, uint64_t id, int64_t arrived, struct location at)
{
	uint32_t m = pool_take(&ix->messages);
	struct message *msg = message_at(ix, m);
	msg->id = id;
	msg->arrived = (uint64_t)arrived & TIME_MAX;
	msg->segment = at.segment;
	msg->offset = at.offset;
	msg->length = at.length;
	msg->first = NONE;
	msg->used = 1;
	if (!ix->by_id.slots || (ix->by_id.count + 1) > (ix->by_id.mask + 1) / 4 * 3)
		id_grow(ix);
	id_place(ix, m);
	ix->by_id.count++;
	return m;
}

/* ---- items ---- */

static void enter(struct index *ix, uint32_t i, enum item_state to, int64_t due)
{
	struct item *it = item_at(ix, i);
	it->due = (uint64_t)due & TIME_MAX;
	it->state = to;
	ix->count[to]++;
	if (ix->loading)
		return;
	if (to == ITEM_DEFERRED)
		heap_push(ix, i);
	else if (to == ITEM_DUE && it->queued)
		lane_lost_ghost(ix, it->lane);
	else if (to == ITEM_DUE)
		lane_append(ix, i);
}

static void leave(struct index *ix, uint32_t i)
{
	struct item *it = item_at(ix, i);
	ix->count[it->state]--;
	if (it->state == ITEM_DEFERRED && !ix->loading)
		heap_remove(ix, i);
}

bool index_move(struct index *ix, uint32_t i, enum item_state to, int64_t due)
{
	struct item *it = item_at(ix, i);
	bool stood = it->queued && it->state == ITEM_DUE;
	leave(ix, i);
	if (to == ITEM_GONE) {
		it->state = ITEM_GONE;
		lane_at(ix, it->lane)->items--;
		message_at(ix, it->message)->live--;
	} else {
		enter(ix, i, to, due);
	}
	bool last = to == ITEM_GONE && message_at(ix, it->message)->live == 0;
	if (stood && to != ITEM_DUE && to != ITEM_TAKEN)
		lane_has_ghost(ix, it->lane);
	return last;
}

/* Those never deferred wait in the order in which they came; others by their due time. Held ones don't wait. */
static enum item_state first_state(const struct item_head *it, int64_t arrived)
{
	return it->state == STORED_HELD ? ITEM_HELD : it->due > arrived ? ITEM_DEFERRED : ITEM_DUE;
}

void index_add_item(struct index *ix, uint32_t m, const struct item_head *head)
{
	uint32_t lane = lane_of(ix, head->lane);
	ALWAYS(lane != NONE);
	uint32_t i = pool_take(&ix->items);
	struct item *it = item_at(ix, i);
	struct message *msg = message_at(ix, m);
	it->message = m;
	it->sibling = NONE;
	it->lane = lane & (LANES_MAX - 1);
	it->attempts = head->attempts & ATTEMPTS_MAX;
	it->index = head->index & (ITEMS_PER_MESSAGE);
	lane_at(ix, lane)->items++;
	msg->live++;
	it->sibling = msg->first;
	msg->first = i;
	enter(ix, i, first_state(head, (int64_t)msg->arrived), head->due);
}

uint32_t index_add_message(struct index *ix, const struct message_head *head, struct location at)
{
	uint32_t m = NONE;
	struct view items = head->items;
	struct item_head it;
	for (uint32_t i = 0; i < head->count && item_head_take(&items, &it); i++) {
		if (it.state >= STORED_SETTLED)
			continue;
		if (m == NONE)
			m = index_add(ix, head->id, head->arrived, at);
		index_add_item(ix, m, &it);
	}
	return m;
}

static int by_id(const void *a, const void *b)
{
	const struct message_rank *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

static void line_up(struct index *ix, uint32_t m)
{
	for (uint32_t i = message_at(ix, m)->first; i != NONE; i = item_at(ix, i)->sibling) {
		if (item_at(ix, i)->state == ITEM_DEFERRED)
			heap_push(ix, i);
		else if (item_at(ix, i)->state == ITEM_DUE)
			lane_append(ix, i);
	}
}

void index_loaded(struct index *ix)
{
	size_t n = 0;
	struct message_rank *ranks = mem_alloc((ix->by_id.count + 1) * sizeof *ranks);
	for (uint32_t m = 0; m < ix->messages.used; m++)
		if (message_at(ix, m)->used)
			ranks[n++] = (struct message_rank){message_at(ix, m)->id, m};
	qsort(ranks, n, sizeof *ranks, by_id);
	ix->loading = false;
	for (size_t k = 0; k < n; k++)
		line_up(ix, ranks[k].message);
	free(ranks);
}

static void drop_item(struct index *ix, uint32_t i)
{
	struct item *it = item_at(ix, i);
	if (it->state != ITEM_GONE)
		index_move(ix, i, ITEM_GONE, 0);
	if (!it->queued)
		pool_give(&ix->items, i);
	else
		it->message = NONE;
}

void index_remove(struct index *ix, uint32_t m)
{
	struct message *msg = message_at(ix, m);
	for (uint32_t i = msg->first, next; i != NONE; i = next) {
		next = item_at(ix, i)->sibling;
		drop_item(ix, i);
	}
	id_unplace(ix, msg->id);
	pool_give(&ix->messages, m);
}
