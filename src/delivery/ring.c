#include "ring.h"

#include <stdlib.h>

#include "base/mem.h"

#define FIRST 64

void ring_free(struct ring *r)
{
	free(r->at);
	*r = (struct ring){0};
}

static void grow(struct ring *r)
{
	size_t cap = r->cap ? 2 * r->cap : FIRST;
	struct lane_ref *at = mem_alloc(cap * sizeof *at);
	for (size_t i = 0; i < r->n; i++)
		at[i] = r->at[(r->head + i) & (r->cap - 1)];
	free(r->at);
	r->at = at;
	r->cap = cap;
	r->head = 0;
}

void ring_push(struct ring *r, const struct lane_ref *ref)
{
	if (r->n == r->cap)
		grow(r);
	r->at[(r->head + r->n++) & (r->cap - 1)] = *ref;
}

struct lane_ref ring_pop(struct ring *r)
{
	ALWAYS(r->n);
	struct lane_ref ref = r->at[r->head];
	r->head = (r->head + 1) & (r->cap - 1);
	r->n--;
	return ref;
}

void timeline_free(struct timeline *t)
{
	free(t->at);
	*t = (struct timeline){0};
}

void timeline_add(struct timeline *t, const struct lane_ref *ref, int64_t at_ms)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : FIRST;
		t->at = mem_grow(t->at, t->cap * sizeof *t->at);
	}
	size_t i = t->n++;
	for (; i && t->at[(i - 1) / 2].at_ms > at_ms; i = (i - 1) / 2)
		t->at[i] = t->at[(i - 1) / 2];
	t->at[i] = (struct timed){at_ms, *ref};
}

bool timeline_pop(struct timeline *t, int64_t now_ms, struct lane_ref *ret)
{
	if (!t->n || t->at[0].at_ms > now_ms)
		return false;
	*ret = t->at[0].ref;
	struct timed last = t->at[--t->n];
	size_t i = 0, child;
	for (; (child = 2 * i + 1) < t->n; i = child) {
		if (child + 1 < t->n && t->at[child + 1].at_ms < t->at[child].at_ms)
			child++;
		if (t->at[child].at_ms >= last.at_ms)
			break;
		t->at[i] = t->at[child];
	}
	if (t->n)
		t->at[i] = last;
	return true;
}
