/* See kept.h. One writer: the inbox's thread. */
#include "kept.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#define DAY_TEXT 11
#define DAY_MS 86400000
#define PATH_MAX_BYTES 1400

struct kept {
	char dir[PATH_MAX_BYTES - 32];
	char day[DAY_TEXT]; /* of the open file; "" = none */
	int fd;
	off_t end;
};

int kept_open(struct kept **ret, const char *dir, struct err *err)
{
	if (dir_make(dir, 0700, err) < 0)
		return -1;
	struct kept *k = mem_zero(sizeof *k);
	k->fd = -1;
	if (!view_str(view_of(dir), k->dir, sizeof k->dir)) {
		free(k);
		return err_set(err, ERR_LIMIT, "%s: path too long", dir);
	}
	*ret = k;
	return 0;
}

void kept_close(struct kept **k)
{
	if (*k && (*k)->fd >= 0)
		close((*k)->fd);
	free(*k);
	*k = NULL;
}

static int open_day(struct kept *k, const char *day, struct err *err)
{
	char path[PATH_MAX_BYTES];
	struct stat st;
	if (strcmp(day, k->day) == 0)
		return 0;
	if (k->fd >= 0)
		close(k->fd);
	k->day[0] = 0;
	snprintf(path, sizeof path, "%s/%s.mbox", k->dir, day);
	k->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (k->fd < 0 || fstat(k->fd, &st) < 0)
		return err_sys(err, "%s", path);
	k->end = st.st_size;
	memcpy(k->day, day, DAY_TEXT);
	return dir_sync(k->dir, err);
}

int kept_add(struct kept *k, int64_t now_ms, struct view report, char ret_reference[KEPT_REFERENCE], struct err *err)
{
	char time[TIME_TEXT], day[DAY_TEXT], first[80];
	time_text(now_ms, time);
	view_str(view_n(time, DAY_TEXT - 1), day, sizeof day);
	if (open_day(k, day, err) < 0)
		return -1;
	int n = snprintf(first, sizeof first, "From optgate %s %zu\n", time, report.n);
	if (write_all_at(k->fd, view_n(first, (size_t)n), k->end, err) < 0 ||
	    write_all_at(k->fd, report, k->end + n, err) < 0 ||
	    write_all_at(k->fd, V("\n"), k->end + n + (off_t)report.n, err) < 0)
		return -1;
	snprintf(ret_reference, KEPT_REFERENCE, "%s:%" PRId64, day, (int64_t)k->end);
	k->end += n + (off_t)report.n + 1;
	return 0;
}

int kept_sync(struct kept *k, struct err *err)
{
	return k->fd >= 0 && fdatasync(k->fd) < 0 ? err_sys(err, "%s/%s.mbox", k->dir, k->day) : 0;
}

static bool is_over(const char *name, int64_t before_ms)
{
	int64_t day_ms;
	struct view v = view_of(name);
	return v.n == DAY_TEXT - 1 + 5 && view_ends(v, V(".mbox")) && time_parse(name, DAY_TEXT - 1, &day_ms) &&
	       day_ms + DAY_MS < before_ms;
}

unsigned kept_expire(struct kept *k, int64_t now_ms, int64_t keep_ms)
{
	unsigned count = 0;
	DIR *d = opendir(k->dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		char path[PATH_MAX_BYTES + 300];
		if (!is_over(e->d_name, now_ms - keep_ms))
			continue;
		snprintf(path, sizeof path, "%s/%s", k->dir, e->d_name);
		count += unlink(path) == 0;
	}
	if (d)
		closedir(d);
	return count;
}
