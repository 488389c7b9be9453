/* Reports and what is understood of them: samples, cuts and damage, limits, rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "corpus.h"
#include "inbound/classify.h"
#include "inbound_samples.h"

static struct bounce_rules *rules;

static void told(const struct report *r, struct buf *out)
{
	for (unsigned i = 0; i < r->count; i++) {
		const struct report_recipient *p = &r->recipients[i];
		buf_fmt(out, "%.*s %s %s %s %.*s\n", VFMT(p->address), p->action, p->status, meaning_word(p->meaning), VFMT(p->reason));
	}
}

static void understands_samples(void **state)
{
	struct arena a;
	struct buf out;
	(void)state;
	arena_init(&a, REPORT_ARENA_BYTES);
	buf_init(&out, 1 << 16);
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		struct report r;
		struct err err;
		arena_reset(&a);
		buf_clear(&out);
		assert_int_equal(report_classify(rules, &a, view_of(samples[i].message), &r, &err), 0);
		told(&r, &out);
		if (strcmp(report_kind_word(r.kind), samples[i].kind) != 0 || strcmp(buf_cstr(&out), samples[i].expected) != 0)
			fail_msg("%s: %s\n%sexpected %s\n%s", samples[i].what, report_kind_word(r.kind), buf_cstr(&out), samples[i].kind, samples[i].expected);
	}
	buf_free(&out);
	arena_free(&a);
}

/* Cut anywhere, with a CR, LF or NUL put in: nobody is suppressed whom the whole report doesn't name. */
struct damage {
	struct arena a;
	const char *name;
	struct buf people; /* of the whole report, a line each */
	unsigned tried;
};

static void note_people(struct damage *d, struct view message)
{
	struct report r;
	struct err err;
	arena_reset(&d->a);
	buf_clear(&d->people);
	if (report_classify(rules, &d->a, message, &r, &err) == 0)
		for (unsigned i = 0; i < r.count; i++)
			buf_fmt(&d->people, "%.*s\n", VFMT(r.recipients[i].address));
}

static bool is_listed(const struct buf *people, struct view address)
{
	struct view rest = buf_view(people), line;
	while (view_cut(&rest, '\n', &line))
		if (view_eq(line, address))
			return true;
	return false;
}

static bool is_address_byte(char c)
{
	return ascii_is_alnum(c) || memchr(".-_+", c, 4);
}

/* MESSAGE holds ADDRESS as it is, not as a part of another. */
static bool holds_whole(struct view message, struct view address)
{
	for (size_t from = 0; from < message.n;) {
		size_t at = from + view_ifind(view_sub(message, from, message.n), address);
		if (at >= message.n)
			return false;
		size_t end = at + address.n;
		if ((at == 0 || !is_address_byte(message.p[at - 1])) &&
		    (end >= message.n || !is_address_byte(message.p[end]) || (message.p[end] == '.' && (end + 1 >= message.n || !ascii_is_alnum(message.p[end + 1])))))
			return true;
		from = at + 1;
	}
	return false;
}

static void suppresses_nobody_new(struct damage *d, struct view damaged, struct view whole)
{
	struct report r;
	struct err err;
	arena_reset(&d->a);
	d->tried++;
	if (report_classify(rules, &d->a, damaged, &r, &err) < 0)
		return;
	for (unsigned i = 0; i < r.count; i++) {
		const struct report_recipient *p = &r.recipients[i];
		if (p->meaning == MEANING_HARD && p->address.n && !is_listed(&d->people, p->address) && !holds_whole(whole, p->address))
			fail_msg("%s: suppresses %.*s", d->name, VFMT(p->address));
	}
}

static void damage_one(struct damage *d, struct view message, size_t step)
{
	struct buf b;
	buf_init(&b, message.n + 2);
	note_people(d, message);
	for (size_t cut = step; cut < message.n; cut += step) {
		suppresses_nobody_new(d, view_sub(message, 0, cut), message);
		buf_clear(&b);
		buf_add(&b, view_sub(message, 0, cut));
		buf_byte(&b, "\r\n\0"[cut / step % 3]);
		buf_add(&b, view_sub(message, cut, message.n));
		suppresses_nobody_new(d, buf_view(&b), message);
	}
	buf_free(&b);
}

static void survives_damage(void **state)
{
	struct damage d = {0};
	(void)state;
	arena_init(&d.a, REPORT_ARENA_BYTES);
	buf_init(&d.people, 1 << 16);
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		d.name = samples[i].what;
		damage_one(&d, view_of(samples[i].message), 7);
	}
	buf_free(&d.people);
	arena_free(&d.a);
}

#define SAMPLE_EACH 17 /* one corpus message in so many, unless OPTGATE_SLOW asks for all */

struct corpus_damage {
	struct damage d;
	unsigned seen, each;
	struct buf message;
};

static void damage_file(void *arg, const char *name)
{
	struct corpus_damage *c = arg;
	if (c->seen++ % c->each || !corpus_read(name, true, &c->message) || c->message.n > 100000)
		return;
	c->d.name = name;
	damage_one(&c->d, buf_view(&c->message), 64);
}

static void survives_damaged_corpus(void **state)
{
	static const char *const dirs[] = {"bounce/sisimai", "bounce/bounceparser", "bounce/php-bounce-handler", "bounce/exim", "arf/abuseio-fbl", "arf/sisimai", "notbounce/sisimai-rfc3834"};
	struct corpus_damage c = {.each = getenv("OPTGATE_SLOW") ? 1 : SAMPLE_EACH};
	(void)state;
	if (!corpus_present("bounce"))
		skip();
	arena_init(&c.d.a, REPORT_ARENA_BYTES);
	buf_init(&c.d.people, 1 << 16);
	buf_init(&c.message, CORPUS_FILE_MAX);
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		corpus_each(dirs[i], damage_file, &c);
	printf("%u damaged messages\n", c.d.tried);
	buf_free(&c.message);
	buf_free(&c.d.people);
	arena_free(&c.d.a);
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* MESSAGE, refused or read, within bounds. */
static void ends_soon(struct view message, bool refused)
{
	struct arena a;
	struct report r;
	struct err err;
	double before = seconds();
	arena_init(&a, REPORT_ARENA_BYTES);
	int rc = report_classify(rules, &a, message, &r, &err);
	if (refused) {
		assert_int_equal(rc, -1);
		assert_int_equal(err.kind, ERR_LIMIT);
	}
	assert_true(seconds() - before < 10);
	arena_free(&a);
}

static void limits_hold(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 64 << 20);
	buf_str(&b, "Subject: x\n\n");
	while (b.n < 50u << 20)
		buf_str(&b, "a line of a message that is much too large to be a report about anything\n");
	ends_soon(buf_view(&b), true);
	buf_clear(&b);
	buf_str(&b, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n");
	for (int i = 0; i < 10000; i++)
		buf_str(&b, "--b\n\nx\n");
	ends_soon(buf_view(&b), true);
	buf_clear(&b);
	for (int i = 0; i < 10000; i++)
		buf_fmt(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
	ends_soon(buf_view(&b), true);
	buf_clear(&b);
	buf_str(&b, DSN_HEAD "--b1\nContent-Type: message/delivery-status\n\n");
	for (int i = 0; i < 1500; i++)
		buf_fmt(&b, "Final-Recipient: rfc822; a%d@example.net\nAction: failed\nStatus: 5.1.1\n\n", i);
	ends_soon(buf_view(&b), true);
	buf_clear(&b);
	buf_str(&b, "From: MAILER-DAEMON\nSubject: failure notice\n\ncould not be delivered\n");
	while (b.n < 12u << 20)
		buf_str(&b, "<<<@@@a@b.c,,,\"@\"@@>>> ");
	ends_soon(buf_view(&b), false);
	buf_free(&b);
}

/* qmail returns the whole message in the same text. */
static void a_large_copy_hides_nothing(void **state)
{
	struct arena a;
	struct report r;
	struct err err;
	struct buf b;
	(void)state;
	buf_init(&b, 16 << 20);
	arena_init(&a, REPORT_ARENA_BYTES);
	buf_str(&b, TEXT("failure notice", "I wasn't able to deliver your message to the following addresses.\n\n<a@example.net>:\nRemote host said: 550 5.1.1 no\n\n"
						   "--- Below this line is a copy of the message.\n\nReturn-Path: <b@sender.example>\nTo: a@example.net\n\n"));
	while (b.n < 10u << 20)
		buf_str(&b, "c@example.net would like to hear about our offers as well\n");
	assert_int_equal(report_classify(rules, &a, buf_view(&b), &r, &err), 0);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.recipients[0].meaning, MEANING_HARD);
	assert_true(view_eq(r.envelope_from, V("<b@sender.example>")));
	buf_free(&b);
	arena_free(&a);
}

static void judge(struct bounce_rules *with, const char *status, const char *text, struct report_recipient *ret)
{
	struct refusal r = {DSN_FAILED, view_of(status), view_of(text), V(""), NULL, 0};
	refusal_judge(with, &r, ret);
}

static void own_rules_come_first(void **state)
{
	struct bounce_rules *own;
	struct report_recipient r;
	struct err err;
	(void)state;
	assert_int_equal(bounce_rules_new(&own, V("# mine\nhard unknown-user mailbox * is full of dust\nprovider x example.org =xyz\nsoft full mailbox full\n"), "mine",
			     (struct view){0}, "bounce.rules", &err), 0);
	judge(own, "5.0.0", "550 Mailbox of Joe is\r\n full of dust", &r);
	assert_string_equal(r.rule, "mine:2");
	assert_int_equal(r.meaning, MEANING_HARD);
	judge(own, "5.0.0", "550 mailbox full", &r);
	assert_true(view_starts(view_of(r.rule), V("bounce.rules:")));
	judge(own, "5.0.0", "550 mailbox full (xyz)", &r);
	assert_string_equal(r.rule, "mine:4");
	bounce_rules_free(&own);
}

static void wrong_rules_are_named(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
	    {"hard\n", "mine:1"},
	    {"\n\nhard unknown-user\n", "mine:3"},
	    {"perhaps unknown-user x\n", "mine:1"},
	    {"provider x\n", "mine:1"},
	    {"hard unknown-user [5.1.1 x\n", "mine:1"},
	    {"hard unknown-user a*b*c*d*e*f*g*h*i\n", "mine:1"},
	};
	struct bounce_rules *r;
	struct err err;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(bounce_rules_new(&r, view_of(rows[i].text), "mine", (struct view){0}, "bounce.rules", &err), -1);
		assert_non_null(strstr(err.text, rows[i].says));
	}
}

static int setup(void **state)
{
	struct err err;
	(void)state;
	return bounce_rules_new(&rules, V(""), "own", (struct view){0}, "bounce.rules", &err);
}

static int teardown(void **state)
{
	(void)state;
	bounce_rules_free(&rules);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(understands_samples),
	    cmocka_unit_test(survives_damage),
	    cmocka_unit_test(survives_damaged_corpus),
	    cmocka_unit_test(limits_hold),
	    cmocka_unit_test(a_large_copy_hides_nothing),
	    cmocka_unit_test(own_rules_come_first),
	    cmocka_unit_test(wrong_rules_are_named),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
