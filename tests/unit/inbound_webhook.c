/* Providers' events: one line of each kind, and those of the corpus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "corpus.h"
#include "inbound/webhook.h"

static struct bounce_rules *rules;

static const struct {
	enum webhook_provider provider;
	const char *body, *expected; /* "kind address class reason" a line */
} cases[] = {
    {WEBHOOK_SES,
	"{\"notificationType\":\"Bounce\",\"bounce\":{\"bounceType\":\"Permanent\",\"bouncedRecipients\":[{\"emailAddress\":\"A@example.net\",\"status\":\"5.1.1\","
	"\"diagnosticCode\":\"smtp; 550 5.1.1 user unknown\"},{\"emailAddress\":\"b@example.net\",\"status\":\"5.7.1\",\"diagnosticCode\":\"spam\"}]}}",
	"bounce a@example.net hard unknown-user\nbounce b@example.net policy spam\n"},
    {WEBHOOK_SES, "{\"Type\":\"Notification\",\"Message\":\"{\\\"eventType\\\":\\\"Complaint\\\",\\\"complaint\\\":{\\\"complaintFeedbackType\\\":\\\"abuse\\\","
		  "\\\"complainedRecipients\\\":[{\\\"emailAddress\\\":\\\"a@example.net\\\"}]}}\"}",
	"complaint a@example.net hard abuse\n"},
    {WEBHOOK_SES, "{\"eventType\":\"Complaint\",\"complaint\":{\"complaintFeedbackType\":\"not-spam\",\"complainedRecipients\":[{\"emailAddress\":\"a@example.net\"}]}}",
	"other a@example.net none not-spam\n"},
    {WEBHOOK_SES, "{\"eventType\":\"Bounce\",\"bounce\":{\"bounceType\":\"Transient\",\"bouncedRecipients\":[{\"emailAddress\":\"a@example.net\"}]}}",
	"bounce a@example.net soft temporary\n"},
    {WEBHOOK_SENDGRID,
	"[{\"event\":\"bounce\",\"type\":\"bounce\",\"email\":\"a@example.net\",\"status\":\"5.1.1\",\"reason\":\"550 5.1.1 no such user\"},"
	"{\"event\":\"bounce\",\"type\":\"blocked\",\"email\":\"b@example.net\",\"status\":\"5.1.1\",\"reason\":\"no\"},"
	"{\"event\":\"spamreport\",\"email\":\"c@example.net\"},{\"event\":\"group_unsubscribe\",\"email\":\"d@example.net\"},"
	"{\"event\":\"open\",\"email\":\"e@example.net\"},{\"event\":\"deferred\",\"email\":\"f@example.net\"}]",
	"bounce a@example.net hard unknown-user\nbounce b@example.net policy rejected\ncomplaint c@example.net hard abuse\noptout d@example.net none unsubscribe\n"
	"bounce f@example.net soft temporary\n"},
    {WEBHOOK_POSTMARK, "{\"RecordType\":\"Bounce\",\"Type\":\"HardBounce\",\"Email\":\"a@example.net\",\"Details\":\"x\"}", "bounce a@example.net hard unknown-user\n"},
    {WEBHOOK_POSTMARK, "{\"RecordType\":\"Bounce\",\"Type\":\"Transient\",\"Email\":\"a@example.net\",\"Details\":\"smtp;550 user unknown\"}", "bounce a@example.net soft temporary\n"},
    {WEBHOOK_POSTMARK, "{\"RecordType\":\"Bounce\",\"Type\":\"AutoResponder\",\"Email\":\"a@example.net\"}", "autoreply a@example.net none automatic\n"},
    {WEBHOOK_MAILGUN,
	"{\"signature\":{},\"event-data\":{\"event\":\"failed\",\"severity\":\"permanent\",\"recipient\":\"a@example.net\","
	"\"delivery-status\":{\"code\":550,\"enhanced-code\":\"5.1.1\",\"message\":\"no such user\"}}}",
	"bounce a@example.net hard unknown-user\n"},
    {WEBHOOK_MAILGUN, "{\"event-data\":{\"event\":\"failed\",\"severity\":\"temporary\",\"recipient\":\"a@example.net\"}}", "bounce a@example.net soft temporary\n"},
    {WEBHOOK_MAILGUN, "{\"event-data\":{\"event\":\"complained\",\"recipient\":\"a@example.net\"}}", "complaint a@example.net hard abuse\n"},
    {WEBHOOK_SPARKPOST,
	"[{\"msys\":{\"message_event\":{\"type\":\"bounce\",\"bounce_class\":\"10\",\"rcpt_to\":\"a@example.net\"}}},"
	"{\"msys\":{\"message_event\":{\"type\":\"bounce\",\"bounce_class\":51,\"rcpt_to\":\"b@example.net\"}}},"
	"{\"msys\":{\"unsubscribe_event\":{\"type\":\"list_unsubscribe\",\"rcpt_to\":\"c@example.net\"}}}]",
	"bounce a@example.net hard unknown-user\nbounce b@example.net policy reputation\noptout c@example.net none unsubscribe\n"},
};

static void told(const struct webhook *w, struct buf *out)
{
	for (unsigned i = 0; i < w->count; i++) {
		const struct webhook_event *e = &w->events[i];
		buf_fmt(out, "%s %.*s %s %.*s\n", report_kind_word(e->kind), VFMT(e->recipient.address), meaning_word(e->recipient.meaning), VFMT(e->recipient.reason));
	}
}

static void maps_events(void **state)
{
	struct arena a;
	struct buf out;
	(void)state;
	arena_init(&a, 8 << 20);
	buf_init(&out, 1 << 16);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct webhook w;
		struct err err;
		arena_reset(&a);
		buf_clear(&out);
		assert_int_equal(webhook_parse(rules, &a, cases[i].provider, view_of(cases[i].body), &w, &err), 0);
		told(&w, &out);
		if (strcmp(buf_cstr(&out), cases[i].expected) != 0)
			fail_msg("%s:\n%sexpected\n%s", cases[i].body, buf_cstr(&out), cases[i].expected);
	}
	buf_free(&out);
	arena_free(&a);
}

static void refuses_what_is_none(void **state)
{
	static const char *const bodies[] = {"", "x", "{", "[1,", "{\"Message\":\"no\"}"};
	struct arena a;
	(void)state;
	arena_init(&a, 8 << 20);
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct webhook w;
		struct err err;
		assert_int_equal(webhook_parse(rules, &a, WEBHOOK_SES, view_of(bodies[i]), &w, &err), -1);
		assert_int_equal(err.kind, ERR_SYNTAX);
	}
	arena_free(&a);
}

static void bounds_its_events(void **state)
{
	struct arena a;
	struct buf b;
	struct webhook w;
	struct err err;
	(void)state;
	arena_init(&a, 8 << 20);
	buf_init(&b, WEBHOOK_MAX_BYTES + 1);
	buf_byte(&b, '[');
	for (int i = 0; i < 2000; i++)
		buf_fmt(&b, "%s{\"event\":\"spamreport\",\"email\":\"a%d@example.net\"}", i ? "," : "", i);
	buf_byte(&b, ']');
	assert_int_equal(webhook_parse(rules, &a, WEBHOOK_SENDGRID, buf_view(&b), &w, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_free(&b);
	arena_free(&a);
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
	    cmocka_unit_test(maps_events),
	    cmocka_unit_test(refuses_what_is_none),
	    cmocka_unit_test(bounds_its_events),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
