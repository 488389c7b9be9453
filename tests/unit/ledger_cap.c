/* People's own wishes for fewer mails. */
#include "ledger_help.h"

#include "ledger/cap.h"
#include "ledger/upkeep.h"

static struct place place;
static struct ledger *l;

static int set_up(void **state)
{
	(void)state;
	test_now_ms = 1000000;
	place_make(&place);
	l = place_open(&place);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ledger_close(&l);
	place_remove(&place);
	return 0;
}

static struct change cap_change(enum change_kind kind, const char *actor, const char *evidence, int64_t event_ms)
{
	struct change c = change_on(l, kind, "ann@example.com", "acme");
	c.actor = view_of(actor);
	c.evidence = view_of(evidence);
	c.event_ms = event_ms;
	return c;
}

/* 1 changed, 0 stood, -1 refused. */
static int say_at(enum change_kind kind, const char *actor, const char *evidence, int64_t event_ms)
{
	const struct change c = cap_change(kind, actor, evidence, event_ms);
	struct change_result r;
	struct err err;
	return ledger_change(l, &c, &r, &err) < 0 ? -1 : r.changed;
}

static int say(enum change_kind kind, const char *actor, const char *evidence)
{
	test_now_ms += 1000;
	return say_at(kind, actor, evidence, 0);
}

static struct cap cap_now(void)
{
	struct cap c;
	struct err err;
	const struct person_key who = person_of(l, "ann@example.com");
	const struct scope acme = scope_named("acme");
	if (ledger_cap(l, &who, &acme, &c, &err) < 0)
		fail_msg("%s", err.text);
	return c;
}

static void cap_is(unsigned week, unsigned month)
{
	const struct cap c = cap_now();
	assert_int_equal(c.week, week);
	assert_int_equal(c.month, month);
}

static void the_latest_own_word_counts(void **state)
{
	(void)state;
	cap_is(0, 0);
	assert_int_equal(say(CHANGE_CAP, ACTOR_RECIPIENT, "week=2"), 1);
	cap_is(2, 0);
	assert_int_equal(say(CHANGE_CAP, ACTOR_RECIPIENT, "week=5 month=8"), 1);
	cap_is(5, 8);
	assert_int_equal(say_at(CHANGE_CAP, ACTOR_RECIPIENT, "week=1", test_now_ms - 500), 0);
	cap_is(5, 8);
	assert_int_equal(say(CHANGE_UNCAP, ACTOR_RECIPIENT, ""), 1);
	cap_is(0, 0);
	test_now_ms -= 500000; /* a clock that went back does not take the word away */
	assert_int_equal(say(CHANGE_CAP, ACTOR_RECIPIENT, "month=3"), 1);
	cap_is(0, 3);
}

static void others_only_lower_it(void **state)
{
	(void)state;
	assert_int_equal(say(CHANGE_CAP, "user:anna", "week=4"), 1);
	assert_int_equal(say(CHANGE_CAP, "user:anna", "week=9"), 0);
	assert_int_equal(say(CHANGE_CAP, "user:anna", "week=3 month=5"), 1);
	cap_is(3, 5);
	assert_int_equal(say(CHANGE_UNCAP, "user:anna", ""), -1);
	cap_is(3, 5);
	assert_int_equal(say(CHANGE_CAP, ACTOR_RECIPIENT, "week=7"), 1);
	cap_is(7, 0);
	assert_int_equal(say_at(CHANGE_CAP, "user:anna", "week=1", test_now_ms - 2000), 0);
	cap_is(7, 0);
}

static void what_is_no_limit_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "week=0", "week=1001", "week=x", "month=-1", "day=3"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(say(CHANGE_CAP, ACTOR_RECIPIENT, wrong[i]), -1);
	struct change c = cap_change(CHANGE_CAP, ACTOR_RECIPIENT, "week=2", 0);
	struct change_result r;
	c.scope = scope_named("acme/offers");
	assert_int_equal(ledger_change(l, &c, &r, NULL), -1);
	cap_is(0, 0);
}

static void erasure_keeps_it_without_words(void **state)
{
	(void)state;
	say(CHANGE_CAP, ACTOR_RECIPIENT, "week=2");
	const struct change forget = change_on(l, CHANGE_FORGET, "ann@example.com", "");
	change_ok(l, &forget);
	cap_is(2, 0);
	assert_string_equal(cap_now().actor, "");
	assert_string_equal(cap_now().source, "");
}

/* The copy's limit comes back only where its person has said nothing since. */
static void a_restore_only_lowers(void **state)
{
	(void)state;
	char dir[100];
	struct restored done;
	struct err err;
	struct place copy = place;
	snprintf(dir, sizeof dir, "%s/copy", place.dir);
	say(CHANGE_CAP, ACTOR_RECIPIENT, "week=2");
	assert_int_equal(ledger_backup(l, dir, &err), 0);
	copy.settings.dir = dir;
	copy.settings.read_only = true;
	struct ledger *from = place_open(&copy);

	assert_int_equal(say(CHANGE_UNCAP, ACTOR_RECIPIENT, ""), 1);
	assert_int_equal(ledger_restore(l, from, V("restore"), V("user:test"), &done, &err), 0);
	cap_is(0, 0);

	ledger_close(&l);
	char fresh[120];
	snprintf(fresh, sizeof fresh, "%s/fresh", place.dir);
	place.settings.dir = fresh;
	l = place_open(&place);
	if (ledger_restore(l, from, V("restore"), V("user:test"), &done, &err) < 0)
		fail_msg("%s", err.text);
	cap_is(2, 0);
	assert_int_equal(done.changed, 1);
	ledger_close(&from);
}

static void see_cap(void *arg, const struct cap_row *row)
{
	*(struct cap_row *)arg = *row;
}

static void a_question_finds_it(void **state)
{
	(void)state;
	static const struct ledger_visitor visitor = {.cap = see_cap};
	struct cap_row row = {0};
	const struct person_key who = person_of(l, "ann@example.com");
	const struct scope acme = scope_named("acme");
	assert_int_equal(ledger_visit(l, &who, &visitor, &row, NULL), 0);
	assert_int_equal(row.seq, 0);
	say(CHANGE_CAP, ACTOR_RECIPIENT, "week=2 month=6");
	assert_int_equal(ledger_visit(l, &who, &visitor, &row, NULL), 0);
	assert_int_equal(row.week, 2);
	assert_int_equal(row.month, 6);
	assert_int_equal(row.level, SCOPE_BRAND);
	assert_memory_equal(row.scope_id, acme.id, SCOPE_ID_BYTES);
	row.seq = 0;
	say(CHANGE_UNCAP, ACTOR_RECIPIENT, "");
	assert_int_equal(ledger_visit(l, &who, &visitor, &row, NULL), 0);
	assert_int_equal(row.seq, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_latest_own_word_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(others_only_lower_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_limit_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(erasure_keeps_it_without_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_restore_only_lowers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_question_finds_it, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
