/* callout: who is called, who isn't, and what is written down, with a real ledger and queue and a clock that the test sets. What a tool
 * answers is tried out in tests/integration/test_tool_links.py. */
#include "ledger_help.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "../../src/callout/internal.h"
#include "base/be.h"
#include "base/counter.h"
#include "base/log.h"

#define ANN  "ann@example.net"
#define HOUR 3600000

struct bench {
	struct place place;
	struct ledger *ledger;
	struct callout *callout;
	int listener; /* where the links lead; it accepts and says nothing */
	char url[100], host[60], queue[100];
};

static void listen_here(struct bench *b)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;
	b->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(b->listener, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(b->listener, 10), 0);
	assert_int_equal(getsockname(b->listener, (struct sockaddr *)&at, &n), 0);
	snprintf(b->host, sizeof b->host, "127.0.0.1:%d", ntohs(at.sin_port));
	snprintf(b->url, sizeof b->url, "https://%s/leave?u=1", b->host);
}

static char **texts(const char *one, size_t *ret_n)
{
	char **t = mem_zero(sizeof *t);
	*ret_n = one != NULL;
	t[0] = mem_strdup(one);
	return t;
}

static struct callout_settings *settings_for(const char *host, const char *private)
{
	struct callout_settings *s = mem_zero(sizeof *s);
	s->hosts = texts(host, &s->host_count);
	s->private_hosts = texts(private, &s->private_host_count);
	s->wait_ms = HOUR;
	s->retry_first_ms = 1000;
	s->retry_max_ms = 8000;
	s->give_up_ms = 100 * HOUR;
	s->timeout_ms = 300; /* the listener never answers */
	return s;
}

static void bench_start(struct bench *b, bool private)
{
	struct err err;
	log_set_level(LOG_LEVEL_ERROR);
	place_make(&b->place);
	b->ledger = place_open(&b->place);
	listen_here(b);
	snprintf(b->queue, sizeof b->queue, "%s/queue", b->place.dir);
	const struct spool_settings queue = {.dir = b->queue, .segment_bytes = 1 << 20};
	if (callout_start(&b->callout, &queue, b->ledger, &test_clock, settings_for(b->host, private ? b->host : NULL), &err) < 0)
		fail_msg("%s", err.text);
}

static void bench_end(struct bench *b)
{
	callout_stop(&b->callout);
	ledger_close(&b->ledger);
	place_remove(&b->place);
	close(b->listener);
}

struct wanted {
	const char *name;
	int64_t value;
};

static void see_counter(void *arg, const char *name, int64_t value)
{
	struct wanted *w = arg;
	if (strcmp(name, w->name) == 0)
		w->value = value;
}

static int64_t count_of(const char *result)
{
	char name[100];
	snprintf(name, sizeof name, "optgate_tool_calls_total{result=\"%s\"}", result);
	struct wanted w = {name, -1};
	counters_each(see_counter, &w);
	assert_true(w.value >= 0);
	return w.value;
}

static void wait_for(const char *result, int64_t more_than)
{
	for (int i = 0; i < 6000 && count_of(result) <= more_than; i++)
		usleep(10000);
	assert_true(count_of(result) > more_than);
}

static void change(struct bench *b, enum change_kind kind, enum reason reason)
{
	struct change c = change_on(b->ledger, kind, ANN, "acme/offers");
	struct change_result r;
	struct err err;
	c.reason = reason;
	c.source = V("page");
	c.actor = V(ACTOR_RECIPIENT);
	c.note = kind == CHANGE_UNSUPPRESS ? V("undone") : V("");
	if (ledger_change(b->ledger, &c, &r, &err) < 0)
		fail_msg("%s", err.text);
}

static void wish(struct bench *b, const char *url, bool may_be_undone)
{
	const struct callout_wish w = {.url = view_of(url), .channel = CHANNEL_EMAIL, .who = person_of(b->ledger, ANN),
	    .scope = scope_named("acme/offers"), .may_be_undone = may_be_undone};
	callout_add(b->callout, &w);
}

static bool was_called(struct bench *b)
{
	int fd = accept(b->listener, NULL, NULL);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool find_note(void *arg, const struct journal_entry *e)
{
	unsigned *found = arg;
	*found += view_eq(e->source, V("tool-link"));
	return true;
}

static unsigned notes_in(struct bench *b)
{
	unsigned found = 0;
	struct err err;
	assert_int_equal(ledger_journal(b->ledger, 1, find_note, &found, &err), 0);
	return found;
}

static void a_private_address_only_if_named(void **state)
{
	(void)state;
	for (int private = 0; private < 2; private++) {
		struct bench b;
		int64_t before = count_of("later");
		bench_start(&b, private);
		change(&b, CHANGE_SUPPRESS, REASON_UNSUBSCRIBE);
		wish(&b, b.url, false);
		wait_for("later", before);
		assert_int_equal(was_called(&b), private);
		bench_end(&b);
	}
}

static void what_was_undone_is_not_told(void **state)
{
	(void)state;
	struct bench b;
	int64_t before = count_of("undone");
	bench_start(&b, true);
	change(&b, CHANGE_SUPPRESS, REASON_UNSUBSCRIBE);
	wish(&b, b.url, true);
	change(&b, CHANGE_UNSUPPRESS, REASON_UNSUBSCRIBE);
	wish(&b, b.url, false); /* this one at once, and nothing stands for it either */
	wait_for("undone", before);
	assert_int_equal(count_of("undone"), before + 1);
	test_now_ms += HOUR;
	wish(&b, b.url, false); /* the queue looks again, and finds both */
	wait_for("undone", before + 2);
	bench_end(&b);
	assert_false(was_called(&b));
}

static void what_never_answers_is_given_up(void **state)
{
	(void)state;
	struct bench b;
	int64_t later = count_of("later"), before = count_of("given-up");
	bench_start(&b, true);
	change(&b, CHANGE_SUPPRESS, REASON_UNSUBSCRIBE);
	wish(&b, b.url, false);
	wait_for("later", later);
	assert_int_equal(notes_in(&b), 0);
	test_now_ms += 101 * HOUR;
	wish(&b, b.url, false);
	wait_for("given-up", before);
	for (int i = 0; i < 6000 && notes_in(&b) == 0; i++)
		usleep(10000);
	assert_int_equal(notes_in(&b), 1);
	bench_end(&b);
}

static void other_hosts_are_not_taken(void **state)
{
	(void)state;
	struct bench b;
	int64_t before = count_of("later");
	bench_start(&b, true);
	change(&b, CHANGE_SUPPRESS, REASON_UNSUBSCRIBE);
	wish(&b, "https://127.0.0.1/leave", false); /* another port */
	wish(&b, "https://example.com/leave", false);
	wish(&b, "http://127.0.0.1/leave", false);
	struct spool_stats stats;
	spool_stats(b.callout->spool, &stats);
	assert_int_equal(stats.submitted, 0);
	assert_int_equal(count_of("later"), before);
	bench_end(&b);
}

static void records_are_read_whole_or_not(void **state)
{
	(void)state;
	struct call_record r = {.channel = CHANNEL_SMS, .who = {{1, 2}}, .scope = scope_named("acme/offers/spring"), .may_be_undone = true}, got;
	struct buf b;
	buf_init(&b, CALLOUT_RECORD_MAX);
	call_record_write(&r, &b);
	assert_true(call_record_read(buf_view(&b), &got));
	assert_memory_equal(&got.who, &r.who, sizeof got.who);
	assert_string_equal(got.scope.name, "acme/offers/spring");
	assert_int_equal(got.scope.level, SCOPE_TOPIC);
	assert_int_equal(got.channel, CHANNEL_SMS);
	assert_true(got.may_be_undone);
	for (size_t n = 0; n < b.n; n++)
		assert_false(call_record_read(view_n(b.p, n), &got));
	buf_byte(&b, 0);
	assert_false(call_record_read(buf_view(&b), &got));
	buf_free(&b);
}

static void delays_double_up_to_a_limit(void **state)
{
	(void)state;
	const struct callout_settings s = {.retry_first_ms = 1000, .retry_max_ms = 5000};
	static const int64_t middle[] = {1000, 2000, 4000, 5000, 5000};
	for (uint32_t i = 0; i < 5; i++)
		for (uint32_t random = 0; random < 5000; random += 7) {
			int64_t ms = call_delay_ms(&s, i + 1, random);
			assert_in_range(ms, middle[i] * 3 / 4, middle[i] * 5 / 4);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_are_read_whole_or_not),
	    cmocka_unit_test(delays_double_up_to_a_limit),
	    cmocka_unit_test(a_private_address_only_if_named),
	    cmocka_unit_test(what_was_undone_is_not_told),
	    cmocka_unit_test(what_never_answers_is_given_up),
	    cmocka_unit_test(other_hosts_are_not_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
