/* delivery: from the spool over real sessions to a scripted next hop, with a real ledger, policy and compose. */
#include "policy_help.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/log.h"
#include "compose/compose.h"
#include "delivery/delivery.h"
#include "hop_server.h"

/* The system's, with a wall that jumps. */
static _Atomic int64_t ahead_ms;

static int64_t jumping_wall(const struct clock *c)
{
	(void)c;
	return clock_wall(&clock_system) + atomic_load(&ahead_ms);
}

static int64_t steady(const struct clock *c)
{
	(void)c;
	return clock_mono(&clock_system);
}

static const struct clock jumping = {jumping_wall, steady};

struct world {
	struct place place;
	char spool_dir[64], log_file[80];
	struct ledger *ledger;
	struct spool *spool;
	struct delivery *delivery;
	struct hop_server hop;
	bool hop_open;
	_Atomic int reports[16];
	pthread_mutex_t lock;
	char enhanced[12]; /* of the last report */
};

static const char message[] = "From: News <news@acme.example>\r\nTo: x@example.net\r\nSubject: offer\r\n"
                              "Date: Tue, 24 Nov 2026 02:00:00 +0000\r\nMessage-ID: <1@acme.example>\r\n\r\nBuy.\r\n.now\r\n";

static void on_report(void *arg, const struct delivery_event *e)
{
	struct world *w = arg;
	pthread_mutex_lock(&w->lock);
	snprintf(w->enhanced, sizeof w->enhanced, "%s", e->reply.enhanced);
	pthread_mutex_unlock(&w->lock);
	atomic_fetch_add(&w->reports[e->outcome], 1);
}

static struct compose_settings *compose_for_test(void)
{
	static const uint8_t key[1][TOKEN_KEY_BYTES] = {{1}}, id[1] = {1};
	struct compose_settings *c = mem_zero(sizeof *c);
	c->hostname = mem_strdup("gate.example.com");
	c->tokens = token_keys_new(key, id, 1);
	c->keys = mem_zero(sizeof *c->keys);
	c->key_count = 1;
	c->keys[0] = (struct dkim_key){.domain = mem_strdup("acme.example"), .selector = mem_strdup("e1")};
	assert_int_equal(sign_key_new(&c->keys[0].key, SIGN_ED25519, NULL), 0);
	atomic_store(&c->shared.refs, 1);
	c->shared.free = compose_settings_free;
	return c;
}

static struct policy *policy_for_test(void)
{
	test_policy_make();
	struct brand *b = test_policy->brands;
	b->bounce_domain = mem_strdup("bounce.acme.example");
	b->public_url = mem_strdup("https://u.acme.example");
	atomic_store(&test_policy->shared.refs, 1);
	test_policy->shared.free = policy_free;
	return test_policy;
}

static struct delivery_settings *settings_for(struct world *w, const uint16_t *ports, unsigned n)
{
	struct delivery_settings *s = mem_zero(sizeof *s);
	s->hostname = mem_strdup("gate.example.com");
	s->hops = mem_zero(n * sizeof *s->hops);
	s->hop_count = n;
	for (unsigned i = 0; i < n; i++)
		s->hops[i] = (struct next_hop){.host = mem_strdup("127.0.0.1"), .port = ports[i], .connections = 4, .idle_ms = 100,
		    .connect_timeout_ms = 1000, .attempt_timeout_ms = 5000};
	s->retry_first_ms = 50;
	s->retry_max_ms = 200;
	s->expire_ms = 60000;
	s->policy = policy_for_test();
	s->compose = compose_for_test();
	s->report = on_report;
	s->report_arg = w;
	return s;
}

static void make(struct world *w)
{
	struct err err = {0};
	memset(w, 0, sizeof *w);
	atomic_store(&ahead_ms, 0);
	pthread_mutex_init(&w->lock, NULL);
	place_make(&w->place);
	snprintf(w->spool_dir, sizeof w->spool_dir, "%s", "/tmp/delivery-test.XXXXXX");
	assert_non_null(mkdtemp(w->spool_dir));
	snprintf(w->log_file, sizeof w->log_file, "%s.log", w->spool_dir);
	int fd = open(w->log_file, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	log_set_fd(fd);
	if (ledger_open(&w->ledger, &w->place.settings, &jumping, &err) < 0)
		fail_msg("%s", err.text);
	struct spool_settings ss = {.dir = w->spool_dir, .segment_bytes = 8 << 20};
	if (spool_open(&w->spool, &ss, &jumping, &err) < 0)
		fail_msg("%s", err.text);
}

static void start_with(struct world *w, struct delivery_settings *s)
{
	struct err err;
	if (delivery_start(&w->delivery, w->spool, w->ledger, &jumping, s, &err) < 0)
		fail_msg("%s", err.text);
}

static void open_hop(struct world *w, const struct hop_script *script)
{
	hop_open(&w->hop, script);
	w->hop_open = true;
}

static void start_hop(struct world *w, const struct hop_script *script)
{
	open_hop(w, script);
	start_with(w, settings_for(w, &w->hop.port, 1));
}

static void end(struct world *w)
{
	delivery_stop(&w->delivery, clock_mono(&clock_system) + 2000);
	if (w->hop_open) {
		hop_close(&w->hop);
		hop_free(&w->hop);
	}
	spool_close(&w->spool);
	ledger_close(&w->ledger);
	nftw(w->spool_dir, place_unlink, 16, FTW_DEPTH | FTW_PHYS);
	unlink(w->log_file);
	place_remove(&w->place);
}

static void done(void *arg, const struct err *err)
{
	assert_null(err);
	atomic_store((_Atomic bool *)arg, true);
}

static void submit(struct world *w, const char *const *rcpts, unsigned n, const char *stream)
{
	struct buf env, data[100];
	struct spool_new_item items[100];
	struct envelope e = {.client = V("tool"), .client_ip = V("192.0.2.1"), .helo = V("tool"), .brand = V("acme"), .stream = view_of(stream),
	    .return_path = V("news@acme.example"), .arrived_ms = clock_wall(&jumping)};
	buf_init(&env, 4096);
	envelope_write(&e, &env);
	for (unsigned i = 0; i < n; i++) {
		struct recipient r = {.address = view_of(rcpts[i])};
		buf_init(&data[i], 4096);
		recipient_write(&r, &data[i]);
		items[i] = (struct spool_new_item){.lane = V("acme/offers@example.net"), .data = buf_view(&data[i])};
	}
	struct spool_submission sub = {.envelope = buf_view(&env), .message = view_n(message, sizeof message - 1), .items = items, .item_count = n};
	_Atomic bool kept = false;
	spool_submit(w->spool, spool_new_id(w->spool), &sub, done, &kept);
	while (!atomic_load(&kept))
		poll(NULL, 0, 1);
	buf_free(&env);
	for (unsigned i = 0; i < n; i++)
		buf_free(&data[i]);
}

static void submit_one(struct world *w, const char *rcpt)
{
	submit(w, &rcpt, 1, "offers");
}

static void suppress(struct world *w, const char *address)
{
	struct change c = change_on(w->ledger, CHANGE_SUPPRESS, address, "acme/offers");
	struct change_result r;
	struct err err;
	c.reason = REASON_UNSUBSCRIBE;
	assert_int_equal(ledger_change(w->ledger, &c, &r, &err), 0);
}

static struct spool_stats stats(struct world *w)
{
	struct spool_stats st;
	spool_stats(w->spool, &st);
	return st;
}

static bool await_items(struct world *w, uint64_t items, int ms)
{
	for (; ms > 0 && stats(w).items != items; ms -= 5)
		poll(NULL, 0, 5);
	return stats(w).items == items;
}

static bool await(_Atomic int *what, int value, int ms)
{
	for (; ms > 0 && atomic_load(what) < value; ms -= 5)
		poll(NULL, 0, 5);
	return atomic_load(what) >= value;
}

static unsigned logged(struct world *w, const char *what)
{
	struct buf b;
	struct err err;
	buf_init(&b, 10 << 20);
	assert_int_equal(file_read(w->log_file, &b, &err), 0);
	unsigned n = 0;
	for (const char *p = buf_cstr(&b); (p = strstr(p, what)); p++)
		n++;
	buf_free(&b);
	return n;
}

static void items_reach_the_hop_once_over_few_connections(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	char names[100][32];
	const char *rcpts[100];
	for (int i = 0; i < 100; i++) {
		snprintf(names[i], sizeof names[i], "user%d@example.net", i);
		rcpts[i] = names[i];
	}
	for (int i = 0; i < 5; i++)
		submit(&w, rcpts, 100, "offers");
	start_hop(&w, &(struct hop_script){0});
	assert_true(await_items(&w, 0, 10000));
	assert_int_equal(w.hop.messages, 500);
	assert_in_range(w.hop.connections, 1, 8);
	assert_int_equal(w.reports[DELIVERED], 500);
	assert_int_equal(logged(&w, "outcome=delivered"), 500);
	assert_int_equal(logged(&w, "user1@"), 0); /* pseudonyms only */
	assert_true(hop_got(&w.hop, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
	assert_true(hop_got(&w.hop, "\r\n\r\nBuy.\r\n.now\r\n"));
	assert_int_equal(hop_count(&w.hop, "MAIL FROM:<b+"), 500);
	end(&w);
}

static void the_suppressed_are_settled_without_a_bounce(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	suppress(&w, "gone@example.net");
	submit(&w, (const char *[]){"gone@example.net", "here@example.net"}, 2, "offers");
	start_hop(&w, &(struct hop_script){0});
	assert_true(await_items(&w, 0, 5000));
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(hop_count(&w.hop, "gone@"), 0);
	assert_int_equal(w.reports[DELIVERY_SUPPRESSED], 1);
	assert_int_equal(logged(&w, "delivery.suppressed"), 1);
	end(&w);
}

/* Promise 2: the hop has said yes to MAIL and RCPT and takes its time over 354; the opt-out comes meanwhile. */
static void an_opt_out_overtakes_a_stalled_hop(void **state)
{
	(void)state;
	struct world w;
	_Atomic bool gate = false;
	make(&w);
	submit_one(&w, "leaving@example.net");
	start_hop(&w, &(struct hop_script){.data_gate = &gate});
	assert_true(await(&w.hop.datas, 1, 5000));
	suppress(&w, "leaving@example.net");
	atomic_store(&gate, true);
	assert_true(await_items(&w, 0, 5000));
	assert_int_equal(w.hop.messages, 0);
	assert_int_equal(hop_got_bytes(&w.hop), 0);
	assert_int_equal(w.reports[DELIVERY_SUPPRESSED], 1);
	end(&w);
}

static void refused_recipients_fail_and_are_reported(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	submit_one(&w, "nobody@example.net");
	start_hop(&w, &(struct hop_script){.rcpt = "550 5.1.1 no such user\r\n", .data = "554 5.5.1 no\r\n"});
	assert_true(await_items(&w, 0, 5000));
	assert_int_equal(w.reports[DELIVERY_PERMANENT], 1);
	assert_string_equal(w.enhanced, "5.1.1");
	assert_int_equal(logged(&w, "delivery.report "), 1);
	assert_int_equal(logged(&w, "enhanced=5.1.1"), 2); /* the report was refused too: that is the end of it */
	end(&w);
}

static void temporary_refusals_are_tried_again(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	submit_one(&w, "grey@example.net");
	open_hop(&w, &(struct hop_script){.final = "451 4.7.1 greylisted\r\n", .only_connection = 1});
	struct delivery_settings *s = settings_for(&w, &w.hop.port, 1);
	s->hops[0].idle_ms = 0;
	start_with(&w, s);
	assert_true(await_items(&w, 0, 5000));
	assert_int_equal(w.reports[DELIVERED], 1);
	assert_int_equal(logged(&w, "outcome=temporary"), 1);
	assert_int_equal(logged(&w, "outcome=delivered stage=final code=250 enhanced=2.0.0 attempts=1"), 1);
	end(&w);
}

#define HOURS(n) ((n) * 3600000ll)

/* Set back, and forward past what was put off: new mail goes at once, old mail in its time, each once; nothing expires for it. */
static void the_clock_may_jump(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	submit_one(&w, "grey@example.net");
	open_hop(&w, &(struct hop_script){.final = "451 4.7.1 greylisted\r\n", .only_connection = 1});
	struct delivery_settings *s = settings_for(&w, &w.hop.port, 1);
	s->hops[0].idle_ms = 0;
	s->retry_first_ms = s->retry_max_ms = HOURS(1);
	s->expire_ms = HOURS(120);
	start_with(&w, s);
	for (int i = 0; i < 1000 && !logged(&w, "outcome=temporary"); i++)
		poll(NULL, 0, 5);
	atomic_store(&ahead_ms, -HOURS(5));
	submit_one(&w, "new@example.net");
	assert_true(await_items(&w, 1, 5000));
	atomic_store(&ahead_ms, HOURS(2));
	assert_true(await_items(&w, 0, 5000));
	assert_int_equal(w.reports[DELIVERED], 2);
	assert_int_equal(w.hop.messages, 2);
	end(&w);
}

static void what_lasts_too_long_expires(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	submit_one(&w, "grey@example.net");
	open_hop(&w, &(struct hop_script){.final = "451 4.7.1 greylisted\r\n"});
	struct delivery_settings *s = settings_for(&w, &w.hop.port, 1);
	s->expire_ms = 400;
	start_with(&w, s);
	assert_true(await_items(&w, 0, 5000));
	assert_int_equal(w.reports[DELIVERY_PERMANENT], 1);
	assert_string_equal(w.enhanced, "4.4.7");
	end(&w);
}

/* A reload took the stream away: closed, but nothing is lost. */
static void a_stream_unknown_to_the_policy_waits(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	submit(&w, (const char *[]){"x@example.net"}, 1, "bygone");
	start_hop(&w, &(struct hop_script){0});
	poll(NULL, 0, 300);
	assert_int_equal(stats(&w).items, 1);
	assert_int_equal(w.hop.connections, 0);
	assert_true(logged(&w, "outcome=deferred") >= 1);
	end(&w);
}

static void a_dead_hop_is_noticed_once_and_loses_nothing(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	for (int i = 0; i < 30; i++)
		submit_one(&w, "patient@example.net");
	open_hop(&w, &(struct hop_script){0});
	start_with(&w, settings_for(&w, (uint16_t[]){1}, 1));
	poll(NULL, 0, 500);
	assert_int_equal(stats(&w).items, 30);
	assert_int_equal(logged(&w, "delivery.hop.down"), 1);
	delivery_use(w.delivery, settings_for(&w, &w.hop.port, 1)); /* a reload with the right port */
	assert_true(await_items(&w, 0, 5000));
	assert_int_equal(w.hop.messages, 30);
	assert_int_equal(logged(&w, "outcome=delivered stage=final code=250 enhanced=2.0.0 attempts=0"), 30);
	end(&w);
}

static void the_second_hop_steps_in(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	for (int i = 0; i < 10; i++)
		submit_one(&w, "x@example.net");
	open_hop(&w, &(struct hop_script){0});
	start_with(&w, settings_for(&w, (uint16_t[]){1, w.hop.port}, 2));
	assert_true(await_items(&w, 0, 5000));
	assert_int_equal(w.hop.messages, 10);
	end(&w);
}

static void a_hop_comes_back(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	submit_one(&w, "x@example.net");
	start_hop(&w, &(struct hop_script){.greeting = "421 4.3.2 not yet\r\n", .only_connection = 1});
	assert_true(await_items(&w, 0, 8000));
	assert_int_equal(logged(&w, "delivery.hop.down"), 1);
	assert_int_equal(logged(&w, "delivery.hop.up"), 1);
	end(&w);
}

/* And the worker whose session was cut goes on with the next. */
static void a_stalled_attempt_is_cut_and_repeated(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	submit_one(&w, "x@example.net");
	open_hop(&w, &(struct hop_script){.final = HOP_STALL, .only_connection = 1});
	struct delivery_settings *s = settings_for(&w, &w.hop.port, 1);
	s->hops[0].connections = 1;
	s->hops[0].attempt_timeout_ms = 300;
	start_with(&w, s);
	assert_true(await_items(&w, 0, 8000));
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(logged(&w, "outcome=unknown"), 1);
	assert_int_equal(logged(&w, "outcome=delivered stage=final code=250 enhanced=2.0.0 attempts=0"), 1);
	end(&w);
}

static void opportunistic_tls_that_fails_gives_way_to_plain(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	submit_one(&w, "x@example.net");
	open_hop(&w, &(struct hop_script){.ehlo = "250-hop\r\n250 STARTTLS\r\n", .starttls = "454 4.7.0 broken\r\n"});
	struct delivery_settings *s = settings_for(&w, &w.hop.port, 1);
	s->hops[0].tls = HOP_TLS_OPPORTUNISTIC;
	start_with(&w, s);
	assert_true(await_items(&w, 0, 5000));
	assert_int_equal(w.hop.messages, 1);
	assert_int_equal(logged(&w, "delivery.hop.plain"), 1);
	end(&w);
}

static void stopping_cuts_a_stalled_session_and_keeps_the_item(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	submit_one(&w, "x@example.net");
	start_hop(&w, &(struct hop_script){.final = HOP_STALL});
	assert_true(await(&w.hop.datas, 1, 5000));
	int64_t from = clock_mono(&clock_system);
	delivery_stop(&w.delivery, from + 300);
	assert_null(w.delivery);
	assert_in_range(clock_mono(&clock_system) - from, 0, 2000);
	assert_int_equal(stats(&w).items, 1);
	assert_int_equal(stats(&w).taken, 0);
	end(&w);
}

static void a_stop_at_rest_is_quick(void **state)
{
	(void)state;
	struct world w;
	make(&w);
	start_hop(&w, &(struct hop_script){0});
	submit_one(&w, "x@example.net");
	assert_true(await_items(&w, 0, 5000));
	int64_t from = clock_mono(&clock_system);
	delivery_stop(&w.delivery, from + 5000);
	assert_in_range(clock_mono(&clock_system) - from, 0, 1000);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(items_reach_the_hop_once_over_few_connections),
	    cmocka_unit_test(the_suppressed_are_settled_without_a_bounce),
	    cmocka_unit_test(an_opt_out_overtakes_a_stalled_hop),
	    cmocka_unit_test(refused_recipients_fail_and_are_reported),
	    cmocka_unit_test(temporary_refusals_are_tried_again),
	    cmocka_unit_test(the_clock_may_jump),
	    cmocka_unit_test(what_lasts_too_long_expires),
	    cmocka_unit_test(a_stream_unknown_to_the_policy_waits),
	    cmocka_unit_test(a_dead_hop_is_noticed_once_and_loses_nothing),
	    cmocka_unit_test(the_second_hop_steps_in),
	    cmocka_unit_test(a_hop_comes_back),
	    cmocka_unit_test(a_stalled_attempt_is_cut_and_repeated),
	    cmocka_unit_test(opportunistic_tls_that_fails_gives_way_to_plain),
	    cmocka_unit_test(stopping_cuts_a_stalled_session_and_keeps_the_item),
	    cmocka_unit_test(a_stop_at_rest_is_quick),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
