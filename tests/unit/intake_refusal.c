/* What becomes of a recipient: refused, dropped or held, as client and stream want it; and nothing but a 451 when nobody can know. */
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/ledger/store.h"
#include "base/mem.h"
#include "intake/intake.h"

static struct {
	char dir[64], ledger_dir[80], key_dir[80], spool_dir[80];
	struct ledger *ledger;
	struct spool *spool;
	struct intake *intake;
	struct brand brand;
	struct stream stream;
	struct client client;
	struct network network;
} w;

static char *from_domains[] = {(char *)"acme.test"};

static void keep_it(struct shared *s)
{
	(void)s;
}

static struct policy policy;

static void policy_with(enum refusal_way of_stream, enum refusal_way of_client)
{
	struct err err;
	w.brand = (struct brand){.name = (char *)"acme", .from_domains = from_domains, .from_domain_count = 1, .streams = &w.stream, .stream_count = 1};
	w.stream = (struct stream){.name = (char *)"offers", .brand = &w.brand, .class = CLASS_MARKETING, .refusal = of_stream};
	assert_int_equal(scope_parse(V("acme"), &w.brand.scope, &err), 0);
	assert_int_equal(scope_parse(V("acme/offers"), &w.stream.scope, &err), 0);
	w.client = (struct client){.name = (char *)"net", .brand = &w.brand, .default_stream = &w.stream, .networks = &w.network, .network_count = 1,
	    .refusal = of_client};
	assert_int_equal(network_parse("127.0.0.1", &w.network, &err), 0);
	policy = (struct policy){.brands = &w.brand, .brand_count = 1, .shared = {.refs = 1, .free = keep_it}};
}

/* Its parts are ours. */
static void free_settings(struct shared *s)
{
	free(s);
}

static void intake_with(enum refusal_way of_stream, enum refusal_way of_client)
{
	policy_with(of_stream, of_client);
	struct intake_settings *s = mem_zero(sizeof *s);
	*s = (struct intake_settings){.policy = &policy, .clients = &w.client, .client_count = 1, .hostname = (char *)"gate.test",
	    .max_message_bytes = 10000, .max_recipients = 10, .max_received = 5, .memory_bytes = 1 << 20};
	intake_use(w.intake, s);
	s->shared.free = free_settings;
}

static int setup(void **state)
{
	*state = NULL;
	struct err err = {0};
	snprintf(w.dir, sizeof w.dir, "/tmp/optgate-refusal-XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	snprintf(w.ledger_dir, sizeof w.ledger_dir, "%s/ledger", w.dir);
	snprintf(w.key_dir, sizeof w.key_dir, "%s/keys", w.dir);
	snprintf(w.spool_dir, sizeof w.spool_dir, "%s/spool", w.dir);
	const struct ledger_settings ls = {.dir = w.ledger_dir, .key_dir = w.key_dir, .map_bytes = 16 << 20};
	const struct spool_settings ss = {.dir = w.spool_dir, .segment_bytes = 1 << 20, .min_free_bytes = 1};
	if (ledger_open(&w.ledger, &ls, &clock_system, &err) < 0 || spool_open(&w.spool, &ss, &clock_system, &err) < 0)
		fail_msg("%s", err.text);
	w.intake = intake_new(w.ledger, w.spool, &clock_system);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	intake_free(&w.intake);
	spool_close(&w.spool);
	ledger_close(&w.ledger);
	nftw(w.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void key_of(const char *who, struct person_key *ret)
{
	ledger_person_key(w.ledger, CHANNEL_EMAIL, view_of(who), ret);
}

static void suppress(const char *who)
{
	struct change c = {.kind = CHANGE_SUPPRESS, .channel = CHANNEL_EMAIL, .reason = REASON_UNSUBSCRIBE, .source = V("test"), .actor = V("test")};
	struct change_result r;
	struct err err;
	assert_int_equal(scope_parse(V("acme"), &c.scope, &err), 0);
	key_of(who, &c.who);
	assert_int_equal(ledger_change(w.ledger, &c, &r, &err), 0);
}

/* A row that nobody can read, by another process, as a damaged disk would leave it. */
static void damage(const char *who)
{
	struct person_key key;
	int status;
	key_of(who, &key);
	int pid = fork();
	if (pid == 0) {
		struct store *s;
		struct txn *t;
		bool again;
		char row[26] = "";
		memcpy(row, key.b, sizeof key.b);
		const struct store_settings set = {.dir = w.ledger_dir, .map_bytes = 16 << 20, .max_readers = 16};
		if (store_open(&s, &set, NULL) < 0 || store_write(s, &t, NULL) < 0)
			_exit(1);
		txn_put(t, TABLE_SUPPRESSIONS, view_n(row, sizeof row), V("junk"));
		_exit(txn_commit(&t, &again, NULL) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t came;
	bool there;
	struct reply reply;
};

static void came(void *arg, const struct reply *reply)
{
	struct waiter *x = arg;
	pthread_mutex_lock(&x->lock);
	x->reply = *reply;
	x->there = true;
	pthread_cond_signal(&x->came);
	pthread_mutex_unlock(&x->lock);
}

static struct reply rcpt(void *tx, const char *to)
{
	struct address a;
	struct reply r = {0};
	assert_int_equal(address_parse(view_of(to), &a, NULL), 0);
	intake_verbs.rcpt(tx, &(struct intake_rcpt){.to = &a}, &r);
	return r;
}

static struct reply commit(void *tx)
{
	struct waiter x = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};
	buf_str(intake_verbs.data(tx), "From: news@acme.test\r\n\r\nhi\r\n");
	intake_verbs.commit(tx, NULL, came, &x);
	pthread_mutex_lock(&x.lock);
	while (!x.there)
		pthread_cond_wait(&x.came, &x.lock);
	pthread_mutex_unlock(&x.lock);
	return x.reply;
}

static void *session;
static void *begin(void)
{
	struct endpoint peer;
	struct address from;
	struct reply r = {0};
	void *tx = NULL;
	assert_int_equal(endpoint_parse("127.0.0.1:25", &peer, NULL), 0);
	assert_int_equal(address_parse(V("news@acme.test"), &from, NULL), 0);
	session = intake_verbs.open(w.intake, &peer);
	intake_verbs.begin(session, &(struct intake_mail){.from = &from, .helo = V("tool")}, &tx, &r);
	assert_non_null(tx);
	return tx;
}

static void the_choice_is_kept_to(void **state)
{
	static const struct {
		enum refusal_way of_stream, of_client;
		int rcpt, data;    /* of a message to a suppressed person alone; data 0: not reached */
		unsigned held;     /* items in the queue afterwards, held */
	} rows[] = {
	    {REFUSAL_UNSET, REFUSAL_UNSET, 550, 0, 0},
	    {REFUSAL_REFUSE, REFUSAL_UNSET, 550, 0, 0},
	    {REFUSAL_DROP, REFUSAL_UNSET, 250, 250, 0},
	    {REFUSAL_HOLD, REFUSAL_UNSET, 250, 250, 1},
	    {REFUSAL_HOLD, REFUSAL_DROP, 250, 250, 0},
	    {REFUSAL_DROP, REFUSAL_HOLD, 250, 250, 1},
	    {REFUSAL_DROP, REFUSAL_REFUSE, 550, 0, 0},
	};
	(void)state;
	suppress("left@x.test");
	unsigned held = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct spool_stats st;
		intake_with(rows[i].of_stream, rows[i].of_client);
		void *tx = begin();
		assert_int_equal(rcpt(tx, "left@x.test").code, rows[i].rcpt);
		if (rows[i].data)
			assert_int_equal(commit(tx).code, rows[i].data);
		else
			intake_verbs.abort(tx);
		intake_verbs.close(session);
		held += rows[i].held;
		spool_stats(w.spool, &st);
		assert_int_equal(st.held, held);
		assert_int_equal(st.items, held);
	}
}

/* Whatever the choice: what can't be known is a 451, and nothing of the message is kept. */
static void nobody_is_dropped_or_held_for_an_error(void **state)
{
	(void)state;
	damage("torn@x.test");
	for (enum refusal_way way = REFUSAL_REFUSE; way <= REFUSAL_HOLD; way++) {
		struct spool_stats st;
		intake_with(way, REFUSAL_UNSET);
		void *tx = begin();
		struct reply r = rcpt(tx, "torn@x.test");
		assert_int_equal(r.code, 451);
		assert_string_equal(r.enhanced, "4.3.0");
		assert_int_equal(rcpt(tx, "late@x.test").code, 250);
		if (way == REFUSAL_HOLD) /* between RCPT and the end of DATA */
			damage("late@x.test");
		r = commit(tx);
		assert_int_equal(r.code, way == REFUSAL_HOLD ? 451 : 250);
		intake_verbs.close(session);
		spool_stats(w.spool, &st);
		assert_int_equal(st.items, way == REFUSAL_HOLD ? 2 : (unsigned)way);
		assert_int_equal(st.held, 0);
	}
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {CASE(the_choice_is_kept_to), CASE(nobody_is_dropped_or_held_for_an_error)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
