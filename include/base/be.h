/* Big-endian numbers in bytes: every stored format of ours uses them. A reader that runs past the end turns
 * sticky (.bad) and yields zeros, so that a parser looks once at the end. */
#pragma once

#include "base/buf.h"

static inline void be_put(void *dst, uint64_t v, int bytes)
{
	unsigned char *p = dst;
	for (int i = bytes - 1; i >= 0; i--, v >>= 8)
		p[i] = (unsigned char)v;
}

static inline uint64_t be_get(const void *src, int bytes)
{
	const unsigned char *p = src;
	uint64_t v = 0;
	for (int i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

static inline void be_add(struct buf *b, uint64_t v, int bytes)
{
	char t[8];
	be_put(t, v, bytes);
	buf_add(b, view_n(t, (size_t)bytes));
}

/* A string with its length in BYTES bytes before it. Fails the buffer if the string is longer than that. */
static inline void be_add_view(struct buf *b, struct view v, int bytes)
{
	if (bytes < 8 && v.n >> (8 * bytes))
		b->failed = true;
	be_add(b, v.n, bytes);
	buf_add(b, v);
}

struct be_reader {
	struct view rest;
	bool bad;
};

static inline struct view be_take(struct be_reader *r, size_t n)
{
	if (r->bad || r->rest.n < n) {
		r->bad = true;
		return (struct view){0};
	}
	struct view v = view_n(r->rest.p, n);
	r->rest = view_n(r->rest.p + n, r->rest.n - n);
	return v;
}

static inline uint64_t be_take_u(struct be_reader *r, int bytes)
{
	struct view v = be_take(r, (size_t)bytes);
	return v.p ? be_get(v.p, bytes) : 0;
}

static inline struct view be_take_view(struct be_reader *r, int bytes)
{
	return be_take(r, be_take_u(r, bytes));
}
