/* mail: the walk over parts, parameters, transfer encodings; and that nothing hostile is slow. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "corpus.h"
#include "mail/mime.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define ARENA_MAX (16 << 20)

/* "0 multipart/mixed{1 text/plain[body]}": depth, type and leaf bodies, as one line. */
static void draw(const struct mime *m, struct buf *out)
{
	for (unsigned i = 0; i < m->count; i++) {
		const struct mime_part *p = &m->parts[i];
		buf_fmt(out, "%s%u %.*s/%.*s", i ? " " : "", p->depth, VFMT(p->type), VFMT(p->subtype));
		if (!p->has_children)
			buf_fmt(out, "[%.*s]", VFMT(p->body));
	}
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"

static void parts_stand_in_order(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"Subject: x\r\n\r\nbody\r\n", "0 text/plain[body\r\n]"},
	    {"", "0 text/plain[]"},
	    {MIXED "pre\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo\r\n\r\n--b--\r\npost\r\n",
	        "0 multipart/mixed 1 text/plain[one] 1 text/html[two\r\n]"},
	    {MIXED "--b \t\r\n\r\none\r\n--b--\t\r\n--b\r\n\r\nno\r\n", "0 multipart/mixed 1 text/plain[one]"},
	    {MIXED "--b\r\n\r\nnot closed", "0 multipart/mixed 1 text/plain[not closed]"},
	    {MIXED "--b\r\n--b\r\n\r\n--b--", "0 multipart/mixed 1 text/plain[] 1 text/plain[]"},
	    {MIXED "--b--\r\n", "0 multipart/mixed[--b--\r\n]"},
	    {MIXED "--bb\r\n\r\n--b x\r\n --b\r\nx--b\r\n", "0 multipart/mixed[--bb\r\n\r\n--b x\r\n --b\r\nx--b\r\n]"},
	    {"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\none\r\n--b--\r\n", "0 multipart/mixed[--b\r\n\r\none\r\n--b--\r\n]"},
	    {"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\none\r\n", "0 multipart/mixed[--\r\n\r\none\r\n]"},
	    {"Content-Type: multipart/mixed; boundary=\" a'b ? \"\r\n\r\n-- a'b ?\r\n\r\none\r\n-- a'b ?--\r\n",
	        "0 multipart/mixed 1 text/plain[one]"},
	    /* an inner multipart that isn't closed ends with the outer one's delimiter */
	    {MIXED "--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n--bb\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
	        "0 multipart/mixed 1 multipart/alternative 2 text/plain[one] 1 text/plain[two]"},
	    {"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\nin\r\n--b\r\nContent-Type: text/html\r\n\r\nh\r\n--b--\r\n",
	        "0 multipart/digest 1 message/rfc822 2 text/plain[in] 1 text/html[h]"},
	    {"Content-Type: message/rfc822\r\n\r\n>From x@y\r\nSubject: s\r\nContent-Type: TEXT/Html\r\n\r\nin",
	        "0 message/rfc822 1 TEXT/Html[in]"},
	    {"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA", "0 message/rfc822[AAAA]"},
	    {"Content-Type: (a) text (b) / (c) html (d); x=y\r\n\r\nz", "0 text/html[z]"},
	    {"Content-Type: nonsense\r\n\r\nz", "0 text/plain[z]"},
	    {"Content-Type: text/\r\n\r\nz", "0 text/plain[z]"},
	};
	struct buf b;
	buf_init(&b, 10000);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena a;
		struct mime m;
		struct err err;
		arena_init(&a, ARENA_MAX);
		buf_clear(&b);
		assert_int_equal(mime_walk(&a, view_of(rows[i].in), &m, &err), 0);
		draw(&m, &b);
		assert_string_equal(buf_cstr(&b), rows[i].out);
		arena_free(&a);
	}
	buf_free(&b);
}

static void enclosed_messages_are_told_apart(void **state)
{
	(void)state;
	struct arena a;
	struct mime m;
	struct err err;
	arena_init(&a, ARENA_MAX);
	assert_int_equal(mime_walk(&a, V(MIXED "--b\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: text/html\r\n\r\nin\r\n"
	    "--b\r\nContent-Type: text/html\r\n\r\nout\r\n--b--\r\n"), &m, &err), 0);
	assert_int_equal(m.count, 4);
	assert_true(view_eq(mime_find(&m, 0, V("text"), V("html"))->body, V("out")));
	assert_true(view_eq(mime_find(&m, 1, V("TEXT"), V(""))->body, V("in")));
	assert_null(mime_find(&m, 2, V("text"), V("")));
	assert_int_equal(m.parts[2].parent, 1);
	assert_int_equal(m.parts[3].parent, 0);
	arena_free(&a);
}

static void parameters_are_put_together(void **state)
{
	(void)state;
	static const struct {
		const char *value, *name, *out;
	} rows[] = {
	    {"a/b; boundary=x", "boundary", "x"}, {"a/b;BOUNDARY = \"x y\\\"z\"", "boundary", "x y\"z"},
	    {"a/b; x=\"boundary=no\"; boundary=yes", "boundary", "yes"}, {"a/b; boundary=a; boundary=b", "boundary", "a"},
	    {"a/b; (c; d) boundary (e) = (f) x (g); h=i", "boundary", "x"}, {"a/b; boundary=a/b=c?d", "boundary", "a/b=c?d"},
	    {"a/b;\r\n\tboundary=\"a\r\n b\"", "boundary", "a b"}, {"a/b; boundary=\"open", "boundary", "open"},
	    {"a/b; xboundary=x; boundaryx=y", "boundary", NULL}, {"a/b", "boundary", NULL}, {"", "boundary", NULL},
	    {"a/b; boundary", "boundary", NULL}, {"a/b; ;;, junk; name=x", "name", "x"}, {"a/b; name=", "name", ""},
	    {"a; name*0=\"ab \"; name*1=cd", "name", "ab cd"}, {"a; name*1=cd; name*0=ab", "name", "abcd"},
	    {"a; name*0=ab; name*2=cd", "name", "ab"}, {"a; name*1=cd", "name", NULL},
	    {"a; name*=utf-8'de'%C3%BCx%", "name", "\xc3\xbcx%"}, {"a; name*=nothing%20here", "name", "nothing here"},
	    {"a; name*0*=utf-8''%41%27; name*1*=%42'; name*2=%43", "name", "A'B'%43"},
	    {"a; name*x=y; name*999=z; name**=q", "name", NULL}, {"a; name*0=a; name=b", "name", "a"},
	};
	struct buf b;
	buf_init(&b, 1000);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		bool there = mime_param(view_of(rows[i].value), view_of(rows[i].name), &b);
		if (there != (rows[i].out != NULL))
			fail_msg("%s: %s", rows[i].value, buf_cstr(&b));
		if (there)
			assert_string_equal(buf_cstr(&b), rows[i].out);
	}
	buf_free(&b);
	assert_true(view_eq(mime_token(V(" (x) Base64 (y)")), V("Base64")));
}

static void encodings_are_undone(void **state)
{
	(void)state;
	static const struct {
		enum mime_encoding encoding;
		struct view in, out;
	} rows[] = {
	    {MIME_BASE64, V("Zm9v\r\nYmFy\r\n"), V("foobar")}, {MIME_BASE64, V("Zm9vYg==\r\n"), V("foob")},
	    {MIME_BASE64, V("Zg==Zg=="), V("ff")}, {MIME_BASE64, V("Z m!9*v"), V("foo")}, {MIME_BASE64, V("Zm8"), V("fo")},
	    {MIME_BASE64, V("Z"), V("")}, {MIME_BASE64, V("===="), V("")}, {MIME_BASE64, V(""), V("")},
	    {MIME_BASE64, V("AP/+"), V("\0\xff\xfe")},
	    {MIME_QUOTED_PRINTABLE, V("a=3Db=3d \t\r\n"), V("a=b=\r\n")}, {MIME_QUOTED_PRINTABLE, V("so=\r\nft= \t\r\n!\r\n"), V("soft!\r\n")},
	    {MIME_QUOTED_PRINTABLE, V("a=ZZ=4=\r\n=\r\n="), V("a=ZZ=4")}, {MIME_QUOTED_PRINTABLE, V("=20 \r\n=09"), V(" \r\n\t")},
	    {MIME_QUOTED_PRINTABLE, V("a\nb"), V("a\nb")}, {MIME_IDENTITY, V("a=3D"), V("a=3D")},
	    {MIME_UNKNOWN_ENCODING, V("begin 644 x"), V("begin 644 x")},
	};
	struct buf b;
	buf_init(&b, 1000);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		mime_decode(rows[i].encoding, rows[i].in, &b);
		if (!view_eq(buf_view(&b), rows[i].out))
			fail_msg("row %zu: [%.*s]", i, VFMT(buf_view(&b)));
	}
	buf_free(&b);
	buf_init(&b, 10);
	mime_decode(MIME_BASE64, V("Zm9vZm9vZm9vZm9v"), &b);
	assert_true(b.failed);
	struct mime_part p = {.encoding = MIME_BASE64, .body = V("YQpiDQpj")};
	struct buf text;
	buf_init(&text, 100);
	mime_text(&p, &text);
	assert_string_equal(buf_cstr(&text), "a\r\nb\r\nc");
	buf_free(&text);
	buf_free(&b);
}

static double walk_seconds(struct view message, int want, unsigned *ret_count)
{
	struct arena a;
	struct mime m;
	struct err err;
	struct timespec from, to;
	arena_init(&a, ARENA_MAX);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	int rc = mime_walk(&a, message, &m, &err);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	assert_int_equal(rc, want);
	if (rc < 0)
		assert_int_equal(err.kind, ERR_LIMIT);
	*ret_count = m.count;
	arena_free(&a);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static void add_numbered(struct buf *b, struct view piece, int number)
{
	struct view part;
	bool more = view_find(piece, 0, '#') < piece.n;
	while (view_cut(&piece, '#', &part)) {
		buf_add(b, part);
		if (more)
			buf_fmt(b, "%d", number);
		more = view_find(piece, 0, '#') < piece.n;
	}
}

/* PIECE again and again until BYTES; "#" in it counts. */
static void repeat(struct buf *b, const char *head, const char *piece, size_t bytes)
{
	buf_clear(b);
	buf_str(b, head);
	for (int i = 0; b->n < bytes; i++)
		add_numbered(b, view_of(piece), i);
	assert_false(b->failed);
}

/* Generous: the slowest takes a few hundredths of a second, and a quadratic walk would take hours. */
#define SECONDS_MAX 20

static void hostile_messages_end_soon(void **state)
{
	(void)state;
	static const struct {
		const char *what, *head, *piece;
		int want;
		unsigned count; /* 0: any */
		size_t bytes;
	} rows[] = {
	    {"10,000 parts", MIXED, "--b\r\n\r\npart #\r\n", -1, MIME_MAX_PARTS, 1 << 20},
	    {"endless nesting", "", "Content-Type: multipart/mixed; boundary=b#\r\n\r\n--b#\r\n", -1, MIME_MAX_DEPTH + 1, 1 << 20},
	    {"endless messages", "", "Content-Type: message/rfc822\r\n\r\n", -1, MIME_MAX_DEPTH + 1, 1 << 20},
	    {"the same boundary", "", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", -1, MIME_MAX_PARTS, 1 << 20},
	    {"only line feeds", MIXED, "\n\n\n\n\n\n\n\n\n\n", 0, 1, 8 << 20},
	    {"only dashes", MIXED, "--------", 0, 1, 8 << 20},
	    {"dashed lines", MIXED, "--\r\n", -1, 0, 8 << 20},
	    {"one long field", "Content-Type: text/plain", "; name*#=\"x\"; (c) y", 0, 1, 8 << 20},
	    {"open comments", "Content-Type: multipart/mixed; ", "((((((((", 0, 1, 8 << 20},
	    {"semicolons", "Content-Type: multipart/mixed", ";;;;;;;;", 0, 1, 8 << 20},
	    {"folded for ever", "Content-Type: multipart/mixed", "\r\n ;", 0, 1, 8 << 20},
	    {"many fields", "", "A: b\r\n", -1, 0, 8 << 20},
	};
	struct buf b;
	unsigned count;
	buf_init(&b, 64 << 20);
	for (size_t i = 0; i < COUNT(rows); i++) {
		repeat(&b, rows[i].head, rows[i].piece, rows[i].bytes);
		double s = walk_seconds(buf_view(&b), rows[i].want, &count);
		if (s > SECONDS_MAX || (rows[i].count && count != rows[i].count))
			fail_msg("%s: %u parts in %.3f s", rows[i].what, count, s);
		printf("%-18s %5u parts %7.1f ms\n", rows[i].what, count, s * 1000);
	}
	buf_free(&b);
}

/* Every part lies in its parent's body and behind its elder; cuts and damage crash nothing. */
static void check_parts(const struct mime *m, struct view message)
{
	const char *at = message.p;
	for (unsigned i = 0; i < m->count; i++) {
		const struct mime_part *p = &m->parts[i], *parent = &m->parts[p->parent];
		assert_true(p->raw.p >= at && p->raw.p + p->raw.n <= message.p + message.n);
		assert_true(p->body.p >= p->raw.p && p->body.p + p->body.n == p->raw.p + p->raw.n);
		if (i) {
			assert_true(p->parent < i && parent->depth + 1 == p->depth && parent->has_children);
			assert_true(p->raw.p >= parent->body.p && p->raw.p + p->raw.n <= parent->body.p + parent->body.n);
		}
		at = p->raw.p;
	}
}

static void check_damaged(void *arg, const char *name)
{
	struct buf *b = arg;
	if (!corpus_read(name, true, b))
		return;
	for (size_t cut = 0; cut <= b->n; cut += b->n / 7 + 1) {
		struct arena a;
		struct mime m;
		struct err err;
		char kept = cut < b->n ? b->p[cut] : 0;
		arena_init(&a, ARENA_MAX);
		if (mime_walk(&a, view_n(b->p, cut), &m, &err) == 0)
			check_parts(&m, view_n(b->p, cut));
		if (cut < b->n)
			b->p[cut] = "\r\n\0"[cut % 3];
		if (mime_walk(&a, buf_view(b), &m, &err) == 0)
			check_parts(&m, buf_view(b));
		if (cut < b->n)
			b->p[cut] = kept;
		arena_free(&a);
	}
}

static void real_messages_are_walked(void **state)
{
	(void)state;
	static const char *const dirs[] = {"mime/mail-parser-stalwart", "mime/mime4j", "mime/rspamd", "mime/flanker", "mime/mikel-mail",
	    "bounce/sisimai", "bounce/bounceparser", "arf/sisimai"};
	struct buf b;
	int seen = 0;
	if (!corpus_present("mime"))
		return;
	buf_init(&b, CORPUS_FILE_MAX);
	for (size_t i = 0; i < COUNT(dirs); i++)
		seen += corpus_each(dirs[i], check_damaged, &b);
	printf("walked %d messages, each cut and damaged\n", seen);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parts_stand_in_order), cmocka_unit_test(enclosed_messages_are_told_apart),
	    cmocka_unit_test(parameters_are_put_together), cmocka_unit_test(encodings_are_undone),
	    cmocka_unit_test(hostile_messages_end_soon), cmocka_unit_test(real_messages_are_walked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
