/* The files of one directory: "<16 hex digits of the start in ms>.log", so that their names sort as they were written. */
#pragma once

#include "base/err.h"
#include <stdint.h>

#define FILES_MAX 4096 /* in one directory: more are not looked at */
#define FILE_NAME 24
#define FILE_MAGIC "optgate decisions 1\n"

struct file_row {
	int64_t start_ms;
	uint64_t bytes;
};
struct file_list {
	struct file_row *rows; /* oldest first */
	unsigned count;
};

void file_name(int64_t start_ms, char dst[FILE_NAME]);
/* ERR_MISSING when there is no such directory. */
int files_list(const char *dir, struct file_list *ret, struct err *err) MUST_CHECK;
void files_free(struct file_list *l);
/* What is too old or too much goes; the one that begins at CURRENT_MS stays. */
int files_prune(const char *dir, int64_t current_ms, int64_t oldest_ms, uint64_t max_bytes, struct err *err) MUST_CHECK;
