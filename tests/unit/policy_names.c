/* Look-ups by name, words, and the answer when the ledger can't be read. */
#include "policy_help.h"

#include <fcntl.h>
#include <lmdb.h>

static struct place place;
static struct ledger *l;

static int set_up(void **state)
{
	(void)state;
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

static void names_are_found(void **state)
{
	(void)state;
	const struct brand *b = policy_brand(test_policy, V("acme"));
	assert_non_null(b);
	assert_null(policy_brand(test_policy, V("acm")));
	assert_null(policy_brand(test_policy, V("")));
	const struct stream *s = policy_stream(test_policy, V("acme/offers"));
	assert_ptr_equal(s, brand_stream(b, V("offers")));
	assert_null(policy_stream(test_policy, V("acme")));
	assert_null(policy_stream(test_policy, V("acme/")));
	assert_null(policy_stream(test_policy, V("acme/offers/spring")));
	assert_null(policy_stream(test_policy, V("")));
	assert_ptr_equal(policy_stream_by_id(test_policy, s->scope.id), s);
	assert_null(policy_stream_by_id(test_policy, b->scope.id));
	assert_non_null(stream_topic(s, V("winter")));
	assert_null(stream_topic(s, V("autumn")));
}

static void domains_are_owned_downwards(void **state)
{
	(void)state;
	const struct brand *b = policy_brand(test_policy, V("acme"));
	assert_true(brand_owns_domain(b, V("acme.example")));
	assert_true(brand_owns_domain(b, V("mail.acme.example")));
	assert_false(brand_owns_domain(b, V("notacme.example")));
	assert_false(brand_owns_domain(b, V("example")));
	assert_false(brand_owns_domain(b, V(".example")));
	assert_false(brand_owns_domain(b, V("acme.example.org")));
	assert_false(brand_owns_domain(b, V("")));
}

static void words_are_stable(void **state)
{
	(void)state;
	assert_string_equal(mail_class_word(CLASS_SERVICE), "service");
	assert_null(mail_class_word(0));
	assert_int_equal(mail_class_of(V("legal")), CLASS_LEGAL);
	assert_int_equal(mail_class_of(V("Legal")), 0);
	assert_string_equal(verdict_word(VERDICT_DEFER), "defer");
	for (enum rule r = RULE_NONE; r <= RULE_NO_BASIS; r++) {
		assert_non_null(rule_word(r));
		assert_true(rule_sentence(r)[0]);
	}
	assert_string_equal(rule_word(RULE_SUPPRESSION), "suppression");
	assert_string_equal(verdict_reason_word(&(struct verdict){.rule = RULE_NO_BASIS}), "no-consent");
	assert_string_equal(verdict_reason_word(&(struct verdict){.rule = RULE_WITHDRAWN}), "withdrawn");
	assert_string_equal(verdict_reason_word(&(struct verdict){.rule = RULE_LEDGER}), "unavailable");
}

/* A row that nothing can read: promise 3. */
static void spoil(const struct person_key *who)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	uint8_t key[26] = {0};
	ledger_close(&l);
	memcpy(key, who->b, sizeof who->b);
	key[25] = REASON_OBJECTION;
	MDB_val k = {sizeof key, key}, v = {3, (void *)(uintptr_t) "\x01\x01?"};
	assert_int_equal(mdb_env_create(&env), 0);
	mdb_env_set_maxdbs(env, 8);
	assert_int_equal(mdb_env_open(env, place.data, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "suppressions", 0, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	l = place_open(&place);
}

static void unreadable_is_deferred(void **state)
{
	(void)state;
	struct question q = question_on(l, "a@example.com", "acme/offers");
	spoil(&q.who);
	struct verdict v = policy_decide(l, &q);
	assert_int_equal(v.kind, VERDICT_DEFER);
	assert_int_equal(v.rule, RULE_LEDGER);
	assert_string_equal(verdict_reason_word(&v), "unavailable");
	struct arena arena;
	struct explanation e;
	struct err err = {0};
	arena_init(&arena, 1 << 20);
	assert_int_equal(policy_explain(l, &q, &arena, &e, &err), -1);
	arena_free(&arena);
	/* And it is not written over, whoever tries. */
	struct change c = change_on(l, CHANGE_SUPPRESS, "a@example.com", "");
	struct change_result r;
	c.reason = REASON_OBJECTION;
	assert_int_equal(ledger_change(l, &c, &r, &err), -1);
	assert_int_equal(err.kind, ERR_CORRUPT);
	/* Others are asked about as ever. */
	q = question_on(l, "b@example.com", "acme/offers");
	assert_int_equal(policy_decide(l, &q).kind, VERDICT_ALLOW);
}

static void the_deciding_row_is_named(void **state)
{
	struct arena arena;
	struct explanation e;
	struct err err = {0};
	(void)state;
	suppress_ok(l, "a@example.com", "acme/offers/winter", REASON_UNSUBSCRIBE);
	suppress_ok(l, "a@example.com", "acme", REASON_MANUAL);
	suppress_ok(l, "a@example.com", "", REASON_OBJECTION);
	struct question q = question_on(l, "a@example.com", "acme/offers/spring");
	arena_init(&arena, 1 << 20);
	assert_int_equal(policy_explain(l, &q, &arena, &e, &err), 0);
	assert_int_equal(e.count, 3);
	assert_int_equal(e.verdict.seq, 3);
	for (unsigned i = 0; i < e.count; i++) {
		const struct suppression *s = e.findings[i].suppression;
		assert_int_equal(e.findings[i].decides, s->reason == REASON_OBJECTION);
		assert_int_equal(e.findings[i].blocks, s->reason != REASON_UNSUBSCRIBE);
		assert_string_equal(s->actor, "user:test");
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_are_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(domains_are_owned_downwards, set_up, tear_down),
		cmocka_unit_test(words_are_stable),
		cmocka_unit_test_setup_teardown(unreadable_is_deferred, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_deciding_row_is_named, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
