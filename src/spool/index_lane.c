/* Lanes: names with numbers, each with a line of due items, and the line of lanes that wait to be handed out. */
#include "index.h"

/* Sweeping costs the length of the line; so it waits until half of the line is ghosts, and more than a few. */
#define GHOSTS_TO_SWEEP 64

/* Keyed, as the names come from outside: FNV-1a from a random start, stirred at the end. */
static uint32_t name_hash(const struct index *ix, struct view name)
{
	uint64_t h = ix->name_key;
	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)name.p[i]) * 0x100000001b3u;
	h ^= h >> 29;
	return (uint32_t)(h * 0xbf58476d1ce4e5b9u >> 32);
}

static void name_place(struct index *ix, uint32_t l)
{
	struct table *t = &ix->by_name;
	uint32_t at = lane_at(ix, l)->hash & t->mask;
	while (t->slots[at] != NONE)
		at = (at + 1) & t->mask;
	t->slots[at] = l;
}

static void names_place_all(struct index *ix, uint32_t room)
{
	free(ix->by_name.slots);
	ix->by_name.slots = mem_alloc(room * sizeof(uint32_t));
	ix->by_name.mask = room - 1;
	memset(ix->by_name.slots, 0xff, room * sizeof(uint32_t));
	for (uint32_t l = 0; l < ix->lanes.used; l++)
		if (lane_at(ix, l)->used)
			name_place(ix, l);
}

/* Lanes that nobody needs any more make room, when there are very many. */
static void forget_idle_lanes(struct index *ix)
{
	for (uint32_t l = 0; l < ix->lanes.used; l++) {
		struct lane *lane = lane_at(ix, l);
		if (!lane->used || lane->items || lane->line || lane->ready || lane->handed)
			continue;
		free(lane->name);
		pool_give(&ix->lanes, l);
		ix->by_name.count--;
	}
	names_place_all(ix, ix->by_name.mask + 1);
}

static uint32_t lane_add(struct index *ix, struct view name, uint32_t hash)
{
	if (ix->by_name.count == LANES_MAX)
		forget_idle_lanes(ix);
	if (ix->by_name.count == LANES_MAX)
		return NONE;
	uint32_t l = pool_take(&ix->lanes);
	*lane_at(ix, l) = (struct lane){
		.name = view_dup(name), .hash = hash, .first = NONE, .last = NONE, .next_ready = NONE, .used = true};
	ix->by_name.count++;
	if (!ix->by_name.slots || ix->by_name.count > (ix->by_name.mask + 1) / 4 * 3)
		names_place_all(ix, ix->by_name.slots ? 2 * (ix->by_name.mask + 1) : 64);
	else
		name_place(ix, l);
	return l;
}

uint32_t lane_of(struct index *ix, struct view name)
{
	uint32_t hash = name_hash(ix, name);
	const struct table *t = &ix->by_name;
	for (uint32_t at = hash & t->mask; t->slots && t->slots[at] != NONE; at = (at + 1) & t->mask) {
		const struct lane *lane = lane_at(ix, t->slots[at]);
		if (lane->hash == hash && view_eq(view_of(lane->name), name))
			return t->slots[at];
	}
	return lane_add(ix, name, hash);
}

static void make_ready(struct index *ix, uint32_t l)
{
	struct lane *lane = lane_at(ix, l);
	if (lane->handed || lane->ready)
		return;
	lane->ready = true;
	lane->next_ready = NONE;
	if (ix->ready_last == NONE)
		ix->ready_first = l;
	else
		lane_at(ix, ix->ready_last)->next_ready = l;
	ix->ready_last = l;
	ix->woke = true;
}

uint32_t lane_ready(struct index *ix)
{
	uint32_t l = ix->ready_first;
	if (l == NONE)
		return NONE;
	struct lane *lane = lane_at(ix, l);
	ix->ready_first = lane->next_ready;
	if (ix->ready_first == NONE)
		ix->ready_last = NONE;
	lane->ready = false;
	lane->handed = true;
	return l;
}

void lane_append(struct index *ix, uint32_t i)
{
	struct item *it = item_at(ix, i);
	struct lane *lane = lane_at(ix, it->lane);
	it->queued = 1;
	it->link = NONE;
	if (lane->last == NONE)
		lane->first = i;
	else
		item_at(ix, lane->last)->link = i;
	lane->last = i;
	lane->line++;
	make_ready(ix, it->lane);
}

void lane_prepend(struct index *ix, uint32_t i)
{
	struct item *it = item_at(ix, i);
	struct lane *lane = lane_at(ix, it->lane);
	it->queued = 1;
	it->link = lane->first;
	lane->first = i;
	if (lane->last == NONE)
		lane->last = i;
	lane->line++;
	make_ready(ix, it->lane);
}

/* Out of line now. False when nobody else holds it and it is freed. */
static bool step_out(struct index *ix, uint32_t i)
{
	struct item *it = item_at(ix, i);
	it->queued = 0;
	if (it->state == ITEM_GONE && it->message == NONE) {
		pool_give(&ix->items, i);
		return false;
	}
	return true;
}

uint32_t lane_next(struct index *ix, uint32_t l)
{
	struct lane *lane = lane_at(ix, l);
	while (lane->first != NONE) {
		uint32_t i = lane->first;
		bool due = item_at(ix, i)->state == ITEM_DUE;
		lane->first = item_at(ix, i)->link;
		if (lane->first == NONE)
			lane->last = NONE;
		lane->line--;
		lane->ghosts -= !due;
		if (step_out(ix, i) && due)
			return i;
	}
	lane->handed = false;
	return NONE;
}

static void sweep(struct index *ix, struct lane *lane)
{
	uint32_t next, last = NONE, *link = &lane->first;
	for (uint32_t i = lane->first; i != NONE; i = next) {
		next = item_at(ix, i)->link;
		if (item_at(ix, i)->state != ITEM_DUE) {
			*link = next;
			lane->line--;
			step_out(ix, i);
			continue;
		}
		link = &item_at(ix, i)->link;
		last = i;
	}
	lane->last = last;
	lane->ghosts = 0;
}

void lane_has_ghost(struct index *ix, uint32_t l)
{
	struct lane *lane = lane_at(ix, l);
	lane->ghosts++;
	if (lane->ghosts > GHOSTS_TO_SWEEP && lane->ghosts > lane->line / 2)
		sweep(ix, lane);
}

void lane_lost_ghost(struct index *ix, uint32_t l)
{
	lane_at(ix, l)->ghosts--;
	make_ready(ix, l);
}
