/* The decision log: what was noted comes back, torn files are read up to the tear, old files go, nobody waits. */
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/decisions/files.h"
#include "base/counter.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "decisions/decisions.h"

static char dir[64];
static _Atomic int64_t now_ms;

static int64_t now(const struct clock *c)
{
	(void)c;
	return now_ms;
}
static const struct clock hand = {now, now};

static int setup(void **state)
{
	*state = NULL;
	now_ms = INT64_C(1700000000000);
	snprintf(dir, sizeof dir, "/tmp/optgate-decisions-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct decisions *begin(int64_t keep_ms, uint64_t max_bytes)
{
	struct decisions *d = NULL;
	struct err err;
	if (decisions_open(&d, &(struct decisions_settings){dir, keep_ms, max_bytes}, &hand, &err) < 0)
		fail_msg("%s", err.text);
	return d;
}

static struct decision sample(uint32_t n)
{
	struct decision x = {.at_ms = now_ms, .ref = 77, .rcpt = n, .at = DECIDED_AT_RCPT, .end = END_REFUSED, .class = CLASS_MARKETING,
	    .channel = CHANNEL_EMAIL, .signals = 5, .body = 99, .scope = V("acme/offers"), .client = V("tool"), .campaign = V("c1")};
	x.verdict = (struct verdict){.kind = VERDICT_SUPPRESS, .rule = RULE_SUPPRESSION, .reason = REASON_COMPLAINT, .level = SCOPE_BRAND,
	    .seq = 1000 + n};
	memset(x.who.b, (int)n, sizeof x.who.b);
	return x;
}

struct heard {
	uint32_t count, next, stop_after;
	bool in_order;
};

static bool hear(void *arg, const struct decision *x)
{
	struct heard *h = arg;
	h->in_order = (h->count == 0 || x->rcpt == h->next) && x->verdict.seq == 1000 + x->rcpt && view_eq(x->scope, V("acme/offers")) &&
		      view_eq(x->client, V("tool")) && x->who.b[3] == (uint8_t)x->rcpt && x->end == END_REFUSED && x->body == 99;
	h->next = x->rcpt + 1;
	h->count++;
	return h->count != h->stop_after;
}

static struct heard read_all(int64_t since, int64_t until)
{
	struct heard h = {.in_order = true};
	struct err err;
	if (decisions_each(dir, since, until, hear, &h, &err) < 0)
		fail_msg("%s", err.text);
	return h;
}

static void what_was_noted_comes_back(void **state)
{
	(void)state;
	struct decisions *d = begin(1000000, 1 << 30);
	for (uint32_t i = 0; i < 10000; i++) {
		struct decision x = sample(i);
		decisions_note(d, &x);
		now_ms++;
	}
	decisions_close(&d);
	struct heard h = read_all(0, INT64_MAX);
	assert_int_equal(h.count, 10000);
	assert_true(h.in_order);
	assert_int_equal(read_all(INT64_C(1700000000000) + 100, INT64_C(1700000000000) + 200).count, 100);
	struct heard some = {.stop_after = 3};
	assert_int_equal(decisions_each(dir, 0, INT64_MAX, hear, &some, NULL), 0);
	assert_int_equal(some.count, 3);
	decisions_note(NULL, &(struct decision){0});
}

static void each_start_has_a_file_of_its_own(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		struct decisions *d = begin(1000000, 1 << 30);
		struct decision x = sample(i);
		decisions_note(d, &x);
		decisions_close(&d);
	}
	struct file_list l;
	assert_int_equal(files_list(dir, &l, NULL), 0);
	assert_int_equal(l.count, 3);
	files_free(&l);
	assert_int_equal(read_all(0, INT64_MAX).count, 3);
}

/* Cut at every byte, and with every byte changed: a reader yields a prefix, and nothing that was not noted. */
static void a_torn_file_is_read_up_to_the_tear(void **state)
{
	(void)state;
	struct buf whole;
	buf_init(&whole, 10000);
	for (uint32_t i = 0; i < 5; i++) {
		struct decision x = sample(i);
		decision_write(&whole, &x);
	}
	const size_t one = whole.n / 5;
	struct decision x;
	for (size_t cut = 0; cut <= whole.n; cut++) {
		struct view rest = view_sub(buf_view(&whole), 0, cut);
		uint32_t n = 0;
		while (decision_take(&rest, &x))
			assert_int_equal(x.rcpt, n++);
		assert_int_equal(n, cut / one);
	}
	for (size_t at = 0; at < one; at++) {
		whole.p[at] ^= 0x20;
		struct view rest = buf_view(&whole);
		assert_false(decision_take(&rest, &x));
		whole.p[at] ^= 0x20;
	}
	buf_free(&whole);
}

static void put_file(int64_t start_ms, size_t bytes)
{
	char name[FILE_NAME], path[100];
	struct buf b;
	struct err err;
	buf_init(&b, bytes + 100);
	buf_str(&b, FILE_MAGIC);
	memset(buf_reserve(&b, bytes), 0, bytes);
	buf_advance(&b, bytes);
	file_name(start_ms, name);
	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_int_equal(file_create(path, buf_view(&b), 0600, &err), 0);
	buf_free(&b);
}

static unsigned files(void)
{
	struct file_list l;
	assert_int_equal(files_list(dir, &l, NULL), 0);
	unsigned n = l.count;
	files_free(&l);
	return n;
}

static void what_is_too_old_or_too_much_goes(void **state)
{
	(void)state;
	for (int64_t i = 1; i <= 5; i++)
		put_file(i * 1000, 1000);
	assert_int_equal(files_prune(dir, 5000, 0, 100000, NULL), 0);
	assert_int_equal(files(), 5);
	assert_int_equal(files_prune(dir, 5000, 2500, 100000, NULL), 0); /* the second still holds what is younger */
	assert_int_equal(files(), 4);
	assert_int_equal(files_prune(dir, 5000, 0, 2500, NULL), 0);
	assert_int_equal(files(), 2);
	assert_int_equal(files_prune(dir, 5000, 9000, 0, NULL), 0); /* never the current one */
	assert_int_equal(files(), 1);
}

static void *note_many(void *arg)
{
	for (uint32_t i = 0; i < 20000; i++) {
		struct decision x = sample(i);
		decisions_note(arg, &x);
	}
	return NULL;
}

/* Whatever the disk does: each is kept or counted as lost. */
static void many_note_at_once(void **state)
{
	(void)state;
	pthread_t t[3];
	struct decisions *d = begin(1000000, 1 << 30);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, note_many, d), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	decisions_close(&d);
	struct heard h = {0};
	assert_int_equal(decisions_each(dir, 0, INT64_MAX, hear, &h, NULL), 0);
	assert_true(h.count > 20000 && h.count <= 60000);
}

/* The disk fails: whoever notes goes on, and when it works again so does the log. */
static void a_disk_that_fails_costs_decisions_only(void **state)
{
	(void)state;
	struct decisions *d = begin(1000000, 1 << 30);
	char aside[80];
	snprintf(aside, sizeof aside, "%s.aside", dir);
	assert_int_equal(rename(dir, aside), 0);
	log_set_level(LOG_LEVEL_ERROR - 1);
	struct decision x = sample(1);
	decisions_note(d, &x);
	usleep(1000 * (DECISIONS_WRITE_MS * 2 + 100));
	assert_int_equal(rename(aside, dir), 0);
	x = sample(2);
	decisions_note(d, &x);
	decisions_close(&d);
	log_set_level(LOG_LEVEL_INFO);
	assert_int_equal(read_all(0, INT64_MAX).count, 1);
}

static void a_directory_that_is_not_there(void **state)
{
	(void)state;
	struct err err;
	struct heard h = {0};
	assert_int_equal(decisions_each("/nonexistent/x", 0, INT64_MAX, hear, &h, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(what_was_noted_comes_back), CASE(each_start_has_a_file_of_its_own), CASE(a_torn_file_is_read_up_to_the_tear),
	    CASE(what_is_too_old_or_too_much_goes), CASE(many_note_at_once), CASE(a_disk_that_fails_costs_decisions_only),
	    CASE(a_directory_that_is_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
