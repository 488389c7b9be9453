/* Which files there are, and which of them go. */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/be.h"
#include "base/file.h"
#include "base/mem.h"

void file_name(int64_t start_ms, char dst[FILE_NAME])
{
	snprintf(dst, FILE_NAME, "%016llx.log", (unsigned long long)start_ms);
}

static bool name_read(const char *name, int64_t *ret)
{
	uint8_t b[8];
	struct view v = view_of(name);
	if (v.n != 20 || !view_ends(v, V(".log")) || !hex_decode(view_sub(v, 0, 16), b, sizeof b) || b[0])
		return false;
	*ret = (int64_t)be_get(b, 8);
	return true;
}

static int row_cmp(const void *a, const void *b)
{
	int64_t x = ((const struct file_row *)a)->start_ms, y = ((const struct file_row *)b)->start_ms;
	return (x > y) - (x < y);
}

int files_list(const char *dir, struct file_list *ret, struct err *err)
{
	DIR *d = opendir(dir);
	if (!d && errno == ENOENT)
		return err_set(err, ERR_MISSING, "%s: no decisions are kept here", dir);
	if (!d)
		return err_sys(err, "%s", dir);
	*ret = (struct file_list){.rows = mem_zero(FILES_MAX * sizeof *ret->rows)};
	for (struct dirent *e; ret->count < FILES_MAX && (e = readdir(d));) {
		struct file_row *row = &ret->rows[ret->count];
		struct stat st;
		if (name_read(e->d_name, &row->start_ms) && fstatat(dirfd(d), e->d_name, &st, 0) == 0) {
			row->bytes = (uint64_t)st.st_size;
			ret->count++;
		}
	}
	closedir(d);
	qsort(ret->rows, ret->count, sizeof *ret->rows, row_cmp);
	return 0;
}

void files_free(struct file_list *l)
{
	free(l->rows);
	l->rows = NULL;
	l->count = 0;
}

static int drop(const char *dir, int64_t start_ms, struct err *err)
{
	char name[FILE_NAME], path[PATH_MAX];
	file_name(start_ms, name);
	if (path_join(path, sizeof path, dir, name, err) < 0)
		return -1;
	return unlink(path) < 0 && errno != ENOENT ? err_sys(err, "%s", path) : 0;
}

int files_prune(const char *dir, int64_t current_ms, int64_t oldest_ms, uint64_t max_bytes, struct err *err)
{
	struct file_list l;
	uint64_t total = 0;
	if (files_list(dir, &l, err) < 0)
		return -1;
	for (unsigned i = 0; i < l.count; i++)
		total += l.rows[i].bytes;
	int rc = 0;
	/* A file ends where the next begins. */
	for (unsigned i = 0; rc == 0 && i + 1 < l.count && l.rows[i].start_ms != current_ms; i++) {
		if (l.rows[i + 1].start_ms > oldest_ms && total <= max_bytes && l.count - i < FILES_MAX / 2)
			break;
		rc = drop(dir, l.rows[i].start_ms, err);
		total -= l.rows[i].bytes;
	}
	files_free(&l);
	return rc;
}
