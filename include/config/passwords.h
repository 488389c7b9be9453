/* Password hashes of clients: lines "name:hash" in a file of mode 0600 in the data directory, apart from the settings, which anybody may read.
 * A file that others can read is refused. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define PASSWORD_FILE_MAX (4u << 20)

/* Appends the file to OUT; a missing file is an empty one. */
int passwords_read(const char *path, struct buf *out, struct err *err) MUST_CHECK;
/* The hash of NAME within what passwords_read gave; p == NULL when there is none. */
struct view passwords_find(struct view lines, struct view name);
/* Sets or replaces one hash, atomically and durably; HASH of length 0 removes it. */
int passwords_set(const char *path, struct view name, struct view hash, struct err *err) MUST_CHECK;
/* All of a file that only its owner may read or write; ERR_REFUSED, with what to do, when others may. */
int private_file_read(const char *path, struct buf *out, struct err *err) MUST_CHECK;
