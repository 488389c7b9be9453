/* Files, whole and durable. */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends all of PATH to OUT; ERR_LIMIT past the buffer's maximum, ERR_MISSING when there is no such file. */
int file_read(const char *path, struct buf *out, struct err *err) MUST_CHECK;
/* Temporary file, write, fsync, rename, fsync of the directory: afterwards either the old or the new content is there. */
int file_replace(const char *path, struct view bytes, mode_t mode, struct err *err) MUST_CHECK;
/* The same, but ERR_CONFLICT when PATH exists already: for keys, which must never be overwritten. */
int file_create(const char *path, struct view bytes, mode_t mode, struct err *err) MUST_CHECK;
/* Makes DIR (one level) unless it is there. */
int dir_make(const char *dir, mode_t mode, struct err *err) MUST_CHECK;
int dir_sync(const char *dir, struct err *err) MUST_CHECK;
/* "dir/name" into DST. */
int path_join(char *dst, size_t size, const char *dir, const char *name, struct err *err) MUST_CHECK;
/* All of it, at OFFSET, whatever short counts the kernel gives. */
int write_all_at(int fd, struct view bytes, off_t offset, struct err *err) MUST_CHECK;
/* Exactly N bytes; ERR_CORRUPT when the file ends before. */
int read_all_at(int fd, void *dst, size_t n, off_t offset, struct err *err) MUST_CHECK;
