#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

#define FIRST_BYTES 256

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_free(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (b->failed || n > b->max || b->n > b->max - n) {
		b->failed = true;
		return NULL;
	}
	size_t need = b->n + n;
	if (need > b->cap) {
		size_t cap = b->cap ? b->cap : FIRST_BYTES;
		while (cap < need)
			cap += cap / 2 + FIRST_BYTES;
		b->p = mem_grow(b->p, cap);
		b->cap = cap;
	}
	return b->p + b->n;
}

void buf_advance(struct buf *b, size_t n)
{
	ALWAYS(n <= b->cap - b->n);
	b->n += n;
}

void buf_add(struct buf *b, struct view v)
{
	char *to = v.n ? buf_reserve(b, v.n) : NULL;
	if (!to)
		return;
	memcpy(to, v.p, v.n);
	b->n += v.n;
}

void buf_byte(struct buf *b, char c)
{
	buf_add(b, view_n(&c, 1));
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, view_of(s));
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	char small[256];
	int n = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof small) {
		buf_add(b, view_n(small, (size_t)n));
	} else if (n >= 0) {
		char *big = mem_alloc((size_t)n + 1);
		vsnprintf(big, (size_t)n + 1, fmt, again);
		buf_add(b, view_n(big, (size_t)n));
		free(big);
	}
	va_end(again);
}

void buf_eat(struct buf *b, size_t n)
{
	ALWAYS(n <= b->n);
	b->n -= n;
	if (b->n)
		memmove(b->p, b->p + n, b->n);
}

const char *buf_cstr(struct buf *b)
{
	if (b->failed)
		return "";
	if (b->n == b->cap) {
		b->cap = b->n + 1;
		b->p = mem_grow(b->p, b->cap);
	}
	b->p[b->n] = 0;
	return b->p;
}
