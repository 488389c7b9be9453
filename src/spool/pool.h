/* Slots of one size, named by number, in chunks that never move; a freed slot is used again first. */
#pragma once

#include <stdlib.h>

#include "base/mem.h"

#define NONE       UINT32_MAX
#define POOL_CHUNK 4096u

struct pool {
	char **chunks;
	size_t slot_bytes;
	uint32_t chunk_count, chunk_room, used, first_free;
};

static inline void pool_init(struct pool *p, size_t slot_bytes)
{
	*p = (struct pool){.slot_bytes = slot_bytes, .first_free = NONE};
}

static inline void *pool_at(const struct pool *p, uint32_t slot)
{
	return p->chunks[slot / POOL_CHUNK] + (size_t)(slot % POOL_CHUNK) * p->slot_bytes;
}

static inline void pool_add_chunk(struct pool *p)
{
	if (p->chunk_count == p->chunk_room) {
		p->chunk_room = p->chunk_room ? 2 * p->chunk_room : 16;
		p->chunks = mem_grow(p->chunks, p->chunk_room * sizeof *p->chunks);
	}
	p->chunks[p->chunk_count++] = mem_alloc(POOL_CHUNK * p->slot_bytes);
}

/* Cleared. A free slot holds the number of the next one in its first four bytes. */
static inline uint32_t pool_take(struct pool *p)
{
	uint32_t slot = p->first_free;
	if (slot != NONE) {
		memcpy(&p->first_free, pool_at(p, slot), sizeof p->first_free);
	} else {
		if (p->used == p->chunk_count * POOL_CHUNK)
			pool_add_chunk(p);
		slot = p->used++;
	}
	memset(pool_at(p, slot), 0, p->slot_bytes);
	return slot;
}

static inline void pool_give(struct pool *p, uint32_t slot)
{
	memset(pool_at(p, slot), 0, p->slot_bytes);
	memcpy(pool_at(p, slot), &p->first_free, sizeof p->first_free);
	p->first_free = slot;
}

static inline void pool_free(struct pool *p)
{
	for (uint32_t i = 0; i < p->chunk_count; i++)
		free(p->chunks[i]);
	free(p->chunks);
	*p = (struct pool){0};
}
