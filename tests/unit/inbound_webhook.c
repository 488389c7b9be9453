/* Providers' events: one line of each kind, and those of the corpus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "corpus.h"
#include "inbound/webhook_proof.h"
#include "inbound_sns.h"

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

/* Made by openssl(1): a key of prime256v1, "dgst -sha256 -sign", "dgst -sha256 -hmac". */
#define SENT_MS 1700000000000LL
#define SENDGRID_KEY                                                                                                       \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGqIve9cVGf5MPu6R9j9AWP+0AHfPdNFNJWVYVNszlcqMXYzaBxUtRHfw1z/vze28SwtO9y" \
	"sdxVwB4QrWgF+X9g=="
#define SENDGRID_SIGNATURE                                                                                                 \
	"MEYCIQCymwXcvTlH3/cXJbDPl7/T+eDnIXToUc9hTKKhezTZEQIhAIMLmMwHQHCGZZIlgoEmTNFC2lModKGzqwYHj8p4l5/6"
#define SENDGRID_BODY "[{\"event\":\"spamreport\",\"email\":\"a@example.net\"}]\r\n"
#define MAILGUN_KEY "key-of-the-sample-account"
#define MAILGUN_MAC "b2c74157f15327eef2e76b3eb11ef7bd0041e1aab5469b31d74c511eedb8981d"
#define MAILGUN_TOKEN "1f2e3d4c5b6a79880716253443526170"
#define MAILGUN_PROOF(time, token, mac)                                                                                    \
	"\"signature\":{\"timestamp\":\"" time "\",\"token\":\"" token "\",\"signature\":\"" mac "\"}"
#define MAILGUN_GOOD MAILGUN_PROOF("1700000000", MAILGUN_TOKEN, MAILGUN_MAC)
#define HOUR_MS (60 * 60 * 1000LL)

static const struct {
	const char *what;
	enum webhook_provider provider;
	const char *key, *body, *time, *signature;
	int64_t after_ms;
	const char *once; /* NULL = refused */
} proofs[] = {
    {"SendGrid's", WEBHOOK_SENDGRID, SENDGRID_KEY, SENDGRID_BODY, "1700000000", SENDGRID_SIGNATURE, 0, SENDGRID_SIGNATURE},
    {"after hours", WEBHOOK_SENDGRID, SENDGRID_KEY, SENDGRID_BODY, "1700000000", SENDGRID_SIGNATURE, 23 * HOUR_MS, SENDGRID_SIGNATURE},
    {"after days", WEBHOOK_SENDGRID, SENDGRID_KEY, SENDGRID_BODY, "1700000000", SENDGRID_SIGNATURE, 25 * HOUR_MS, NULL},
    {"before it was made", WEBHOOK_SENDGRID, SENDGRID_KEY, SENDGRID_BODY, "1700000000", SENDGRID_SIGNATURE, -HOUR_MS, NULL},
    {"another time", WEBHOOK_SENDGRID, SENDGRID_KEY, SENDGRID_BODY, "1700000001", SENDGRID_SIGNATURE, 0, NULL},
    {"a body that was touched", WEBHOOK_SENDGRID, SENDGRID_KEY, "[]", "1700000000", SENDGRID_SIGNATURE, 0, NULL},
    {"no signature", WEBHOOK_SENDGRID, SENDGRID_KEY, SENDGRID_BODY, "1700000000", "", 0, NULL},
    {"no time", WEBHOOK_SENDGRID, SENDGRID_KEY, SENDGRID_BODY, "", SENDGRID_SIGNATURE, 0, NULL},
    {"a time beyond all", WEBHOOK_SENDGRID, SENDGRID_KEY, SENDGRID_BODY, "18446744073709551615", SENDGRID_SIGNATURE, 0, NULL},
    {"no key", WEBHOOK_SENDGRID, "", SENDGRID_BODY, "1700000000", SENDGRID_SIGNATURE, 0, NULL},
    {"Mailgun's", WEBHOOK_MAILGUN, MAILGUN_KEY, "{" MAILGUN_GOOD ",\"event-data\":{}}", "", "", 0, MAILGUN_TOKEN},
    {"too old", WEBHOOK_MAILGUN, MAILGUN_KEY, "{" MAILGUN_GOOD "}", "", "", 25 * HOUR_MS, NULL},
    {"another key", WEBHOOK_MAILGUN, "key-of-another-account", "{" MAILGUN_GOOD "}", "", "", 0, NULL},
    {"an empty key", WEBHOOK_MAILGUN, "", "{" MAILGUN_GOOD "}", "", "", 0, NULL},
    {"another word", WEBHOOK_MAILGUN, MAILGUN_KEY, "{" MAILGUN_PROOF("1700000000", "00", MAILGUN_MAC) "}", "", "", 0, NULL},
    {"the border moved", WEBHOOK_MAILGUN, MAILGUN_KEY, "{" MAILGUN_PROOF("17000000001", "f2e3d4c5b6a79880716253443526170", MAILGUN_MAC) "}", "", "", 0, NULL},
    {"a short proof", WEBHOOK_MAILGUN, MAILGUN_KEY, "{" MAILGUN_PROOF("1700000000", MAILGUN_TOKEN, "b2c7") "}", "", "", 0, NULL},
    {"two proofs", WEBHOOK_MAILGUN, MAILGUN_KEY, "{" MAILGUN_GOOD "," MAILGUN_GOOD "}", "", "", 0, NULL},
    {"none", WEBHOOK_MAILGUN, MAILGUN_KEY, "{\"signature\":{}}", "", "", 0, NULL},
    {"a list", WEBHOOK_MAILGUN, MAILGUN_KEY, "[]", "", "", 0, NULL},
    {"no JSON", WEBHOOK_MAILGUN, MAILGUN_KEY, "{", "", "", 0, NULL},
    {"Amazon's", WEBHOOK_SES, SNS_CERTIFICATE, SNS_NOTIFICATION(SNS_COMPLAINT, "1", SNS_BY_SHA1), "", "", 0, SNS_ID},
    {"Amazon's of version 2", WEBHOOK_SES, SNS_CERTIFICATE, SNS_NOTIFICATION(SNS_COMPLAINT, "2", SNS_BY_SHA256), "", "", 0, SNS_ID},
    {"by another digest", WEBHOOK_SES, SNS_CERTIFICATE, SNS_NOTIFICATION(SNS_COMPLAINT, "1", SNS_BY_SHA256), "", "", 0, NULL},
    {"another message", WEBHOOK_SES, SNS_CERTIFICATE, SNS_NOTIFICATION("{}", "1", SNS_BY_SHA1), "", "", 0, NULL},
    {"another certificate", WEBHOOK_SES, MAILGUN_KEY, SNS_NOTIFICATION(SNS_COMPLAINT, "1", SNS_BY_SHA1), "", "", 0, NULL},
    {"after days, of Amazon", WEBHOOK_SES, SNS_CERTIFICATE, SNS_NOTIFICATION(SNS_COMPLAINT, "1", SNS_BY_SHA1), "", "", 25 * HOUR_MS, NULL},
    {"a subscription", WEBHOOK_SES, SNS_CERTIFICATE, SNS_SUBSCRIPTION(SNS_URL), "", "", 0, SNS_SUBSCRIPTION_ID},
    {"a subscription to another URL", WEBHOOK_SES, SNS_CERTIFICATE, SNS_SUBSCRIPTION("https://sns.example.net/"), "", "", 0, NULL},
    {"no field at all", WEBHOOK_SES, SNS_CERTIFICATE, "{}", "", "", 0, NULL},
    {"who signs nothing", WEBHOOK_POSTMARK, "x", "{}", "1700000000", "x", 0, NULL},
};

static void believes_whom_it_knows(void **state)
{
	struct arena a;
	(void)state;
	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < sizeof proofs / sizeof *proofs; i++) {
		struct webhook_request r = {view_of(proofs[i].body), view_of(proofs[i].time), view_of(proofs[i].signature)};
		struct view once;
		struct err err;
		arena_reset(&a);
		int rc = webhook_verify(proofs[i].provider, view_of(proofs[i].key), &r, SENT_MS + proofs[i].after_ms, &a, &once, &err);
		if (rc != (proofs[i].once ? 0 : -1) || (rc == 0 && !view_eq(once, view_of(proofs[i].once))))
			fail_msg("%s: %d", proofs[i].what, rc);
		if (rc < 0)
			assert_int_equal(err.kind, ERR_REFUSED);
		assert_int_equal(webhook_is_signed(proofs[i].provider), proofs[i].provider != WEBHOOK_POSTMARK);
	}
	arena_free(&a);
}

static void knows_amazons_certificates(void **state)
{
	static const struct {
		const char *url, *name;
	} rows[] = {
	    {"https://sns.eu-west-2.amazonaws.com/SimpleNotificationService-7ff5.pem", "SimpleNotificationService-7ff5.pem"},
	    {"https://sns.cn-north-1.amazonaws.com.cn/a.pem", "a.pem"},
	    {"http://sns.eu-west-2.amazonaws.com/a.pem", NULL},
	    {"https://sns.eu-west-2.amazonaws.com.example.net/a.pem", NULL},
	    {"https://sns.example.net/a.pem", NULL},
	    {"https://sns.a.b.amazonaws.com/a.pem", NULL},
	    {"https://example.net/sns.eu-west-2.amazonaws.com/a.pem", NULL},
	    {"https://sns.eu-west-2.amazonaws.com@example.net/a.pem", NULL},
	    {"https://sns.eu-west-2.amazonaws.com/../a.pem", NULL},
	    {"https://sns.eu-west-2.amazonaws.com/b/a.pem", NULL},
	    {"https://sns.eu-west-2.amazonaws.com/.pem", NULL},
	    {"https://sns.eu-west-2.amazonaws.com/a.pem?x", NULL},
	    {"https://sns..amazonaws.com/a.pem", NULL},
	    {"", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char body[200], name[WEBHOOK_CERTIFICATE_NAME] = "";
		int n = snprintf(body, sizeof body, "{\"SigningCertURL\":\"%s\"}", rows[i].url);
		bool good = webhook_certificate(view_n(body, (size_t)n), name);
		if (good != (rows[i].name != NULL) || (good && strcmp(name, rows[i].name) != 0))
			fail_msg("%s: %s", rows[i].url, name);
	}
	char name[WEBHOOK_CERTIFICATE_NAME];
	assert_false(webhook_certificate(V("[]"), name));
	assert_false(webhook_certificate(V("{"), name));
}

static void tells_a_subscription(void **state)
{
	struct arena a;
	(void)state;
	arena_init(&a, 1 << 12);
	assert_true(view_eq(webhook_subscription(V(SNS_SUBSCRIPTION(SNS_URL)), &a), V(SNS_URL)));
	assert_int_equal(webhook_subscription(V(SNS_NOTIFICATION(SNS_COMPLAINT, "1", SNS_BY_SHA1)), &a).n, 0);
	assert_int_equal(webhook_subscription(V("{"), &a).n, 0);
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
	    cmocka_unit_test(believes_whom_it_knows),
	    cmocka_unit_test(knows_amazons_certificates),
	    cmocka_unit_test(tells_a_subscription),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
