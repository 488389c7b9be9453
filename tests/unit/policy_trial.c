/* Streams on trial, and the ledger as it was: what still blocks, and what the verdict tells. */
#include "policy_help.h"

static struct place place;
static struct ledger *l;

static int setup(void **state)
{
	*state = NULL;
	test_now_ms = 1000000;
	place_make(&place);
	l = place_open(&place);
	test_policy_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	policy_free(&test_policy->shared);
	ledger_close(&l);
	place_remove(&place);
	return 0;
}

static struct verdict ask(const char *who, const char *where, bool on_trial)
{
	struct question q = question_on(l, who, where);
	struct stream s = *q.stream;
	s.shadow = on_trial;
	q.stream = &s;
	return policy_decide(l, &q);
}

/* On trial nothing is allowed that is not allowed or marked; and the verdict else is the one in the mark. */
static void only_what_is_firm_blocks_on_trial(void **state)
{
	static const struct {
		enum reason reason;
		bool blocks;
	} rows[] = {
	    {REASON_OBJECTION, true}, {REASON_COMPLAINT, true}, {REASON_BOUNCE, true}, {REASON_UNSUBSCRIBE, false}, {REASON_MANUAL, false},
	    {REASON_REGISTER, false}, {REASON_LEGAL, false}, {REASON_ERASURE, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char who[40];
		snprintf(who, sizeof who, "r%zu@example.com", i);
		suppress_ok(l, who, "acme", rows[i].reason);
		struct verdict v = ask(who, "acme/offers", true), real = ask(who, "acme/offers", false);
		assert_int_equal(real.kind, VERDICT_SUPPRESS);
		assert_false(real.shadow);
		assert_int_equal(v.kind, rows[i].blocks ? VERDICT_SUPPRESS : VERDICT_ALLOW);
		assert_int_equal(v.shadow, !rows[i].blocks);
		assert_int_equal(v.reason, real.reason);
		assert_int_equal(v.seq, real.seq);
	}
}

/* The strongest reason names the verdict, but a weaker one that is firm still blocks. */
static void a_firm_row_behind_a_stronger_one_blocks(void **state)
{
	(void)state;
	for (enum reason r = REASON_OBJECTION; r <= REASON_ERASURE; r++)
		for (enum reason firm = REASON_COMPLAINT; firm <= REASON_BOUNCE; firm++) {
			char who[40];
			snprintf(who, sizeof who, "f%d-%d@example.com", r, firm);
			suppress_ok(l, who, "acme", r);
			suppress_ok(l, who, "", firm);
			struct verdict v = ask(who, "acme/offers", true);
			assert_int_equal(v.kind, VERDICT_SUPPRESS);
			assert_false(v.shadow);
		}
	/* A firm row that does not reach this class does not. */
	suppress_ok(l, "s@example.com", "", REASON_COMPLAINT);
	suppress_ok(l, "s@example.com", "", REASON_LEGAL);
	struct verdict v = ask("s@example.com", "acme/receipts", true);
	assert_int_equal(v.kind, VERDICT_ALLOW);
	assert_true(v.shadow);
	assert_int_equal(v.reason, REASON_LEGAL);
}

static void consent_is_not_asked_for_on_trial(void **state)
{
	(void)state;
	struct verdict v = ask("nobody@example.com", "acme/news", true);
	assert_int_equal(v.kind, VERDICT_ALLOW);
	assert_true(v.shadow);
	assert_int_equal(v.rule, RULE_NO_BASIS);
	v = ask("nobody@example.com", "acme/offers", true);
	assert_int_equal(v.kind, VERDICT_ALLOW);
	assert_false(v.shadow);
}

static void the_explanation_shows_the_trial(void **state)
{
	(void)state;
	struct arena arena;
	struct explanation e;
	struct err err;
	suppress_ok(l, "ann@example.com", "acme", REASON_UNSUBSCRIBE);
	struct question q = question_on(l, "ann@example.com", "acme/offers");
	struct stream s = *q.stream;
	s.shadow = true;
	q.stream = &s;
	arena_init(&arena, 1 << 20);
	assert_int_equal(policy_explain(l, &q, &arena, &e, &err), 0);
	assert_int_equal(e.verdict.kind, VERDICT_ALLOW);
	assert_true(e.verdict.shadow);
	assert_int_equal(e.count, 1);
	assert_true(e.findings[0].decides && e.findings[0].blocks);
	arena_free(&arena);
}

/* ---- then ---- */

static struct verdict ask_then(const char *who, const char *where, int64_t at_ms, uint64_t last_seq, const struct suppression_row *gone, size_t n)
{
	struct question q = question_on(l, who, where);
	q.now_ms = at_ms;
	return policy_decide_then(l, &q, last_seq, gone, n);
}

static void what_came_later_does_not_count(void **state)
{
	(void)state;
	uint64_t before = ledger_journal_last(l);
	struct change_result r = suppress_ok(l, "ann@example.com", "acme", REASON_COMPLAINT);
	assert_int_equal(ask_then("ann@example.com", "acme/offers", test_now_ms, before, NULL, 0).kind, VERDICT_ALLOW);
	assert_int_equal(ask_then("ann@example.com", "acme/offers", test_now_ms, r.seq, NULL, 0).kind, VERDICT_SUPPRESS);
	const struct suppression_row gone = {.level = SCOPE_GLOBAL, .reason = REASON_BOUNCE};
	assert_int_equal(ask_then("bob@example.com", "acme/receipts", test_now_ms, before, &gone, 1).reason, REASON_BOUNCE);
}

static void rows_of_a_domain_and_allow_rows_count_by_their_entries(void **state)
{
	(void)state;
	struct block_name name;
	struct change c = change_on(l, CHANGE_SUPPRESS, "", "acme");
	uint64_t before = ledger_journal_last(l);
	assert_int_equal(block_name_parse(V("@example.com"), &name, NULL), 0);
	change_about(l, &name, &c);
	c.reason = REASON_MANUAL;
	uint64_t blocked = change_ok(l, &c).seq;
	assert_int_equal(ask_then("ann@example.com", "acme/offers", test_now_ms, before, NULL, 0).kind, VERDICT_ALLOW);
	assert_int_equal(ask_then("ann@example.com", "acme/offers", test_now_ms, blocked, NULL, 0).reason, REASON_MANUAL);
	c.kind = CHANGE_ALLOW;
	c.note = V("our own domain");
	uint64_t allowed = change_ok(l, &c).seq;
	assert_int_equal(ask_then("ann@example.com", "acme/offers", test_now_ms, blocked, NULL, 0).kind, VERDICT_SUPPRESS);
	assert_int_equal(ask_then("ann@example.com", "acme/offers", test_now_ms, allowed, NULL, 0).kind, VERDICT_ALLOW);
	const struct suppression_row gone = {.level = SCOPE_GLOBAL};
	assert_int_equal(ask_then("bob@example.org", "acme/news", test_now_ms, before, NULL, 0).rule, RULE_NO_BASIS);
	assert_int_equal(ask_then("bob@example.org", "acme/news", test_now_ms, before, &gone, 1).kind, VERDICT_ALLOW);
}

static void consents_count_by_their_times(void **state)
{
	(void)state;
	struct change c = change_on(l, CHANGE_GRANT, "ann@example.com", "acme/news");
	c.basis = BASIS_CONSENT;
	change_ok(l, &c);
	int64_t granted = test_now_ms;
	test_now_ms += 1000;
	c.kind = CHANGE_WITHDRAW;
	change_ok(l, &c);
	assert_int_equal(ask_then("ann@example.com", "acme/news", granted - 1, UINT64_MAX, NULL, 0).rule, RULE_NO_BASIS);
	assert_int_equal(ask_then("ann@example.com", "acme/news", granted + 1, UINT64_MAX, NULL, 0).kind, VERDICT_ALLOW);
	assert_int_equal(ask_then("ann@example.com", "acme/news", test_now_ms + 1, UINT64_MAX, NULL, 0).rule, RULE_WITHDRAWN);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(only_what_is_firm_blocks_on_trial), CASE(a_firm_row_behind_a_stronger_one_blocks), CASE(consent_is_not_asked_for_on_trial),
	    CASE(the_explanation_shows_the_trial), CASE(what_came_later_does_not_count), CASE(consents_count_by_their_times),
	    CASE(rows_of_a_domain_and_allow_rows_count_by_their_entries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
