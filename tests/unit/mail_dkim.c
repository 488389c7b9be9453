/* mail: canonical forms of RFC 6376, by its examples, by a slow model and by signed messages of others. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/codec.h"
#include "corpus.h"
#include "crypto/hash.h"
#include "mail/dkim.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define BODY_MAX (1 << 20)

static void keep(void *arg, struct view piece)
{
	buf_add(arg, piece);
}

static void bodies_follow_the_rfc(void **state)
{
	(void)state;
	static const struct {
		struct view in, relaxed, simple;
	} rows[] = {
	    {V(" C \r\nD \t E\r\n\r\n\r\n"), V(" C\r\nD E\r\n"), V(" C \r\nD \t E\r\n")}, /* 3.4.5 */
	    {V(""), V(""), V("\r\n")},
	    {V("\r\n"), V(""), V("\r\n")},
	    {V("\r\n\r\n\r\n"), V(""), V("\r\n")},
	    {V(" \t \r\n"), V(""), V(" \t \r\n")},
	    {V("a"), V("a\r\n"), V("a\r\n")},
	    {V("a\r\n \r\n\t\r\n"), V("a\r\n"), V("a\r\n \r\n\t\r\n")},
	    {V("\r\n\r\na\r\n\r\nb \r\n"), V("\r\n\r\na\r\n\r\nb\r\n"), V("\r\n\r\na\r\n\r\nb \r\n")},
	    {V("\ta\tb  c\t\r\n"), V(" a b c\r\n"), V("\ta\tb  c\t\r\n")},
	    {V("0123456789abcdef \tx\r\n"), V("0123456789abcdef x\r\n"), V("0123456789abcdef \tx\r\n")},
	    {V("0123456789abcde  0123456789abcdef\r\n"), V("0123456789abcde 0123456789abcdef\r\n"), V("0123456789abcde  0123456789abcdef\r\n")},
	    {V("0123456789abcdef\tx"), V("0123456789abcdef x\r\n"), V("0123456789abcdef\tx\r\n")},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf relaxed, simple;
		buf_init(&relaxed, 1000);
		buf_init(&simple, 1000);
		dkim_body_relaxed(rows[i].in, keep, &relaxed);
		dkim_body_simple(rows[i].in, keep, &simple);
		if (!view_eq(buf_view(&relaxed), rows[i].relaxed) || !view_eq(buf_view(&simple), rows[i].simple))
			fail_msg("row %zu: [%.*s] [%.*s]", i, VFMT(buf_view(&relaxed)), VFMT(buf_view(&simple)));
		buf_free(&relaxed);
		buf_free(&simple);
	}
}

/* 3.4.4 word for word, a byte at a time. */
static void model(struct view body, struct buf *out)
{
	size_t lines = 0, blanks = 0;
	bool any = false;
	for (size_t i = 0; i < body.n; i++) {
		char c = body.p[i];
		if (c == '\r')
			continue;
		if (c == '\n') {
			lines++;
			blanks = 0;
			continue;
		}
		if (c == ' ' || c == '\t') {
			blanks++;
			continue;
		}
		for (; lines; lines--)
			buf_str(out, "\r\n");
		if (blanks)
			buf_byte(out, ' ');
		blanks = 0;
		buf_byte(out, c);
		any = true;
	}
	if (any)
		buf_str(out, "\r\n");
}

static void random_bodies_equal_the_model(void **state)
{
	(void)state;
	struct buf in, fast, slow;
	uint32_t seed = 7;
	buf_init(&in, BODY_MAX);
	buf_init(&fast, BODY_MAX);
	buf_init(&slow, BODY_MAX);
	for (int round = 0; round < 3000; round++) {
		buf_clear(&in);
		buf_clear(&fast);
		buf_clear(&slow);
		size_t length = round % 100 == 0 ? 30000 : 200;
		while (in.n < length) {
			seed = seed * 1664525 + 1013904223;
			unsigned dice = seed >> 24;
			buf_str(&in, dice < 30 ? "\r\n" : dice < 60 ? " " : dice < 63 ? "\t" : dice < 66 ? "  " : dice < 90 ? "word" : "x");
		}
		dkim_body_relaxed(buf_view(&in), keep, &fast);
		model(buf_view(&in), &slow);
		assert_true(view_eq(buf_view(&fast), buf_view(&slow)));
	}
	buf_free(&in);
	buf_free(&fast);
	buf_free(&slow);
}

static void fields_follow_the_rfc(void **state)
{
	(void)state;
	static const struct {
		struct view name, value;
		const char *out;
	} rows[] = {
	    {V("A"), V(" X"), "a:X\r\n"},
	    {V("B "), V(" Y\t\r\n\tZ  "), "b:Y Z\r\n"},
	    {V("SUBJect"), V("   AbC\r\n"), "subject:AbC\r\n"},
	    {V("X"), V(""), "x:\r\n"}, {V("X"), V(" \r\n\t "), "x:\r\n"}, {V("X"), V("a\r\n b\r\n  c"), "x:a b c\r\n"},
	};
	struct buf b;
	buf_init(&b, 200);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		dkim_field_relaxed(rows[i].name, rows[i].value, &b);
		assert_string_equal(buf_cstr(&b), rows[i].out);
	}
	buf_free(&b);
}

static void tags_are_found(void **state)
{
	(void)state;
	struct view list = V(" v=1; a=rsa-sha256;\r\n\tb=AB\r\n CD==;h = From : To ; x=; novalue; B=upper");
	assert_true(view_eq(dkim_tag(list, V("v")), V("1")));
	assert_true(view_eq(dkim_tag(list, V("a")), V("rsa-sha256")));
	assert_true(view_eq(dkim_tag(list, V("b")), V("AB\r\n CD==")));
	assert_true(view_eq(dkim_tag(list, V("h")), V("From : To")));
	assert_true(view_eq(dkim_tag(list, V("B")), V("upper")));
	assert_non_null(dkim_tag(list, V("x")).p);
	assert_int_equal(dkim_tag(list, V("x")).n, 0);
	assert_null(dkim_tag(list, V("bh")).p);
	assert_null(dkim_tag(list, V("novalue")).p);
	assert_null(dkim_tag(V(""), V("v")).p);
}

struct tally {
	struct buf message;
	int bodies, matched;
	bool must_match;
};

static bool body_hash_matches(struct view body, struct view signature)
{
	struct buf canonical, want;
	uint8_t have[SHA256_BYTES];
	struct view c = dkim_tag(signature, V("c")), head_form;
	buf_init(&canonical, CORPUS_FILE_MAX);
	buf_init(&want, 1000);
	view_cut(&c, '/', &head_form);
	if (view_eq(c, V("relaxed")))
		dkim_body_relaxed(body, keep, &canonical);
	else
		dkim_body_simple(body, keep, &canonical);
	sha256(buf_view(&canonical), have);
	base64_encode(&want, view_n(have, sizeof have));
	bool match = view_eq(buf_view(&want), dkim_tag(signature, V("bh")));
	buf_free(&canonical);
	buf_free(&want);
	return match;
}

static void check_signed(void *arg, const char *name)
{
	struct tally *t = arg;
	struct arena a;
	struct head h;
	struct err err;
	bool must = strstr(name, "/good") != NULL;
	if (!corpus_read(name, true, &t->message))
		return;
	arena_init(&a, 1 << 20);
	assert_int_equal(head_parse(&a, buf_view(&t->message), &h, &err), 0);
	const struct field *f = head_find(&h, V("DKIM-Signature"));
	for (; f; f = head_next(&h, f, V("DKIM-Signature"))) {
		if (!view_ends(dkim_tag(f->value, V("a")), V("-sha256")) || dkim_tag(f->value, V("l")).p)
			continue;
		bool match = body_hash_matches(h.body, f->value);
		t->bodies++;
		t->matched += match;
		if (must && !match)
			fail_msg("%s: the body hash differs", name);
	}
	arena_free(&a);
}

static void body_hashes_of_others_are_met(void **state)
{
	(void)state;
	struct tally t = {.bodies = 0};
	static const char *const dirs[] = {"dkim/mail-dkim-corpus", "dkim/dkimpy", "dkim/mail-auth", "dkim/rspamd",
	    "dkim/chasquid-dkim"};
	if (!corpus_present("dkim"))
		return;
	buf_init(&t.message, CORPUS_FILE_MAX);
	for (size_t i = 0; i < COUNT(dirs); i++)
		corpus_each(dirs[i], check_signed, &t);
	printf("body hashes: %d signatures, %d as stated\n", t.bodies, t.matched);
	assert_true(t.matched > 10);
	buf_free(&t.message);
}

/* flanker's vectors: a whole message in canonical form beside the message. */
static void check_vector(int number, struct buf *in, struct buf *want)
{
	char name[100];
	struct arena a;
	struct head h;
	struct err err;
	struct buf have;
	snprintf(name, sizeof name, "dkim/flanker/email.%02d", number);
	if (!corpus_read(name, true, in))
		return;
	snprintf(name, sizeof name, "dkim/flanker/relaxed.expected.%02d", number);
	if (!corpus_read(name, true, want))
		return;
	buf_init(&have, CORPUS_FILE_MAX);
	arena_init(&a, 1 << 20);
	assert_int_equal(head_parse(&a, buf_view(in), &h, &err), 0);
	for (unsigned i = 0; i < h.count; i++)
		dkim_field_relaxed(h.fields[i].name, h.fields[i].value, &have);
	buf_str(&have, "\r\n");
	dkim_body_relaxed(h.body, keep, &have);
	if (!view_eq(buf_view(&have), buf_view(want)))
		fail_msg("%s: [%.*s]", name, VFMT(buf_view(&have)));
	arena_free(&a);
	buf_free(&have);
}

static void canonical_messages_of_others_are_met(void **state)
{
	(void)state;
	struct buf in, want;
	if (!corpus_present("dkim/flanker"))
		return;
	buf_init(&in, CORPUS_FILE_MAX);
	buf_init(&want, CORPUS_FILE_MAX);
	for (int i = 1; i <= 25; i++)
		check_vector(i, &in, &want);
	buf_free(&in);
	buf_free(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bodies_follow_the_rfc), cmocka_unit_test(random_bodies_equal_the_model),
	    cmocka_unit_test(fields_follow_the_rfc), cmocka_unit_test(tags_are_found),
	    cmocka_unit_test(body_hashes_of_others_are_met), cmocka_unit_test(canonical_messages_of_others_are_met),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
