#include "lists/screen.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "lists/csv.h"
#include "mail/address.h"

#define SLICE_BYTES (48u << 20)
#define PEEK        65536
#define TEXTS_BYTES ((size_t)SCREEN_ROWS * ADDRESS_MAX)

struct screened {
	uint32_t at, n;             /* the row in the slice's bytes */
	uint32_t field_at, field_n; /* its address, as written */
	uint32_t text_at, text_n;   /* and canonical, in the slice's texts */
	struct person_key who;
	bool has_address;
	struct verdict verdict;
};

struct slice {
	const struct screen_settings *set;
	struct buf bytes, texts;
	struct screened *rows;
	uint32_t *order; /* by key */
	unsigned count;
	int64_t now_ms;
};

struct screen {
	const struct screen_settings *set;
	struct screen_report *report;
	struct csv *csv;
	struct hasher *in, *out;
	struct slice slices[SCREEN_THREADS];
	struct csv_record record;
	bool has_first; /* .record is a row of data that was read to find the column */
	unsigned column;
	struct buf text;
};

/* ---- which column ---- */

static const char *const column_names[] = {"email", "e-mail", "email address", "emailaddress", "address", "mail", "recipient", "e-mail address"};

static bool is_address(struct view v)
{
	struct address a;
	return address_parse_loose(v, &a, NULL) == 0;
}

/* True when the first record is a header. */
static bool find_column(struct screen *s, bool *ret_found)
{
	const struct csv_record *r = &s->record;
	*ret_found = true;
	for (unsigned i = 0; i < r->count; i++)
		if (s->set->column && view_ieq(view_trim(r->fields[i]), view_of(s->set->column))) {
			s->column = i;
			return true;
		}
	for (unsigned i = 0; !s->set->column && i < r->count; i++)
		if (is_address(r->fields[i])) {
			s->column = i;
			return false;
		}
	for (size_t k = 0; !s->set->column && k < sizeof column_names / sizeof *column_names; k++)
		for (unsigned i = 0; i < r->count; i++)
			if (view_ieq(view_trim(r->fields[i]), view_of(column_names[k]))) {
				s->column = i;
				return true;
			}
	*ret_found = false;
	return true;
}

/* ---- one slice, on a thread of its own ---- */

static void read_row(struct slice *s, struct screened *row)
{
	struct address a;
	row->has_address = address_parse_loose(view_n(s->bytes.p + row->field_at, row->field_n), &a, NULL) == 0;
	memset(&row->who, 0, sizeof row->who);
	if (!row->has_address)
		return;
	ledger_person_key(s->set->ledger, CHANNEL_EMAIL, view_of(a.text), &row->who);
	row->text_at = (uint32_t)s->texts.n;
	row->text_n = (uint32_t)strlen(a.text);
	buf_str(&s->texts, a.text);
}

static _Thread_local const struct screened *sorted;

static int by_key(const void *a, const void *b)
{
	return memcmp(sorted[*(const uint32_t *)a].who.b, sorted[*(const uint32_t *)b].who.b, PERSON_KEY_BYTES);
}

static void *judge(void *arg)
{
	struct slice *s = arg;
	struct question q = {.stream = s->set->stream, .topic = s->set->topic, .channel = CHANNEL_EMAIL, .now_ms = s->now_ms};
	for (uint32_t i = 0; i < s->count; i++) {
		read_row(s, &s->rows[i]);
		s->order[i] = i;
	}
	sorted = s->rows;
	qsort(s->order, s->count, sizeof *s->order, by_key);
	for (unsigned i = 0; i < s->count; i++) {
		struct screened *row = &s->rows[s->order[i]];
		if (!row->has_address)
			continue;
		q.who = row->who;
		q.address = view_n(s->texts.p + row->text_at, row->text_n);
		row->verdict = policy_decide(s->set->ledger, &q);
	}
	return NULL;
}

/* ---- in ---- */

static ssize_t read_in(void *arg, void *dst, size_t n, struct err *err)
{
	struct screen *s = arg;
	ssize_t got = s->set->read(s->set->arg, dst, n, err);
	if (got > 0)
		hasher_add(s->in, view_n(dst, (size_t)got));
	return got;
}

static void add_row(struct slice *slice, const struct csv_record *r, unsigned column)
{
	struct screened *row = &slice->rows[slice->count++];
	*row = (struct screened){.at = (uint32_t)slice->bytes.n, .n = (uint32_t)r->raw.n};
	buf_add(&slice->bytes, r->raw);
	if (r->bad || column >= r->count)
		return;
	struct view f = r->fields[column];
	row->field_n = (uint32_t)f.n;
	if (f.p >= r->raw.p && f.p + f.n <= r->raw.p + r->raw.n) {
		row->field_at = row->at + (uint32_t)(f.p - r->raw.p);
	} else {
		row->field_at = (uint32_t)slice->bytes.n;
		buf_add(&slice->bytes, f);
	}
}

/* 1 when there may be more. */
static int fill(struct screen *s, struct slice *slice, struct err *err)
{
	slice->count = 0;
	buf_clear(&slice->bytes);
	buf_clear(&slice->texts);
	slice->now_ms = clock_wall(s->set->clock);
	while (slice->count < SCREEN_ROWS && slice->bytes.n < SLICE_BYTES - 2 * CSV_RECORD_MAX) {
		int rc = s->has_first ? 1 : csv_next(s->csv, &s->record, err);
		s->has_first = false;
		if (rc <= 0)
			return rc;
		add_row(slice, &s->record, s->column);
	}
	return 1;
}

/* ---- out ---- */

static int put(struct screen *s, struct err *err)
{
	hasher_add(s->out, buf_view(&s->text));
	int rc = s->text.failed ? err_set(err, ERR_LIMIT, "a row is too long") : s->set->write(s->set->arg, buf_view(&s->text), err);
	buf_clear(&s->text);
	return rc;
}

static void count(struct screen_report *r, const struct screened *row)
{
	r->rows++;
	if (!row->has_address) {
		r->bad++;
	} else if (row->verdict.kind == VERDICT_ALLOW) {
		r->clear++;
	} else if (row->verdict.kind == VERDICT_DEFER) {
		r->deferred++;
	} else {
		r->suppressed++;
		if (row->verdict.reason)
			r->reasons[row->verdict.reason]++;
		else
			r->rules[row->verdict.rule]++;
	}
}

static struct view line_end_of(struct view raw)
{
	return view_ends(raw, V("\r\n")) ? V("\r\n") : view_ends(raw, V("\n")) ? V("\n") : V("");
}

static void write_row(struct screen *s, struct view raw, const char *verdict, const char *reason)
{
	struct view end = line_end_of(raw);
	buf_add(&s->text, view_sub(raw, 0, raw.n - end.n));
	buf_fmt(&s->text, ",%s,%s", verdict, reason);
	buf_add(&s->text, end.n ? end : V("\n"));
}

static int write_slice(struct screen *s, const struct slice *slice, struct err *err)
{
	for (unsigned i = 0; i < slice->count; i++) {
		const struct screened *row = &slice->rows[i];
		struct view raw = view_n(slice->bytes.p + row->at, row->n);
		bool clear = row->has_address && row->verdict.kind == VERDICT_ALLOW;
		count(s->report, row);
		if (s->set->only_clear && clear)
			buf_add(&s->text, raw);
		else if (!s->set->only_clear && !row->has_address)
			write_row(s, raw, "bad", "no-address");
		else if (!s->set->only_clear)
			write_row(s, raw, verdict_word(row->verdict.kind), clear ? "" : verdict_reason_word(&row->verdict));
		if (s->text.n > PEEK && put(s, err) < 0)
			return -1;
	}
	return put(s, err);
}

/* ---- the whole ---- */

static int read_header(struct screen *s, struct err *err)
{
	bool found;
	int rc = csv_next(s->csv, &s->record, err);
	if (rc <= 0)
		return rc;
	if (!find_column(s, &found)) {
		s->has_first = true;
		return 0;
	}
	if (!found)
		return err_set(err, ERR_SYNTAX, "line %llu: no column of addresses; name it with --column", (unsigned long long)s->record.line);
	if (s->set->only_clear)
		buf_add(&s->text, s->record.raw);
	else
		write_row(s, s->record.raw, "verdict", "reason");
	return 0;
}

static int screen_round(struct screen *s, bool *more, struct err *err)
{
	pthread_t threads[SCREEN_THREADS];
	unsigned filled = 0, running = 0;
	int rc = 1;
	for (; filled < SCREEN_THREADS && rc == 1; filled++)
		rc = fill(s, &s->slices[filled], err);
	if (rc < 0)
		return -1;
	*more = rc == 1;
	/* The last slice is judged here; so are those for which there is no thread. */
	while (running + 1 < filled && pthread_create(&threads[running], NULL, judge, &s->slices[running]) == 0)
		running++;
	for (unsigned i = running; i < filled; i++)
		judge(&s->slices[i]);
	for (unsigned i = 0; i < running; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < filled; i++)
		if (write_slice(s, &s->slices[i], err) < 0)
			return -1;
	if (s->set->progress)
		s->set->progress(s->set->arg, s->report->rows);
	return 0;
}

static char separator_of(struct view start)
{
	struct view line = view_sub(start, 0, view_find(start, 0, '\n'));
	if (view_find(line, 0, ',') == line.n && view_find(line, 0, ';') < line.n)
		return ';';
	return view_find(line, 0, ',') == line.n && view_find(line, 0, '\t') < line.n ? '\t' : ',';
}

int screen_list(const struct screen_settings *set, struct screen_report *ret, struct err *err)
{
	struct screen *s = mem_zero(sizeof *s);
	bool more = true;
	*ret = (struct screen_report){.position = ledger_journal_last(set->ledger), .began_ms = clock_wall(set->clock)};
	s->set = set;
	s->report = ret;
	s->in = hasher_new();
	s->out = hasher_new();
	s->csv = csv_new(',', read_in, s);
	buf_init(&s->text, 4 * CSV_RECORD_MAX);
	for (unsigned i = 0; i < SCREEN_THREADS; i++) {
		s->slices[i] = (struct slice){.set = set, .rows = mem_alloc(SCREEN_ROWS * sizeof(struct screened)), .order = mem_alloc(SCREEN_ROWS * sizeof(uint32_t))};
		buf_init(&s->slices[i].bytes, SLICE_BYTES);
		buf_init(&s->slices[i].texts, TEXTS_BYTES);
	}
	csv_separator(s->csv, separator_of(csv_peek(s->csv, PEEK, err)));
	int rc = read_header(s, err);
	while (rc == 0 && more)
		rc = screen_round(s, &more, err);
	hasher_end(s->in, ret->in);
	hasher_end(s->out, ret->out);
	ret->ended_ms = clock_wall(set->clock);
	for (unsigned i = 0; i < SCREEN_THREADS; i++) {
		free(s->slices[i].rows);
		free(s->slices[i].order);
		buf_free(&s->slices[i].bytes);
		buf_free(&s->slices[i].texts);
	}
	buf_free(&s->text);
	csv_free(&s->csv);
	hasher_free(&s->in);
	hasher_free(&s->out);
	free(s);
	return rc;
}
