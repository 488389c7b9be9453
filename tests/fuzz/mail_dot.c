/* Any cut gives the same, and what was eaten is eaten back after stuffing. The first byte says where to cut. */
#include "base/mem.h"
#include "mail/dot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_stuffing(struct view message)
{
	struct buf wire, back;
	struct dot d;
	buf_init(&wire, message.n * 2 + 10);
	buf_init(&back, message.n + 10);
	dot_init(&d);
	dot_stuff(message, &wire);
	ALWAYS(dot_eat(&d, buf_view(&wire), &back) == wire.n && d.state == DOT_END && !d.bare_cr_or_lf);
	ALWAYS(view_eq(buf_view(&back), message));
	buf_free(&wire);
	buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct view in = view_n(data + 1, size - 1);
	size_t step = data[0] % 16 + 1, eaten = 0;
	struct buf whole, pieces;
	struct dot w, p;
	buf_init(&whole, size * 2);
	buf_init(&pieces, size * 2);
	dot_init(&w);
	dot_init(&p);
	size_t n = dot_eat(&w, in, &whole);
	for (size_t at = 0; at < in.n && p.state != DOT_END; at += step)
		eaten += dot_eat(&p, view_sub(in, at, at + step), &pieces);
	ALWAYS(n == eaten && w.state == p.state && w.bare_cr_or_lf == p.bare_cr_or_lf && w.nul == p.nul);
	ALWAYS(view_eq(buf_view(&whole), buf_view(&pieces)));
	ALWAYS(n == in.n || w.state == DOT_END);
	if (w.state == DOT_END && !w.bare_cr_or_lf)
		check_stuffing(buf_view(&whole));
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
