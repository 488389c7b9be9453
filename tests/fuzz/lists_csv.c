/* Records in cuts of a size that the first byte says, and every format's mapping of what comes out. */
#include <stdlib.h>

#include "lists/csv.h"
#include "lists/format.h"

struct pieces {
	struct view rest;
	size_t step;
};

static ssize_t read_pieces(void *arg, void *dst, size_t n, struct err *err)
{
	struct pieces *p = arg;
	(void)err;
	size_t most = p->step < n ? p->step : n;
	struct view part = view_sub(p->rest, 0, most);
	p->rest = view_sub(p->rest, part.n, p->rest.n);
	if (part.n)
		memcpy(dst, part.p, part.n);
	return (ssize_t)part.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"email", "address", "reason", "created", "status", "Email Address", "CONFIRM_TIME", "event"};
	if (size == 0)
		return 0;
	struct pieces p = {view_n(data + 1, size - 1), data[0] ? data[0] : 65536};
	struct csv *c = csv_new(',', read_pieces, &p);
	struct csv_record r;
	struct err err;
	while (csv_next(c, &r, &err) == 1) {
		static struct list_row row;
		row.count = r.count;
		for (unsigned i = 0; i < r.count; i++) {
			row.names[i] = view_of(names[i % (sizeof names / sizeof *names)]);
			row.values[i] = csv_plain(r.fields[i]);
		}
		for (size_t f = 0; f < list_format_count; f++) {
			struct list_entry e = {0};
			list_formats[f].map(&row, &e);
		}
		for (unsigned i = 0; i < r.count; i++) {
			struct buf b;
			buf_init(&b, 3u << 20);
			csv_write(&b, r.fields[i]);
			buf_free(&b);
		}
	}
	csv_free(&c);
	return 0;
}
