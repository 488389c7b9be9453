/* A canonical form is its own canonical form. */
#include "base/mem.h"
#include "mail/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef void body_form(struct view body, dkim_sink *sink, void *arg);

static void keep(void *arg, struct view piece)
{
	buf_add(arg, piece);
}

static void check_body(body_form *form, struct view in)
{
	struct buf once, twice;
	buf_init(&once, in.n * 2 + 10);
	buf_init(&twice, in.n * 2 + 10);
	form(in, keep, &once);
	form(buf_view(&once), keep, &twice);
	ALWAYS(!once.failed && view_eq(buf_view(&once), buf_view(&twice)));
	ALWAYS(once.n == 0 || view_ends(buf_view(&once), V("\r\n")));
	buf_free(&once);
	buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = view_n(data, size);
	struct buf once, twice;
	check_body(dkim_body_relaxed, in);
	check_body(dkim_body_simple, in);
	buf_init(&once, size + 10);
	buf_init(&twice, size + 10);
	dkim_field_relaxed(V("X-Name"), in, &once);
	dkim_field_relaxed(V("X-Name"), view_sub(buf_view(&once), 7, once.n), &twice);
	ALWAYS(view_eq(buf_view(&once), buf_view(&twice)));
	ALWAYS(view_find(buf_view(&once), 0, '\n') == once.n - 1);
	struct view bh = dkim_tag(in, V("bh"));
	ALWAYS(!bh.p || (bh.p >= in.p && bh.p + bh.n <= in.p + in.n));
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
