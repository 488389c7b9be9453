/* Any list as rows: CSV with or without a header, NDJSON, or one JSON document with an array in it. */
#pragma once

#include "crypto/hash.h"
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
/* After the end: of all bytes. */
void list_sha256(struct list_reader *r, uint8_t ret[SHA256_BYTES]);
