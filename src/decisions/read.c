/* Reading what was decided, oldest file first. */
#include <limits.h>

#include "base/file.h"
#include "decisions/decisions.h"
#include "files.h"

struct period {
	int64_t since_ms, until_ms;
	decisions_reader *each;
	void *arg;
	bool stopped;
};

static void walk(struct view rest, struct period *p)
{
	struct decision x;
	if (!view_starts(rest, V(FILE_MAGIC)))
		return;
	rest = view_sub(rest, sizeof FILE_MAGIC - 1, rest.n);
	while (!p->stopped && decision_take(&rest, &x))
		if (x.at_ms >= p->since_ms && x.at_ms < p->until_ms)
			p->stopped = !p->each(p->arg, &x);
}

static int read_one(const char *dir, int64_t start_ms, struct buf *bytes, struct period *p, struct err *err)
{
	char name[FILE_NAME], path[PATH_MAX];
	struct err why;
	file_name(start_ms, name);
	if (path_join(path, sizeof path, dir, name, err) < 0)
		return -1;
	buf_clear(bytes);
	if (file_read(path, bytes, &why) < 0)
		return why.kind == ERR_MISSING ? 0 : err_set(err, why.kind, "%s", why.text); /* pruned just now */
	walk(buf_view(bytes), p);
	return 0;
}

int decisions_each(const char *dir, int64_t since_ms, int64_t until_ms, decisions_reader *each, void *arg, struct err *err)
{
	/* The clock may have been set back while a file was written: a day of grace. */
	const int64_t grace_ms = INT64_C(86400000);
	struct period p = {since_ms, until_ms, each, arg, false};
	struct file_list l;
	struct buf bytes;
	int rc = 0;
	if (files_list(dir, &l, err) < 0)
		return -1;
	buf_init(&bytes, DECISIONS_FILE_MAX + DECISIONS_MEMORY);
	for (unsigned i = 0; rc == 0 && !p.stopped && i < l.count; i++) {
		bool ended_before = i + 1 < l.count && l.rows[i + 1].start_ms + grace_ms < since_ms;
		if (!ended_before && l.rows[i].start_ms - grace_ms < until_ms)
			rc = read_one(dir, l.rows[i].start_ms, &bytes, &p, err);
	}
	buf_free(&bytes);
	files_free(&l);
	return rc;
}
