/* CSV (RFC 4180) as a stream: records of any cut of the input, bounded, each with the line it began in and its bytes as they were.
 * Lenient where the world is: LF alone ends a record, a quote inside an unquoted field is text, a UTF-8 BOM goes. */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define CSV_RECORD_MAX (1u << 20) /* bytes of one record */
#define CSV_FIELDS_MAX 256

struct csv_record {
	uint64_t line;      /* first line of the record, from 1 */
	struct view raw;    /* as it stands in the file, with its line end */
	struct view fields[CSV_FIELDS_MAX];
	unsigned count;
	const char *bad;    /* what was expected; NULL = good. Then there are no fields */
};

/* Up to N bytes into DST; 0 at the end, -1 with ERR. */
typedef ssize_t csv_source(void *arg, void *dst, size_t n, struct err *err);

struct csv;
struct csv *csv_new(char separator, csv_source *read, void *arg);
void csv_free(struct csv **c);
void csv_separator(struct csv *c, char separator); /* for the records that follow */
/* 1 and a record (its views live until the next call), 0 at the end, -1 when reading failed. Empty lines are passed over. */
int csv_next(struct csv *c, struct csv_record *ret, struct err *err) MUST_CHECK;
/* How many bytes of the source lie before the next record, and its line. */
void csv_place(const struct csv *c, uint64_t *ret_offset, uint64_t *ret_line);
/* The source was moved to such a place: what was read ahead is forgotten. */
void csv_go_on(struct csv *c, uint64_t offset, uint64_t line);
/* What has been read already and not yet handed out, at most N bytes and at least a line if there is one: to guess what it is. */
struct view csv_peek(struct csv *c, size_t n, struct err *err);
/* All that is left, as it stands. OUT fails past its maximum. */
int csv_drain(struct csv *c, struct buf *out, struct err *err) MUST_CHECK;

/* A cell that no spreadsheet takes for a formula (= + - @, tab, CR in front get an apostrophe), quoted where it must be. */
void csv_write(struct buf *out, struct view cell);
/* Takes csv_write's apostrophe off again. */
struct view csv_plain(struct view cell);
