/* Lines over a unix socket with a deadline: both ends of the control conversation. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Connected or listening; ERR_LIMIT when the path is longer than a unix socket's may be. */
int unix_connect(const char *path, int *ret_fd, struct err *err) MUST_CHECK;
int unix_listen(const char *path, int *ret_fd, struct err *err) MUST_CHECK;
/* Reads up to and including the first newline, which is left out of LINE; ERR_LIMIT past the buffer's maximum, ERR_UNAVAILABLE at the deadline,
 * ERR_MISSING when the other side closed before. */
int line_read(int fd, struct buf *line, int64_t timeout_ms, struct err *err) MUST_CHECK;
int line_write(int fd, struct view bytes, int64_t timeout_ms, struct err *err) MUST_CHECK;
