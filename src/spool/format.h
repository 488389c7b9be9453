/* The stored form of the spool: everything big-endian, everything under a CRC-32C. Pure: no file is touched here.
 *
 *   seg-NNNNNNNN.log = segment head, record, record, ... then zeros (reserved space) or the end of the file
 *
 *   segment head (48)  magic 8 | version 4 | number 4 | mark 4 | prev 4 | prev_end 4 | id_floor 8 | zero 8 | crc 4
 *   frame (24)         mark 4 | type 1 | flags 1 | zero 2 | head_n 4 | body_n 4 | body_crc 4 | crc 4 of all before and of the head
 *   record             frame | head | body
 *   M head             id 8 | arrived 8 | count 4 | envelope_n 4 | message_n 4 | items
 *      item            index 4 | state 1 | attempts 4 | due 8 | data_n 4 | lane 2+n
 *   M body             the items' data in their order | envelope | message
 *   S head             entries: id 8 | index 4 | state 1 | attempts 4 | due 8          (no body)
 *
 * MARK is random and different in each segment: no message can contain a frame that a search for the next one would believe.
 * PREV and PREV_END say how far the segment before this one is to be believed. The head has its own CRC, so that a scan need not read
 * bodies. The first frame of a batch carries FRAME_BATCH: all before it was synced when it was written. */
#pragma once

#include "base/be.h"

#define SEGMENT_VERSION 1
#define SEGMENT_HEAD    48
#define FRAME           24
#define FRAME_BATCH     1
#define MESSAGE_HEAD    28
#define ITEM_HEAD       23 /* and the lane's name */
#define STATE_ENTRY     25

#define HEAD_MAX             (32u << 20)
#define BODY_MAX             (1u << 30)
#define ITEMS_PER_MESSAGE    65535u
#define STATES_PER_RECORD    16384u
#define ATTEMPTS_MAX         4095u
#define TIME_MAX             ((INT64_C(1) << 43) - 1) /* the year 2248; times are kept in 44 bits in memory */

enum record_type { RECORD_MESSAGE = 'M', RECORD_STATES = 'S' };
/* A stored state. Anything from STORED_SETTLED on is final: STORED_SETTLED + enum spool_outcome. */
enum stored_state { STORED_DUE = 1, STORED_HELD = 2, STORED_SETTLED = 16, STORED_LAST = 31 };

struct segment_head {
	uint32_t number, mark, prev, prev_end;
	uint64_t id_floor; /* no id up to this one may be given out again */
};
void segment_head_put(unsigned char dst[SEGMENT_HEAD], const struct segment_head *h);
bool segment_head_parse(struct view bytes, struct segment_head *ret);

struct frame {
	uint8_t type, flags;
	uint32_t head_n, body_n, body_crc;
};
static inline uint64_t frame_length(const struct frame *f)
{
	return (uint64_t)FRAME + f->head_n + f->body_n;
}
void frame_put(unsigned char dst[FRAME], const struct frame *f, uint32_t mark, struct view head);
/* BYTES begins with a frame of this segment, of legal type and lengths; its CRC is not looked at. */
bool frame_parse(struct view bytes, uint32_t mark, struct frame *ret);
/* FRAME_BYTES is the frame, HEAD its head. */
bool frame_verify(const unsigned char *frame_bytes, struct view head);

struct message_head {
	uint64_t id;
	int64_t arrived;
	uint32_t count, envelope_n, message_n;
	struct view items;
};
struct item_head {
	uint32_t index, attempts, data_n;
	uint8_t state;
	int64_t due;
	struct view lane;
};
void message_head_add(struct buf *b, const struct message_head *h);
void item_head_add(struct buf *b, const struct item_head *it);
/* True when all of HEAD is well-formed and its lengths make up BODY_N; then item_head_take yields count items. */
bool message_head_parse(struct view head, uint32_t body_n, struct message_head *ret);
bool item_head_take(struct view *items, struct item_head *ret);
/* Writes other state, attempts and due time into the item that begins at ITEM. */
void item_head_patch(unsigned char *item, uint8_t state, uint32_t attempts, int64_t due);
size_t item_head_length(const struct item_head *it);

struct state_entry {
	uint64_t id;
	int64_t due;
	uint32_t index, attempts;
	uint32_t segment; /* where the message lies; not stored */
	uint8_t state;
};
void state_entry_put(unsigned char dst[STATE_ENTRY], const struct state_entry *e);
bool state_entry_take(struct view *entries, struct state_entry *ret);
