/* intake against a real ledger and a real spool: every refusal's code, the limits by name, the second verdict. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/password.h"
#include "intake/intake.h"

struct world {
	char dir[64];
	struct ledger *ledger;
	struct spool *spool;
	struct intake *intake;
	struct stream streams[2];
	struct brand brand;
};

static char *from_domains[] = {(char *)"acme.test"};

static void keep_policy(struct shared *s)
{
	free(s);
}

static struct policy *make_policy(struct world *w)
{
	struct err err;
	w->brand = (struct brand){.name = (char *)"acme", .title = (char *)"Acme", .from_domains = from_domains, .from_domain_count = 1,
	    .bounce_domain = (char *)"b.acme.test", .public_url = (char *)"https://u.acme.test", .streams = w->streams, .stream_count = 2};
	w->streams[0] = (struct stream){.name = (char *)"offers", .title = (char *)"Offers", .brand = &w->brand, .class = CLASS_MARKETING};
	w->streams[1] = (struct stream){.name = (char *)"receipts", .title = (char *)"Receipts", .brand = &w->brand, .class = CLASS_SERVICE};
	assert_int_equal(scope_parse(V("acme"), &w->brand.scope, &err), 0);
	assert_int_equal(scope_parse(V("acme/offers"), &w->streams[0].scope, &err), 0);
	assert_int_equal(scope_parse(V("acme/receipts"), &w->streams[1].scope, &err), 0);
	struct policy *p = mem_zero(sizeof *p);
	p->brands = &w->brand;
	p->brand_count = 1;
	p->shared.refs = 1;
	p->shared.free = keep_policy;
	return p;
}

/* Client "net" from 127.0.0.1 may use offers only; "login" has a password and may use both. */
static struct intake_settings *make_settings(struct world *w)
{
	struct err err;
	struct intake_settings *s = mem_zero(sizeof *s);
	s->policy = make_policy(w);
	s->clients = mem_zero(2 * sizeof *s->clients);
	s->client_count = 2;
	s->clients[0].name = mem_strdup("net");
	s->clients[0].networks = mem_zero(sizeof(struct network));
	s->clients[0].network_count = 1;
	assert_int_equal(network_parse("127.0.0.1", &s->clients[0].networks[0], &err), 0);
	s->clients[1].name = mem_strdup("login");
	char hash[PASSWORD_TEXT];
	assert_int_equal(password_hash(V("right"), hash, &err), 0);
	s->clients[1].password = mem_strdup(hash);
	s->clients[1].streams = mem_zero(sizeof(struct stream *));
	s->clients[1].streams[0] = &w->streams[1];
	s->clients[1].stream_count = 1;
	for (int i = 0; i < 2; i++) {
		s->clients[i].brand = &w->brand;
		s->clients[i].default_stream = &w->streams[0];
	}
	s->hostname = mem_strdup("gate.test");
	s->max_message_bytes = 10000;
	s->max_recipients = 3;
	s->max_received = 5;
	s->memory_bytes = 1 << 20;
	return s;
}

static int setup(void **state)
{
	struct world *w = mem_zero(sizeof *w);
	struct err err = {0};
	snprintf(w->dir, sizeof w->dir, "/tmp/optgate-intake-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	char ledger[80], keys[80], spool[80];
	snprintf(ledger, sizeof ledger, "%s/ledger", w->dir);
	snprintf(keys, sizeof keys, "%s/keys", w->dir);
	snprintf(spool, sizeof spool, "%s/spool", w->dir);
	const struct ledger_settings ls = {.dir = ledger, .key_dir = keys, .map_bytes = 16 << 20};
	const struct spool_settings ss = {.dir = spool, .segment_bytes = 1 << 20, .min_free_bytes = 1};
	if (ledger_open(&w->ledger, &ls, &clock_system, &err) < 0 || spool_open(&w->spool, &ss, &clock_system, &err) < 0)
		fail_msg("%s", err.text);
	w->intake = intake_new(w->ledger, w->spool, &clock_system);
	intake_use(w->intake, make_settings(w));
	*state = w;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct world *w = *state;
	intake_free(&w->intake);
	spool_close(&w->spool);
	ledger_close(&w->ledger);
	nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

/* Waits for an answer that may come from another thread. */
struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t came;
	bool there;
	struct reply reply;
};

static void came(void *arg, const struct reply *reply)
{
	struct waiter *w = arg;
	pthread_mutex_lock(&w->lock);
	w->reply = *reply;
	w->there = true;
	pthread_cond_signal(&w->came);
	pthread_mutex_unlock(&w->lock);
}

static struct reply await(struct waiter *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->there)
		pthread_cond_wait(&w->came, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return w->reply;
}
#define WAITER {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER}

static void *open_from(struct world *w, const char *ip)
{
	struct endpoint peer;
	struct err err;
	assert_int_equal(endpoint_parse(ip, &peer, &err), 0);
	return intake_verbs.open(w->intake, &peer);
}

static int begin(void *session, uint64_t size, void **tx)
{
	struct address from;
	struct err err;
	assert_int_equal(address_parse(V("news@acme.test"), &from, &err), 0);
	const struct intake_mail m = {.from = &from, .helo = V("tool"), .size = size};
	struct reply r = {0};
	*tx = NULL;
	intake_verbs.begin(session, &m, tx, &r);
	return r.code;
}

static struct reply rcpt(void *tx, const char *to)
{
	struct address a;
	struct err err;
	assert_int_equal(address_parse(view_of(to), &a, &err), 0);
	const struct intake_rcpt m = {.to = &a};
	struct reply r = {0};
	intake_verbs.rcpt(tx, &m, &r);
	return r;
}

static struct reply commit(void *tx, const char *message)
{
	buf_str(intake_verbs.data(tx), message);
	intake_verbs.data(tx);
	struct waiter w = WAITER;
	intake_verbs.commit(tx, NULL, came, &w);
	return await(&w);
}

static void block(struct world *w, const char *who, const char *scope, enum reason why)
{
	struct change c = {.kind = CHANGE_SUPPRESS, .channel = CHANNEL_EMAIL, .reason = why, .source = V("test"), .actor = V("test")};
	struct err err = {0};
	struct change_result r;
	assert_int_equal(scope_parse(view_of(scope), &c.scope, &err), 0);
	ledger_person_key(w->ledger, CHANNEL_EMAIL, view_of(who), &c.who);
	if (ledger_change(w->ledger, &c, &r, &err) < 0)
		fail_msg("%s", err.text);
}

#define HEAD "From: news@acme.test\r\nSubject: x\r\n"

static void strangers_are_refused(void **state)
{
	void *s = open_from(*state, "192.0.2.9:25"), *tx;
	assert_int_equal(begin(s, 0, &tx), 530);
	assert_null(tx);
	intake_verbs.close(s);
}

static void passwords_decide_away_from_the_loop(void **state)
{
	void *s = open_from(*state, "192.0.2.9:25"), *tx;
	static const struct {
		const char *user, *password;
		int code;
	} rows[] = {{"login", "wrong", 535}, {"nobody", "right", 535}, {"net", "right", 535}, {"login", "right", 235}, {"login", "right", 235}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct waiter w = WAITER;
		intake_verbs.login(s, view_of(rows[i].user), view_of(rows[i].password), came, &w);
		assert_int_equal(await(&w).code, rows[i].code);
		assert_int_equal(begin(s, 0, &tx), rows[i].code == 235 ? 250 : 530);
		if (tx)
			intake_verbs.abort(tx);
	}
	assert_true(intake_verbs.may_login(s, true));
	assert_false(intake_verbs.may_login(s, false));
	intake_verbs.close(s);
}

static void limits_answer_by_name(void **state)
{
	void *s = open_from(*state, "127.0.0.1:25"), *tx;
	assert_int_equal(begin(s, 10001, &tx), 552);
	assert_int_equal(begin(s, 10000, &tx), 250);
	assert_int_equal(rcpt(tx, "a@x.test").code, 250);
	assert_int_equal(rcpt(tx, "A@X.TEST").code, 250); /* named before: one copy */
	assert_int_equal(rcpt(tx, "b@x.test").code, 250);
	assert_int_equal(rcpt(tx, "c@x.test").code, 250);
	assert_int_equal(rcpt(tx, "d@x.test").code, 452);
	for (int i = 0; i < 11; i++) {
		struct buf *b = intake_verbs.data(tx);
		char *p = buf_reserve(b, 1000);
		if (p) {
			memset(p, 'x', 1000);
			buf_advance(b, 1000);
		}
	}
	struct waiter w = WAITER;
	intake_verbs.commit(tx, NULL, came, &w);
	assert_int_equal(await(&w).code, 552);
	intake_verbs.close(s);
}

static void messages_are_judged_by_what_they_say(void **state)
{
	static const struct {
		const char *message;
		int code;
	} rows[] = {
	    {HEAD "\r\nhi\r\n", 250},
	    {"From: x@elsewhere.test\r\n\r\n", 550},
	    {"From: a@acme.test, b@elsewhere.test\r\n\r\n", 550},
	    {"From: \"x@acme.test\" <x@elsewhere.test>\r\n\r\n", 550},
	    {"Subject: no from\r\n\r\n", 550},
	    {"From: a@sub.acme.test\r\n\r\n", 250},
	    {HEAD "X-Optgate-Stream: receipts\r\n\r\n", 550},
	    {HEAD "X-Optgate-Stream: acme/offers\r\n\r\n", 250},
	    {HEAD "X-Optgate-Stream: other/offers\r\n\r\n", 550},
	    {HEAD "Received: 1\r\nReceived: 2\r\nReceived: 3\r\nReceived: 4\r\nReceived: 5\r\nReceived: 6\r\n\r\n", 554},
	};
	void *s = open_from(*state, "127.0.0.1:25"), *tx;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(begin(s, 0, &tx), 250);
		assert_int_equal(rcpt(tx, "a@x.test").code, 250);
		struct reply r = commit(tx, rows[i].message);
		if (r.code != rows[i].code)
			fail_msg("row %zu: %d %s %s", i, r.code, r.enhanced, r.text);
	}
	intake_verbs.close(s);
}

static void a_suppressed_recipient_is_told_at_rcpt(void **state)
{
	struct world *w = *state;
	block(w, "gone@x.test", "acme", REASON_COMPLAINT);
	void *s = open_from(w, "127.0.0.1:25"), *tx;
	assert_int_equal(begin(s, 0, &tx), 250);
	struct reply r = rcpt(tx, "Gone@x.test");
	assert_int_equal(r.code, 550);
	assert_string_equal(r.enhanced, "5.7.1");
	assert_non_null(strstr(r.text, "complaint"));
	assert_non_null(strstr(r.text, "ref "));
	assert_int_equal(rcpt(tx, "here@x.test").code, 250);
	assert_int_equal(commit(tx, HEAD "\r\n").code, 250);
	struct spool_stats st;
	spool_stats(w->spool, &st);
	assert_int_equal(st.items, 1);
	intake_verbs.close(s);
}

static void an_opt_out_between_rcpt_and_the_end_counts(void **state)
{
	struct world *w = *state;
	void *s = open_from(w, "127.0.0.1:25"), *tx;
	assert_int_equal(begin(s, 0, &tx), 250);
	assert_int_equal(rcpt(tx, "late@x.test").code, 250);
	block(w, "late@x.test", "acme/offers", REASON_UNSUBSCRIBE);
	struct reply r = commit(tx, HEAD "\r\n");
	assert_int_equal(r.code, 550);
	assert_non_null(strstr(r.text, "unsubscribe"));
	intake_verbs.close(s);
}

static void draining_turns_new_mail_away(void **state)
{
	struct world *w = *state;
	void *s = open_from(w, "127.0.0.1:25"), *tx;
	intake_drain(w->intake);
	assert_int_equal(begin(s, 0, &tx), 421);
	intake_verbs.close(s);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(strangers_are_refused), CASE(passwords_decide_away_from_the_loop), CASE(limits_answer_by_name),
	    CASE(messages_are_judged_by_what_they_say), CASE(a_suppressed_recipient_is_told_at_rcpt),
	    CASE(an_opt_out_between_rcpt_and_the_end_counts), CASE(draining_turns_new_mail_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
