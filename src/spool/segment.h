/* The segment files that exist, oldest first, and what of each is still needed. Guarded by the spool's lock, but for the functions that
 * say otherwise. */
#pragma once

#include "format.h"
#include "spool/spool.h"

#define SEGMENT_NAME 17 /* "seg-0000002a.log" */

struct segment {
	uint32_t number, mark;
	uint32_t end;        /* bytes that are whole and synced */
	uint32_t ref_min;    /* oldest segment that a record in here says something about; the own number when none */
	uint32_t live;       /* messages with an unsettled item */
	uint64_t live_bytes; /* of their records */
	int fd;              /* -1: not open */
	unsigned users;      /* who read from fd right now */
	bool gone;           /* unlinked; freed by the last user */
	bool moving;         /* is being rewritten, or can't be */
};

struct segments {
	struct segment **rows;
	uint32_t count, room;
	uint64_t bytes;
	uint32_t open, hand; /* files open; where the search for one to close goes on */
};

void segment_name(uint32_t number, char dst[SEGMENT_NAME]);
bool segment_name_parse(const char *name, uint32_t *ret_number);

struct segment *segments_add(struct segments *t, uint32_t number, uint32_t mark); /* number is the highest so far */
struct segment *segments_find(const struct segments *t, uint32_t number);         /* NULL when there is none */
void segments_drop(struct segments *t, struct segment *seg);                      /* out of the table; not the file */
void segments_free(struct segments *t);
/* Something in SEG is about a message in OTHER. */
void segment_refers(struct segment *seg, uint32_t other);
/* A segment in the table that SEG's records say something about. */
bool segment_is_needed(const struct segments *t, const struct segment *seg);
void segments_grow(struct segments *t, struct segment *seg, uint32_t end);

struct spool;
/* An open file of the segment NUMBER, until segment_close. No lock may be held. */
int segment_open(struct spool *s, uint32_t number, struct segment **ret, struct err *err) MUST_CHECK;
void segment_close(struct spool *s, struct segment *seg);
