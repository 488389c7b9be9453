/* compose: where complaints go (RFC 9477), and whose signatures vouch for it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "compose_sample.h"
#include "compose_verify.h"

static struct verify_field fields[VERIFY_FIELDS];

/* The signatures of HEAD that name all of the CFBL fields in h=, by their domains, a blank before each. */
static void vouching(struct view head, struct buf *out)
{
	unsigned n = verify_split(head, fields);
	for (unsigned i = 0; i < n; i++) {
		if (!view_ieq(fields[i].name, V("DKIM-Signature")))
			continue;
		struct buf d = verify_tag(fields[i].value, "d"), h = verify_tag(fields[i].value, "h");
		struct view names = buf_view(&h);
		if (view_ifind(names, V("CFBL-Address:CFBL-Address")) < names.n &&
		    view_ifind(names, V("CFBL-Feedback-ID:CFBL-Feedback-ID")) < names.n)
			buf_fmt(out, " %s", buf_cstr(&d));
		buf_free(&d), buf_free(&h);
	}
}

static bool says(struct view head, const char *words)
{
	return view_ifind(head, view_of(words)) < head.n;
}

static void keys_of(struct sample *s, const char *const *domains)
{
	for (; *domains; domains++)
		sample_key(s, s->settings->key_count++, *domains, "e1", SIGN_ED25519);
}

/* The sample's bounce domain is bounce.example.com. */
static void only_where_a_signature_vouches_for_it(void **state)
{
	static const struct {
		const char *from, *keys[3], *signers; /* NULL: no such field */
	} rows[] = {
	    {"a@example.com", {"example.com"}, " example.com"},
	    {"a@example.com", {"example.com", "bounce.example.com"}, " example.com"},
	    {"a@news.example.com", {"example.com"}, " example.com"},
	    {"a@other.test", {"other.test", "bounce.example.com"}, " other.test bounce.example.com"},
	    {"a@other.test", {"other.test"}, NULL},
	    {"a@other.test", {"example.com"}, NULL},
	    {"a@example.com", {NULL}, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sample s;
		struct composed done;
		struct buf signers;
		char message[200];
		sample_begin(&s, 0);
		keys_of(&s, rows[i].keys);
		buf_init(&signers, 1000);
		s.brand.cfbl = s.marketing.cfbl = true;
		snprintf(message, sizeof message, "From: %s\r\n\r\nbody\r\n", rows[i].from);
		struct compose_job job = sample_job(&s, &s.marketing, view_of(message));
		assert_int_equal(compose(s.composer, &job, &done, NULL), 0);
		assert_int_equal(says(done.head, "\r\nCFBL-"), rows[i].signers != NULL);
		if (rows[i].signers) {
			vouching(done.head, &signers);
			assert_string_equal(buf_cstr(&signers), rows[i].signers);
		}
		buf_free(&signers);
		sample_end(&s);
	}
}

static void the_address_leads_back(void **state)
{
	static const char prefix[] = "\r\nCFBL-Address: c+";
	struct sample s;
	struct composed done;
	struct token t;
	(void)state;
	sample_begin(&s, 2);
	s.brand.cfbl = s.marketing.cfbl = true;
	struct compose_job job = sample_job(&s, &s.marketing, V("From: a@example.com\r\n\r\nbody\r\n"));
	assert_int_equal(compose(s.composer, &job, &done, NULL), 0);
	size_t at = view_ifind(done.head, view_of(prefix)) + strlen(prefix);
	assert_true(at < done.head.n);
	struct view rest = view_sub(done.head, at, done.head.n), token = view_sub(rest, 0, view_find(rest, 0, '@'));
	assert_true(token.n + 2 <= LOCAL_MAX);
	assert_true(view_starts(view_sub(rest, token.n, rest.n), V("@bounce.example.com; report=arf\r\nCFBL-Feedback-ID: c+")));
	assert_int_equal(token_open_address(s.settings->tokens, TOKEN_COMPLAINT, token, &t, NULL), 0);
	assert_memory_equal(&t.who, &job.who, sizeof t.who);
	assert_memory_equal(t.stream_id, s.marketing.scope.id, SCOPE_ID_BYTES);
	struct err err;
	assert_int_equal(token_open_address(s.settings->tokens, TOKEN_OPTOUT, token, &t, &err), -1);
	sample_end(&s);
}

static void settings_and_class_decide(void **state)
{
	struct sample s;
	struct composed done;
	(void)state;
	sample_begin(&s, 2);
	struct view message = V("From: a@example.com\r\nCFBL-Address: fbl@tool.example; report=arf\r\nCFBL-Feedback-ID: 7:8\r\n\r\nx\r\n");
	for (int i = 0; i < 4; i++) {
		s.brand.cfbl = i & 1;
		s.marketing.cfbl = s.service.cfbl = i & 2;
		struct compose_job job = sample_job(&s, &s.marketing, message);
		assert_int_equal(compose(s.composer, &job, &done, NULL), 0);
		assert_int_equal(says(done.head, "CFBL-Address: c+"), i == 3);
		assert_true(says(done.head, "CFBL-Address: fbl@tool.example; report=arf\r\nCFBL-Feedback-ID: 7:8\r\n")); /* the tool's stay */
		assert_false(says(done.head, "CFBL-Feedback-ID: c+"));
		job = sample_job(&s, &s.service, message);
		assert_int_equal(compose(s.composer, &job, &done, NULL), 0);
		assert_false(says(done.head, "CFBL-Address: c+"));
	}
	sample_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_where_a_signature_vouches_for_it),
	    cmocka_unit_test(the_address_leads_back),
	    cmocka_unit_test(settings_and_class_decide),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
