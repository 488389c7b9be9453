/* mail: the head as an index over untouched bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "corpus.h"
#include "mail/header.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define ARENA_MAX (1 << 20)

static void fields_are_views(void **state)
{
	(void)state;
	struct view m = V("Subject: one\r\n\ttwo\r\n   \r\nX-Empty:\r\nOld : v\r\nX-Empty: again\r\n\r\nbody\r\n");
	struct arena a;
	struct head h;
	struct err err;
	arena_init(&a, ARENA_MAX);
	assert_int_equal(head_parse(&a, m, &h, &err), 0);
	assert_int_equal(h.count, 4);
	static const struct {
		struct view name, value, raw;
	} want[] = {
	    {V("Subject"), V(" one\r\n\ttwo\r\n   "), V("Subject: one\r\n\ttwo\r\n   \r\n")},
	    {V("X-Empty"), V(""), V("X-Empty:\r\n")},
	    {V("Old"), V(" v"), V("Old : v\r\n")},
	    {V("X-Empty"), V(" again"), V("X-Empty: again\r\n")},
	};
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_true(view_eq(h.fields[i].name, want[i].name));
		assert_true(view_eq(h.fields[i].value, want[i].value));
		assert_true(view_eq(h.fields[i].raw, want[i].raw));
	}
	assert_ptr_equal(h.raw.p, m.p);
	assert_int_equal(h.raw.n, m.n - 8);
	assert_true(view_eq(h.body, V("body\r\n")));
	const struct field *f = head_find(&h, V("x-EMPTY"));
	assert_ptr_equal(f, &h.fields[1]);
	assert_ptr_equal(head_next(&h, f, V("X-Empty")), &h.fields[3]);
	assert_null(head_next(&h, &h.fields[3], V("X-Empty")));
	assert_int_equal(head_count(&h, V("X-Empty")), 2);
	assert_null(head_find(&h, V("X-Emp")));
	struct buf b;
	buf_init(&b, 100);
	field_text(&h.fields[0], &b);
	assert_string_equal(buf_cstr(&b), "one\ttwo");
	buf_free(&b);
	arena_free(&a);
}

static void heads_end_where_readers_end_them(void **state)
{
	(void)state;
	static const struct {
		struct view in;
		unsigned count;
		struct view body;
	} rows[] = {
	    {V(""), 0, V("")}, {V("\r\nbody"), 0, V("body")}, {V("\r\n"), 0, V("")}, {V("A: b"), 1, V("")},
	    {V("A: b\r\n"), 1, V("")}, {V("A: b\r\n\r\n"), 1, V("")}, {V("A: b\r\n\r\n\r\nx"), 1, V("\r\nx")},
	    {V("A: b\r\nno field\r\nC: d\r\n"), 1, V("no field\r\nC: d\r\n")}, {V(" A: b\r\n"), 0, V(" A: b\r\n")},
	    {V("From x@y Tue Nov 24 02:06:00 2026\r\nA: b\r\n"), 0, V("From x@y Tue Nov 24 02:06:00 2026\r\nA: b\r\n")},
	    {V(": b\r\n"), 0, V(": b\r\n")}, {V("A\x01: b\r\n"), 0, V("A\x01: b\r\n")},
	    {V("A\xc3\xa4: b\r\n"), 0, V("A\xc3\xa4: b\r\n")}, {V("A: b\r\n\tc"), 1, V("")}, {V("A:\r\n"), 1, V("")},
	    {V("A b: c\r\n"), 0, V("A b: c\r\n")}, {V("A: b\r\n\r"), 1, V("\r")},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena a;
		struct head h;
		struct err err;
		arena_init(&a, ARENA_MAX);
		assert_int_equal(head_parse(&a, rows[i].in, &h, &err), 0);
		if (h.count != rows[i].count || !view_eq(h.body, rows[i].body))
			fail_msg("row %zu: %u fields, body %.*s", i, h.count, VFMT(h.body));
		arena_free(&a);
	}
}

static void limits_are_answers(void **state)
{
	(void)state;
	struct buf m;
	struct arena a;
	struct head h;
	struct err err;
	buf_init(&m, 1 << 20);
	for (int i = 0; i < HEAD_MAX_FIELDS; i++)
		buf_str(&m, "A: b\r\n");
	arena_init(&a, ARENA_MAX);
	assert_int_equal(head_parse(&a, buf_view(&m), &h, &err), 0);
	assert_int_equal(h.count, HEAD_MAX_FIELDS);
	buf_str(&m, "A: b\r\n");
	assert_int_equal(head_parse(&a, buf_view(&m), &h, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	arena_free(&a);
	arena_init(&a, 4000);
	assert_int_equal(head_parse(&a, buf_view(&m), &h, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	arena_free(&a);
	buf_free(&m);
}

static void values_that_break_a_line_are_unsafe(void **state)
{
	(void)state;
	assert_true(field_value_is_safe(V("a b\tc\xc3\xa4")));
	assert_true(field_value_is_safe(V("")));
	assert_false(field_value_is_safe(V("a\r\nBcc: x")));
	assert_false(field_value_is_safe(V("a\n")));
	assert_false(field_value_is_safe(V("a\0b")));
}

/* The fields, the gap and the body are the message, byte for byte. */
static void check_whole(void *arg, const char *name)
{
	struct buf *b = arg;
	struct arena a;
	struct head h;
	struct err err;
	if (!corpus_read(name, true, b))
		return;
	struct view m = buf_view(b);
	arena_init(&a, ARENA_MAX);
	assert_int_equal(head_parse(&a, m, &h, &err), 0);
	size_t at = 0;
	for (unsigned i = 0; i < h.count; i++) {
		assert_ptr_equal(h.fields[i].raw.p, m.p + at);
		at += h.fields[i].raw.n;
	}
	assert_int_equal(h.raw.n, at);
	size_t gap = m.n - h.body.n - at;
	assert_true(gap == 0 || (gap == 2 && view_eq(view_sub(m, at, at + 2), V("\r\n"))));
	arena_free(&a);
}

static void real_messages_are_covered_whole(void **state)
{
	(void)state;
	static const char *const dirs[] = {"newsletter/spamassassin-hard-ham-1", "newsletter/unspy", "mime/mail-parser-stalwart",
	    "bounce/sisimai", "mime/rspamd"};
	struct buf b;
	int seen = 0;
	if (!corpus_present("mime"))
		return;
	buf_init(&b, CORPUS_FILE_MAX);
	for (size_t i = 0; i < COUNT(dirs); i++)
		seen += corpus_each(dirs[i], check_whole, &b);
	printf("heads of %d messages\n", seen);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields_are_views), cmocka_unit_test(heads_end_where_readers_end_them),
	    cmocka_unit_test(limits_are_answers), cmocka_unit_test(values_that_break_a_line_are_unsafe),
	    cmocka_unit_test(real_messages_are_covered_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
