/* bytes ─▶ records (csv.c) or JSON values ─▶ rows of names and values */
#include "lists/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define PEEK 65536
#define NUMBER_TEXT 32
#define HASH_CHUNK (1u << 18)

struct list_reader {
	int fd;
	const char *file;
	struct hasher *hasher;
	bool read_ahead;     /* the hash is known: */
	uint8_t hash[SHA256_BYTES];
	struct stat stat;    /* as of then */
	struct csv *csv;
	const struct list_format *format;
	struct arena names_arena;
	struct view names[LIST_COLUMNS_MAX]; /* of the header */
	unsigned name_count;
	bool has_first; /* a first record that is data was read to guess the shape */
	struct csv_record record;
	/* JSON */
	bool json;
	json_t *document, *array, *object;
	size_t at;
	char numbers[LIST_COLUMNS_MAX][NUMBER_TEXT];
};

static ssize_t read_fd(void *arg, void *dst, size_t n, struct err *err)
{
	struct list_reader *r = arg;
	ssize_t got;
	do
		got = read(r->fd, dst, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(err, "%s", r->file);
	if (!r->read_ahead)
		hasher_add(r->hasher, view_n(dst, (size_t)got));
	return got;
}

void list_close(struct list_reader **reader)
{
	struct list_reader *r = *reader;
	if (!r)
		return;
	csv_free(&r->csv);
	hasher_free(&r->hasher);
	arena_free(&r->names_arena);
	json_decref(r->document);
	json_decref(r->object);
	if (r->fd > 0)
		close(r->fd);
	free(r);
	*reader = NULL;
}

/* ---- JSON ---- */

static struct view text_of(struct list_reader *r, unsigned column, const json_t *v)
{
	if (json_is_string(v))
		return view_n(json_string_value(v), json_string_length(v));
	if (json_is_boolean(v))
		return json_is_true(v) ? V("true") : V("false");
	if (json_is_integer(v)) {
		int n = snprintf(r->numbers[column], NUMBER_TEXT, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		return view_n(r->numbers[column], (size_t)n);
	}
	if (json_is_array(v) && json_array_size(v) == 1)
		return text_of(r, column, json_array_get(v, 0));
	return V("");
}

static void row_of_object(struct list_reader *r, json_t *object, struct list_row *row)
{
	const char *name;
	json_t *value;
	row->count = 0;
	json_object_foreach(object, name, value) {
		if (row->count == LIST_COLUMNS_MAX)
			break;
		row->names[row->count] = view_of(name);
		row->values[row->count] = text_of(r, row->count, value);
		row->count++;
	}
}

/* The array of objects in a document: itself, or a member, or a member's member. */
static json_t *find_array(json_t *v, int depth)
{
	const char *name;
	json_t *member;
	if (json_is_array(v))
		return json_is_object(json_array_get(v, 0)) || json_array_size(v) == 0 ? v : NULL;
	if (!json_is_object(v) || depth == 0)
		return NULL;
	json_object_foreach(v, name, member) {
		json_t *found = find_array(member, depth - 1);
		if (found)
			return found;
	}
	return NULL;
}

static int load_document(struct list_reader *r, struct err *err)
{
	struct buf all;
	buf_init(&all, LIST_JSON_MAX);
	int rc = csv_drain(r->csv, &all, err);
	if (rc == 0 && all.failed)
		rc = err_set(err, ERR_LIMIT, "%s: a JSON document of at most %u bytes was expected; NDJSON has no limit", r->file, LIST_JSON_MAX);
	json_error_t why;
	if (rc == 0 && !(r->document = json_loadb(all.p, all.n, JSON_REJECT_DUPLICATES, &why)))
		rc = err_set(err, ERR_SYNTAX, "%s:%d: %s", r->file, why.line, why.text);
	buf_free(&all);
	if (rc < 0)
		return -1;
	r->array = find_array(r->document, 2);
	if (!r->array)
		return err_set(err, ERR_SYNTAX, "%s: expected an array of objects", r->file);
	return 0;
}

/* The first line alone is an object: one object a line. */
static bool is_ndjson(struct list_reader *r, struct view start)
{
	struct view line = view_trim(view_sub(start, 0, view_find(start, 0, '\n')));
	r->object = line.n && line.p[0] == '{' ? json_loadb(line.p, line.n, 0, NULL) : NULL;
	return json_is_object(r->object) && !find_array(r->object, 2);
}

static int next_of_array(struct list_reader *r, struct list_row *row, const char **bad)
{
	if (r->at >= json_array_size(r->array))
		return 0;
	json_t *object = json_array_get(r->array, r->at++);
	row->line = r->at;
	row->count = 0;
	if (json_is_object(object))
		row_of_object(r, object, row);
	else
		*bad = "an object";
	return 1;
}

static int next_ndjson(struct list_reader *r, struct list_row *row, const char **bad, struct err *err)
{
	int rc = csv_next(r->csv, &r->record, err);
	if (rc <= 0)
		return rc;
	row->line = r->record.line;
	row->count = 0;
	json_decref(r->object);
	r->object = json_loadb(r->record.raw.p, r->record.raw.n, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(r->object))
		row_of_object(r, r->object, row);
	else
		*bad = "one JSON object a line";
	return 1;
}

/* ---- CSV ---- */

static char separator_of(struct view start)
{
	struct view line = view_sub(start, 0, view_find(start, 0, '\n'));
	static const char candidates[] = {',', ';', '\t'};
	for (size_t i = 0; i < sizeof candidates; i++)
		if (view_find(line, 0, candidates[i]) < line.n)
			return candidates[i];
	return ',';
}

static void row_of_record(const struct list_reader *r, const struct csv_record *rec, struct list_row *row)
{
	static const char digits[] = "0123456789";
	row->line = rec->line;
	row->count = rec->count < LIST_COLUMNS_MAX ? rec->count : LIST_COLUMNS_MAX;
	for (unsigned i = 0; i < row->count; i++) {
		row->names[i] = i < r->name_count ? r->names[i] : i < 10 && !r->name_count ? view_n(&digits[i], 1) : V("");
		row->values[i] = csv_plain(rec->fields[i]);
	}
}

static int keep_header(struct list_reader *r, struct err *err)
{
	for (unsigned i = 0; i < r->record.count; i++) {
		r->names[i] = arena_view(&r->names_arena, view_trim(r->record.fields[i]));
		if (!r->names[i].p)
			return err_set(err, ERR_LIMIT, "%s:1: header too long", r->file);
	}
	r->name_count = r->record.count;
	return 0;
}

static int guess(struct list_reader *r, const struct list_format *wanted, struct err *err)
{
	struct list_row row;
	int rc = csv_next(r->csv, &r->record, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_SYNTAX, "%s: is empty", r->file);
	r->name_count = 0;
	row_of_record(r, &r->record, &row);
	for (unsigned i = 0; i < row.count; i++)
		row.names[i] = view_trim(row.values[i]);
	r->format = wanted ? wanted : list_format_of(SHAPE_HEADER, &row, r->file);
	if (r->format && r->format->shape == SHAPE_HEADER)
		return keep_header(r, err);
	row_of_record(r, &r->record, &row);
	if (!r->format)
		r->format = list_format_of(SHAPE_BARE, &row, r->file);
	r->has_first = true;
	return r->format ? 0 : err_set(err, ERR_SYNTAX, "%s:%llu: no known list; name it with --format (optgate formats lists them)", r->file, (unsigned long long)r->record.line);
}

static int next_csv(struct list_reader *r, struct list_row *row, const char **bad, struct err *err)
{
	if (!r->has_first) {
		int rc = csv_next(r->csv, &r->record, err);
		if (rc <= 0)
			return rc;
	}
	r->has_first = false;
	row_of_record(r, &r->record, row);
	*bad = r->record.bad;
	return 1;
}

/* ---- the reader ---- */

static int guess_json(struct list_reader *r, struct view start, const struct list_format *wanted, struct err *err)
{
	struct list_row row = {0};
	const char *bad = NULL;
	r->json = true;
	csv_separator(r->csv, '\n'); /* lines, whatever quotes they hold */
	if (is_ndjson(r, start))
		row_of_object(r, r->object, &row);
	else if (load_document(r, err) < 0)
		return -1;
	else
		next_of_array(r, &row, &bad);
	r->format = wanted ? wanted : row.count ? list_format_of(SHAPE_JSON, &row, r->file) : NULL;
	r->at = 0;
	return r->format ? 0 : err_set(err, ERR_SYNTAX, "%s: no known list; name it with --format (optgate formats lists them)", r->file);
}

int list_open(struct list_reader **ret, const char *file, const struct list_format *format, struct err *err)
{
	struct list_reader *r = mem_zero(sizeof *r);
	r->file = file;
	r->hasher = hasher_new();
	arena_init(&r->names_arena, 1u << 20);
	r->fd = strcmp(file, "-") == 0 ? 0 : open(file, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0) {
		err_sys(err, "%s", file);
		list_close(&r);
		return -1;
	}
	r->csv = csv_new(',', read_fd, r);
	struct view start = csv_peek(r->csv, PEEK, err), trimmed = view_trim(start);
	int rc = 0;
	if (trimmed.n && (trimmed.p[0] == '{' || trimmed.p[0] == '[')) {
		rc = guess_json(r, start, format, err);
	} else {
		csv_separator(r->csv, separator_of(start));
		rc = guess(r, format, err);
	}
	if (rc < 0) {
		list_close(&r);
		return -1;
	}
	*ret = r;
	return 0;
}

const struct list_format *list_format(const struct list_reader *r)
{
	return r->format;
}

int list_next(struct list_reader *r, struct list_row *ret, const char **ret_bad, struct err *err)
{
	*ret_bad = NULL;
	if (!r->json)
		return next_csv(r, ret, ret_bad, err);
	return r->array ? next_of_array(r, ret, ret_bad) : next_ndjson(r, ret, ret_bad, err);
}

/* ---- hashes and places ---- */

static int hash_file(struct list_reader *r, struct err *err)
{
	char *chunk = mem_alloc(HASH_CHUNK);
	off_t at = 0;
	ssize_t n;
	struct hasher *h = hasher_new();
	while ((n = pread(r->fd, chunk, HASH_CHUNK, at)) > 0) {
		hasher_add(h, view_n(chunk, (size_t)n));
		at += n;
	}
	int rc = n < 0 ? err_sys(err, "%s", r->file) : 0;
	hasher_end(h, r->hash);
	hasher_free(&h);
	free(chunk);
	return rc;
}

int list_sha256_ahead(struct list_reader *r, uint8_t ret[SHA256_BYTES], struct err *err)
{
	if (fstat(r->fd, &r->stat) < 0)
		return err_sys(err, "%s", r->file);
	if (!S_ISREG(r->stat.st_mode) || r->fd == 0)
		return 0;
	if (hash_file(r, err) < 0)
		return -1;
	r->read_ahead = true;
	memcpy(ret, r->hash, SHA256_BYTES);
	return 1;
}

static bool is_as_it_was(const struct list_reader *r)
{
	struct stat now;
	return fstat(r->fd, &now) == 0 && now.st_size == r->stat.st_size && now.st_mtim.tv_sec == r->stat.st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == r->stat.st_mtim.tv_nsec;
}

int list_sha256(struct list_reader *r, uint8_t ret[SHA256_BYTES], struct err *err)
{
	if (!r->read_ahead) {
		hasher_end(r->hasher, ret);
		return 0;
	}
	memcpy(ret, r->hash, SHA256_BYTES);
	return is_as_it_was(r) ? 0 : err_set(err, ERR_CONFLICT, "%s: was written to while it was read; import it again", r->file);
}

void list_place(const struct list_reader *r, struct import_place *ret)
{
	csv_place(r->csv, &ret->offset, &ret->line);
	if (r->array)
		ret->offset = r->at;
	if (r->array)
		ret->line = r->at + 1;
}

int list_go_on(struct list_reader *r, const struct import_place *at, struct err *err)
{
	r->has_first = false;
	if (r->array) {
		r->at = at->offset;
		return 0;
	}
	if (lseek(r->fd, (off_t)at->offset, SEEK_SET) < 0)
		return err_sys(err, "%s", r->file);
	csv_go_on(r->csv, at->offset, at->line);
	return 0;
}
