/* The files: which there are, reading them, and the one that is written. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "sent_internal.h"

#define FILES_MOST 1024 /* in the directory */
#define NAME_BYTES 32
#define READ_STEPS 4096

struct days {
	int64_t at[FILES_MOST];
	unsigned count;
};

static void name_of(int64_t day, char dst[NAME_BYTES])
{
	snprintf(dst, NAME_BYTES, "%08lld.log", (long long)day);
}

static int day_cmp(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static int list(const char *dir, struct days *ret, struct err *err)
{
	DIR *d = opendir(dir);
	*ret = (struct days){.count = 0};
	if (!d)
		return errno == ENOENT ? 0 : err_sys(err, "%s", dir);
	for (struct dirent *e; ret->count < FILES_MOST && (e = readdir(d));) {
		struct view name = view_of(e->d_name);
		uint64_t day;
		if (name.n == 12 && view_ends(name, V(".log")) && view_u64(view_sub(name, 0, 8), 99999999, &day))
			ret->at[ret->count++] = (int64_t)day;
	}
	closedir(d);
	qsort(ret->at, ret->count, sizeof *ret->at, day_cmp);
	return 0;
}

static int open_day(const char *dir, int64_t day, int flags, int *ret_fd, struct err *err)
{
	char name[NAME_BYTES], path[PATH_MAX];
	name_of(day, name);
	if (path_join(path, sizeof path, dir, name, err) < 0)
		return -1;
	*ret_fd = open(path, flags | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? err_sys(err, "%s", path) : 0;
}

static int read_day(const char *dir, int64_t day, void (*each)(void *arg, const struct step *r), void *arg, struct err *err)
{
	uint8_t *bytes = mem_alloc(READ_STEPS * STEP_BYTES);
	int fd, rc = open_day(dir, day, O_RDONLY, &fd, err);
	off_t at = 0;
	for (ssize_t n = 1; rc == 0 && n > 0;) {
		n = pread(fd, bytes, READ_STEPS * STEP_BYTES, at);
		if (n < 0 && errno != EINTR)
			rc = err_sys(err, "%s", dir);
		size_t whole = n > 0 ? (size_t)n / STEP_BYTES : 0;
		struct step r;
		for (size_t i = 0; i < whole; i++)
			if (step_read(bytes + i * STEP_BYTES, &r))
				each(arg, &r);
		at += (off_t)(whole * STEP_BYTES);
		n = n < 0 ? 1 : (ssize_t)whole; /* a torn end ends it */
	}
	if (fd >= 0)
		close(fd);
	free(bytes);
	return rc;
}

int files_drop_before(const char *dir, int64_t day, struct err *err)
{
	struct days days;
	if (list(dir, &days, err) < 0)
		return -1;
	for (unsigned i = 0; i < days.count && days.at[i] < day; i++) {
		char name[NAME_BYTES], path[PATH_MAX];
		name_of(days.at[i], name);
		if (path_join(path, sizeof path, dir, name, err) < 0)
			return -1;
		if (unlink(path) < 0 && errno != ENOENT)
			return err_sys(err, "%s", path);
	}
	return 0;
}

int files_read(const char *dir, int64_t first_day, bool may_drop, void (*each)(void *arg, const struct step *r), void *arg, struct err *err)
{
	struct days days;
	if (may_drop && files_drop_before(dir, first_day, err) < 0)
		return -1;
	if (list(dir, &days, err) < 0)
		return -1;
	for (unsigned i = 0; i < days.count; i++)
		if (days.at[i] >= first_day && read_day(dir, days.at[i], each, arg, err) < 0)
			return -1;
	return 0;
}

int files_append(const char *dir, int64_t day, int *ret_fd, off_t *ret_bytes, struct err *err)
{
	struct stat st;
	int fd;
	if (open_day(dir, day, O_WRONLY | O_CREAT | O_APPEND, &fd, err) < 0)
		return -1;
	if (fstat(fd, &st) < 0 || (st.st_size % STEP_BYTES && ftruncate(fd, st.st_size - st.st_size % STEP_BYTES) < 0)) {
		int rc = err_sys(err, "%s", dir);
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	*ret_bytes = st.st_size - st.st_size % STEP_BYTES;
	return 0;
}
