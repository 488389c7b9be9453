/* Deferred items by due time: a heap of four children a node, which touches half as much memory as one of two. */
#include "index.h"

#define CHILDREN 4

static uint64_t due_at(const struct index *ix, uint32_t place)
{
	return item_at(ix, ix->heap.slots[place])->due;
}

static void put(struct index *ix, uint32_t place, uint32_t i)
{
	ix->heap.slots[place] = i;
	item_at(ix, i)->link = place;
}

static void up(struct index *ix, uint32_t place, uint32_t i)
{
	uint64_t due = item_at(ix, i)->due;
	while (place && due_at(ix, (place - 1) / CHILDREN) > due) {
		put(ix, place, ix->heap.slots[(place - 1) / CHILDREN]);
		place = (place - 1) / CHILDREN;
	}
	put(ix, place, i);
}

static uint32_t least_child(const struct index *ix, uint32_t place)
{
	uint64_t first = (uint64_t)place * CHILDREN + 1, least = NONE;
	for (uint64_t c = first; c < first + CHILDREN && c < ix->heap.count; c++)
		if (least == NONE || due_at(ix, (uint32_t)c) < due_at(ix, (uint32_t)least))
			least = c;
	return (uint32_t)least;
}

static void down(struct index *ix, uint32_t place, uint32_t i)
{
	uint64_t due = item_at(ix, i)->due;
	for (;;) {
		uint32_t child = least_child(ix, place);
		if (child == NONE || due_at(ix, child) >= due)
			break;
		put(ix, place, ix->heap.slots[child]);
		place = child;
	}
	put(ix, place, i);
}

void heap_push(struct index *ix, uint32_t i)
{
	if (ix->heap.count == ix->heap.room) {
		ix->heap.room = ix->heap.room ? 2 * ix->heap.room : 1024;
		ix->heap.slots = mem_grow(ix->heap.slots, ix->heap.room * sizeof(uint32_t));
	}
	up(ix, ix->heap.count++, i);
}

void heap_remove(struct index *ix, uint32_t i)
{
	uint32_t place = item_at(ix, i)->link, last = ix->heap.slots[--ix->heap.count];
	ALWAYS(ix->heap.slots[place] == i);
	if (last == i)
		return;
	if (item_at(ix, last)->due < item_at(ix, i)->due)
		up(ix, place, last);
	else
		down(ix, place, last);
}

uint32_t heap_first(const struct index *ix)
{
	return ix->heap.count ? ix->heap.slots[0] : NONE;
}

void index_promote(struct index *ix, int64_t now, unsigned most)
{
	for (uint32_t i; most-- && (i = heap_first(ix)) != NONE && (int64_t)item_at(ix, i)->due <= now;)
		index_move(ix, i, ITEM_DUE, (int64_t)item_at(ix, i)->due);
}
