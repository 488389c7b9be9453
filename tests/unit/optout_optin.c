/* optout: a fresh sign-up takes back what the person had said against just that, and nothing else, in a real ledger. */
#include "policy_help.h"

#include "optout/optin.h"

#define ANN "ann@example.net"
#define SAID_MS (test_now_ms - 5000)

static struct place place;
static struct ledger *l;

static struct change *said(struct change *c, enum change_kind kind, const char *scope, enum reason reason)
{
	*c = change_on(l, kind, ANN, scope);
	c->reason = reason;
	c->event_ms = SAID_MS;
	c->source = V("page");
	c->actor = V(ACTOR_RECIPIENT);
	return c;
}

static void say(enum change_kind kind, const char *scope, enum reason reason, int64_t life_ms)
{
	struct change c;
	struct change_result result;
	struct err err;
	said(&c, kind, scope, reason)->expires_ms = life_ms ? test_now_ms + life_ms : 0;
	if (ledger_change(l, &c, &result, &err) < 0)
		fail_msg("%s", err.text);
}

/* WORDS: blank-separated names. */
static unsigned scopes_of(const char *words, struct scope *scopes, const struct scope **ret)
{
	struct view rest = view_of(words), word;
	unsigned n = 0;
	struct err err;
	while (view_cut(&rest, ' ', &word)) {
		assert_int_equal(scope_parse(word, &scopes[n], &err), 0);
		ret[n] = &scopes[n];
		n++;
	}
	return n;
}

/* Signs up for WORDS with room for MAX changes; how many were made. */
static size_t sign_up(const char *words, size_t max, int64_t asked_ms, bool *ret_stale)
{
	struct scope scopes[4];
	const struct scope *purposes[4];
	struct arena arena;
	struct record record;
	struct change changes[40];
	struct change_result results[40];
	struct err err;
	arena_init(&arena, 1 << 20);
	struct person_key who = person_of(l, ANN);
	assert_int_equal(ledger_look(l, &who, &arena, &record, &err), 0);
	struct optin o = {.policy = test_policy, .record = &record, .purposes = purposes, .note = V("signed up again")};
	o.purpose_count = scopes_of(words, scopes, purposes);
	said(&o.grant, CHANGE_GRANT, "", 0)->event_ms = 0;
	o.grant.source = V("form:join");
	*ret_stale = optin_is_stale(&o, asked_ms);
	size_t n = optin_changes(&o, changes, max);
	if (ledger_change_all(l, changes, n, results, &err) < 0)
		fail_msg("%s", err.text);
	arena_free(&arena);
	return n;
}

static bool may(const char *where)
{
	struct question q = question_on(l, ANN, where);
	return policy_decide(l, &q).kind == VERDICT_ALLOW;
}

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void only_what_was_said_of_it(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct {
			enum change_kind kind;
			const char *scope;
			enum reason reason;
			int64_t life_ms;
		} before[3];
		const char *ticked;
		const char *allowed; /* of the six below, by letter */
	} rows[] = {
#define UNSUBSCRIBE(scope) {CHANGE_SUPPRESS, scope, REASON_UNSUBSCRIBE, 0}
#define WITHDRAW(scope)    {CHANGE_WITHDRAW, scope, 0, 0}
	    {"nothing stood", {{0}}, "acme/news", "oswnR"},
	    {"of the same stream", {UNSUBSCRIBE("acme/offers"), WITHDRAW("acme/offers")}, "acme/offers", "oswR"},
	    {"of the whole brand", {UNSUBSCRIBE("acme"), WITHDRAW("acme")}, "acme/offers", "oswR"},
	    {"of the brand, two ticked", {UNSUBSCRIBE("acme"), WITHDRAW("acme")}, "acme/offers acme/news", "oswnR"},
	    {"of the brand, one topic ticked", {UNSUBSCRIBE("acme"), WITHDRAW("acme")}, "acme/offers/spring", "sR"},
	    {"of the stream, one topic ticked", {UNSUBSCRIBE("acme/offers"), WITHDRAW("acme/offers")}, "acme/offers/spring", "sR"},
	    {"of everything", {UNSUBSCRIBE(""), WITHDRAW("")}, "acme/offers", "oswR"},
	    {"of the brand and a topic", {UNSUBSCRIBE("acme"), WITHDRAW("acme"), UNSUBSCRIBE("acme/offers/winter")}, "acme/offers", "osR"},
	    {"a pause of the brand", {{CHANGE_SUPPRESS, "acme", REASON_UNSUBSCRIBE, 60000}}, "acme/offers", "oswR"},
	    {"an import's, where a withdrawal would reach alerts", {UNSUBSCRIBE("acme")}, "acme/offers", "R"},
	    {"a complaint too", {UNSUBSCRIBE("acme"), WITHDRAW("acme"), {CHANGE_SUPPRESS, "acme", REASON_COMPLAINT, 0}}, "acme/offers", "R"},
	    {"an objection", {{CHANGE_SUPPRESS, "acme", REASON_OBJECTION, 0}}, "acme/offers", "R"},
	    {"a bounce", {{CHANGE_SUPPRESS, "", REASON_BOUNCE, 0}}, "acme/offers", ""},
	    {"a register", {{CHANGE_SUPPRESS, "", REASON_REGISTER, 0}}, "acme/offers", "R"},
	    {"erased", {{CHANGE_FORGET, "", 0, 0}}, "acme/offers", "R"},
	};
	static const struct {
		char letter;
		const char *where;
	} questions[] = {{'o', "acme/offers"}, {'s', "acme/offers/spring"}, {'w', "acme/offers/winter"}, {'n', "acme/news"}, {'R', "acme/receipts"}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool stale;
		place_make(&place);
		l = place_open(&place);
		for (size_t k = 0; k < 3 && rows[i].before[k].kind; k++)
			say(rows[i].before[k].kind, rows[i].before[k].scope, rows[i].before[k].reason, rows[i].before[k].life_ms);
		sign_up(rows[i].ticked, 40, test_now_ms - 1000, &stale);
		assert_false(stale);
		for (size_t q = 0; q < COUNT(questions); q++)
			if (may(questions[q].where) != (strchr(rows[i].allowed, questions[q].letter) != NULL))
				fail_msg("%s: %s", rows[i].name, questions[q].where);
		ledger_close(&l);
		place_remove(&place);
	}
}

/* What is narrowed keeps its time, its end and its strength: a consent for another stream that an import brings later lifts nothing. */
static void what_is_left_is_an_unsubscribe(void **state)
{
	(void)state;
	bool stale;
	struct arena arena;
	struct record record;
	struct err err;
	place_make(&place);
	l = place_open(&place);
	say(CHANGE_SUPPRESS, "acme", REASON_UNSUBSCRIBE, 60000);
	sign_up("acme/offers/spring", 40, test_now_ms - 1000, &stale);
	arena_init(&arena, 1 << 20);
	struct person_key who = person_of(l, ANN);
	assert_int_equal(ledger_look(l, &who, &arena, &record, &err), 0);
	assert_int_equal(record.suppression_count, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct suppression *s = &record.suppressions[i];
		assert_true(strcmp(s->scope.name, "acme/offers/winter") == 0 || strcmp(s->scope.name, "acme/news") == 0);
		assert_int_equal(s->reason, REASON_UNSUBSCRIBE);
		assert_int_equal(s->event_ms, SAID_MS);
		assert_int_equal(s->expires_ms, test_now_ms + 60000);
	}
	say(CHANGE_SUPPRESS, "acme", REASON_UNSUBSCRIBE, 0); /* and said again, it is whole again */
	assert_false(may("acme/offers/spring"));
	arena_free(&arena);
	ledger_close(&l);
	place_remove(&place);
}

static void what_does_not_fit_stays_whole(void **state)
{
	(void)state;
	bool stale;
	place_make(&place);
	l = place_open(&place);
	say(CHANGE_SUPPRESS, "acme", REASON_UNSUBSCRIBE, 0);
	say(CHANGE_WITHDRAW, "acme", 0, 0);
	assert_int_equal(sign_up("acme/offers", 2, test_now_ms - 1000, &stale), 1); /* the consent; narrowing takes two */
	assert_false(may("acme/offers"));
	assert_int_equal(sign_up("acme/offers", 3, test_now_ms - 1000, &stale), 3);
	assert_true(may("acme/offers"));
	assert_false(may("acme/news"));
	ledger_close(&l);
	place_remove(&place);
}

static void an_old_wish_is_stale(void **state)
{
	(void)state;
	bool stale;
	place_make(&place);
	l = place_open(&place);
	say(CHANGE_SUPPRESS, "acme/news", REASON_UNSUBSCRIBE, 0);
	sign_up("acme/offers", 40, SAID_MS - 1, &stale);
	assert_false(stale); /* it was about something else */
	sign_up("acme/news", 40, SAID_MS - 1, &stale);
	assert_true(stale);
	say(CHANGE_WITHDRAW, "acme", 0, 0);
	sign_up("acme/offers", 40, SAID_MS - 1, &stale);
	assert_true(stale);
	sign_up("acme/offers", 40, SAID_MS, &stale);
	assert_false(stale);
	ledger_close(&l);
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_what_was_said_of_it),
	    cmocka_unit_test(what_is_left_is_an_unsubscribe),
	    cmocka_unit_test(what_does_not_fit_stays_whole),
	    cmocka_unit_test(an_old_wish_is_stale),
	};
	test_policy_make();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	policy_free(&test_policy->shared);
	return failed;
}
