#include "config/passwords.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"

int private_file_read(const char *path, struct buf *out, struct err *err)
{
	struct stat st;
	if (stat(path, &st) < 0) {
		err_sys(err, "%s", path);
		if (errno == ENOENT && err)
			err->kind = ERR_MISSING;
		return -1;
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(err, ERR_REFUSED, "%s: others than its owner may read it (mode %03o): chmod 600 it",
		    path, (unsigned)st.st_mode & 0777);
	return file_read(path, out, err);
}

int passwords_read(const char *path, struct buf *out, struct err *err)
{
	struct err e;
	if (private_file_read(path, out, &e) == 0 || e.kind == ERR_MISSING)
		return 0;
	if (err)
		*err = e;
	return -1;
}

struct view passwords_find(struct view lines, struct view name)
{
	struct view line, who;
	while (view_cut(&lines, '\n', &line))
		if (view_cut(&line, ':', &who) && view_eq(who, name))
			return view_trim(line);
	return (struct view){0};
}

static void copy_others(struct view lines, struct view name, struct buf *out)
{
	struct view line;
	while (view_cut(&lines, '\n', &line)) {
		struct view rest = line, who;
		if (line.n && !(view_cut(&rest, ':', &who) && view_eq(who, name))) {
			buf_add(out, line);
			buf_byte(out, '\n');
		}
	}
}

int passwords_set(const char *path, struct view name, struct view hash, struct err *err)
{
	struct buf old, new;
	buf_init(&old, PASSWORD_FILE_MAX);
	buf_init(&new, PASSWORD_FILE_MAX);
	int rc = passwords_read(path, &old, err);
	if (rc == 0) {
		copy_others(buf_view(&old), name, &new);
		if (hash.n)
			buf_fmt(&new, "%.*s:%.*s\n", VFMT(name), VFMT(hash));
		rc = new.failed ? err_set(err, ERR_LIMIT, "%s: larger than %u bytes", path, PASSWORD_FILE_MAX)
				: file_replace(path, buf_view(&new), 0600, err);
	}
	buf_free(&old);
	buf_free(&new);
	return rc;
}
