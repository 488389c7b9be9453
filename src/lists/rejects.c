/* The file of rejects of an import that was interrupted: "line,what was expected,row". */
#include "lists/import.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static ssize_t read_fd(void *arg, void *dst, size_t n, struct err *err)
{
	ssize_t got = read(*(int *)arg, dst, n);
	return got < 0 ? err_sys(err, "rejects") : got;
}

/* Where the first record about FROM or a later line begins. */
static int find_cut(int fd, const struct import_place *from, uint64_t *ret_offset, struct err *err)
{
	struct csv *c = csv_new(',', read_fd, &fd);
	struct csv_record r;
	uint64_t line, at_line = 0;
	int rc;
	do {
		csv_place(c, ret_offset, &at_line);
		rc = csv_next(c, &r, err);
	} while (rc == 1 && r.count && view_u64(r.fields[0], UINT64_MAX, &line) && line < from->line);
	csv_free(&c);
	return rc < 0 ? -1 : 0;
}

int import_rejects_cut(const char *path, const struct import_place *from, struct err *err)
{
	uint64_t offset;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(err, "%s", path);
	int rc = find_cut(fd, from, &offset, err);
	if (rc == 0 && ftruncate(fd, (off_t)offset) < 0)
		rc = err_sys(err, "%s", path);
	close(fd);
	return rc;
}
