/* compose: the changes for a head that somebody else keeps make the same head as composing it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/mem.h"
#include "compose_sample.h"

static const struct view messages[] = {
    V("From: news@example.com\r\nTo: a@b.test\r\nSubject: x\r\n\r\nbody\r\n"),
    V("Bcc: x@y.test\r\nFrom: news@example.com\r\nList-Unsubscribe: <http://t.test/1>\r\nX-Optgate-Topic: spring\r\nSubject:\r\n two\r\n"
      "\tlines\r\nList-Unsubscribe:\r\n <http://t.test/2>\r\nDate: x\r\nDate: y\r\nX-Keep:  z\r\n"
      "DKIM-Signature: v=1; a=rsa-sha256; d=t.test; s=s; h=from:list-unsubscribe; bh=x; b=y\r\n\r\nbody\r\n"),
    V("From: news@example.com\r\nList-Id: <theirs.test>\r\nFeedback-ID: a:b\r\nMessage-ID: <1@x>\r\n\r\n"),
};

/* What composing adds on top is the MTA's own to add. */
static struct view without_received(struct view head)
{
	struct field f;
	assert_true(field_take(&head, &f) && view_ieq(f.name, V("Received")));
	return head;
}

static void apply(const struct compose_edits *e, struct buf *out)
{
	buf_add(out, e->signatures);
	for (unsigned i = 0; i < e->head->count; i++)
		if (!e->gone[i])
			buf_add(out, e->head->fields[i].raw);
	buf_add(out, e->added);
	buf_str(out, "\r\n");
}

/* A link and an RSA signature differ each time they are made: the fields' names and order are compared, and all other values. */
static bool is_random(struct view name)
{
	return view_ieq(name, V("DKIM-Signature")) || view_ieq(name, V("List-Unsubscribe"));
}

static void same_head(struct view a, struct view b)
{
	struct field f, g;
	while (field_take(&a, &f)) {
		assert_true(field_take(&b, &g));
		assert_true(view_eq(f.name, g.name));
		assert_true(is_random(f.name) || view_eq(f.raw, g.raw));
	}
	assert_true(view_eq(a, b));
}

static void edits_make_the_same_head(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * sizeof messages / sizeof *messages; i++) {
		struct sample s;
		struct composed c;
		struct compose_edits e;
		struct buf composed, edited;
		struct err err;
		sample_begin(&s, 3);
		buf_init(&composed, 1 << 20);
		buf_init(&edited, 1 << 20);
		struct compose_job job = sample_job(&s, i % 2 ? &s.marketing : &s.service, messages[i / 2]);
		assert_int_equal(compose(s.composer, &job, &c, &err), 0);
		buf_add(&composed, without_received(c.head));
		assert_int_equal(compose_edits(s.composer, &job, &e, &err), 0);
		assert_string_equal(c.return_path, e.return_path);
		apply(&e, &edited);
		same_head(buf_view(&composed), buf_view(&edited));
		buf_free(&composed);
		buf_free(&edited);
		sample_end(&s);
	}
}

static void edits_fail_as_composing_does(void **state)
{
	struct sample s;
	struct compose_edits e;
	struct err err = {0};
	(void)state;
	sample_begin(&s, 0);
	struct compose_job job = sample_job(&s, &s.marketing, V("Subject: no author\r\n\r\n"));
	assert_int_equal(compose_edits(s.composer, &job, &e, &err), -1);
	assert_int_equal(err.kind, ERR_SYNTAX);
	sample_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(edits_make_the_same_head), cmocka_unit_test(edits_fail_as_composing_does)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
