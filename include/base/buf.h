/* A growable run of bytes with a maximum. Passing the maximum sets .failed; from then on appends do nothing,
 * so that a caller composes at ease and looks once at the end. */
#pragma once

#include "base/err.h"
#include "base/view.h"

struct buf {
	char *p;
	size_t n, cap, max;
	bool failed;
};

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory, forgets .failed */
void buf_add(struct buf *b, struct view v);
void buf_byte(struct buf *b, char c);
void buf_str(struct buf *b, const char *s);
void buf_fmt(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
/* Room for N more bytes, to be filled by the caller, who then calls buf_advance. NULL past the maximum. */
char *buf_reserve(struct buf *b, size_t n);
void buf_advance(struct buf *b, size_t n);
/* Drops the first N bytes. */
void buf_eat(struct buf *b, size_t n);
static inline struct view buf_view(const struct buf *b)
{
	return view_n(b->p, b->n);
}
/* Terminated; the NUL is not counted. "" when empty or failed. */
const char *buf_cstr(struct buf *b);
