/* What is queued, in memory: 32 bytes a message, 24 an item, 5 to 10 for finding a message by its id, 4 more for a deferred item.
 *
 *   id ─▶ message ─▶ item ─▶ item ...          (sibling)
 *   lane ─▶ item ─▶ item ...                   (link) due now, first come first served
 *   heap: deferred items by due time           (link = place in the heap)
 *
 * Nothing here locks, reads a clock or touches a file: the spool does, around it. */
#pragma once

#include "format.h"
#include "pool.h"
#include "spool/spool.h"

enum item_state { ITEM_FREE, ITEM_DUE, ITEM_TAKEN, ITEM_DEFERRED, ITEM_HELD, ITEM_GONE };

struct location {
	uint32_t segment, offset, length;
};

struct message {
	uint64_t id; /* 0: a free slot, whose first bytes are the pool's */
	uint32_t segment, offset, length;
	uint32_t first;        /* item */
	uint64_t arrived : 44; /* 0 only in a free slot */
	uint64_t live : 16;    /* items not yet settled */
	uint64_t used : 1;
};

/* QUEUED: stands in its lane's line. An item that is held or dropped while it stands there stays, passed over, until it is reached
 * or the lane is swept. */
struct item {
	uint32_t message; /* NONE: its message is gone, only the line still holds it */
	uint32_t sibling, link;
	uint32_t lane : 20, attempts : 12;
	uint64_t due : 44, index : 16, state : 3, queued : 1;
};

struct lane {
	char *name;
	uint32_t hash, first, last; /* the line */
	uint32_t ghosts, line;      /* passed over; all in the line */
	uint32_t next_ready;
	uint32_t items;             /* unsettled, whatever their state */
	bool handed, ready, used;
};
#define LANES_MAX (1u << 20)

struct table {
	uint32_t *slots, mask, count;
};

struct index {
	struct pool messages, items, lanes;
	struct table by_id, by_name;
	struct {
		uint32_t *slots, count, room;
	} heap;
	uint32_t ready_first, ready_last; /* lanes */
	uint64_t name_key;
	uint64_t count[ITEM_GONE + 1]; /* items in each state */
	bool loading;                     /* nobody stands in line yet */
	bool woke;                        /* a lane became ready since somebody last looked */
};

struct message_rank {
	uint64_t id;
	uint32_t message;
};

void index_init(struct index *ix, uint64_t name_key); /* begins loading */
void index_loaded(struct index *ix);                  /* lines all up, in id order */
void index_free(struct index *ix);

static inline struct message *message_at(const struct index *ix, uint32_t m)
{
	return pool_at(&ix->messages, m);
}
static inline struct item *item_at(const struct index *ix, uint32_t i)
{
	return pool_at(&ix->items, i);
}
static inline struct lane *lane_at(const struct index *ix, uint32_t l)
{
	return pool_at(&ix->lanes, l);
}

uint32_t index_find(const struct index *ix, uint64_t id); /* NONE when there is no such message */
uint32_t index_find_item(const struct index *ix, uint32_t m, uint32_t index);
/* A message with nothing in it yet; then index_add_item for each item that is not settled. */
uint32_t index_add(struct index *ix, uint64_t id, int64_t arrived, struct location at);
void index_add_item(struct index *ix, uint32_t m, const struct item_head *it);
/* All items that HEAD says are unsettled. NONE when there is none. */
uint32_t index_add_message(struct index *ix, const struct message_head *head, struct location at);
/* Items and all. */
void index_remove(struct index *ix, uint32_t m);

/* Leaves one state and enters another. ITEM_GONE settles it: true when the message has no live item left (and can be removed). */
bool index_move(struct index *ix, uint32_t i, enum item_state to, int64_t due);

/* ---- lanes ---- */

uint32_t lane_of(struct index *ix, struct view name); /* NONE beyond LANES_MAX */
void lane_append(struct index *ix, uint32_t i);
void lane_prepend(struct index *ix, uint32_t i);
/* The first that is due, no longer in line; NONE: dry (the lane is reported again when something comes). */
uint32_t lane_next(struct index *ix, uint32_t lane);
/* Called when an item in line became one to pass over; sweeps when most are. */
void lane_has_ghost(struct index *ix, uint32_t lane);
/* An item in line that was passed over is due again. */
void lane_lost_ghost(struct index *ix, uint32_t lane);
uint32_t lane_ready(struct index *ix); /* hands out; NONE when there is none */

/* ---- deferred ---- */

void heap_push(struct index *ix, uint32_t i);
void heap_remove(struct index *ix, uint32_t i);
uint32_t heap_first(const struct index *ix); /* NONE when empty */
/* Moves at most MOST of those due at NOW into their lanes. */
void index_promote(struct index *ix, int64_t now, unsigned most);
