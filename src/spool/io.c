#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int reserve(int fd, off_t bytes)
{
	return fallocate(fd, 0, 0, bytes);
}

static int free_bytes(int dir_fd, uint64_t *ret)
{
	struct statvfs v;
	if (fstatvfs(dir_fd, &v) < 0)
		return -1;
	*ret = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

const struct spool_io spool_io_real = {.pwritev = pwritev, .fdatasync = fdatasync, .reserve = reserve, .free_bytes = free_bytes};

/* At most IOV_MAX pieces a call. */
#define PIECES_A_CALL 1024

int write_pieces(const struct spool_io *io, int fd, struct iovec *iov, int count, off_t offset, struct err *err)
{
	while (count) {
		ssize_t n = io->pwritev(fd, iov, count < PIECES_A_CALL ? count : PIECES_A_CALL, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "spool: write");
		if (n == 0)
			return err_set(err, ERR_SYSTEM, "spool: the disk takes nothing more");
		offset += n;
		for (; count && (size_t)n >= iov->iov_len; iov++, count--)
			n -= (ssize_t)iov->iov_len;
		if (count) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}
