/* What changes do, and what only-stronger keeps them from doing. */
#include "ledger_help.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"

static struct place place;
static struct ledger *l;
static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	place_make(&place);
	test_now_ms = 1000000;
	l = place_open(&place);
	arena_init(&arena, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ledger_close(&l);
	arena_free(&arena);
	place_remove(&place);
	return 0;
}

static struct record look(const char *address)
{
	struct record r;
	struct err err = {0};
	struct person_key who = person_of(l, address);
	if (ledger_look(l, &who, &arena, &r, &err) < 0)
		fail_msg("ledger_look: %s", err.text);
	return r;
}

static enum err_kind refused(const struct change *c)
{
	struct change_result r;
	struct err err = {0};
	assert_int_equal(ledger_change(l, c, &r, &err), -1);
	assert_true(err.text[0]);
	return err.kind;
}

static void words_both_ways(void **state)
{
	(void)state;
	assert_string_equal(channel_word(CHANNEL_SOCIAL), "social");
	assert_null(channel_word(0));
	assert_null(channel_word(6));
	assert_int_equal(reason_of(V("erasure")), REASON_ERASURE);
	assert_int_equal(reason_of(V("Erasure")), 0);
	assert_int_equal(reason_of(V("")), 0);
	assert_int_equal(basis_of(V("soft-opt-in")), BASIS_SOFT_OPT_IN);
	assert_string_equal(scope_word(SCOPE_GLOBAL), "global");
	assert_null(scope_word(4));
	for (int r = REASON_OBJECTION; r <= REASON_ERASURE; r++)
		assert_int_equal(reason_of(view_of(reason_word(r))), r);
}

static void scopes_by_name(void **state)
{
	static const struct {
		const char *name;
		int level; /* -1: refused */
	} cases[] = {
		{"", 0},
		{"acme", 1},
		{"acme/offers", 2},
		{"acme/offers/spring", 3},
		{"a.b-c_9", 1},
		{"/", -1},
		{"acme/", -1},
		{"/acme", -1},
		{"a//b", -1},
		{"a/b/c/d", -1},
		{"Acme", -1},
		{"a b", -1},
		{"a/b/c/", -1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct scope s;
		struct err err;
		int rc = scope_parse(view_of(cases[i].name), &s, &err);
		assert_int_equal(rc, cases[i].level < 0 ? -1 : 0);
		if (rc == 0) {
			assert_int_equal(s.level, cases[i].level);
			assert_string_equal(s.name, cases[i].name);
		}
	}
	char longest[SCOPE_NAME_MAX + 2];
	memset(longest, 'a', sizeof longest);
	struct scope s;
	assert_int_equal(scope_parse(view_n(longest, SCOPE_NAME_MAX), &s, NULL), 0);
	assert_int_equal(scope_parse(view_n(longest, SCOPE_NAME_MAX + 1), &s, NULL), -1);
}

static void a_suppression_is_kept_whole(void **state)
{
	(void)state;
	struct change c = change_on(l, CHANGE_SUPPRESS, "anna@example.com", "acme/offers");
	c.reason = REASON_UNSUBSCRIBE;
	c.event_ms = 5000;
	c.note = V("by phone");
	struct change_result r = change_ok(l, &c);
	assert_true(r.changed);
	assert_int_equal(r.seq, 1);
	struct record rec = look("anna@example.com");
	assert_int_equal(rec.suppression_count, 1);
	assert_true(rec.known);
	const struct suppression *s = rec.suppressions;
	assert_string_equal(s->scope.name, "acme/offers");
	assert_int_equal(s->scope.level, SCOPE_STREAM);
	assert_int_equal(s->event_ms, 5000);
	assert_int_equal(s->arrived_ms, 1000000);
	assert_int_equal(s->seq, 1);
	assert_string_equal(s->source, "test");
	assert_string_equal(s->actor, "user:test");
	assert_string_equal(s->note, "by phone");
	assert_int_equal(look("bert@example.com").suppression_count, 0);
}

static void duplicates_only_strengthen(void **state)
{
	(void)state;
	struct change c = change_on(l, CHANGE_SUPPRESS, "a@example.com", "");
	c.reason = REASON_MANUAL;
	c.event_ms = 5000;
	c.expires_ms = 2000000;
	uint64_t first = change_ok(l, &c).seq;
	struct change_result again = change_ok(l, &c);
	assert_false(again.changed);
	assert_int_equal(again.seq, first);
	c.expires_ms = 1500000; /* shorter, later: nothing */
	c.event_ms = 6000;
	assert_false(change_ok(l, &c).changed);
	c.event_ms = 4000; /* earlier */
	assert_true(change_ok(l, &c).changed);
	assert_int_equal(look("a@example.com").suppressions->expires_ms, 2000000);
	assert_int_equal(look("a@example.com").suppressions->event_ms, 4000);
	c.expires_ms = 0; /* for ever */
	assert_true(change_ok(l, &c).changed);
	c.expires_ms = 9000000;
	assert_false(change_ok(l, &c).changed);
	assert_int_equal(look("a@example.com").suppressions->expires_ms, 0);
}

static struct change removal(const char *actor, enum reason reason)
{
	struct change c = change_on(l, CHANGE_UNSUPPRESS, "a@example.com", "acme");
	c.reason = reason;
	c.note = V("asked for in writing");
	c.actor = view_of(actor);
	return c;
}

static uint64_t requested(const char *actor, enum reason reason)
{
	struct change c = removal(actor, reason);
	c.kind = CHANGE_REQUEST;
	return change_ok(l, &c).seq;
}

static void removal_takes_two_people(void **state)
{
	static const struct {
		enum reason reason;
		bool two;
	} rows[] = {{REASON_OBJECTION, true}, {REASON_UNSUBSCRIBE, true}, {REASON_COMPLAINT, true}, {REASON_BOUNCE, false},
	    {REASON_MANUAL, false}, {REASON_REGISTER, false}, {REASON_LEGAL, false}, {REASON_ERASURE, false}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct change c = removal("user:bob", rows[i].reason);
		suppress_ok(l, "a@example.com", "acme", rows[i].reason);
		if (!rows[i].two) {
			assert_true(change_ok(l, &c).changed);
			continue;
		}
		assert_int_equal(refused(&c), ERR_REFUSED);
		c.request = requested("user:bob", rows[i].reason);
		assert_int_equal(refused(&c), ERR_REFUSED); /* one's own */
		c.request = requested("user:anna", rows[i].reason) + 1;
		assert_int_equal(refused(&c), ERR_REFUSED); /* no such entry */
		c.request--;
		assert_true(change_ok(l, &c).changed);
		assert_false(change_ok(l, &c).changed); /* nothing there any more */
		suppress_ok(l, "a@example.com", "acme", rows[i].reason);
		assert_int_equal(refused(&c), ERR_REFUSED); /* good once */
	}
	assert_int_equal(look("a@example.com").suppression_count, 3);
}

static void a_request_is_for_its_row_and_time(void **state)
{
	(void)state;
	suppress_ok(l, "a@example.com", "acme", REASON_COMPLAINT);
	suppress_ok(l, "a@example.com", "acme", REASON_OBJECTION);
	suppress_ok(l, "a@example.com", "", REASON_COMPLAINT);
	struct change c = removal("user:bob", REASON_OBJECTION);
	c.request = requested("user:anna", REASON_COMPLAINT);
	assert_int_equal(refused(&c), ERR_REFUSED);
	c.reason = REASON_COMPLAINT;
	struct change wider = c;
	wider.scope = scope_named("");
	assert_int_equal(refused(&wider), ERR_REFUSED);
	test_now_ms += INT64_C(31) * 86400000;
	assert_int_equal(refused(&c), ERR_REFUSED);
	test_now_ms -= INT64_C(2) * 86400000;
	assert_true(change_ok(l, &c).changed);
	struct change nothing = removal("user:anna", REASON_BOUNCE);
	nothing.kind = CHANGE_REQUEST;
	assert_false(change_ok(l, &nothing).changed);
}

static void the_recipient_may_take_back(void **state)
{
	(void)state;
	struct change own = removal(ACTOR_RECIPIENT, REASON_UNSUBSCRIBE);
	own.row = suppress_ok(l, "a@example.com", "acme", REASON_UNSUBSCRIBE).seq + 1;
	assert_int_equal(refused(&own), ERR_CONFLICT); /* exactly that row */
	own.row--;
	assert_true(change_ok(l, &own).changed);
	suppress_ok(l, "a@example.com", "acme", REASON_OBJECTION);
	struct change c = removal(ACTOR_RECIPIENT, REASON_OBJECTION);
	assert_int_equal(refused(&c), ERR_REFUSED); /* an objection is not undone by a click */
	/* Signed up again since, confirmed by mail: one person may lift it. */
	struct change grant = change_on(l, CHANGE_GRANT, "a@example.com", "acme");
	grant.basis = BASIS_CONSENT;
	grant.actor = V(ACTOR_RECIPIENT);
	grant.source = V("form:newsletter");
	change_ok(l, &grant); /* at the very instant of the objection */
	c.actor = V("user:bob");
	assert_int_equal(refused(&c), ERR_REFUSED);
	test_now_ms += 1000;
	grant.actor = V("user:bob");
	change_ok(l, &grant);
	assert_int_equal(refused(&c), ERR_REFUSED); /* nobody signs up for another */
	test_now_ms += 1000;
	grant.actor = V(ACTOR_RECIPIENT);
	change_ok(l, &grant);
	assert_true(change_ok(l, &c).changed);
}

static void soft_opt_in_needs_its_proof(void **state)
{
	static const char *const lacking[] = {"", "product=shoes refusal=box", "sale=A-17 refusal=box", "sale=A-17 product=shoes",
	    "sale= product=shoes refusal=box", "sale=A-17 product=shoes refusal=no", "presale=A-17 product=shoes refusal=box"};
	(void)state;
	struct change c = change_on(l, CHANGE_GRANT, "a@example.com", "acme");
	c.basis = BASIS_SOFT_OPT_IN;
	for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++) {
		c.evidence = view_of(lacking[i]);
		assert_int_equal(refused(&c), ERR_REFUSED);
	}
	assert_int_equal(look("a@example.com").consent_count, 0);
	c.evidence = V("ip=192.0.2.1 " SOFT_EVIDENCE);
	assert_true(change_ok(l, &c).changed);
	c = change_on(l, CHANGE_GRANT, "b@example.com", "acme");
	c.basis = BASIS_SOFT_OPT_IN;
	c.evidence = V("negotiation=offer-9 product=shoes refusal=asked");
	assert_true(change_ok(l, &c).changed);
}

static void removal_takes_a_reason_and_one_row(void **state)
{
	(void)state;
	suppress_ok(l, "a@example.com", "acme", REASON_UNSUBSCRIBE);
	suppress_ok(l, "a@example.com", "acme", REASON_BOUNCE);
	suppress_ok(l, "a@example.com", "", REASON_UNSUBSCRIBE);
	struct change c = change_on(l, CHANGE_UNSUPPRESS, "a@example.com", "acme");
	c.reason = REASON_UNSUBSCRIBE;
	assert_int_equal(refused(&c), ERR_REFUSED);
	c.note = V("  ");
	assert_int_equal(refused(&c), ERR_REFUSED);
	c.note = V("signed form of 3 March");
	c.actor = V("");
	assert_int_equal(refused(&c), ERR_REFUSED);
	assert_int_equal(look("a@example.com").suppression_count, 3);
	c.actor = V("user:anna");
	assert_int_equal(refused(&c), ERR_REFUSED); /* alone */
	assert_true(remove_ok(l, &c).changed);
	struct record rec = look("a@example.com");
	assert_int_equal(rec.suppression_count, 2);
	assert_int_equal(rec.suppressions[0].scope.level, SCOPE_GLOBAL);
	assert_int_equal(rec.suppressions[1].reason, REASON_BOUNCE);
	struct change_result r = change_ok(l, &c);
	assert_false(r.changed);
	assert_int_equal(r.seq, 0);
}

static const struct consent *consent(enum change_kind kind, enum basis basis, int64_t event_ms, bool changed)
{
	struct change c = change_on(l, kind, "a@example.com", "acme/offers");
	c.basis = basis;
	c.event_ms = event_ms;
	assert_int_equal(change_ok(l, &c).changed, changed);
	return look("a@example.com").consents;
}

static void event_time_decides_and_withdrawal_wins(void **state)
{
	(void)state;
	assert_int_equal(consent(CHANGE_GRANT, BASIS_CONSENT, 5000, true)->granted_ms, 5000);
	consent(CHANGE_WITHDRAW, 0, 6000, true);
	consent(CHANGE_GRANT, BASIS_CONSENT, 5500, false); /* older: on record only */
	consent(CHANGE_GRANT, BASIS_CONSENT, 6000, false); /* a tie */
	const struct consent *c = consent(CHANGE_GRANT, BASIS_CONSENT, 6000, false);
	assert_false(consent_stands(c->basis, c->granted_ms, c->withdrawn_ms, c->expires_ms, 7000));
	c = consent(CHANGE_GRANT, BASIS_LEGITIMATE_INTEREST, 7000, false); /* not the person's own */
	assert_false(consent_stands(c->basis, c->granted_ms, c->withdrawn_ms, c->expires_ms, 7000));
	c = consent(CHANGE_GRANT, BASIS_CONSENT, 7000, true);
	assert_true(consent_stands(c->basis, c->granted_ms, c->withdrawn_ms, c->expires_ms, 8000));
	consent(CHANGE_WITHDRAW, 0, 6500, false); /* late news of an old withdrawal */
	c = consent(CHANGE_WITHDRAW, 0, 0, true);
	assert_false(consent_stands(c->basis, c->granted_ms, c->withdrawn_ms, c->expires_ms, 2000000));
}

static void no_grant_outlives_todays_withdrawal(void **state)
{
	(void)state;
	consent(CHANGE_GRANT, BASIS_CONSENT, 99000000, true); /* dated in the future: taken as of now */
	assert_int_equal(look("a@example.com").consents->granted_ms, 1000000);
	test_now_ms = 400000; /* the clock is set back */
	const struct consent *c = consent(CHANGE_WITHDRAW, 0, 0, true);
	assert_false(consent_stands(c->basis, c->granted_ms, c->withdrawn_ms, c->expires_ms, 400000));
}

static void an_erased_person_stays_blocked_and_unnamed(void **state)
{
	struct buf b;
	struct err err = {0};
	struct person_key who = person_of(l, "a@example.com");
	(void)state;
	buf_init(&b, 1000);
	suppress_ok(l, "a@example.com", "acme", REASON_COMPLAINT);
	consent(CHANGE_GRANT, BASIS_CONSENT, 5000, true);
	assert_int_equal(ledger_person(l, &who, &b, &err), 0);
	assert_string_equal(buf_cstr(&b), "a@example.com");
	struct change c = change_on(l, CHANGE_FORGET, "a@example.com", "");
	assert_true(change_ok(l, &c).changed);
	assert_false(change_ok(l, &c).changed);
	struct record rec = look("a@example.com");
	assert_false(rec.known);
	assert_int_equal(rec.consent_count, 0);
	assert_int_equal(rec.suppression_count, 2);
	assert_int_equal(rec.suppressions[0].reason, REASON_ERASURE);
	assert_int_equal(rec.suppressions[1].reason, REASON_COMPLAINT);
	assert_string_equal(rec.suppressions[1].actor, "");
	assert_int_equal(ledger_person(l, &who, &b, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
	suppress_ok(l, "a@example.com", "", REASON_BOUNCE); /* an import that names them again */
	assert_false(look("a@example.com").known);
	buf_free(&b);
}

/* An erasure may be recorded with an end, as any suppression; forgetting has none. */
static void forgetting_outlives_an_erasure_with_an_end(void **state)
{
	(void)state;
	struct change c = change_on(l, CHANGE_SUPPRESS, "a@example.com", "");
	c.address = V("");
	c.reason = REASON_ERASURE;
	c.expires_ms = test_now_ms + 1000;
	change_ok(l, &c);
	c = change_on(l, CHANGE_FORGET, "a@example.com", "");
	assert_true(change_ok(l, &c).changed);
	assert_int_equal(look("a@example.com").suppressions[0].expires_ms, 0);
	assert_false(change_ok(l, &c).changed);
}

static void erasure_keeps_withdrawals(void **state)
{
	(void)state;
	consent(CHANGE_WITHDRAW, 0, 6000, true);
	struct change c = change_on(l, CHANGE_FORGET, "a@example.com", "");
	change_ok(l, &c);
	const struct consent *bare = look("a@example.com").consents;
	assert_int_equal(bare->withdrawn_ms, 6000);
	assert_string_equal(bare->actor, "");
	bare = consent(CHANGE_GRANT, BASIS_CONSENT, 5000, false); /* an old list comes again */
	assert_false(consent_stands(bare->basis, bare->granted_ms, bare->withdrawn_ms, bare->expires_ms, 7000));
}

static void all_or_none(void **state)
{
	(void)state;
	struct change c[3] = {change_on(l, CHANGE_SUPPRESS, "a@example.com", ""),
	    change_on(l, CHANGE_SUPPRESS, "b@example.com", "acme"),
	    change_on(l, CHANGE_SUPPRESS, "c@example.com", "acme")};
	struct change_result r[3];
	struct err err = {0};
	c[0].reason = c[1].reason = c[2].reason = REASON_MANUAL;
	/* Refused only within the transaction: another name with the id of acme. */
	memcpy(c[2].scope.name, "emca", 5);
	assert_int_equal(ledger_change_all(l, c, 3, r, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_int_equal(look("a@example.com").suppression_count, 0);
	assert_int_equal(ledger_journal_last(l), 0);
	c[2].scope = c[1].scope;
	assert_int_equal(ledger_change_all(l, c, 3, r, &err), 0);
	assert_int_equal(r[2].seq, 3);
	c[1].reason = 77;
	assert_int_equal(ledger_change_all(l, c, 3, r, &err), -1);
	assert_int_equal(err.kind, ERR_SYNTAX);
}

static void wrong_forms_are_refused(void **state)
{
	char text[NOTE_MAX + 1];
	(void)state;
	memset(text, 'x', sizeof text);
	struct change c = change_on(l, CHANGE_SUPPRESS, "a@example.com", "");
	assert_int_equal(refused(&c), ERR_SYNTAX); /* no reason */
	c.reason = REASON_MANUAL;
	c.note = view_n(text, sizeof text);
	assert_int_equal(refused(&c), ERR_LIMIT);
	c.note = view_n("a\0b", 3);
	assert_int_equal(refused(&c), ERR_SYNTAX);
	c.note = V("");
	c.scope.level = SCOPE_BRAND; /* without an id */
	assert_int_equal(refused(&c), ERR_SYNTAX);
	c = change_on(l, CHANGE_GRANT, "a@example.com", "");
	c.basis = BASIS_CONSENT;
	assert_int_equal(refused(&c), ERR_REFUSED); /* no purpose */
	c.kind = CHANGE_LOAD;
	assert_int_equal(refused(&c), ERR_SYNTAX);
}

static void keys_are_never_made_anew(void **state)
{
	struct ledger *other = NULL;
	struct err err = {0};
	char path[200], kept[200];
	struct stat st;
	(void)state;
	suppress_ok(l, "a@example.com", "", REASON_MANUAL);
	ledger_close(&l);
	snprintf(path, sizeof path, "%s/ledger.key", place.keys);
	snprintf(kept, sizeof kept, "%s/kept", place.keys);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 65);
	rename(path, kept);
	assert_int_equal(ledger_open(&other, &place.settings, &test_clock, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
	assert_non_null(strstr(err.text, "restore"));
	assert_int_equal(access(path, F_OK), -1);
	char zeros[65];
	memset(zeros, '0', sizeof zeros);
	assert_int_equal(file_create(path, view_n(zeros, 64), 0600, &err), 0);
	assert_int_equal(ledger_open(&other, &place.settings, &test_clock, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	rename(kept, path);
	chmod(path, 0644);
	assert_int_equal(ledger_open(&other, &place.settings, &test_clock, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	chmod(path, 0600);
	l = place_open(&place);
	assert_int_equal(look("a@example.com").suppression_count, 1);
}

static void reading_only(void **state)
{
	(void)state;
	suppress_ok(l, "a@example.com", "", REASON_MANUAL);
	ledger_close(&l);
	place.settings.read_only = true;
	l = place_open(&place);
	assert_int_equal(look("a@example.com").suppression_count, 1);
	struct change c = change_on(l, CHANGE_NOTE, "a@example.com", "");
	assert_int_equal(refused(&c), ERR_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_both_ways),
		cmocka_unit_test(scopes_by_name),
		cmocka_unit_test_setup_teardown(a_suppression_is_kept_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(duplicates_only_strengthen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(removal_takes_a_reason_and_one_row, set_up, tear_down),
		cmocka_unit_test_setup_teardown(soft_opt_in_needs_its_proof, set_up, tear_down),
		cmocka_unit_test_setup_teardown(removal_takes_two_people, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_request_is_for_its_row_and_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_recipient_may_take_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(event_time_decides_and_withdrawal_wins, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_grant_outlives_todays_withdrawal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_erased_person_stays_blocked_and_unnamed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(forgetting_outlives_an_erasure_with_an_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(erasure_keeps_withdrawals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(all_or_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_forms_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_are_never_made_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reading_only, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
