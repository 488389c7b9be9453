/* Runs policy_cases.txt: each case on a person of its own, decided and explained, with the same answer. */
#include "policy_help.h"

#include "base/file.h"

#define DAY_MS INT64_C(86400000)
#define TODAY 100
#define CASES_BYTES (1u << 20)

static struct place place;
static struct ledger *l;

static char *terminated(char *dst, size_t size, struct view v)
{
	assert_true(view_str(v, dst, size));
	return dst;
}

static struct change scoped(enum change_kind kind, const char *person, struct view scope)
{
	char name[SCOPE_NAME_MAX + 1];
	return change_on(l, kind, person, view_eq(scope, V("all")) ? "" : terminated(name, sizeof name, scope));
}

static int64_t day(struct view v)
{
	uint64_t n;
	assert_true(view_u64(v, TODAY, &n));
	return (int64_t)n * DAY_MS;
}

/* One entry of the left column. */
static void record(const char *person, struct view entry)
{
	struct view verb, a = {0}, b = {0}, c = {0}, d = {0};
	struct change ch;
	assert_true(view_word(&entry, &verb));
	(void)(view_word(&entry, &a) && view_word(&entry, &b) && view_word(&entry, &c) && view_word(&entry, &d));
	if (view_eq(verb, V("nothing")))
		return;
	if (view_eq(verb, V("grant"))) {
		ch = scoped(CHANGE_GRANT, person, b);
		ch.basis = basis_of(a);
		ch.evidence = V(SOFT_EVIDENCE);
		ch.event_ms = day(c);
		ch.expires_ms = view_eq(d, V("expired")) ? (TODAY - 1) * DAY_MS : 0;
	} else if (view_eq(verb, V("withdraw"))) {
		ch = scoped(CHANGE_WITHDRAW, person, a);
		ch.event_ms = day(b);
	} else {
		ch = scoped(CHANGE_SUPPRESS, person, a);
		ch.reason = reason_of(verb);
		ch.expires_ms = view_eq(b, V("expired")) ? (TODAY - 1) * DAY_MS : 0;
	}
	change_ok(l, &ch);
}

static void explanation_agrees(const struct question *q, const struct verdict *v)
{
	struct arena arena;
	struct explanation e;
	struct err err = {0};
	unsigned deciding = 0;
	arena_init(&arena, 1 << 20);
	assert_int_equal(policy_explain(l, q, &arena, &e, &err), 0);
	assert_int_equal(e.verdict.kind, v->kind);
	assert_int_equal(e.verdict.rule, v->rule);
	assert_int_equal(e.verdict.reason, v->reason);
	assert_int_equal(e.verdict.seq, v->seq);
	for (unsigned i = 0; i < e.count; i++) {
		deciding += e.findings[i].decides;
		assert_true(e.findings[i].why && e.findings[i].why[0]);
		if (e.findings[i].decides)
			assert_int_equal(e.findings[i].blocks, v->kind != VERDICT_ALLOW);
	}
	assert_int_equal(deciding, 1);
	arena_free(&arena);
}

static void run_case(struct view line, unsigned number)
{
	struct view rest = line, records, where, wanted, entry;
	char person[64], stream[SCOPE_NAME_MAX + 1];
	assert_true(view_cut(&rest, '|', &records) && view_cut(&rest, '|', &where));
	wanted = view_trim(rest);
	snprintf(person, sizeof person, "case-%u@example.com", number);
	while (view_cut(&records, '+', &entry))
		record(person, entry);
	struct question q = question_on(l, person, terminated(stream, sizeof stream, view_trim(where)));
	struct verdict v = policy_decide(l, &q);
	const char *got = v.kind == VERDICT_ALLOW ? "allow" : verdict_reason_word(&v);
	if (!view_eq(view_of(got), wanted))
		fail_msg("policy_cases.txt:%u: %.*s: the verdict is %s", number, VFMT(line), got);
	explanation_agrees(&q, &v);
}

static void every_case(void **state)
{
	struct buf text;
	struct err err = {0};
	unsigned number = 0, cases = 0;
	struct view rest, line;
	(void)state;
	buf_init(&text, CASES_BYTES);
	if (file_read("tests/unit/policy_cases.txt", &text, &err) < 0)
		fail_msg("%s", err.text);
	rest = buf_view(&text);
	while (view_cut(&rest, '\n', &line)) {
		number++;
		line = view_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		run_case(line, number);
		cases++;
	}
	assert_true(cases > 80);
	buf_free(&text);
}

static int set_up(void **state)
{
	(void)state;
	test_now_ms = TODAY * DAY_MS;
	test_policy_make();
	place_make(&place);
	l = place_open(&place);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ledger_close(&l);
	policy_free(&test_policy->shared);
	place_remove(&place);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_case, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
