#include "format.h"

#include "base/codec.h"
#include "spool/spool.h"

static const char magic[8] = {'o', 'g', 's', 'p', 'o', 'o', 'l', '\n'};

void segment_head_put(unsigned char dst[SEGMENT_HEAD], const struct segment_head *h)
{
	memset(dst, 0, SEGMENT_HEAD);
	memcpy(dst, magic, sizeof magic);
	be_put(dst + 8, SEGMENT_VERSION, 4);
	be_put(dst + 12, h->number, 4);
	be_put(dst + 16, h->mark, 4);
	be_put(dst + 20, h->prev, 4);
	be_put(dst + 24, h->prev_end, 4);
	be_put(dst + 28, h->id_floor, 8);
	be_put(dst + 44, crc32c(0, dst, 44), 4);
}

bool segment_head_parse(struct view bytes, struct segment_head *ret)
{
	if (bytes.n < SEGMENT_HEAD || memcmp(bytes.p, magic, sizeof magic) != 0)
		return false;
	if (be_get(bytes.p + 8, 4) != SEGMENT_VERSION || be_get(bytes.p + 44, 4) != crc32c(0, bytes.p, 44))
		return false;
	ret->number = (uint32_t)be_get(bytes.p + 12, 4);
	ret->mark = (uint32_t)be_get(bytes.p + 16, 4);
	ret->prev = (uint32_t)be_get(bytes.p + 20, 4);
	ret->prev_end = (uint32_t)be_get(bytes.p + 24, 4);
	ret->id_floor = be_get(bytes.p + 28, 8);
	return true;
}

void frame_put(unsigned char dst[FRAME], const struct frame *f, uint32_t mark, struct view head)
{
	memset(dst, 0, FRAME);
	be_put(dst, mark, 4);
	dst[4] = f->type;
	dst[5] = f->flags;
	be_put(dst + 8, f->head_n, 4);
	be_put(dst + 12, f->body_n, 4);
	be_put(dst + 16, f->body_crc, 4);
	be_put(dst + 20, crc32c(crc32c(0, dst, 20), head.p, head.n), 4);
}

static bool lengths_fit(const struct frame *f)
{
	if (f->type == RECORD_MESSAGE)
		return f->head_n >= MESSAGE_HEAD && f->head_n <= HEAD_MAX && f->body_n <= BODY_MAX;
	return f->type == RECORD_STATES && f->body_n == 0 && f->head_n % STATE_ENTRY == 0 &&
	    f->head_n / STATE_ENTRY <= STATES_PER_RECORD;
}

bool frame_parse(struct view bytes, uint32_t mark, struct frame *ret)
{
	if (bytes.n < FRAME || be_get(bytes.p, 4) != mark)
		return false;
	struct frame f = {
		.type = (uint8_t)bytes.p[4],
		.flags = (uint8_t)bytes.p[5],
		.head_n = (uint32_t)be_get(bytes.p + 8, 4),
		.body_n = (uint32_t)be_get(bytes.p + 12, 4),
		.body_crc = (uint32_t)be_get(bytes.p + 16, 4),
	};
	if (!lengths_fit(&f))
		return false;
	*ret = f;
	return true;
}

bool frame_verify(const unsigned char *frame_bytes, struct view head)
{
	return be_get(frame_bytes + 20, 4) == crc32c(crc32c(0, frame_bytes, 20), head.p, head.n);
}

void message_head_add(struct buf *b, const struct message_head *h)
{
	be_add(b, h->id, 8);
	be_add(b, (uint64_t)h->arrived, 8);
	be_add(b, h->count, 4);
	be_add(b, h->envelope_n, 4);
	be_add(b, h->message_n, 4);
	buf_add(b, h->items);
}

void item_head_add(struct buf *b, const struct item_head *it)
{
	be_add(b, it->index, 4);
	be_add(b, it->state, 1);
	be_add(b, it->attempts, 4);
	be_add(b, (uint64_t)it->due, 8);
	be_add(b, it->data_n, 4);
	be_add_view(b, it->lane, 2);
}

void item_head_patch(unsigned char *item, uint8_t state, uint32_t attempts, int64_t due)
{
	item[4] = state;
	be_put(item + 5, attempts, 4);
	be_put(item + 9, (uint64_t)due, 8);
}

size_t item_head_length(const struct item_head *it)
{
	return ITEM_HEAD + it->lane.n;
}

static bool time_fits(int64_t ms)
{
	return ms >= 0 && ms <= TIME_MAX;
}

static bool state_fits(uint8_t state)
{
	return state == STORED_DUE || state == STORED_HELD || (state >= STORED_SETTLED && state <= STORED_LAST);
}

bool item_head_take(struct view *items, struct item_head *ret)
{
	struct be_reader r = {.rest = *items};
	struct item_head it = {.index = (uint32_t)be_take_u(&r, 4)};
	it.state = (uint8_t)be_take_u(&r, 1);
	it.attempts = (uint32_t)be_take_u(&r, 4);
	it.due = (int64_t)be_take_u(&r, 8);
	it.data_n = (uint32_t)be_take_u(&r, 4);
	it.lane = be_take_view(&r, 2);
	if (r.bad || it.index >= ITEMS_PER_MESSAGE || it.attempts > ATTEMPTS_MAX || it.lane.n > LANE_MAX)
		return false;
	if (!time_fits(it.due) || !state_fits(it.state) || view_find(it.lane, 0, 0) != it.lane.n)
		return false;
	*items = r.rest;
	*ret = it;
	return true;
}

static bool items_fit(const struct message_head *h, uint64_t *ret_data_n)
{
	struct view items = h->items;
	struct item_head it;
	uint64_t next_index = 0;
	*ret_data_n = 0;
	for (uint32_t i = 0; i < h->count; i++) {
		if (!item_head_take(&items, &it) || it.index < next_index)
			return false;
		next_index = (uint64_t)it.index + 1;
		*ret_data_n += it.data_n;
	}
	return items.n == 0;
}

bool message_head_parse(struct view head, uint32_t body_n, struct message_head *ret)
{
	struct be_reader r = {.rest = head};
	struct message_head h = {.id = be_take_u(&r, 8)};
	h.arrived = (int64_t)be_take_u(&r, 8);
	h.count = (uint32_t)be_take_u(&r, 4);
	h.envelope_n = (uint32_t)be_take_u(&r, 4);
	h.message_n = (uint32_t)be_take_u(&r, 4);
	h.items = r.rest;
	uint64_t data_n;
	if (r.bad || h.count == 0 || h.count > ITEMS_PER_MESSAGE || !time_fits(h.arrived) || !items_fit(&h, &data_n))
		return false;
	if (data_n + h.envelope_n + h.message_n != body_n)
		return false;
	*ret = h;
	return true;
}

void state_entry_put(unsigned char dst[STATE_ENTRY], const struct state_entry *e)
{
	be_put(dst, e->id, 8);
	be_put(dst + 8, e->index, 4);
	dst[12] = e->state;
	be_put(dst + 13, e->attempts, 4);
	be_put(dst + 17, (uint64_t)e->due, 8);
}

bool state_entry_take(struct view *entries, struct state_entry *ret)
{
	if (entries->n < STATE_ENTRY)
		return false;
	const char *p = entries->p;
	*ret = (struct state_entry){
		.id = be_get(p, 8),
		.index = (uint32_t)be_get(p + 8, 4),
		.state = (uint8_t)p[12],
		.attempts = (uint32_t)be_get(p + 13, 4),
		.due = (int64_t)be_get(p + 17, 8),
	};
	*entries = view_sub(*entries, STATE_ENTRY, entries->n);
	return state_fits(ret->state) && time_fits(ret->due) && ret->attempts <= ATTEMPTS_MAX;
}
