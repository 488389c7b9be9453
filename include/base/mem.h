/* Memory. Small allocations are fatal when they fail: every caller's amount is bounded by a named limit. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

void *mem_alloc(size_t n);           /* not cleared */
void *mem_zero(size_t n);            /* cleared */
void *mem_grow(void *p, size_t n);   /* realloc */
char *mem_strdup(const char *s);     /* NULL gives NULL */
void mem_wipe(void *p, size_t n);    /* for secrets; the compiler can't drop it */
_Noreturn void fatal(const char *sentence); /* a bug or no memory: says so on stderr and aborts */

/* An assertion that stays in release builds. */
#define ALWAYS(cond) ((cond) ? (void)0 : fatal(__FILE__ ": broken invariant: " #cond))

/* An arena: many small objects of one lifetime (a transaction, a call), freed together. */
struct arena_block;
struct arena {
	struct arena_block *blocks;
	char *at, *end;
	size_t used, max;
};

void arena_init(struct arena *a, size_t max_bytes);
/* 16-byte aligned, not cleared. NULL when MAX_BYTES would be passed. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_zero(struct arena *a, size_t n);
/* A terminated copy; .p == NULL when the arena is full. */
struct view arena_view(struct arena *a, struct view v);
/* Forgets everything but keeps one block for the next use. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);
