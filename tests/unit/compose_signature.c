/* compose: its signatures hold for a verifier written apart, and break when anything they cover changes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>

#include "compose_sample.h"
#include "compose_verify.h"

#define HEAD                                                                                                                               \
	"From: \"A,  B\"  <News@Mail.Example.com>\r\nTo:\tjane.doe@example.org\r\nSubject: a\r\n\t folded   one \r\nDate: now\r\n"          \
	"Message-ID: <1@x>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain;\r\n charset=utf-8\r\nSubject: again\r\n\r\n"

static struct verify_field fields[VERIFY_FIELDS];

/* How many of the message's signatures hold, and for which domains. */
static unsigned holding(const struct sample *s, struct view head, struct view body, unsigned *ret_signatures)
{
	unsigned n = verify_split(head, fields), good = 0, all = 0;
	for (unsigned i = 0; i < n; i++) {
		if (!view_ieq(fields[i].name, V("DKIM-Signature")))
			continue;
		all++;
		struct buf a = verify_tag(fields[i].value, "a"), d = verify_tag(fields[i].value, "d");
		bool rsa = view_eq(buf_view(&a), V("rsa-sha256"));
		assert_string_equal(buf_cstr(&d), "example.com");
		good += verify_dkim(fields, n, &fields[i], body, rsa ? SIGN_RSA : SIGN_ED25519,
		    buf_view(rsa ? &s->rsa_public : &s->ed25519_public));
		buf_free(&a), buf_free(&d);
	}
	*ret_signatures = all;
	return good;
}

static void assert_holds(struct sample *s, const struct stream *stream, const char *body, unsigned want)
{
	struct buf message;
	buf_init(&message, 1 << 20);
	buf_fmt(&message, "%s%s", HEAD, body);
	struct compose_job job = sample_job(s, stream, buf_view(&message));
	static uint64_t next = 1;
	job.message_id = next++;
	struct composed done;
	unsigned all;
	for (int round = 0; round < 2; round++) { /* the second time with the body hash remembered */
		assert_int_equal(compose(s->composer, &job, &done, NULL), 0);
		assert_int_equal(holding(s, done.head, done.body, &all), want);
		assert_int_equal(all, want);
		assert_int_equal(done.signed_by_us, want > 0);
	}
	buf_free(&message);
}

static void signatures_hold(void **state)
{
	(void)state;
	static const char *const bodies[] = {"", "\r\n", "a", "a\r\n", "a \t b  \r\n \r\n\r\n\r\n", "\r\n\r\na\r\n\r\nb"};
	static const unsigned want[] = {0, 1, 1, 2};
	for (unsigned keys = 0; keys < 4; keys++) {
		struct sample s;
		sample_begin(&s, keys);
		for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
			assert_holds(&s, &s.marketing, bodies[i], want[keys]);
			assert_holds(&s, &s.service, bodies[i], want[keys]);
		}
		sample_end(&s);
	}
}

/* Changes one place of the head to something else and expects no signature to hold. */
static void assert_breaks(const struct sample *s, const struct composed *done, const char *before, const char *after)
{
	struct buf head;
	unsigned all;
	buf_init(&head, 1 << 20);
	size_t at = view_ifind(done->head, view_of(before));
	assert_true(at < done->head.n);
	buf_add(&head, view_sub(done->head, 0, at));
	buf_str(&head, after);
	buf_add(&head, view_sub(done->head, at + strlen(before), done->head.n));
	if (holding(s, buf_view(&head), done->body, &all))
		fail_msg("%s -> %s still holds", before, after);
	assert_int_equal(all, 2);
	buf_free(&head);
}

static void what_is_covered_cannot_change(void **state)
{
	(void)state;
	struct sample s;
	sample_begin(&s, 3);
	struct compose_job job = sample_job(&s, &s.marketing, V(HEAD "text\r\n"));
	struct composed done;
	unsigned all;
	assert_int_equal(compose(s.composer, &job, &done, NULL), 0);
	assert_int_equal(holding(&s, done.head, V("text  \r\n\r\n"), &all), 2); /* relaxed */
	assert_int_equal(holding(&s, done.head, V("texT\r\n"), &all), 0);
	assert_breaks(&s, &done, "List-Unsubscribe=One-Click", "List-Unsubscribe=Two-Click");
	assert_breaks(&s, &done, "<https://u.", "<https://v.");
	static const char *const over_signed[] = {"From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version",
	    "Content-Type", "Content-Transfer-Encoding", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "CFBL-Address"};
	for (size_t i = 0; i < sizeof over_signed / sizeof *over_signed; i++) {
		char second[100];
		snprintf(second, sizeof second, "\r\n%s: x\r\nSubject:", over_signed[i]);
		assert_breaks(&s, &done, "\r\nSubject:", second);
	}
	sample_end(&s);
}

static void lines_stay_short_and_the_post_field_whole(void **state)
{
	(void)state;
	struct sample s;
	sample_begin(&s, 3);
	struct compose_job job = sample_job(&s, &s.marketing, V(HEAD "text\r\n"));
	struct composed done;
	assert_int_equal(compose(s.composer, &job, &done, NULL), 0);
	size_t rsa = view_ifind(done.head, V("a=rsa-sha256")), ed = view_ifind(done.head, V("a=ed25519-sha256"));
	assert_true(rsa < ed && ed < done.head.n);
	assert_true(view_ifind(done.head, V("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")) < done.head.n);
	struct view rest = view_sub(done.head, 0, view_ifind(done.head, V("\r\nFrom:"))), line;
	while (view_cut(&rest, '\n', &line))
		assert_true(line.n <= 79);
	sample_end(&s);
}

static void keys_sign_for_their_own_domain_only(void **state)
{
	(void)state;
	struct sample s;
	sample_begin(&s, 0);
	static const struct {
		const char *from, *signer;
	} rows[] = {{"a@mail.example.com", "d=mail.example.com;"}, {"a@x.mail.example.com", "d=mail.example.com;"},
	    {"a@example.com", "d=example.com;"}, {"a@example.net", NULL}, {"a@notexample.com", NULL}, {"a@com", NULL}};
	sample_key(&s, s.settings->key_count++, "example.com", "e1", SIGN_ED25519);
	sample_key(&s, s.settings->key_count++, "mail.example.com", "e2", SIGN_ED25519);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char message[200];
		snprintf(message, sizeof message, "From: %s\r\n\r\nbody\r\n", rows[i].from);
		struct compose_job job = sample_job(&s, &s.service, view_of(message));
		struct composed done;
		assert_int_equal(compose(s.composer, &job, &done, NULL), 0);
		assert_int_equal(done.signed_by_us, rows[i].signer != NULL);
		size_t first = view_ifind(done.head, V("DKIM-Signature:"));
		assert_int_equal(first < done.head.n, rows[i].signer != NULL);
		struct view after = view_sub(done.head, first + 5, done.head.n);
		assert_int_equal(view_ifind(after, V("DKIM-Signature:")), after.n);
		if (rows[i].signer)
			assert_true(view_ifind(done.head, view_of(rows[i].signer)) < done.head.n);
	}
	sample_end(&s);
}

struct worker {
	const struct sample *shared;
	unsigned good;
	uint64_t id;
};

static void *compose_many(void *arg)
{
	struct worker *w = arg;
	struct sample mine = *w->shared;
	mine.composer = composer_new();
	struct verify_field *f = mem_alloc(VERIFY_FIELDS * sizeof *f);
	for (unsigned i = 0; i < 12; i++) {
		struct compose_job job = sample_job(&mine, &w->shared->marketing, V(HEAD "text\r\n"));
		job.message_id = w->id + i / 3;
		struct composed done;
		if (compose(mine.composer, &job, &done, NULL))
			continue;
		unsigned n = verify_split(done.head, f);
		w->good += verify_dkim(f, n, &f[1], done.body, SIGN_RSA, buf_view(&mine.rsa_public)) &&
		    verify_dkim(f, n, &f[2], done.body, SIGN_ED25519, buf_view(&mine.ed25519_public));
	}
	free(f);
	composer_free(&mine.composer);
	return NULL;
}

static void settings_serve_many_workers(void **state)
{
	(void)state;
	struct sample s;
	sample_begin(&s, 3);
	struct worker w[4];
	pthread_t t[4];
	for (unsigned i = 0; i < 4; i++) {
		w[i] = (struct worker){&s, 0, i * 100};
		assert_int_equal(pthread_create(&t[i], NULL, compose_many, &w[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(w[i].good, 12);
	}
	sample_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signatures_hold),
	    cmocka_unit_test(what_is_covered_cannot_change),
	    cmocka_unit_test(lines_stay_short_and_the_post_field_whole),
	    cmocka_unit_test(keys_sign_for_their_own_domain_only),
	    cmocka_unit_test(settings_serve_many_workers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
