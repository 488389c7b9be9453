/* Walks through a segment's records without reading bodies. Pure but for READ, which tests and the fuzzer bring along. */
#pragma once

#include "format.h"

#define SCAN_WINDOW 4096

struct scanner {
	bool (*read)(void *arg, void *dst, size_t n, uint64_t offset); /* exactly N bytes */
	void *arg;
	uint64_t limit; /* nothing is believed from here on */
	uint32_t mark;
	uint64_t window_at;
	size_t window_n;
	unsigned char window[SCAN_WINDOW];
	struct buf head;
};

struct scanned {
	uint64_t offset;
	struct frame frame;
	struct view head; /* until the next call */
};

void scanner_init(struct scanner *sc, bool (*read)(void *, void *, size_t, uint64_t), void *arg, uint64_t limit, uint32_t mark);
void scanner_free(struct scanner *sc);
/* The record at OFFSET, if a whole one with a sound head ends below the limit. */
bool scan_at(struct scanner *sc, uint64_t offset, struct scanned *ret);
bool scan_body(struct scanner *sc, const struct scanned *rec);
/* The next sound record at or after FROM; BATCH: that begins a batch. */
bool scan_search(struct scanner *sc, uint64_t from, bool batch, struct scanned *ret);
/* How far the newest segment is to be believed, whose records begin at FROM. A record that is damaged but stands before a later batch was
 * synced once and is only passed over; what is wrong in the last batch is a torn write, and the log ends there. */
uint64_t scan_end(struct scanner *sc, uint64_t from);
