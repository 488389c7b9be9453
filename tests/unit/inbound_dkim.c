/* DKIM verification: messages signed here in both canonical forms, altered ones, and the corpus of signed messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/codec.h"
#include "corpus.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "inbound/dkim_verify.h"
#include "mail/dkim.h"

#define NOW_S 1700000000

struct zone {
	const char *text; /* "name<blanks>record" lines; '#' comments */
	enum err_kind fails;
};

static int zone_lookup(void *arg, const char *name, struct buf *out, struct err *err)
{
	struct zone *z = arg;
	struct view rest = view_of(z->text), line, word;
	if (z->fails)
		return err_set(err, z->fails, "%s", name);
	while (view_cut(&rest, '\n', &line))
		if (view_word(&line, &word) && view_ieq(word, view_of(name))) {
			buf_add(out, view_trim(line));
			return 0;
		}
	return err_set(err, ERR_MISSING, "%s", name);
}

static void feed(void *arg, struct view piece)
{
	hasher_add(arg, piece);
}

struct form {
	const char *c;
	bool head, body; /* relaxed */
};

/* A message with From and Subject, signed for example.com. */
static void sign(const struct sign_key *key, const struct form *form, const char *extra, struct buf *out)
{
	uint8_t digest[SHA256_BYTES];
	struct view from = V(" Joe  <joe@example.com>"), subject = V(" a\t report "), body = V("hello  \r\n\r\nworld\t \r\n\r\n");
	struct buf field, signature, b64;
	struct hasher *h = hasher_new();
	struct err err;
	buf_init(&field, 4096);
	buf_init(&signature, 4096);
	buf_init(&b64, 4096);
	(form->body ? dkim_body_relaxed : dkim_body_simple)(body, feed, h);
	hasher_end(h, digest);
	base64_encode(&b64, view_n(digest, sizeof digest));
	buf_fmt(&field, " v=1; a=%s; c=%s; d=example.com; s=s1;%s\r\n\th=From:Subject; bh=%s;\r\n\tb=", sign_key_kind(key) == SIGN_RSA ? "rsa-sha256" : "ed25519-sha256",
	    form->c, extra, buf_cstr(&b64));
	struct buf text;
	buf_init(&text, 8192);
	if (form->head) {
		dkim_field_relaxed(V("From"), from, &text);
		dkim_field_relaxed(V("Subject"), subject, &text);
		dkim_field_relaxed(V("DKIM-Signature"), buf_view(&field), &text);
		text.n -= 2;
	} else {
		buf_fmt(&text, "From:%.*s\r\nSubject:%.*s\r\nDKIM-Signature:%.*s", VFMT(from), VFMT(subject), VFMT(buf_view(&field)));
	}
	hasher_add(h, buf_view(&text));
	hasher_end(h, digest);
	assert_int_equal(sign_digest(key, digest, &signature, &err), 0);
	buf_clear(&b64);
	base64_encode(&b64, buf_view(&signature));
	buf_fmt(out, "DKIM-Signature:%.*s%.20s\r\n\t %s\r\nFrom:%.*s\r\nSubject:%.*s\r\n\r\n%.*s", VFMT(buf_view(&field)), buf_cstr(&b64), buf_cstr(&b64) + 20, VFMT(from),
	    VFMT(subject), VFMT(body));
	hasher_free(&h);
	buf_free(&field);
	buf_free(&signature);
	buf_free(&b64);
	buf_free(&text);
}

static enum dkim_result verify(struct view message, struct view domain, struct zone *zone)
{
	struct arena a;
	struct head head;
	struct err err;
	arena_init(&a, 8 << 20);
	assert_int_equal(head_parse(&a, message, &head, &err), 0);
	enum dkim_result r = dkim_verify(&head, head.body, domain, NOW_S, zone_lookup, zone, &err);
	arena_free(&a);
	return r;
}

static void zone_of(const struct sign_key *key, struct buf *out)
{
	struct buf p;
	struct err err;
	buf_init(&p, 4096);
	assert_int_equal(sign_key_public(key, &p, &err), 0);
	buf_fmt(out, "s1._domainkey.example.com v=DKIM1; k=%s; p=", sign_key_kind(key) == SIGN_RSA ? "rsa" : "ed25519");
	base64_encode(out, buf_view(&p));
	buf_byte(out, '\n');
	buf_free(&p);
}

static void one_kind(enum sign_kind kind)
{
	static const struct form forms[] = {{"simple/simple", false, false}, {"relaxed/relaxed", true, true}, {"relaxed", true, false}, {"simple/relaxed", false, true}};
	struct sign_key *key;
	struct err err;
	struct buf m, records;
	assert_int_equal(sign_key_new(&key, kind, &err), 0);
	buf_init(&m, 65536);
	buf_init(&records, 65536);
	zone_of(key, &records);
	struct zone zone = {.text = buf_cstr(&records)}, empty = {.text = ""}, down = {.fails = ERR_UNAVAILABLE};
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		buf_clear(&m);
		sign(key, &forms[i], "", &m);
		assert_int_equal(verify(buf_view(&m), V("example.com"), &zone), DKIM_PASS);
		assert_int_equal(verify(buf_view(&m), V("mail.example.com"), &zone), DKIM_PASS);
		assert_int_equal(verify(buf_view(&m), V("example.org"), &zone), DKIM_NONE);
		assert_int_equal(verify(buf_view(&m), V("example.com"), &empty), DKIM_FAIL);
		assert_int_equal(verify(buf_view(&m), V("example.com"), &down), DKIM_LATER);
		struct view body = V("world");
		m.p[view_ifind(buf_view(&m), body)] = 'W';
		assert_int_equal(verify(buf_view(&m), V("example.com"), &zone), DKIM_FAIL);
		m.p[view_ifind(buf_view(&m), body)] = 'w';
		m.p[view_ifind(buf_view(&m), V("report"))] = 'R';
		assert_int_equal(verify(buf_view(&m), V("example.com"), &zone), DKIM_FAIL);
	}
	static const char *const refused[] = {" l=5;", " x=1699999999;"};
	for (size_t i = 0; i < 2; i++) {
		buf_clear(&m);
		sign(key, &forms[1], refused[i], &m);
		assert_int_equal(verify(buf_view(&m), V("example.com"), &zone), DKIM_FAIL);
	}
	buf_free(&m);
	buf_free(&records);
	sign_key_free(&key);
}

static void signs_and_verifies(void **state)
{
	(void)state;
	one_kind(SIGN_RSA);
	one_kind(SIGN_ED25519);
}

struct corpus_run {
	struct zone zone;
	struct buf message;
	unsigned passed, good;
};

/* Good ones with SHA-256 over the whole body pass; no other does. */
static void verify_file(void *arg, const char *name)
{
	struct corpus_run *c = arg;
	struct arena a;
	struct head head;
	struct err err;
	if (!corpus_read(name, true, &c->message))
		return;
	arena_init(&a, 8 << 20);
	if (head_parse(&a, buf_view(&c->message), &head, &err) == 0) {
		const struct field *f = head_find(&head, V("DKIM-Signature"));
		struct view d = f ? dkim_tag(f->value, V("d")) : V(""), algorithm = f ? dkim_tag(f->value, V("a")) : V("");
		bool good = view_ifind(view_of(name), V("/good")) < strlen(name), weak = view_ieq(algorithm, V("rsa-sha1"));
		enum dkim_result r = d.n ? dkim_verify(&head, head.body, d, NOW_S, zone_lookup, &c->zone, &err) : DKIM_NONE;
		if (r == DKIM_PASS && (!good || weak))
			fail_msg("%s passes", name);
		if (good && d.n && !weak && !dkim_tag(f->value, V("l")).p && view_eq(dkim_tag(f->value, V("v")), V("1"))) {
			c->good++;
			if (r != DKIM_PASS)
				printf("%s does not pass: %s\n", name, err.text);
		}
		c->passed += r == DKIM_PASS;
	}
	arena_free(&a);
}

static void reads_the_corpus(void **state)
{
	struct corpus_run c = {0};
	struct buf zone;
	(void)state;
	if (!corpus_present("dkim/mail-dkim-corpus"))
		skip();
	buf_init(&zone, 1 << 20);
	buf_init(&c.message, CORPUS_FILE_MAX);
	assert_true(corpus_read("dkim/mail-dkim-fakedns/FAKE_DNS.dat", false, &zone));
	c.zone.text = buf_cstr(&zone);
	corpus_each("dkim/mail-dkim-corpus", verify_file, &c);
	printf("%u of %u good ones pass\n", c.passed, c.good);
	assert_int_equal(c.passed, c.good);
	buf_free(&zone);
	buf_free(&c.message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signs_and_verifies),
	    cmocka_unit_test(reads_the_corpus),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
