/* Looking after a ledger: anchors, dropping words, copies while others write, and what comes back from a copy. */
#include "ledger_help.h"

#include <pthread.h>

#include "base/mem.h"
#include "ledger/upkeep.h"

static struct place place;
static struct ledger *l;

static int setup(void **state)
{
	*state = NULL;
	test_now_ms = 1000000;
	place_make(&place);
	l = place_open(&place);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ledger_close(&l);
	place_remove(&place);
	return 0;
}

static void noted(const char *address, enum change_kind kind, const char *scope, enum reason reason, const char *note)
{
	struct change c = change_on(l, kind, address, scope);
	c.reason = reason;
	c.basis = BASIS_CONSENT;
	c.note = view_of(note);
	change_ok(l, &c);
}

static uint64_t verified(struct ledger *which)
{
	uint64_t good = 0;
	struct err err;
	if (ledger_journal_verify(which, &good, &err) < 0)
		fail_msg("%s", err.text);
	return good;
}

/* ---- anchors ---- */

static void an_anchor_is_written_and_read(void **state)
{
	(void)state;
	struct journal_anchor a, b;
	struct err err;
	char line[ANCHOR_LINE];
	assert_int_equal(ledger_journal_anchor(l, &a, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
	noted("ann@example.com", CHANGE_SUPPRESS, "acme", REASON_MANUAL, "one");
	noted("bob@example.com", CHANGE_SUPPRESS, "acme", REASON_MANUAL, "two");
	assert_int_equal(ledger_journal_anchor(l, &a, &err), 0);
	assert_int_equal(a.seq, 2);
	journal_anchor_text(&a, line);
	assert_true(journal_anchor_parse(view_of(line), &b));
	assert_memory_equal(&a.hash, &b.hash, sizeof a.hash);
	assert_int_equal(b.seq, 2);
	assert_int_equal(b.arrived_ms, a.arrived_ms);
	noted("cat@example.com", CHANGE_SUPPRESS, "acme", REASON_MANUAL, "three");
	assert_int_equal(ledger_journal_has(l, &b, &err), 0);
	b.hash[5] ^= 1;
	assert_int_equal(ledger_journal_has(l, &b, &err), -1);
	assert_int_equal(err.kind, ERR_CORRUPT);
	b.seq = 9;
	assert_int_equal(ledger_journal_has(l, &b, &err), -1);
	b.seq = UINT64_MAX;
	assert_int_equal(ledger_journal_has(l, &b, &err), -1);
}

static void what_is_no_anchor_is_refused(void **state)
{
	(void)state;
	struct journal_anchor a;
	char line[ANCHOR_LINE];
	journal_anchor_text(&(struct journal_anchor){.seq = 7, .arrived_ms = 1700000000000}, line);
	assert_true(journal_anchor_parse(view_of(line), &a));
	for (size_t n = 0; n < strlen(line); n++)
		assert_false(journal_anchor_parse(view_n(line, n), &a));
	static const char *const wrong[] = {"", "optgate-journal 2 7 2026-01-01T00:00:00Z 00", "optgate-journal 1 0 2026-01-01T00:00:00Z "
	    "0000000000000000000000000000000000000000000000000000000000000000", "hello"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(journal_anchor_parse(view_of(wrong[i]), &a));
}

/* ---- dropping words ---- */

static unsigned worded;
static bool count_words(void *arg, const struct journal_entry *e)
{
	(void)arg;
	worded += e->note.n || e->actor.n || e->source.n;
	return true;
}

static unsigned words(void)
{
	worded = 0;
	assert_int_equal(ledger_journal(l, 1, count_words, NULL, NULL), 0);
	return worded;
}

static void old_words_go_and_the_chain_stays(void **state)
{
	(void)state;
	struct journal_anchor before, after;
	struct err err;
	uint64_t count;
	for (int i = 0; i < 2500; i++) {
		char who[40];
		snprintf(who, sizeof who, "p%d@example.com", i);
		noted(who, CHANGE_SUPPRESS, "acme", REASON_UNSUBSCRIBE, "why");
	}
	assert_int_equal(ledger_journal_anchor(l, &before, &err), 0);
	test_now_ms += 1000;
	noted("late@example.com", CHANGE_SUPPRESS, "acme", REASON_UNSUBSCRIBE, "keep");
	if (ledger_journal_prune(l, test_now_ms, NULL, V("user:test"), &count, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(count, 2500);
	assert_int_equal(words(), 2); /* the late one, and the note about it */
	assert_int_equal(verified(l), 2502);
	assert_int_equal(ledger_journal_has(l, &before, &err), 0);
	assert_int_equal(ledger_journal_anchor(l, &after, &err), 0);
	assert_int_equal(ledger_journal_prune(l, test_now_ms, NULL, V("user:test"), &count, &err), 0);
	assert_int_equal(count, 0); /* and no further note */
	assert_int_equal(ledger_journal_last(l), 2502);
	/* What stands keeps its own words. */
	struct arena arena;
	struct record r;
	struct person_key who = person_of(l, "p7@example.com");
	arena_init(&arena, 1 << 20);
	assert_int_equal(ledger_look(l, &who, &arena, &r, &err), 0);
	assert_int_equal(r.suppression_count, 1);
	assert_string_equal(r.suppressions[0].note, "why");
	arena_free(&arena);
}

static void one_persons_words_go(void **state)
{
	(void)state;
	struct err err;
	uint64_t count;
	noted("ann@example.com", CHANGE_SUPPRESS, "acme", REASON_MANUAL, "secret of ann");
	noted("bob@example.com", CHANGE_SUPPRESS, "acme", REASON_MANUAL, "of bob");
	noted("ann@example.com", CHANGE_GRANT, "acme", 0, "");
	noted("ann@example.com", CHANGE_FORGET, "", 0, "asked for");
	struct person_key ann = person_of(l, "ann@example.com");
	assert_int_equal(ledger_journal_prune(l, INT64_MAX, &ann, V("user:test"), &count, &err), 0);
	assert_int_equal(count, 3);
	assert_int_equal(words(), 2);
	assert_int_equal(verified(l), 5);
}

/* ---- copies ---- */

struct copy {
	struct place place;
	struct ledger *ledger;
	char dir[100];
};

/* Of the ledger as it is now, opened with the same keys. */
static struct copy copy_made(const char *name)
{
	struct copy c = {.place = place};
	struct err err;
	snprintf(c.dir, sizeof c.dir, "%s/%s", place.dir, name);
	if (ledger_backup(l, c.dir, &err) < 0)
		fail_msg("%s", err.text);
	c.place.settings.dir = NULL;
	return c;
}

static void copy_open(struct copy *c, bool to_write)
{
	c->place.settings = place.settings;
	c->place.settings.dir = c->dir;
	c->place.settings.key_dir = place.keys;
	c->place.settings.read_only = !to_write;
	c->ledger = place_open(&c->place);
}

static unsigned blocks_of(struct ledger *which, const char *address)
{
	struct arena arena;
	struct record r;
	struct err err;
	struct person_key who = person_of(which, address);
	arena_init(&arena, 1 << 20);
	assert_int_equal(ledger_look(which, &who, &arena, &r, &err), 0);
	unsigned n = r.suppression_count;
	for (unsigned i = 0; i < r.consent_count; i++)
		n += r.consents[i].withdrawn_ms != 0;
	arena_free(&arena);
	return n;
}

static void a_copy_is_whole_and_never_overwrites(void **state)
{
	(void)state;
	struct err err;
	noted("ann@example.com", CHANGE_SUPPRESS, "acme", REASON_MANUAL, "x");
	struct copy c = copy_made("copy");
	noted("bob@example.com", CHANGE_SUPPRESS, "acme", REASON_MANUAL, "x");
	copy_open(&c, false);
	assert_int_equal(verified(c.ledger), 1);
	assert_int_equal(blocks_of(c.ledger, "ann@example.com"), 1);
	assert_int_equal(blocks_of(c.ledger, "bob@example.com"), 0);
	ledger_close(&c.ledger);
	assert_int_equal(ledger_backup(l, c.dir, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
}

static void a_copy_adds_blocks_and_nothing_else(void **state)
{
	(void)state;
	struct err err;
	struct restored r;
	for (int i = 0; i < 1500; i++) {
		char who[40];
		snprintf(who, sizeof who, "p%d@example.com", i);
		noted(who, CHANGE_SUPPRESS, i % 3 ? "acme" : "", REASON_COMPLAINT, "x");
	}
	noted("gone@example.com", CHANGE_WITHDRAW, "acme/news", 0, "");
	noted("agreed@example.com", CHANGE_GRANT, "acme/news", 0, "");
	struct copy c = copy_made("copy");
	/* Since then: one freed by hand, one more grant, one more block. */
	struct change freed = change_on(l, CHANGE_UNSUPPRESS, "p1@example.com", "acme");
	freed.reason = REASON_COMPLAINT;
	freed.note = V("a mistake");
	remove_ok(l, &freed);
	noted("new@example.com", CHANGE_SUPPRESS, "acme", REASON_OBJECTION, "x");
	copy_open(&c, false);
	if (ledger_restore(l, c.ledger, V("restore"), V("user:test"), &r, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(r.blocks, 1501);
	assert_int_equal(r.changed, 1);
	assert_int_equal(blocks_of(l, "p1@example.com"), 1);
	assert_int_equal(blocks_of(l, "new@example.com"), 1);
	ledger_close(&c.ledger);
	/* Into an empty one: blocks come, grants and addresses don't. */
	copy_open(&c, false);
	struct place empty = place;
	char dir[100];
	snprintf(dir, sizeof dir, "%s/empty", place.dir);
	empty.settings.dir = dir;
	empty.settings.key_dir = place.keys;
	ledger_close(&l);
	/* The keys are there already, and data are not: made as the gateway does. */
	l = place_open(&empty);
	if (ledger_restore(l, c.ledger, V("restore"), V("user:test"), &r, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(r.changed, 1501);
	assert_int_equal(blocks_of(l, "gone@example.com"), 1);
	assert_int_equal(blocks_of(l, "agreed@example.com"), 0);
	struct person_key who = person_of(l, "p2@example.com");
	struct buf address;
	buf_init(&address, 400);
	assert_int_equal(ledger_person(l, &who, &address, &err), -1);
	buf_free(&address);
	verified(l);
	ledger_close(&c.ledger);
}

static void a_copy_of_another_key_is_refused(void **state)
{
	(void)state;
	struct place other;
	struct err err;
	struct restored r;
	place_make(&other);
	struct ledger *stranger = place_open(&other);
	assert_int_equal(ledger_restore(l, stranger, V("restore"), V("user:test"), &r, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	ledger_close(&stranger);
	place_remove(&other);
}

static _Atomic bool enough;
static void *write_on(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !enough; i++) {
		char who[40];
		snprintf(who, sizeof who, "w%u@example.com", i);
		noted(who, CHANGE_SUPPRESS, "acme", REASON_UNSUBSCRIBE, "x");
	}
	return NULL;
}

/* What was answered before the copy began is in it; its chain is whole. */
static void copies_are_made_while_others_write(void **state)
{
	(void)state;
	pthread_t t;
	enough = false;
	assert_int_equal(pthread_create(&t, NULL, write_on, NULL), 0);
	for (int i = 0; i < 5; i++) {
		char name[20];
		uint64_t before = ledger_journal_last(l);
		snprintf(name, sizeof name, "copy%d", i);
		struct copy c = copy_made(name);
		copy_open(&c, false);
		assert_true(verified(c.ledger) >= before);
		ledger_close(&c.ledger);
	}
	enough = true;
	pthread_join(t, NULL);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(an_anchor_is_written_and_read), CASE(what_is_no_anchor_is_refused), CASE(old_words_go_and_the_chain_stays),
	    CASE(one_persons_words_go), CASE(a_copy_is_whole_and_never_overwrites), CASE(a_copy_adds_blocks_and_nothing_else),
	    CASE(a_copy_of_another_key_is_refused), CASE(copies_are_made_while_others_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
