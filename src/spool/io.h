/* The system calls that a disk can refuse, so that tests can refuse them. */
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include "spool/spool.h"

struct spool_io {
	ssize_t (*pwritev)(int fd, const struct iovec *iov, int count, off_t offset);
	int (*fdatasync)(int fd);
	int (*reserve)(int fd, off_t bytes); /* space on the disk; a refusal is not a failure */
	int (*free_bytes)(int dir_fd, uint64_t *ret);
};
extern const struct spool_io spool_io_real;

int spool_open_on(struct spool **ret, const struct spool_settings *s, const struct clock *clock, const struct spool_io *io,
    struct err *err) MUST_CHECK;
/* What a kill -9 leaves: the threads are ended, nothing more is written. For tests. */
void spool_abandon(struct spool **s);

/* All of IOV (which is used up), at OFFSET, whatever short counts the disk gives. */
int write_pieces(const struct spool_io *io, int fd, struct iovec *iov, int count, off_t offset, struct err *err) MUST_CHECK;
