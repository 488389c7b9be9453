/* mail: mailboxes, domains, paths, address lists. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "corpus.h"
#include "mail/address.h"
#include "mail/header.h"

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10
#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

struct row {
	const char *in, *text, *exact; /* text == NULL: must be refused */
};

static void check(const struct row *r, int (*parse)(struct view, struct address *, struct err *))
{
	struct address a;
	struct err err = {0};
	int rc = parse(view_of(r->in), &a, &err);
	if ((rc == 0) != (r->text != NULL))
		fail_msg("%s: %s", r->in, rc ? err.text : a.text);
	if (rc < 0) {
		assert_true(err.kind == ERR_SYNTAX || err.kind == ERR_REFUSED || err.kind == ERR_LIMIT || err.kind == ERR_MISSING);
		return;
	}
	assert_string_equal(a.text, r->text);
	assert_string_equal(a.exact, r->exact ? r->exact : r->text);
	assert_int_equal(a.text[a.local_n], '@');
	assert_int_equal(a.exact[a.exact_local_n], '@');
	assert_string_equal(a.text + a.local_n, a.exact + a.exact_local_n);
}

static void mailboxes_are_read_by_rfc_5321(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    {"john@example.com", "john@example.com", NULL},
	    {"John.Doe+News@Example.COM", "john.doe+news@example.com", "John.Doe+News@example.com"},
	    {"!#$%&'*+-/=?^_`{|}~@a.b", "!#$%&'*+-/=?^_`{|}~@a.b", NULL},
	    {"\"John\"@a.b", "john@a.b", "\"John\"@a.b"},
	    {"\"J\\o\\hn.x\"@a.b", "john.x@a.b", "\"J\\o\\hn.x\"@a.b"},
	    {"\"a b\"@a.b", "\"a b\"@a.b", NULL},
	    {"\"a\\ b\"@a.b", "\"a b\"@a.b", "\"a\\ b\"@a.b"},
	    {"\"a\\\"b\\\\\"@a.b", "\"a\\\"b\\\\\"@a.b", NULL},
	    {"\"a@b.com\"@real.example", "\"a@b.com\"@real.example", NULL},
	    {"\"a..b\"@a.b", "\"a..b\"@a.b", NULL},
	    {"\"\"@a.b", "\"\"@a.b", NULL},
	    {"a@localhost", "a@localhost", NULL},
	    {"a@1.2.3.example", "a@1.2.3.example", NULL},
	    {X60 "1234@a.b", X60 "1234@a.b", NULL},
	    {"a@b\xc3\xbc" "cher.example", "a@xn--bcher-kva.example", NULL},
	    {"a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example", NULL},
	    {"a@B\xc3\x9c" "CHER.Example", "a@xn--bcher-kva.example", NULL},
	    {"a@bu\xcc\x88" "cher.example", "a@xn--bcher-kva.example", NULL}, /* u + combining diaeresis */
	    {"a@fa\xc3\x9f.de", "a@xn--fa-hia.de", NULL},                     /* non-transitional: not fass.de */
	    {"a@a\xe3\x80\x82" "b", "a@a.b", NULL},                           /* ideographic full stop */
	    {"", NULL, NULL}, {"a", NULL, NULL}, {"@", NULL, NULL}, {"@a.b", NULL, NULL}, {"a@", NULL, NULL},
	    {"a@b@c", NULL, NULL}, {".a@b.c", NULL, NULL}, {"a.@b.c", NULL, NULL}, {"a..b@b.c", NULL, NULL},
	    {"a b@b.c", NULL, NULL}, {"a@b .c", NULL, NULL}, {" a@b.c", NULL, NULL}, {"a@b.c ", NULL, NULL},
	    {"a(x)@b.c", NULL, NULL}, {"a@(x)b.c", NULL, NULL}, {"<a@b.c>", NULL, NULL}, {"a,b@c.d", NULL, NULL},
	    {"a@b..c", NULL, NULL}, {"a@.b", NULL, NULL}, {"a@b.", NULL, NULL}, {"a@-b.c", NULL, NULL},
	    {"a@b-.c", NULL, NULL}, {"a@b_c.d", NULL, NULL}, {"a@\xc3\xbc_b.d", NULL, NULL}, {"a@1.2.3.4", NULL, NULL},
	    {"a@[1.2.3.4]", NULL, NULL}, {"a@[IPv6:::1]", NULL, NULL}, {"\"a@b.c", NULL, NULL}, {"\"a\\", NULL, NULL},
	    {"\"a\"b@c.d", NULL, NULL}, {"\"a\".b@c.d", NULL, NULL}, {"a\r\nb@c.d", NULL, NULL}, {"\"a\rb\"@c.d", NULL, NULL},
	    {"\"a\x7f\"@c.d", NULL, NULL}, {X60 "12345@a.b", NULL, NULL}, {"a@" X60 "1234.b", NULL, NULL},
	    {"\xc3\xbc@a.b", NULL, NULL}, {"a@\xff\xfe.b", NULL, NULL}, {"a@\xe2\x98\x83.net", NULL, NULL},
	    {"a@b\xe2\x84\x80.c", NULL, NULL},                   /* U+2100, which maps to "a/c" */
	    {"a@x." X60 "." X60 "." X60 "." X60 ".example", NULL, NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		check(&rows[i], address_parse);
	struct address a;
	struct err err;
	assert_int_equal(address_parse(view_n("a\0b@c.d", 7), &a, &err), -1);
	assert_int_equal(address_parse(view_n("a@c\0.d", 6), &a, &err), -1);
	assert_int_equal(address_parse(V("\xc3\xbc@a.b"), &a, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(address_parse(V("a@[1.2.3.4]"), &a, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
}

static void people_write_addresses_in_many_ways(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    {"  a@b.c\r\n", "a@b.c", NULL}, {"<A@b.c>", "a@b.c", "A@b.c"}, {"Name <a@b.c>", "a@b.c", NULL},
	    {"\"x@y.z\" <a@b.c>", "a@b.c", NULL}, {"x@y.z <a@b.c>", "a@b.c", NULL}, {"a@b.c (Name)", "a@b.c", NULL},
	    {"Smith, John <a@b.c>", "a@b.c", NULL}, {"O'Brien; J. <a@b.c>", "a@b.c", NULL}, {"a@b.c.", "a@b.c", NULL},
	    {"mailto:a@b.c", "a@b.c", NULL}, {"MAILTO:a%2Bx@b.c?subject=u@v.w", "a+x@b.c", NULL},
	    {"=?utf-8?q?a,b@c?= <a@b.c>", "a@b.c", NULL}, {"G: a@b.c;", "a@b.c", NULL},
	    {"J\xc3\xbcrgen <a@b.c>", "a@b.c", NULL},
	    {"a@b.c, d@e.f", NULL, NULL}, {"a@b.c, D <d@e.f>", NULL, NULL}, {"<a@b.c> <d@e.f>", NULL, NULL},
	    {"a@b.c d@e.f", NULL, NULL}, {"Name", NULL, NULL}, {"", NULL, NULL}, {"<>", NULL, NULL},
	    {"mailto:a%b.c", NULL, NULL}, {"mailto:a%0d@b.c", NULL, NULL}, {"a b@c.d", NULL, NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		check(&rows[i], address_parse_loose);
}

static void paths_are_taken_off_the_line(void **state)
{
	(void)state;
	static const struct {
		const char *in, *text, *rest;
	} rows[] = {
	    {"<a@b.c>", "a@b.c", ""}, {"<> SIZE=1", "", " SIZE=1"}, {" <a@b.c> BODY=8BITMIME", "a@b.c", " BODY=8BITMIME"},
	    {"<@x.y,@z.w:a@b.c>", "a@b.c", ""}, {"<\"a>b\"@c.d> X", "\"a>b\"@c.d", " X"}, {"<\"a\\\">b\"@c.d>", "\"a\\\">b\"@c.d", ""},
	    {"a@b.c", NULL, NULL}, {"<a@b.c", NULL, NULL}, {"<@x.y a@b.c>", NULL, NULL}, {"<x.y:a@b.c>", NULL, NULL},
	    {"< a@b.c>", NULL, NULL}, {"", NULL, NULL}, {"<\"a>", NULL, NULL}, {"<@x_y:a@b.c>", NULL, NULL}, {"<a>", NULL, NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct view rest = view_of(rows[i].in);
		struct address a;
		struct err err;
		int rc = address_parse_path(&rest, &a, &err);
		if ((rc == 0) != (rows[i].text != NULL))
			fail_msg("%s: %s", rows[i].in, rc ? err.text : a.text);
		assert_true(view_eq(rest, view_of(rc ? rows[i].in : rows[i].rest)));
		if (rc == 0)
			assert_string_equal(a.text, rows[i].text);
	}
}

static bool collect(void *arg, const struct address *a)
{
	struct buf *b = arg;
	buf_fmt(b, "%s%s", b->n ? " " : "", a->text);
	return true;
}

static bool stop_at_once(void *arg, const struct address *a)
{
	(void)a;
	++*(int *)arg;
	return false;
}

static void lists_of_mailboxes(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		int count;
		const char *all;
	} rows[] = {
	    {" a@b.c", 1, "a@b.c"},
	    {" \"a@b.com\" <real@c.com>", 1, "real@c.com"},
	    {" \"<a@b.com>\" <real@c.com>", 1, "real@c.com"},
	    {" \"\\\"<a@b.com>,\" <real@c.com>", 1, "real@c.com"},
	    {" (<a@b.com>) Real (x, (y) \\) z) <real (w) @ c . com> (a@b.com)", 1, "real@c.com"},
	    {" John Q. Public\r\n\t<john@c.com>,\r\n Mary <mary@d.com>", 2, "john@c.com mary@d.com"},
	    {" Board: a@b.c, B <b@c.d>;, d@e.f", 3, "a@b.c b@c.d d@e.f"},
	    {" undisclosed-recipients:;", 0, ""},
	    {" ,, a@b.c ,", 1, "a@b.c"},
	    {" a@b.c; d@e.f", 2, "a@b.c d@e.f"},
	    {" =?UTF-8?Q?Smith,_<J>?= <a@b.c>", -1, ""},
	    {" =?UTF-8?Q?Smith,_J:_(x?= <a@b.c>", 1, "a@b.c"},
	    {" =?UTF-8?B?YUBiLmM=?= =?x?q?y@z.w?= <a@b.c>", 1, "a@b.c"},
	    {" <@x.y,@z.w:a@b.c>", 1, "a@b.c"},
	    {" \"a\".b@c.d", -1, ""},
	    {" a . b @ c . d", 1, "a.b@c.d"},
	    {" \"x y\" @ c.d", 1, "\"x y\"@c.d"},
	    {" me@brand.example, <x@other.example>", 2, "me@brand.example x@other.example"},
	    {" me@brand.example <x@other.example>", 1, "x@other.example"},
	    {"", 0, ""},
	    {" Name only", -1, ""}, {" a b@c.d", -1, ""}, {" <a@b.c> x", -1, ""}, {" <a@b.c> <d@e.f>", -1, ""},
	    {" <a@b.c", -1, ""}, {" \"a <b@c.d>", -1, ""}, {" (a <b@c.d>", -1, ""}, {" <>", -1, ""},
	    {" a@b.c>", -1, ""}, {" g: a@b.c", -1, ""}, {" g: h: a@b.c;", -1, ""}, {" : a@b.c;", -1, ""},
	    {" a@[1.2.3.4]", -1, ""}, {" a@b\\c.d", -1, ""}, {" a@b@c.d", -1, ""}, {" a@b.c\x01", -1, ""},
	};
	struct buf b;
	buf_init(&b, 1000);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct field f = {.name = V("From"), .value = view_of(rows[i].in)};
		struct err err = {0};
		struct address first;
		buf_clear(&b);
		int count = field_mailboxes(&f, collect, &b, &err);
		if (count != rows[i].count)
			fail_msg("%s: %d %s", rows[i].in, count, err.text);
		if (count >= 0)
			assert_string_equal(buf_cstr(&b), rows[i].all);
		assert_int_equal(field_mailbox(&f, &first, &err), count > 0 ? 0 : -1);
		if (count > 0)
			assert_true(view_starts(view_of(rows[i].all), view_of(first.text)));
	}
	struct field two = {.name = V("From"), .value = V("a@b.c, d@e.f")};
	int calls = 0;
	assert_int_equal(field_mailboxes(&two, stop_at_once, &calls, NULL), 1);
	assert_int_equal(calls, 1);
	buf_free(&b);
}

static void masks_tell_little(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} rows[] = {{"johann@example.com", "j***n@e***.com"}, {"joe@example.co.uk", "j***@e***.uk"}, {"j@localhost", "j***@l***"}};
	struct buf b;
	buf_init(&b, 400);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address a;
		struct err err;
		assert_int_equal(address_parse(view_of(rows[i].in), &a, &err), 0);
		buf_clear(&b);
		address_mask(&a, &b);
		assert_string_equal(buf_cstr(&b), rows[i].out);
	}
	buf_free(&b);
}

static void domains_lie_within_their_parents(void **state)
{
	(void)state;
	assert_true(domain_within(V("example.com"), V("example.com")));
	assert_true(domain_within(V("a.b.example.com"), V("example.com")));
	assert_false(domain_within(V("badexample.com"), V("example.com")));
	assert_false(domain_within(V("com"), V("example.com")));
	assert_false(domain_within(V("example.com"), V("")));
}

/* &#x2400; and up stand for control characters (a note in the file). */
static struct view xml_text(struct view text, char *dst, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n && n + 4 < size;) {
		struct view rest = view_sub(text, i, text.n);
		if (view_starts(rest, V("&#x"))) {
			unsigned long c = strtoul(text.p + i + 3, NULL, 16);
			dst[n++] = c >= 0x2400 && c < 0x2421 ? (char)(c - 0x2400) : c < 0x80 ? (char)c : (char)0xff;
			i += view_find(rest, 0, ';') + 1;
		} else if (text.p[i] == '&') {
			static const struct {
				const char *name;
				char c;
			} names[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
			for (size_t k = 0; k < COUNT(names); k++)
				if (view_starts(rest, view_of(names[k].name)))
					dst[n++] = names[k].c;
			i += view_find(rest, 0, ';') + 1;
		} else {
			dst[n++] = text.p[i++];
		}
	}
	return view_n(dst, n);
}

static bool xml_element(struct view *rest, const char *open, const char *close, struct view *ret)
{
	size_t from = view_ifind(*rest, view_of(open));
	if (from == rest->n)
		return false;
	*rest = view_sub(*rest, from + strlen(open), rest->n);
	*ret = view_sub(*rest, 0, view_ifind(*rest, view_of(close)));
	return true;
}

/* What isemail calls valid in SMTP we take; what it does not, we refuse. Literals and numeric top domains are ours to refuse. */
static void isemail_agrees(void **state)
{
	(void)state;
	struct buf b;
	int seen = 0, taken = 0;
	if (!corpus_present("address/isemail"))
		return;
	buf_init(&b, CORPUS_FILE_MAX);
	assert_true(corpus_read("address/isemail/tests.xml", false, &b));
	struct view rest = buf_view(&b), text, category, diagnosis;
	while (xml_element(&rest, "<address>", "</address>", &text) && xml_element(&rest, "<category>", "<", &category)
	    && xml_element(&rest, "<diagnosis>", "<", &diagnosis)) {
		char plain[1000];
		struct address a;
		struct err err;
		struct view in = xml_text(text, plain, sizeof plain);
		bool smtp = view_eq(category, V("ISEMAIL_VALID_CATEGORY")) || view_eq(category, V("ISEMAIL_DNSWARN"))
		    || view_eq(category, V("ISEMAIL_RFC5321"));
		bool ours = view_find(in, 0, '[') < in.n || view_ends(diagnosis, V("TLDNUMERIC"));
		bool good = address_parse(in, &a, &err) == 0;
		if (good != (smtp && !ours))
			fail_msg("%.*s (%.*s): %s", VFMT(in), VFMT(diagnosis), good ? a.text : err.text);
		seen++;
		taken += good;
	}
	printf("isemail: %d addresses, %d taken\n", seen, taken);
	assert_true(seen > 150);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mailboxes_are_read_by_rfc_5321), cmocka_unit_test(people_write_addresses_in_many_ways),
	    cmocka_unit_test(paths_are_taken_off_the_line), cmocka_unit_test(lists_of_mailboxes),
	    cmocka_unit_test(masks_tell_little), cmocka_unit_test(domains_lie_within_their_parents),
	    cmocka_unit_test(isemail_agrees),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
