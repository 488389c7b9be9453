/* Samples that live beside the project: a test that wants them says so when they are not there. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define CORPUS_DIR "../shared/corpus/"
#define CORPUS_FILE_MAX (64 << 20)

static inline bool corpus_present(const char *dir)
{
	struct stat st;
	char path[1024];
	snprintf(path, sizeof path, CORPUS_DIR "%s", dir);
	if (stat(path, &st) == 0)
		return true;
	printf("skipped: " CORPUS_DIR "%s is not here\n", dir);
	return false;
}

/* All of CORPUS_DIR/NAME; LF lines are made CRLF when AS_MAIL. An mbox "From " line goes, too. */
static inline bool corpus_read(const char *name, bool as_mail, struct buf *out)
{
	char path[1024];
	struct err err;
	struct buf raw;
	buf_init(&raw, CORPUS_FILE_MAX);
	buf_clear(out);
	snprintf(path, sizeof path, CORPUS_DIR "%s", name);
	bool good = file_read(path, &raw, &err) == 0;
	struct view v = buf_view(&raw);
	size_t from = as_mail && view_starts(v, V("From ")) ? view_find(v, 0, '\n') + 1 : 0;
	for (size_t i = from; good && i < v.n; i++) {
		if (as_mail && v.p[i] == '\n' && (i == 0 || v.p[i - 1] != '\r'))
			buf_byte(out, '\r');
		buf_byte(out, v.p[i]);
	}
	buf_free(&raw);
	return good && !out->failed;
}

/* Calls EACH with the name, relative to CORPUS_DIR, of every file in DIR. Returns how many there were. */
static inline int corpus_each(const char *dir, void (*each)(void *arg, const char *name), void *arg)
{
	char path[1024], name[900];
	int count = 0;
	snprintf(path, sizeof path, CORPUS_DIR "%s", dir);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.' || e->d_type == DT_DIR)
			continue;
		snprintf(name, sizeof name, "%s/%s", dir, e->d_name);
		each(arg, name);
		count++;
	}
	if (d)
		closedir(d);
	return count;
}
