/* What other tools export: one row a format (src/lists/format.c), found by its shape, mapped to what we keep. Pure. */
#pragma once

#include "ledger/ledger.h"

/* A row of a file, whatever the file: names and values. CSV without a header has the names "0", "1", ... */
#define LIST_COLUMNS_MAX 256
struct list_row {
	uint64_t line;
	struct view names[LIST_COLUMNS_MAX], values[LIST_COLUMNS_MAX];
	unsigned count;
};
/* The column of that name (ASCII case-insensitive); empty when there is none. */
struct view list_get(const struct list_row *r, const char *name);
bool list_has(const struct list_row *r, const char *name);

enum entry_kind { ENTRY_SUPPRESS, ENTRY_GRANT, ENTRY_WITHDRAW, ENTRY_ALLOW, ENTRY_SKIP, ENTRY_BAD };
struct list_entry {
	enum entry_kind kind;
	struct view address;   /* or the name of a domain or digest, as of ledger/blocks.h */
	enum channel channel;  /* 0 = e-mail */
	bool is_domain;        /* .address is a bare domain */
	enum reason reason;
	enum basis basis;
	struct view scope;     /* written in the file (our own format); p == NULL: as the import says */
	struct view topic;     /* a list of the vendor's; empty = all */
	int64_t event_ms, expires_ms;
	struct view note, wording, evidence;
	struct view how, ip, agent; /* further evidence, from columns of their own */
	unsigned next;         /* not 0: the row says more; mapped again with this value, it says the next thing */
	const char *why;       /* of ENTRY_SKIP and ENTRY_BAD: what was expected, or why nothing follows from the row */
};

enum list_shape { SHAPE_HEADER, SHAPE_BARE, SHAPE_JSON };
struct list_format {
	const char *name;
	enum list_shape shape;
	const char *columns;   /* blank-separated names that all must be there; "|" = either */
	unsigned most_columns; /* a file with more is something else; 0 = any number */
	const char *file_part; /* must be in the file's name (lower case); NULL = any */
	void (*map)(const struct list_row *r, struct list_entry *ret);
	const char *help;
};
extern const struct list_format list_formats[];
extern const size_t list_format_count;

const struct list_format *list_format_named(struct view name);
/* By the first row's names (SHAPE_HEADER, SHAPE_JSON) or its values (SHAPE_BARE). NULL: none fits. */
const struct list_format *list_format_of(enum list_shape shape, const struct list_row *first, const char *file_name);
/* Epoch seconds or milliseconds, RFC 3339, "YYYY-MM-DD HH:MM:SS[ UTC]", RFC 5322 dates. 0 for what is none. */
int64_t list_date(struct view text);
