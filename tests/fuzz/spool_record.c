/* A segment of any bytes: it is walked to an end that is inside it, and what its records say, the index can take.
 * First byte even: the bytes are the records. Odd: they are heads and bodies, and get frames with sound checksums:
 * type 1 | flags 1 | head_n 2 | body_n 1 | head | body, again and again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "../../src/spool/index.h"
#include "../../src/spool/scan.h"
#include "base/codec.h"
#include "base/mem.h"

#define MARK 0x6f677370u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void frame_all(struct view in, struct buf *out)
{
	struct be_reader r = {.rest = in};
	while (r.rest.n && !r.bad) {
		unsigned char bytes[FRAME];
		struct frame f = {.type = (uint8_t)be_take_u(&r, 1), .flags = (uint8_t)be_take_u(&r, 1)};
		f.head_n = (uint32_t)be_take_u(&r, 2);
		f.body_n = (uint32_t)be_take_u(&r, 1);
		struct view head = be_take(&r, f.head_n), body = be_take(&r, f.body_n);
		if (r.bad)
			return;
		f.body_crc = crc32c(0, body.p, body.n);
		frame_put(bytes, &f, MARK, head);
		buf_add(out, view_n(bytes, FRAME));
		buf_add(out, head);
		buf_add(out, body);
	}
}

static bool read_view(void *arg, void *dst, size_t n, uint64_t offset)
{
	const struct view *v = arg;
	if (offset > v->n || n > v->n - offset)
		return false;
	memcpy(dst, v->p + offset, n);
	return true;
}

/* What is read must be written to the same bytes. */
static void same_again(const struct message_head *head, struct view bytes)
{
	struct buf items, b;
	struct view rest = head->items;
	struct item_head it;
	buf_init(&items, HEAD_MAX);
	buf_init(&b, HEAD_MAX);
	for (uint32_t i = 0; i < head->count; i++) {
		ALWAYS(item_head_take(&rest, &it));
		item_head_add(&items, &it);
	}
	struct message_head copy = *head;
	copy.items = buf_view(&items);
	message_head_add(&b, &copy);
	ALWAYS(view_eq(buf_view(&b), bytes));
	buf_free(&items);
	buf_free(&b);
}

static void apply_states(struct index *ix, struct view entries)
{
	struct state_entry e;
	while (state_entry_take(&entries, &e)) {
		uint32_t m = index_find(ix, e.id);
		uint32_t i = m == NONE ? NONE : index_find_item(ix, m, e.index);
		if (i == NONE || item_at(ix, i)->state == ITEM_GONE)
			continue;
		enum item_state to = e.state >= STORED_SETTLED ? ITEM_GONE : e.state == STORED_HELD ? ITEM_HELD : ITEM_DEFERRED;
		if (index_move(ix, i, to, e.due))
			index_remove(ix, m);
	}
}

static void apply(struct index *ix, const struct scanned *rec)
{
	struct message_head head;
	if (rec->frame.type == RECORD_STATES) {
		apply_states(ix, rec->head);
		return;
	}
	if (!message_head_parse(rec->head, rec->frame.body_n, &head))
		return;
	same_again(&head, rec->head);
	uint32_t old = index_find(ix, head.id);
	if (old != NONE)
		index_remove(ix, old);
	(void)index_add_message(ix, &head, (struct location){1, (uint32_t)rec->offset, (uint32_t)frame_length(&rec->frame)});
}

/* Everything can be taken once, and then nothing is left. */
static void drain(struct index *ix)
{
	index_loaded(ix);
	for (unsigned rounds = 0; heap_first(ix) != NONE; rounds++)
		index_promote(ix, TIME_MAX, 64);
	for (uint32_t lane; (lane = lane_ready(ix)) != NONE;)
		for (uint32_t i; (i = lane_next(ix, lane)) != NONE;) {
			uint32_t m = item_at(ix, i)->message;
			index_move(ix, i, ITEM_TAKEN, 0);
			if (index_move(ix, i, ITEM_GONE, 0))
				index_remove(ix, m);
		}
	ALWAYS(!ix->count[ITEM_DUE] && !ix->count[ITEM_TAKEN] && !ix->count[ITEM_DEFERRED]);
	ALWAYS(ix->by_id.count <= ix->count[ITEM_HELD]);
}

static void scan_all(struct view bytes)
{
	struct scanner sc;
	struct scanned rec;
	struct index ix;
	index_init(&ix, 1);
	scanner_init(&sc, read_view, &bytes, bytes.n, MARK);
	uint64_t end = scan_end(&sc, 0);
	ALWAYS(end <= bytes.n);
	sc.limit = end;
	for (uint64_t at = 0; at < end && (scan_at(&sc, at, &rec) || scan_search(&sc, at, false, &rec));) {
		ALWAYS(rec.offset >= at && rec.offset + frame_length(&rec.frame) <= end);
		at = rec.offset + frame_length(&rec.frame);
		apply(&ix, &rec);
	}
	drain(&ix);
	scanner_free(&sc);
	index_free(&ix);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct segment_head head;
	if (!size)
		return 0;
	struct view in = view_n(data + 1, size - 1);
	struct buf framed;
	buf_init(&framed, 1u << 24);
	(void)segment_head_parse(in, &head);
	if (data[0] & 1)
		frame_all(in, &framed);
	scan_all(data[0] & 1 ? buf_view(&framed) : in);
	buf_free(&framed);
	return 0;
}
