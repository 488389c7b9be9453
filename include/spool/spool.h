/* The spool: a message kept once, an item for each recipient, in append-only segment files.
 *
 *   submit ──▶ [ committer: write all that wait, one fdatasync ] ──▶ done(result)      only then may anybody say 250
 *   take   ──▶ item is out ──▶ settle | defer | hold | put back ──▶ small state record in the same log
 *
 * States of an item, and what a crash makes of them:
 *   S1 submitted    bytes may or may not be on disk      -> gone or S2; nobody was told yes
 *   S2 due          whole record on disk                  -> S2
 *   S3 taken        only in memory                        -> S2 (sent again: at-least-once)
 *   S4 deferred     state record                          -> S4 or S2 (due earlier)
 *   S5 held         state record, durable when answered   -> S5
 *   S6 settled      state record; final                   -> S6 (or S3's case when not yet synced)
 *
 * The spool knows nothing of mail: ENVELOPE, ITEM data and MESSAGE are bytes. A lane groups items that a taker wants together
 * (mail/lane.h); items of one lane come in due order. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define LANE_MAX 960

struct spool_settings {
	const char *dir;
	uint64_t segment_bytes;      /* 0 = 64 MiB */
	uint64_t max_bytes;          /* of all segments; submit fails with ERR_LIMIT beyond; 0 = none */
	uint64_t min_free_bytes;     /* of the file system; 0 = 64 MiB */
	uint64_t max_items;          /* 0 = 10 million */
	uint32_t checkpoint_records; /* records between index checkpoints; 0 = 200,000 */
};

struct spool;
int spool_open(struct spool **ret, const struct spool_settings *s, const struct clock *clock, struct err *err) MUST_CHECK; /* ERR_CONFLICT: another process has it */
void spool_close(struct spool **s); /* writes what waits, a checkpoint, closes */

/* ---- in ---- */

struct spool_new_item {
	struct view lane;
	struct view data;
	bool held;                /* starts in S5 */
};
struct spool_submission {
	struct view envelope;
	struct view message;
	const struct spool_new_item *items;
	unsigned item_count;
	bool held;                /* all of them do */
};

uint64_t spool_new_id(struct spool *s); /* rises, unique over restarts; also names the message in Received and logs */
#define SPOOL_ID_TEXT 14
void spool_id_text(uint64_t id, char dst[SPOOL_ID_TEXT]); /* 13 base32 digits */
bool spool_id_parse(struct view text, uint64_t *ret);

/* All views must stay valid until DONE, which runs on the committer's thread and must be short. err == NULL: durable. */
typedef void spool_done(void *arg, const struct err *err);
/* ID comes from spool_new_id and is used once. */
void spool_submit(struct spool *s, uint64_t id, const struct spool_submission *sub, spool_done *done, void *arg);

/* ---- out ---- */

struct spool_item {
	uint64_t id;          /* message */
	uint32_t index;       /* recipient number */
	uint32_t attempts;    /* so far */
	uint32_t lane;        /* number, stable while the lane has unsettled items or is handed out */
	int64_t due_ms, arrived_ms;
	void *handle;         /* the spool's own */
};

/* A lane that has something due at NOW and was not handed out since it last ran dry; false when there is none: *ret_next_ms is then when
 * the next will be (INT64_MAX: nothing waits). Any thread. */
bool spool_ready_lane(struct spool *s, int64_t now_ms, uint32_t *ret_lane, int64_t *ret_next_ms);
const char *spool_lane_name(struct spool *s, uint32_t lane);
/* Called (any thread, briefly, holding no lock of the spool's) when there may be a ready lane. One listener. On return nobody is in a call of
 * the one before any more, unless this was called from within one. */
void spool_on_ready(struct spool *s, void (*ready)(void *arg), void *arg);
/* Takes the lane's earliest due item (S3). False when none is due: the lane will be reported again when one is. */
bool spool_take(struct spool *s, uint32_t lane, int64_t now_ms, struct spool_item *ret);

/* The bytes of a taken item. Views live until spool_release_bytes. ERR_CORRUPT when the checksum fails. */
struct spool_bytes {
	struct view envelope, item, message;
	void *memory;
};
int spool_read(struct spool *s, const struct spool_item *item, struct spool_bytes *ret, struct err *err) MUST_CHECK;
void spool_release_bytes(struct spool_bytes *b);

enum spool_outcome { SPOOL_DELIVERED = 1, SPOOL_FAILED, SPOOL_SUPPRESSED, SPOOL_DROPPED };
/* Each gives the item back. Records go out with the next sync; spool_settle's is durable at the latest SETTLE_SYNC_MS later. */
#define SETTLE_SYNC_MS 200
void spool_settle(struct spool *s, const struct spool_item *item, enum spool_outcome outcome);
void spool_defer(struct spool *s, const struct spool_item *item, int64_t due_ms, bool counts_as_attempt);
void spool_put_back(struct spool *s, const struct spool_item *item); /* not tried: due at once, no record written */
void spool_hold_item(struct spool *s, const struct spool_item *item);

/* ---- the operator's view ---- */

enum spool_state { SPOOL_STATE_DUE = 1, SPOOL_STATE_TAKEN, SPOOL_STATE_DEFERRED, SPOOL_STATE_HELD };
const char *spool_state_word(enum spool_state st);

struct spool_row {
	uint64_t id;
	uint32_t index, attempts;
	enum spool_state state;
	int64_t due_ms, arrived_ms;
	const char *lane;
};
/* Every unsettled item, in id order, in bounded batches (the lock is not held while EACH runs). EACH false stops. */
void spool_each(struct spool *s, bool (*each)(void *arg, const struct spool_row *row), void *arg);
/* Bytes of any unsettled item, for show. */
int spool_peek(struct spool *s, uint64_t id, uint32_t index, struct spool_bytes *ret, struct err *err) MUST_CHECK;

enum spool_act { SPOOL_HOLD, SPOOL_RELEASE, SPOOL_DROP, SPOOL_RETRY };
/* Of those that MATCH says (NULL = all), durable on return; taken items are passed over for DROP and HOLD. Returns how many. */
int spool_act_on(struct spool *s, enum spool_act act, bool (*match)(void *arg, const struct spool_row *row), void *arg,
    uint64_t *ret_count, struct err *err) MUST_CHECK;

struct spool_stats {
	uint64_t items, held, taken, lanes, segments, bytes, syncs, submitted, settled;
	uint64_t damaged_bytes; /* passed over at the start: the disk gave back other bytes than were synced */
	int64_t oldest_ms; /* arrival of the oldest item; 0 = none */
};
void spool_stats(struct spool *s, struct spool_stats *ret);
