#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 8192

struct arena_block {
	struct arena_block *next;
	size_t size; /* bytes behind this head */
	_Alignas(16) char bytes[];
};

void fatal(const char *sentence)
{
	fprintf(stderr, "<0>fatal: %s\n", sentence);
	abort();
}

void *mem_alloc(size_t n)
{
	void *p = malloc(n ? n : 1);
	if (!p)
		fatal("out of memory");
	return p;
}

void *mem_zero(size_t n)
{
	void *p = calloc(1, n ? n : 1);
	if (!p)
		fatal("out of memory");
	return p;
}

void *mem_grow(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		fatal("out of memory");
	return p;
}

char *mem_strdup(const char *s)
{
	return s ? view_dup(view_of(s)) : NULL;
}

void mem_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

void arena_init(struct arena *a, size_t max_bytes)
{
	*a = (struct arena){.max = max_bytes};
}

static void *new_block(struct arena *a, size_t n)
{
	size_t size = n > BLOCK_BYTES / 4 ? n : BLOCK_BYTES;
	struct arena_block *b = mem_alloc(sizeof *b + size);
	b->size = size;
	b->next = a->blocks;
	a->blocks = b;
	if (size == BLOCK_BYTES) {
		a->at = b->bytes + n;
		a->end = b->bytes + size;
	}
	return b->bytes;
}

void *arena_alloc(struct arena *a, size_t n)
{
	n = (n + 15) & ~(size_t)15;
	if (n > a->max || a->used > a->max - n)
		return NULL;
	a->used += n;
	if ((size_t)(a->end - a->at) < n)
		return new_block(a, n);
	void *p = a->at;
	a->at += n;
	return p;
}

void *arena_zero(struct arena *a, size_t n)
{
	void *p = arena_alloc(a, n);
	return p ? memset(p, 0, n) : NULL;
}

struct view arena_view(struct arena *a, struct view v)
{
	char *p = arena_alloc(a, v.n + 1);
	if (!p)
		return (struct view){0};
	if (v.n)
		memcpy(p, v.p, v.n);
	p[v.n] = 0;
	return view_n(p, v.n);
}

static void free_blocks(struct arena_block *b)
{
	while (b) {
		struct arena_block *next = b->next;
		free(b);
		b = next;
	}
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->blocks;
	while (keep && keep->size != BLOCK_BYTES)
		keep = keep->next;
	if (!keep) {
		arena_free(a);
		return;
	}
	for (struct arena_block **at = &a->blocks; *at; at = &(*at)->next)
		if (*at == keep) {
			*at = keep->next;
			break;
		}
	free_blocks(a->blocks);
	keep->next = NULL;
	a->blocks = keep;
	a->at = keep->bytes;
	a->end = keep->bytes + keep->size;
	a->used = 0;
}

void arena_free(struct arena *a)
{
	free_blocks(a->blocks);
	arena_init(a, a->max);
}
