/* The spool's inside. One lock guards the index, the segments and what waits; nobody holds it over a system call on a file.
 *
 *   any thread ── submit ──▶ waiting ──┐
 *   any thread ── settle.. ─▶ pending ─┴▶ committer: gather, write, fdatasync, apply, done
 *   keeper: writes checkpoints, unlinks segments, hands messages of nearly empty ones to the committer as moves */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/codec.h"
#include "index.h"
#include "io.h"
#include "segment.h"

#define MESSAGE_MAX (1u << 29) /* bytes of envelope, item data and message together */

/* A record on its way to the log. BLOCK is frame, head, and the body but for the message. */
struct waiting {
	struct waiting *next;
	uint64_t id;
	spool_done *done;
	void *arg;
	struct view message;
	size_t block_n;
	uint32_t head_n, body_n, body_crc, count;
	struct location at;   /* where it goes */
	struct location from; /* a move: where it lies now; .segment 0: a submission */
	struct err *refused;  /* why it is not written; NULL: it is */
	unsigned char block[];
};

struct state_list {
	struct state_entry *rows;
	size_t count, room;
};

/* A place in the log: all records before it. */
struct position {
	uint32_t segment, offset;
};

struct spool {
	struct spool_settings set; /* .dir is a copy */
	const struct clock *clock;
	const struct spool_io *io;
	int dir_fd, lock_fd;
	_Atomic uint64_t last_id;
	_Atomic uint64_t id_limit;  /* the disk has it that ids up to here may have been used */
	_Atomic uint64_t id_wanted; /* what the clock would have had, when the limit was near */
	pthread_t committer, keeper;
	bool committer_runs, keeper_runs;

	pthread_mutex_t lock; /* all below */
	pthread_cond_t work, synced, chores;
	struct index index;
	struct segments segments;
	struct segment *current; /* the one written to; only the committer changes it; NULL: the next batch makes one */
	uint32_t last_number, last_end; /* of the newest segment that ever was */
	struct position applied;
	struct waiting *first, *last;
	struct state_list pending;
	uint64_t states_added, states_durable; /* in all */
	int64_t pending_since_ms, retry_at_ms; /* monotonic */
	unsigned hurried;                      /* callers who wait for their states */
	uint64_t failures;
	struct err failure; /* the last one */
	int64_t worked_at_ms; /* monotonic; the committer's last turn */
	bool dozing;    /* the committer waits for a call, however long */
	bool stopping;  /* the keeper ends */
	bool closing;   /* then the committer, when nothing waits */
	bool abandoned; /* nothing is written any more */
	unsigned moves; /* on their way */
	uint64_t syncs, submitted, settled, records_since, damaged_bytes;
	struct position checkpoints[2]; /* what each of the two kept ones covers; newest first */
	uint32_t checkpoint_number;
	void (*ready)(void *arg);
	void *ready_arg;
	pthread_cond_t told;
	_Atomic unsigned telling; /* calls of a listener under way; counted up under the lock */
	_Atomic bool told_awaited;
};

void spool_saw_id(struct spool *s, uint64_t id);
/* The promise of id_limit, on disk: read at the start, renewed before it is used up, given back at the end. */
void ids_recover(struct spool *s);
bool ids_are_short(struct spool *s);
int ids_promise(struct spool *s, struct err *err) MUST_CHECK;
int ids_give_back(struct spool *s, struct err *err) MUST_CHECK;
int64_t spool_mono_ms(void);

/* ---- under the lock ---- */
/* What is stored of an item that just changed; goes out with the next sync. */
void spool_note_state(struct spool *s, uint32_t item, uint8_t stored);
/* The message's last item was settled. */
void spool_forget_message(struct spool *s, uint32_t m);
void spool_count_message(struct spool *s, const struct message *msg, int sign);

/* Releases the lock, then tells the listener if a lane became ready. */
void spool_unlock(struct spool *s);

/* ---- committer ---- */
void *committer_run(void *spool);
/* A record of HEAD, the item data and envelope, and the message; the message is not copied. */
struct waiting *waiting_new(uint64_t id, struct view head, struct view small_body, struct view message);
void committer_add(struct spool *s, struct waiting *w); /* takes over */

/* ---- start ---- */
int spool_recover(struct spool *s, struct err *err) MUST_CHECK;
/* One record's effect on the index, as the committer and recovery have it. */
void spool_apply_message(struct spool *s, const struct message_head *head, struct location at);
void spool_apply_states(struct spool *s, struct segment *in, struct view entries);

/* ---- keeper ---- */
void *keeper_run(void *spool);
void keeper_clean(struct spool *s); /* unlinks what is not needed */
/* Rewrites what still lives in SEG's file elsewhere; returns when that is durable, or on the first failure. */
int compact_segment(struct spool *s, uint32_t number, struct err *err) MUST_CHECK;
