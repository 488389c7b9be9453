/* A view is a run of bytes that somebody else owns. It may hold NULs and is not terminated. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const char *p;
	size_t n;
};

#define V(literal) ((struct view){"" literal, sizeof(literal) - 1})
#define VFMT(v)    (int)(v).n, (v).p /* for "%.*s" */

static inline struct view view_of(const char *s)
{
	return (struct view){s, s ? strlen(s) : 0};
}

static inline struct view view_n(const void *p, size_t n)
{
	return (struct view){p, n};
}

static inline bool view_eq(struct view a, struct view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII case-insensitive: never the locale's. */
bool view_ieq(struct view a, struct view b);
bool view_starts(struct view v, struct view prefix);
bool view_istarts(struct view v, struct view prefix);
bool view_ends(struct view v, struct view suffix);
bool view_iends(struct view v, struct view suffix);
/* Total order: bytes, then length. */
int view_cmp(struct view a, struct view b);

/* Index of the first C at or after FROM, or v.n. */
size_t view_find(struct view v, size_t from, char c);
/* Index of the first occurrence of NEEDLE, ASCII case-insensitive, or v.n. */
size_t view_ifind(struct view v, struct view needle);
/* [from, to), both clipped to the view. */
struct view view_sub(struct view v, size_t from, size_t to);
/* Without leading and trailing blanks (SP, HT, CR, LF). */
struct view view_trim(struct view v);
/* Takes what stands before the first SEP off *REST (SEP goes too). False when *REST is empty. */
bool view_cut(struct view *rest, char sep, struct view *ret_part);
/* The same for a blank-separated word; leading blanks are skipped. */
bool view_word(struct view *rest, struct view *ret_word);

/* Whole view is a decimal number of at most MAX. */
bool view_u64(struct view v, uint64_t max, uint64_t *ret);

/* Copies into DST with a terminating NUL. False (and dst = "") if it does not fit or holds a NUL. */
bool view_str(struct view v, char *dst, size_t size);
/* A terminated copy on the heap; fatal without memory. */
char *view_dup(struct view v);

char ascii_lower(char c);
bool ascii_is_alpha(char c);
bool ascii_is_digit(char c);
bool ascii_is_alnum(char c);
void ascii_lower_in_place(char *p, size_t n);
