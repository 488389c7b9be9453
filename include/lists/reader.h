/* Any list as rows: CSV with or without a header, NDJSON, or one JSON document with an array in it. */
#pragma once

#include "crypto/hash.h"
#include "ledger/import.h"
#include "lists/csv.h"
#include "lists/format.h"

#define LIST_JSON_MAX (256u << 20) /* bytes of a JSON document that is no NDJSON */

struct list_reader;
/* FILE is "-" for standard input. FORMAT: NULL = by its shape; ERR_SYNTAX when none fits. */
int list_open(struct list_reader **ret, const char *file, const struct list_format *format, struct err *err) MUST_CHECK;
void list_close(struct list_reader **r);
const struct list_format *list_format(const struct list_reader *r);
/* 1 and a row (views until the next call), 0 at the end, -1 when reading failed. A bad record is a row with count 0 and *RET_BAD set. */
int list_next(struct list_reader *r, struct list_row *ret, const char **ret_bad, struct err *err) MUST_CHECK;
/* Of all bytes: 1 and *RET when the list is a file, which is read through for it; 0 for what can be read only once; -1 when reading failed. */
int list_sha256_ahead(struct list_reader *r, uint8_t ret[SHA256_BYTES], struct err *err) MUST_CHECK;
/* After the end: the same, of what was read. ERR_CONFLICT: it is not what was read ahead. */
int list_sha256(struct list_reader *r, uint8_t ret[SHA256_BYTES], struct err *err) MUST_CHECK;

/* Where the next row begins; of a JSON document, .offset is its number. */
void list_place(const struct list_reader *r, struct import_place *ret);
/* Goes on there, instead of at the beginning. Only in a list that could be read ahead. */
int list_go_on(struct list_reader *r, const struct import_place *at, struct err *err) MUST_CHECK;
