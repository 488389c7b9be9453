#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int path_join(char *dst, size_t size, const char *dir, const char *name, struct err *err)
{
	int n = snprintf(dst, size, "%s/%s", dir, name);
	if (n < 0 || (size_t)n >= size)
		return err_set(err, ERR_LIMIT, "%s/%s: path is longer than %zu bytes", dir, name, size - 1);
	return 0;
}

int file_read(const char *path, struct buf *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_sys(err, "%s", path);
		if (errno == ENOENT && err)
			err->kind = ERR_MISSING;
		return -1;
	}
	int rc = 0;
	for (;;) {
		char chunk[16384];
		ssize_t n = read(fd, chunk, sizeof chunk);
		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = err_sys(err, "%s", path);
			break;
		}
		buf_add(out, view_n(chunk, (size_t)n));
		if (out->failed) {
			rc = err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, out->max);
			break;
		}
	}
	close(fd);
	return rc;
}

int write_all_at(int fd, struct view bytes, off_t offset, struct err *err)
{
	while (bytes.n) {
		ssize_t n = pwrite(fd, bytes.p, bytes.n, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "write");
		bytes = view_sub(bytes, (size_t)n, bytes.n);
		offset += n;
	}
	return 0;
}

int read_all_at(int fd, void *dst, size_t n, off_t offset, struct err *err)
{
	char *to = dst;
	while (n) {
		ssize_t got = pread(fd, to, n, offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, "read");
		if (got == 0)
			return err_set(err, ERR_CORRUPT, "file ends %zu bytes early", n);
		to += got;
		n -= (size_t)got;
		offset += got;
	}
	return 0;
}

static int parent_sync(const char *path, struct err *err)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct view parent = !slash ? V(".") : slash == path ? V("/") : view_n(path, (size_t)(slash - path));
	if (!view_str(parent, dir, sizeof dir))
		return err_set(err, ERR_LIMIT, "%s: path too long", path);
	return dir_sync(dir, err);
}

/* Writes and syncs a temporary sibling of PATH; its name goes to TMP. */
static int write_beside(const char *path, struct view bytes, mode_t mode, char *tmp, size_t size, struct err *err)
{
	int n = snprintf(tmp, size, "%s.XXXXXX", path);
	if (n < 0 || (size_t)n >= size)
		return err_set(err, ERR_LIMIT, "%s: path too long", path);
	int fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "%s", tmp);
	int rc = write_all_at(fd, bytes, 0, err);
	if (rc == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		rc = err_sys(err, "%s", tmp);
	close(fd);
	if (rc < 0)
		unlink(tmp);
	return rc;
}

int file_replace(const char *path, struct view bytes, mode_t mode, struct err *err)
{
	char tmp[PATH_MAX];
	if (write_beside(path, bytes, mode, tmp, sizeof tmp, err) < 0)
		return -1;
	if (rename(tmp, path) < 0) {
		err_sys(err, "%s", path);
		unlink(tmp);
		return -1;
	}
	return parent_sync(path, err);
}

int file_create(const char *path, struct view bytes, mode_t mode, struct err *err)
{
	char tmp[PATH_MAX];
	if (write_beside(path, bytes, mode, tmp, sizeof tmp, err) < 0)
		return -1;
	int rc = link(tmp, path) < 0 ? err_sys(err, "%s", path) : 0;
	if (rc < 0 && errno == EEXIST && err)
		err->kind = ERR_CONFLICT;
	unlink(tmp);
	return rc < 0 ? -1 : parent_sync(path, err);
}

int dir_make(const char *dir, mode_t mode, struct err *err)
{
	struct stat st;
	if (mkdir(dir, mode) == 0)
		return parent_sync(dir, err);
	if (errno != EEXIST)
		return err_sys(err, "%s", dir);
	if (stat(dir, &st) < 0)
		return err_sys(err, "%s", dir);
	return S_ISDIR(st.st_mode) ? 0 : err_set(err, ERR_CONFLICT, "%s: is not a directory", dir);
}

int dir_sync(const char *dir, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "%s", dir);
	int rc = fsync(fd) < 0 ? err_sys(err, "%s", dir) : 0;
	close(fd);
	return rc;
}
