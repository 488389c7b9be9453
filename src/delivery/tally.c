#include "tally.h"

#include <stdlib.h>

#include "base/mem.h"

struct tally *tally_new(const struct scope *stream, const struct scope *brand)
{
	struct tally *t = mem_zero(sizeof *t);
	t->scope = *stream;
	t->brand = *brand;
	t->sent_to = mem_zero(TALLY_SENT_TO * sizeof *t->sent_to);
	return t;
}

void tally_free(struct tally **tp)
{
	if (!*tp)
		return;
	free((*tp)->sent_to);
	free(*tp);
	*tp = NULL;
}

void tally_forget(struct tally *t)
{
	memset(t->delivered, 0, sizeof t->delivered);
	memset(t->complaints, 0, sizeof t->complaints);
	t->stopped = false;
}

/* Slices that lie behind the window begin anew; all of them do when the window is another. */
static unsigned slice_at(struct tally *t, int64_t window_ms, int64_t now_ms)
{
	uint64_t now = (uint64_t)now_ms / (uint64_t)(window_ms / TALLY_SLICES + 1);
	if (t->window_ms != window_ms) {
		memset(t->delivered, 0, sizeof t->delivered);
		memset(t->complaints, 0, sizeof t->complaints);
		t->window_ms = window_ms;
		t->slice = now;
	}
	uint64_t behind = now > t->slice ? now - t->slice : 0;
	for (uint64_t i = 1; i <= behind && i <= TALLY_SLICES; i++)
		t->delivered[(t->slice + i) % TALLY_SLICES] = t->complaints[(t->slice + i) % TALLY_SLICES] = 0;
	if (behind)
		t->slice = now;
	return (unsigned)(t->slice % TALLY_SLICES);
}

uint32_t tally_sum(const uint32_t slices[TALLY_SLICES])
{
	uint32_t n = 0;
	for (unsigned i = 0; i < TALLY_SLICES; i++)
		n += slices[i];
	return n;
}

static uint32_t *place_of(const struct tally *t, const struct person_key *who, uint32_t *ret_print)
{
	uint32_t words[2];
	memcpy(words, who->b, sizeof words);
	*ret_print = words[1] | 1; /* 0 is nobody */
	return &t->sent_to[words[0] % TALLY_SENT_TO];
}

void tally_delivered(struct tally *t, const struct person_key *who, int64_t window_ms, int64_t now_ms)
{
	uint32_t print, *place = place_of(t, who, &print);
	t->delivered[slice_at(t, window_ms, now_ms)]++;
	*place = print;
}

void tally_complaint(struct tally *t, int64_t window_ms, int64_t now_ms)
{
	t->complaints[slice_at(t, window_ms, now_ms)]++;
}

bool tally_take_recipient(struct tally *t, const struct person_key *who)
{
	uint32_t print, *place = place_of(t, who, &print);
	bool known = *place == print;
	if (known)
		*place = 0;
	return known;
}

void tally_write(const struct tally *t, struct buf *out)
{
	be_add_view(out, view_of(t->brand.name), 2);
	be_add_view(out, view_of(t->scope.name), 2);
	be_add(out, (uint64_t)t->window_ms, 8);
	be_add(out, t->slice, 8);
	be_add(out, t->stopped, 1);
	for (unsigned i = 0; i < TALLY_SLICES; i++) {
		be_add(out, t->delivered[i], 4);
		be_add(out, t->complaints[i], 4);
	}
}

struct tally *tally_read(struct be_reader *r)
{
	struct scope brand, stream;
	struct view names[2] = {be_take_view(r, 2), be_take_view(r, 2)};
	if (r->bad || scope_parse(names[0], &brand, NULL) < 0 || scope_parse(names[1], &stream, NULL) < 0) {
		r->bad = true;
		return NULL;
	}
	struct tally *t = tally_new(&stream, &brand);
	t->window_ms = (int64_t)be_take_u(r, 8);
	t->slice = be_take_u(r, 8);
	t->stopped = be_take_u(r, 1) != 0;
	for (unsigned i = 0; i < TALLY_SLICES; i++) {
		t->delivered[i] = (uint32_t)be_take_u(r, 4);
		t->complaints[i] = (uint32_t)be_take_u(r, 4);
	}
	if (r->bad)
		tally_free(&t);
	return t;
}
