/* mail: the DATA machine, at every cut of every sample. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "mail/dot.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

struct result {
	struct buf out;
	struct dot d;
	size_t eaten;
};

static void feed(struct result *r, struct view in, size_t cut1, size_t cut2)
{
	const struct view pieces[] = {view_sub(in, 0, cut1), view_sub(in, cut1, cut2), view_sub(in, cut2, in.n)};
	buf_init(&r->out, 10000);
	dot_init(&r->d);
	r->eaten = 0;
	for (size_t i = 0; i < 3; i++)
		r->eaten += dot_eat(&r->d, pieces[i], &r->out);
}

static const struct {
	struct view in, out;
	size_t left; /* bytes behind the end */
	bool ended, bare, nul;
} rows[] = {
    {V(".\r\n"), V(""), 0, true, false, false},
    {V("a\r\n.\r\n"), V("a\r\n"), 0, true, false, false},
    {V("a\r\n.\r\nQUIT\r\n"), V("a\r\n"), 6, true, false, false},
    {V("a\r\n.\r\n.\r\n"), V("a\r\n"), 3, true, false, false},
    {V("a\r\n..\r\n.\r\n"), V("a\r\n.\r\n"), 0, true, false, false},
    {V("..a\r\n.b\r\n...\r\n.\r\n"), V(".a\r\nb\r\n..\r\n"), 0, true, false, false},
    {V("a.\r\n.\r\n"), V("a.\r\n"), 0, true, false, false},
    {V("a\r\n. \r\n.\r\n"), V("a\r\n \r\n"), 0, true, false, false},
    {V("\r\n\r\n.\r\n"), V("\r\n\r\n"), 0, true, false, false},
    /* what smugglers send: none of these ends the message, all are remembered */
    {V("a\n.\nb\r\n.\r\n"), V("a\n.\nb\r\n"), 0, true, true, false},
    {V("a\n.\r\nb\r\n.\r\n"), V("a\n.\r\nb\r\n"), 0, true, true, false},
    {V("a\r.\r\nb\r\n.\r\n"), V("a\r.\r\nb\r\n"), 0, true, true, false},
    {V("a\r\n.\nb\r\n.\r\n"), V("a\r\n\nb\r\n"), 0, true, true, false},
    {V("a\r\n.\rb\r\n.\r\n"), V("a\r\n\rb\r\n"), 0, true, true, false},
    {V("a\r\n.\r\r\n.\r\n"), V("a\r\n\r\r\n"), 0, true, true, false},
    {V("a\r\n.\r.\r\n.\r\n"), V("a\r\n\r.\r\n"), 0, true, true, false},
    {V("a\r.\rb\r\n.\r\n"), V("a\r.\rb\r\n"), 0, true, true, false},
    {V("a\r\r\n.\r\n"), V("a\r\r\n"), 0, true, true, false},
    {V("\n.\r\n\r\n.\r\n"), V("\n.\r\n\r\n"), 0, true, true, false},
    {V("a\r\n\0.\r\nb\0\r\n.\r\n"), V("a\r\n\0.\r\nb\0\r\n"), 0, true, false, true},
    {V("a\r\n.\r\n\0\n"), V("a\r\n"), 2, true, false, false}, /* what comes after the end is not its business */
    {V("a\r\nb"), V("a\r\nb"), 0, false, false, false},
    {V("a\r\n."), V("a\r\n"), 0, false, false, false},
    {V("a\r\n.\r"), V("a\r\n"), 0, false, false, false},
    {V("a\r"), V("a\r"), 0, false, false, false},
    {V(""), V(""), 0, false, false, false},
};

static void every_cut_gives_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t a = 0; a <= rows[i].in.n; a++)
			for (size_t b = a; b <= rows[i].in.n; b++) {
				struct result r;
				feed(&r, rows[i].in, a, b);
				if (!view_eq(buf_view(&r.out), rows[i].out))
					fail_msg("row %zu cut at %zu and %zu", i, a, b);
				assert_int_equal(r.d.state == DOT_END, rows[i].ended);
				assert_int_equal(r.d.bare_cr_or_lf, rows[i].bare);
				assert_int_equal(r.d.nul, rows[i].nul);
				assert_int_equal(r.eaten, rows[i].in.n - rows[i].left);
				buf_free(&r.out);
			}
}

static void a_full_buffer_still_finds_the_end(void **state)
{
	(void)state;
	struct buf out;
	struct dot d;
	struct view in = V("0123456789\r\n0123456789\r\n.\r\nNOOP\r\n");
	buf_init(&out, 15);
	dot_init(&d);
	assert_int_equal(dot_eat(&d, in, &out), in.n - 6);
	assert_int_equal(d.state, DOT_END);
	assert_true(out.failed);
	buf_free(&out);
}

static void stuffing_is_undone_by_eating(void **state)
{
	(void)state;
	static const struct {
		struct view message, wire;
	} both[] = {
	    {V(""), V(".\r\n")}, {V("a\r\n"), V("a\r\n.\r\n")}, {V(".\r\n"), V("..\r\n.\r\n")},
	    {V("..a\r\n.b\r\n"), V("...a\r\n..b\r\n.\r\n")}, {V("\r\n.\r\n\r\n"), V("\r\n..\r\n\r\n.\r\n")},
	    {V("a.b\r\n c.\r\n"), V("a.b\r\n c.\r\n.\r\n")},
	};
	for (size_t i = 0; i < COUNT(both); i++) {
		struct buf wire;
		struct result r;
		buf_init(&wire, 1000);
		dot_stuff(both[i].message, &wire);
		assert_true(view_eq(buf_view(&wire), both[i].wire));
		feed(&r, buf_view(&wire), 0, 0);
		assert_int_equal(r.d.state, DOT_END);
		assert_true(view_eq(buf_view(&r.out), both[i].message));
		buf_clear(&wire);
		buf_free(&wire);
		buf_free(&r.out);
	}
	struct buf b;
	buf_init(&b, 100);
	dot_stuff(V(".a"), &b);
	assert_true(view_eq(buf_view(&b), V("..a\r\n.\r\n")));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_cut_gives_the_same), cmocka_unit_test(a_full_buffer_still_finds_the_end),
	    cmocka_unit_test(stuffing_is_undone_by_eating),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
