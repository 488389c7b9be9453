/* Whose report it is and what it changes: tokens, soft days, refusals, raw reports; many at once. */
#include "policy_help.h"

#include <pthread.h>

#include "base/file.h"
#include "inbound/inbox.h"
#include "mail/address.h"

#define DAY_MS 86400000

static struct place place;
static struct ledger *ledger;
static struct token_keys *tokens;
static struct inbox *inbox;
static char reports_dir[100];

static struct inbox_settings *settings_make(unsigned soft_days)
{
	struct inbox_settings *s = mem_zero(sizeof *s);
	struct err err;
	s->policy = test_policy;
	shared_hold(&test_policy->shared);
	s->tokens = token_keys_hold(tokens);
	assert_int_equal(bounce_rules_new(&s->rules, V(""), "own", (struct view){0}, "bounce.rules", &err), 0);
	s->max_message_bytes = 1 << 20;
	s->max_received = 10;
	s->soft_days = soft_days;
	s->keep_ms = 3 * (int64_t)DAY_MS;
	atomic_init(&s->shared.refs, 1);
	s->shared.free = inbox_settings_free;
	return s;
}

static void inbox_make(unsigned soft_days)
{
	struct err err = {0};
	if (inbox_open(&inbox, reports_dir, 60, ledger, &test_clock, settings_make(soft_days), &err) < 0)
		fail_msg("%s", err.text);
}

static int setup(void **state)
{
	static const uint8_t key[1][TOKEN_KEY_BYTES] = {{7}}, id[1] = {1};
	(void)state;
	test_now_ms = 20000 * (int64_t)DAY_MS;
	place_make(&place);
	ledger = place_open(&place);
	test_policy_make();
	atomic_init(&test_policy->shared.refs, 1);
	test_policy->shared.free = policy_free;
	test_policy->brands[0].bounce_domain = mem_strdup("bounce.acme.example");
	tokens = token_keys_new(key, id, 1);
	snprintf(reports_dir, sizeof reports_dir, "%s/reports", place.dir);
	inbox_make(3);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	inbox_close(&inbox);
	ledger_close(&ledger);
	token_keys_free(&tokens);
	shared_release(&test_policy->shared);
	place_remove(&place);
	return 0;
}

static void address_for(const char *who, enum token_use use, struct address *ret)
{
	struct token t = {.channel = CHANNEL_EMAIL, .level = SCOPE_STREAM, .who = person_of(ledger, who)};
	struct buf b;
	struct err err;
	memcpy(t.scope_id, test_policy->brands[0].streams[0].scope.id, SCOPE_ID_BYTES);
	memcpy(t.stream_id, t.scope_id, SCOPE_ID_BYTES);
	buf_init(&b, 200);
	buf_fmt(&b, "%c+", use);
	token_mint_address(tokens, use, &t, &b);
	buf_str(&b, "@bounce.acme.example");
	assert_int_equal(address_parse(buf_view(&b), ret, &err), 0);
	buf_free(&b);
}

struct answers {
	pthread_mutex_t lock;
	pthread_cond_t more;
	unsigned count, code;
};

static void answered(void *arg, const struct reply *reply)
{
	struct answers *a = arg;
	pthread_mutex_lock(&a->lock);
	a->count++;
	a->code = (unsigned)reply->code;
	pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->lock);
}

static void submit(struct answers *a, const char *who, enum token_use use, bool null_sender, const char *message)
{
	struct address to;
	struct inbox_report *r = mem_zero(sizeof *r);
	address_for(who, use, &to);
	r->settings = inbox_settings_hold(inbox);
	assert_true(inbox_takes(r->settings, &to, &r->rcpts[0]));
	r->rcpt_count = 1;
	r->null_sender = null_sender;
	buf_init(&r->message, 1 << 20);
	buf_str(&r->message, message);
	r->done = answered;
	r->arg = a;
	inbox_submit(inbox, r);
}

static void wait_for(struct answers *a, unsigned count)
{
	pthread_mutex_lock(&a->lock);
	while (a->count < count)
		pthread_cond_wait(&a->more, &a->lock);
	pthread_mutex_unlock(&a->lock);
}

static unsigned report(const char *who, enum token_use use, bool null_sender, const char *message)
{
	struct answers a = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
	submit(&a, who, use, null_sender, message);
	wait_for(&a, 1);
	return a.code;
}

static bool is_blocked(const char *who, enum reason reason)
{
	struct arena a;
	struct record r;
	struct err err;
	struct person_key key = person_of(ledger, who);
	bool found = false;
	arena_init(&a, 1 << 20);
	assert_int_equal(ledger_look(ledger, &key, &a, &r, &err), 0);
	for (unsigned i = 0; i < r.suppression_count; i++)
		found |= r.suppressions[i].reason == reason;
	arena_free(&a);
	return found;
}

#define DSN(who, status, said)                                                                                                \
	"From: MAILER-DAEMON@mx.example\nMIME-Version: 1.0\nContent-Type: multipart/report; boundary=b\n\n--b\n"              \
	"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; " who             \
	"\nAction: failed\nStatus: " status "\nDiagnostic-Code: smtp; " said "\n\n--b--\n"

static void a_hard_bounce_suppresses(void **state)
{
	(void)state;
	assert_int_equal(report("a@example.net", TOKEN_BOUNCE, true, DSN("a@example.net", "5.1.1", "550 5.1.1 no")), 250);
	assert_true(is_blocked("a@example.net", REASON_BOUNCE));
	assert_int_equal(report("b@example.net", TOKEN_BOUNCE, true, DSN("b@example.net", "5.7.1", "550 5.7.1 spam")), 250);
	assert_false(is_blocked("b@example.net", REASON_BOUNCE));
}

/* A report on several people, sent to the token of one: only its own group counts. */
static void only_ones_own_group_counts(void **state)
{
	(void)state;
	const char *both = "From: MAILER-DAEMON@mx.example\nMIME-Version: 1.0\nContent-Type: multipart/report; boundary=b\n\n--b\n"
			   "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
			   "Final-Recipient: rfc822; c@example.net\nAction: failed\nStatus: 5.1.1\n\n"
			   "Final-Recipient: rfc822; d@example.net\nAction: failed\nStatus: 4.2.2\n\n--b--\n";
	report("d@example.net", TOKEN_BOUNCE, true, both);
	assert_false(is_blocked("d@example.net", REASON_BOUNCE) || is_blocked("c@example.net", REASON_BOUNCE));
	report("c@example.net", TOKEN_BOUNCE, true, both);
	assert_true(is_blocked("c@example.net", REASON_BOUNCE));
	report("e@example.net", TOKEN_BOUNCE, true, both);
	assert_false(is_blocked("e@example.net", REASON_BOUNCE));
}

static void outcome(const char *who, bool delivered, int code, const char *enhanced, const char *text)
{
	struct reply reply;
	struct err err;
	reply_set(&reply, code, enhanced, "%s", text);
	struct inbox_outcome o = {delivered, person_of(ledger, who), view_of(who), &reply, V("1.0")};
	assert_int_equal(inbox_outcome(inbox, &o, &err), 0);
}

static void soft_counts_days(void **state)
{
	(void)state;
	const char *full = DSN("a@example.net", "5.2.2", "552 5.2.2 mailbox full");
	for (int attempt = 0; attempt < 20; attempt++)
		report("a@example.net", TOKEN_BOUNCE, true, full);
	test_now_ms += DAY_MS;
	report("a@example.net", TOKEN_BOUNCE, true, full);
	assert_false(is_blocked("a@example.net", REASON_BOUNCE));
	outcome("a@example.net", true, 250, "2.0.0", "ok");
	for (int day = 0; day < 2; day++) {
		test_now_ms += DAY_MS;
		report("a@example.net", TOKEN_BOUNCE, true, full);
	}
	assert_false(is_blocked("a@example.net", REASON_BOUNCE));
	inbox_close(&inbox);
	inbox_make(3);
	test_now_ms += DAY_MS;
	outcome("a@example.net", false, 552, "5.2.2", "mailbox full");
	assert_true(is_blocked("a@example.net", REASON_BOUNCE));
}

static void a_disabled_mailbox_has_two_days(void **state)
{
	(void)state;
	outcome("a@example.net", false, 550, "5.2.1", "mailbox disabled");
	assert_false(is_blocked("a@example.net", REASON_BOUNCE));
	test_now_ms += DAY_MS;
	outcome("a@example.net", false, 550, "5.2.1", "mailbox disabled");
	assert_true(is_blocked("a@example.net", REASON_BOUNCE));
}

static void refusals_go_through_the_table(void **state)
{
	(void)state;
	outcome("a@example.net", false, 550, "5.1.1", "user unknown");
	outcome("b@example.net", false, 554, "5.7.1", "blocked using spamhaus");
	outcome("c@example.net", false, 550, "", "who knows");
	assert_true(is_blocked("a@example.net", REASON_BOUNCE));
	assert_false(is_blocked("b@example.net", REASON_BOUNCE) || is_blocked("c@example.net", REASON_BOUNCE));
}

static void optouts_act_on_the_token(void **state)
{
	(void)state;
	report("a@example.net", TOKEN_OPTOUT, true, "From: a@example.net\nSubject: x\n\n");
	report("a@example.net", TOKEN_OPTOUT, false, "From: a@example.net\nAuto-Submitted: auto-replied\n\n");
	report("a@example.net", TOKEN_OPTOUT, false, DSN("a@example.net", "5.1.1", "550 5.1.1 no"));
	assert_false(is_blocked("a@example.net", REASON_UNSUBSCRIBE) || is_blocked("a@example.net", REASON_BOUNCE));
	assert_int_equal(report("a@example.net", TOKEN_OPTOUT, false, "From: someone@else.example\n\n"), 250);
	assert_true(is_blocked("a@example.net", REASON_UNSUBSCRIBE));
	assert_false(is_blocked("someone@else.example", REASON_UNSUBSCRIBE));
}

#define COMPLAINT                                                                                                             \
	"From: fbl@provider.example\nMIME-Version: 1.0\nContent-Type: multipart/report; boundary=b\n\n--b\n"                 \
	"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: p/1\nVersion: 1\n\n--b--\n"

/* The address of one copy: only complaints count there, and only signed ones, even where the settings ask for no proof. */
static void complaint_addresses_want_proof(void **state)
{
	(void)state;
	assert_int_equal(report("a@example.net", TOKEN_COMPLAINT, false, COMPLAINT), 250);
	assert_int_equal(report("a@example.net", TOKEN_COMPLAINT, true, DSN("a@example.net", "5.1.1", "550 5.1.1 no")), 250);
	assert_int_equal(report("a@example.net", TOKEN_COMPLAINT, false, "From: a@example.net\nSubject: unsubscribe\n\n"), 250);
	assert_false(is_blocked("a@example.net", REASON_COMPLAINT) || is_blocked("a@example.net", REASON_BOUNCE));
	assert_false(is_blocked("a@example.net", REASON_UNSUBSCRIBE));
	assert_int_equal(report("a@example.net", TOKEN_BOUNCE, false, COMPLAINT), 250);
	assert_true(is_blocked("a@example.net", REASON_COMPLAINT));
}

static void nobody_else_is_taken(void **state)
{
	static const char *const others[] = {"a@example.net", "b+aaaa@bounce.acme.example", "u+@bounce.acme.example", "postmaster@bounce.acme.example"};
	struct inbox_settings *s = inbox_settings_hold(inbox);
	struct inbox_rcpt r;
	struct address a;
	struct err err;
	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		assert_int_equal(address_parse(view_of(others[i]), &a, &err), 0);
		assert_false(inbox_takes(s, &a, &r));
	}
	address_for("a@example.net", TOKEN_BOUNCE, &a);
	a.text[0] = 'u'; /* a bounce address is no opt-out */
	assert_false(inbox_takes(s, &a, &r));
	a.text[0] = 'c'; /* nor one for complaints */
	assert_false(inbox_takes(s, &a, &r));
	shared_release(&s->shared);
}

static void raw_reports_are_kept_and_go(void **state)
{
	char path[200];
	struct buf b;
	struct err err;
	(void)state;
	report("a@example.net", TOKEN_BOUNCE, true, "Subject: one\n\n");
	snprintf(path, sizeof path, "%s/2024-10-04.mbox", reports_dir);
	buf_init(&b, 1 << 16);
	assert_int_equal(file_read(path, &b, &err), 0);
	assert_true(view_starts(buf_view(&b), V("From optgate 2024-10-04T00:00:00.000Z 14\nSubject: one\n\n\n")));
	inbox_close(&inbox);
	test_now_ms += 10 * (int64_t)DAY_MS;
	inbox_make(3);
	report("a@example.net", TOKEN_BOUNCE, true, "Subject: two\n\n");
	inbox_close(&inbox);
	inbox_make(3);
	buf_clear(&b);
	assert_int_equal(file_read(path, &b, &err), -1);
	buf_free(&b);
}

static void many_at_once(void **state)
{
	struct answers a = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
	(void)state;
	for (int i = 0; i < 300; i++)
		submit(&a, "a@example.net", TOKEN_BOUNCE, true, DSN("a@example.net", "5.1.1", "550 5.1.1 no"));
	wait_for(&a, 300);
	assert_int_equal(a.code, 250);
	assert_true(is_blocked("a@example.net", REASON_BOUNCE));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_hard_bounce_suppresses),
	    CASE(only_ones_own_group_counts),
	    CASE(soft_counts_days),
	    CASE(a_disabled_mailbox_has_two_days),
	    CASE(refusals_go_through_the_table),
	    CASE(optouts_act_on_the_token),
	    CASE(complaint_addresses_want_proof),
	    CASE(nobody_else_is_taken),
	    CASE(raw_reports_are_kept_and_go),
	    CASE(many_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
