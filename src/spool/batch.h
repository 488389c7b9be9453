/* What one turn of the committer writes: gathered under the lock (gather.c), written and answered without it (commit.c). */
#pragma once

#include "internal.h"

#define BATCH_MESSAGES 512
#define BATCH_BYTES    (32u << 20)

struct batch {
	struct waiting *first, **tail; /* to be written */
	struct waiting *refused;
	struct state_list states;
	unsigned char *state_bytes;
	size_t state_bytes_n;
	unsigned messages;
	uint64_t bytes;
	struct iovec iov[2 * BATCH_MESSAGES + 2];
	int pieces;
	unsigned char head[SEGMENT_HEAD];
	struct segment *made; /* by this batch */
};

static inline struct view waiting_head(const struct waiting *w)
{
	return view_n(w->block + FRAME, w->head_n);
}

static inline uint64_t waiting_length(const struct waiting *w)
{
	return w->block_n + w->message.n;
}

/* Waits for something to write, and takes it. False: the spool is closing and nothing is left to do. */
bool batch_gather(struct spool *s, struct batch *b);
