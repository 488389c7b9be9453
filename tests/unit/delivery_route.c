/* delivery: which way, whose turn, how fast; what a refusal says about when. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "../../src/delivery/destination.h"
#include "../../src/delivery/hint.h"
#include "../../src/delivery/ring.h"
#include "../../src/delivery/turn.h"

static void rows_match_by_stream_and_domain(void **state)
{
	(void)state;
	static char acme_[] = "acme", offers_[] = "acme/offers", zeta_[] = "zeta/x", gmail_[] = "gmail.com", yahoo_[] = "*.yahoo.com";
	static char *acme[] = {acme_}, *offers[] = {offers_, zeta_}, *mail[] = {gmail_, yahoo_};
	const struct mail_match all = {0}, brand = {.streams = acme, .stream_count = 1}, stream = {.streams = offers, .stream_count = 2},
	    domain = {.domains = mail, .domain_count = 2},
	    both = {.streams = offers, .stream_count = 2, .domains = mail, .domain_count = 2};
	const struct {
		const struct mail_match *m;
		const char *stream, *domain;
		bool fits;
	} rows[] = {{&all, "a/b", "c.d", true}, {&brand, "acme/offers", "x.y", true}, {&brand, "acme/news", "x.y", true},
	    {&brand, "acmeco/news", "x.y", false}, {&stream, "acme/offers", "x.y", true}, {&stream, "acme/offers2", "x.y", false},
	    {&stream, "zeta/x", "x.y", true}, {&domain, "a/b", "GMAIL.com", true}, {&domain, "a/b", "x.gmail.com", false},
	    {&domain, "a/b", "mail.yahoo.com", true}, {&domain, "a/b", "yahoo.com", false}, {&domain, "a/b", "notyahoo.com", false},
	    {&both, "acme/offers", "gmail.com", true}, {&both, "acme/news", "gmail.com", false}, {&both, "acme/offers", "x.y", false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(mail_matches(rows[i].m, view_of(rows[i].stream), view_of(rows[i].domain)), rows[i].fits);
}

static void rates_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t count; /* 0 = refused */
		int64_t per;
	} rows[] = {{"100/s", 100, 1000}, {"3000/m", 3000, 60000}, {"5/h", 5, 3600000}, {"1/d", 1, 86400000}, {"30/10s", 30, 10000},
	    {"1/250ms", 1, 250}, {"0/s", 0, 0}, {"10", 0, 0}, {"10/", 0, 0}, {"/s", 0, 0}, {"10/5", 0, 0}, {"10/2d", 0, 0}, {"-1/s", 0, 0},
	    {"10/x", 0, 0}, {"10/s/s", 0, 0}, {"2000000000/s", 0, 0}, {"1000001/s", 0, 0}, {"1000000/s", 1000000, 1000}, {"10/0s", 0, 0}, {"", 0, 0}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rate r = {0};
		assert_int_equal(rate_parse(view_of(rows[i].text), &r), rows[i].count != 0);
		assert_int_equal(r.count, rows[i].count);
		assert_int_equal(r.per_ms, rows[i].per);
	}
}

/* Over any stretch: never more than rate x time + burst, and no less than the rate when somebody always wants to. */
static void a_pace_is_kept(void **state)
{
	(void)state;
	static const struct {
		struct rate rate;
		unsigned burst;
	} rows[] = {{{10, 1000}, 1}, {{10, 1000}, 5}, {{1000, 1000}, 0}, {{60, 3600000}, 0}, {{7, 10000}, 3}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pace p = {0};
		const struct rate *r = &rows[i].rate;
		int64_t now = 1000000000, from = now;
		unsigned burst = rows[i].burst ? rows[i].burst : r->per_ms / r->count < 1000 ? 1000 * r->count / (unsigned)r->per_ms : 1;
		for (unsigned went = 1; went <= 5000; went++) {
			now += pace_wait_us(&p, r, rows[i].burst, now);
			assert_int_equal(pace_wait_us(&p, r, rows[i].burst, now), 0);
			pace_spend(&p, r, now);
			int64_t allowed = (now - from) * r->count / (r->per_ms * 1000) + burst;
			assert_in_range(went, 1, allowed);
			assert_true(went <= burst || went + 2 >= allowed);
		}
	}
	struct pace unused = {0};
	assert_int_equal(pace_wait_us(&unused, &(struct rate){0}, 0, 5), 0);
	/* What was spent under a slow rate does not outlive it. */
	struct pace slow = {0};
	pace_spend(&slow, &(struct rate){1, 86400000}, 0);
	assert_in_range(pace_wait_us(&slow, &(struct rate){10, 1000}, 1, 0), 0, 100000);
}

static void warm_up_goes_day_by_day(void **state)
{
	(void)state;
	struct rate days[] = {{50, 86400000}, {100, 86400000}};
	const int64_t day = 86400000, from = 20000 * day;
	const struct throttle t = {.rate = {9, 1000}, .warm_up = days, .warm_up_days = 2, .warm_up_from_ms = from};
	assert_int_equal(throttle_rate(&t, from - 5)->count, 50);
	assert_int_equal(throttle_rate(&t, from)->count, 50);
	assert_int_equal(throttle_rate(&t, from + day)->count, 100);
	assert_int_equal(throttle_rate(&t, from + 2 * day - 1)->count, 100);
	assert_int_equal(throttle_rate(&t, from + 2 * day)->count, 9);
}

/* ---- turns ---- */

static void turns_follow_priority_and_weight(void **state)
{
	(void)state;
	struct route_hop rh[] = {{0, 10, 3}, {1, 10, 1}, {2, 20, 1}};
	const struct route r = {.hops = rh, .hop_count = 3};
	struct turn_hop hops[3] = {{true, true}, {true, true}, {true, true}};
	struct turn t = {{0}};
	unsigned got[3] = {0};
	for (int i = 0; i < 400; i++) {
		int k = turn_next(&t, &r, hops);
		turn_taken(&t, &r, hops, k);
		got[k]++;
	}
	assert_int_equal(got[0], 300);
	assert_int_equal(got[1], 100);
	assert_int_equal(got[2], 0);
	hops[0].free = false; /* busy: the other of its priority, not the next */
	assert_int_equal(turn_next(&t, &r, hops), 1);
	hops[1].free = false;
	assert_int_equal(turn_next(&t, &r, hops), -1);
	hops[0].up = hops[1].up = false; /* down: the next */
	assert_int_equal(turn_next(&t, &r, hops), 2);
	for (int i = 0; i < 1000; i++)
		turn_taken(&t, &r, hops, 2);
	hops[0] = hops[1] = (struct turn_hop){true, true}; /* back: nothing to make up for */
	memset(got, 0, sizeof got);
	for (int i = 0; i < 40; i++) {
		int k = turn_next(&t, &r, hops);
		turn_taken(&t, &r, hops, k);
		got[k]++;
	}
	assert_in_range(got[0], 29, 31);
	hops[2].up = hops[1].up = hops[0].up = false;
	assert_int_equal(turn_next(&t, &r, hops), -1);
}

/* ---- destinations ---- */

static void a_destination_slows_down_and_recovers(void **state)
{
	(void)state;
	struct destinations ds;
	destinations_init(&ds, 42);
	destinations_use(&ds, 3);
	struct destination *d = destinations_get(&ds, V("Example.COM"));
	assert_ptr_equal(destinations_get(&ds, V("example.com")), d);
	assert_string_equal(d->domain, "example.com");
	assert_false(destination_worked(&ds, d, 1000));
	assert_true(destination_slower(&ds, d, 0, 1000, 2000));
	assert_int_equal(d->next_ms, 2000 + SLOW_FIRST_MS);
	assert_false(destination_slower(&ds, d, 0, 1500, 2100)); /* was on its way */
	assert_int_equal(d->delay_ms, SLOW_FIRST_MS);
	assert_true(destination_slower(&ds, d, 60000, 3000, 4000)); /* and it said when */
	assert_int_equal(d->delay_ms, 2 * SLOW_FIRST_MS);
	assert_int_equal(d->next_ms, 64000);
	for (int i = 0; i < 100; i++)
		destination_slower(&ds, d, 0, 100000 + i * 1000, 100000 + i * 1000);
	assert_int_equal(d->delay_ms, SLOW_MAX_MS);
	assert_int_equal(ds.slow, 1);
	int worked = 1;
	int64_t now = d->next_ms;
	while (!destination_worked(&ds, d, now)) {
		now += d->delay_ms;
		assert_in_range(++worked, 1, 20);
	}
	assert_int_equal(d->delay_ms, 0);
	assert_int_equal(ds.slow, 0);
	destinations_free(&ds);
}

static void destinations_nobody_needs_are_forgotten(void **state)
{
	(void)state;
	struct destinations ds;
	char name[32];
	destinations_init(&ds, 7);
	destinations_use(&ds, 0);
	struct destination *kept = destinations_get(&ds, V("kept.example")), *slow = destinations_get(&ds, V("slow.example"));
	kept->refs = 1;
	destination_slower(&ds, slow, 0, 1, 2);
	for (int i = 0; i < 3 * DESTINATIONS_MAX; i++) {
		snprintf(name, sizeof name, "d%d.example", i);
		destinations_get(&ds, view_of(name));
	}
	assert_in_range(ds.count, 2, DESTINATIONS_MAX + 1);
	assert_ptr_equal(destinations_find(&ds, V("kept.example")), kept);
	assert_ptr_equal(destinations_find(&ds, V("slow.example")), slow);
	destinations_free(&ds);
}

static void lines_keep_their_order(void **state)
{
	(void)state;
	struct ring r = {0};
	struct timeline t = {0};
	struct lane_ref ref = {0};
	uint32_t next = 0, in = 0;
	for (int i = 0; i < 1000; i++) {
		for (int k = 0; k < i % 7; k++) {
			ref.lane = in++;
			ring_push(&r, &ref);
		}
		for (int k = 0; k < i % 5 && r.n; k++)
			assert_int_equal(ring_pop(&r).lane, next++);
	}
	ring_free(&r);
	for (uint32_t i = 0; i < 1000; i++) {
		ref.lane = i * 7919 % 1000;
		timeline_add(&t, &ref, ref.lane);
	}
	assert_false(timeline_pop(&t, -1, &ref));
	for (uint32_t i = 0; i < 1000; i++) {
		assert_true(timeline_pop(&t, 1000, &ref));
		assert_int_equal(ref.lane, i);
	}
	assert_false(timeline_pop(&t, 1000, &ref));
	timeline_free(&t);
}

/* ---- hints ---- */

static void refusals_say_when(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t seconds; /* 0 = none */
	} rows[] = {
	    {"Greylisted, please try again in 300 seconds", 300}, {"try again in 5 minutes", 300}, {"Try again in 60s", 60},
	    {"please retry after 00:05:00", 300}, {"Greylisted for 299 seconds", 299}, {"temporarily deferred, retry in 2 hours", 7200},
	    {"try again later", 0}, {"Greylisting in action, please come back in 4m 30s", 270}, {"wait 1 hour, 5 minutes", 3900},
	    {"Too many messages. Try again in 15 min.", 900}, {"<bob7@example.com>: try again later (ref 12345)", 0},
	    {"mailbox full, 52428800 bytes", 0}, {"retry 4.7.1 later", 0}, {"Please try again after 10 minutes from 192.0.2.1", 600},
	    {"try again in 99999999 hours", 0}, {"try again in 100000 hours", 86400}, {"retry after 192.0.2.1 is unlisted", 0},
	    {"retry in 120", 120}, {"Retry after 30.", 30}, {"again in 0 seconds", 0}, {"", 0}, {"retry", 0}, {"again in ", 0},
	    {"try again in 3:00", 180}, {"deferred for at least 20 minutes", 1200}, {"account12 wait", 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t ms = 0;
		bool said = retry_hint(view_of(rows[i].text), &ms);
		if (said != (rows[i].seconds != 0) || ms != rows[i].seconds * 1000)
			fail_msg("%s: %d, %lld ms", rows[i].text, said, (long long)ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_match_by_stream_and_domain),
	    cmocka_unit_test(rates_are_read),
	    cmocka_unit_test(a_pace_is_kept),
	    cmocka_unit_test(warm_up_goes_day_by_day),
	    cmocka_unit_test(turns_follow_priority_and_weight),
	    cmocka_unit_test(a_destination_slows_down_and_recovers),
	    cmocka_unit_test(destinations_nobody_needs_are_forgotten),
	    cmocka_unit_test(lines_keep_their_order),
	    cmocka_unit_test(refusals_say_when),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
