/* The fields, the gap and the body are the message, byte for byte. */
#include "base/mem.h"
#include "mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_field(const struct field *f)
{
	struct buf text;
	buf_init(&text, f->value.n);
	field_text(f, &text);
	ALWAYS(!text.failed && view_find(buf_view(&text), 0, '\n') == text.n);
	ALWAYS(f->name.n && f->name.p == f->raw.p);
	ALWAYS(f->value.p > f->name.p + f->name.n - 1 && f->value.p + f->value.n <= f->raw.p + f->raw.n);
	buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = view_n(data, size);
	struct arena a;
	struct head h;
	struct err err;
	size_t at = 0;
	arena_init(&a, 1 << 20);
	if (head_parse(&a, in, &h, &err) == 0) {
		for (unsigned i = 0; i < h.count; i++) {
			ALWAYS(h.fields[i].raw.p == in.p + at);
			check_field(&h.fields[i]);
			at += h.fields[i].raw.n;
		}
		ALWAYS(h.raw.n == at);
		size_t gap = in.n - at - h.body.n;
		ALWAYS(gap == 0 || (gap == 2 && in.p[at] == '\r' && in.p[at + 1] == '\n'));
	}
	arena_free(&a);
	return 0;
}
