/* A message's head as an index over its bytes (RFC 5322 2.2). Nothing is copied or changed: a field is three views. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

struct field {
	struct view name;  /* without the colon */
	struct view value; /* after the colon, folding kept, without the last CRLF */
	struct view raw;   /* the whole field with its CRLF */
};

struct head {
	struct field *fields;
	unsigned count;
	struct view raw;  /* all fields, without the empty line */
	struct view body; /* after the empty line; empty when there is none */
};

#define HEAD_MAX_FIELDS 1000

/* MESSAGE has CRLF lines only. A line that is no field (no colon, blank first line) ends the head as RFC 5322 readers
 * do: what follows, that line included, is body. ERR_LIMIT past HEAD_MAX_FIELDS or when the arena is full. */
int head_parse(struct arena *a, struct view message, struct head *ret, struct err *err) MUST_CHECK;
/* Takes the field that *REST starts with off it; false when it starts with none. */
bool field_take(struct view *rest, struct field *ret);
/* First (or the one after PREV) field of that name, NULL when there is none. */
const struct field *head_find(const struct head *h, struct view name);
const struct field *head_next(const struct head *h, const struct field *prev, struct view name);
unsigned head_count(const struct head *h, struct view name);
/* Unfolded (CRLF removed) and trimmed. */
void field_text(const struct field *f, struct buf *out);
/* The same as a view: into the message where nothing is folded, else into the arena. A NUL becomes '?'. .p == NULL when
 * the arena is full. */
struct view field_unfolded(struct arena *a, const struct field *f);
/* The mailbox of a From or Sender field: the first addr-spec; comments, quoted names, groups, encoded words understood. */
struct address;
int field_mailbox(const struct field *f, struct address *ret, struct err *err) MUST_CHECK;
/* How many mailboxes an address-list field holds, and each of them. EACH false stops. */
int field_mailboxes(const struct field *f, bool (*each)(void *arg, const struct address *a), void *arg,
    struct err *err) MUST_CHECK;
/* Fit to be written as a field value: no CR, LF, NUL. */
bool field_value_is_safe(struct view v);
