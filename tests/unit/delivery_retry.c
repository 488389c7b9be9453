/* delivery: when to try again, what a hop's failures make of it, what a watched dialogue says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../../src/delivery/dialogue.h"
#include "../../src/delivery/hop.h"
#include "../../src/delivery/retry.h"

#define HALF 0x80000000u

static void delays_double_up_to_the_most(void **state)
{
	(void)state;
	static const struct {
		uint32_t attempts;
		int64_t wait;
	} rows[] = {{0, 60000}, {1, 120000}, {2, 240000}, {5, 1920000}, {6, 3600000}, {7, 3600000}, {1000000, 3600000}, {UINT32_MAX, 3600000}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(retry_delay(60000, 3600000, rows[i].attempts, HALF), rows[i].wait);
	assert_true(retry_delay(INT64_MAX / 4, INT64_MAX / 2, UINT32_MAX, UINT32_MAX) > 0); /* no overflow */
	assert_true(retry_delay(0, 0, 0, 0) >= 0);
}

static void jitter_stays_within_a_quarter(void **state)
{
	(void)state;
	assert_int_equal(retry_delay(1000, 5000, 0, 0), 750);
	assert_int_equal(retry_delay(1000, 5000, 0, UINT32_MAX), 1250);
	for (uint32_t r = 0; r < 1000; r++) {
		int64_t ms = retry_delay(1000, 5000, 0, r * 4294967u);
		assert_in_range(ms, 750, 1250);
	}
}

static void uncounted_retries_get_rarer_with_age(void **state)
{
	(void)state;
	static const struct {
		int64_t age, wait;
	} rows[] = {{0, 2000}, {1000, 2000}, {60000, 15000}, {3600000, 900000}, {864000000, 3600000}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(retry_delay_uncounted(rows[i].age, 3600000, HALF), rows[i].wait);
}

static void age_decides_about_expiry(void **state)
{
	(void)state;
	assert_false(retry_expired(1000, 500, 1499));
	assert_true(retry_expired(1000, 500, 1500));
	assert_false(retry_expired(1000, 0, 1000000));
	assert_false(retry_expired(1000, 500, -5)); /* the clock went back */
}

/* ---- hops ---- */

static const struct reply silence = {0}, busy = {.code = 421}, never = {.code = 554};

static void a_dead_hop_is_news_once_and_probed_ever_more_rarely(void **state)
{
	(void)state;
	struct hop_state h = {0};
	int64_t now = 1000, backoff = HOP_PROBE_FIRST_MS;
	hop_opened(&h);
	hop_opened(&h);
	assert_true(hop_failed(&h, &silence, STAGE_CONNECT, now, HALF));
	hop_closed(&h, false);
	assert_false(hop_failed(&h, &silence, STAGE_CONNECT, now, HALF)); /* was on its way: no further back-off */
	hop_closed(&h, false);
	assert_int_equal(h.probe_at_ms, now + backoff);
	for (int i = 0; i < 10; i++) {
		assert_false(hop_may_open(&h, 20, h.probe_at_ms - 1));
		now = h.probe_at_ms;
		assert_true(hop_may_open(&h, 20, now));
		hop_opened(&h);
		assert_false(hop_may_open(&h, 20, now)); /* one probe at a time */
		assert_false(hop_failed(&h, &never, STAGE_HELLO, now, HALF));
		hop_closed(&h, false);
		backoff = 2 * backoff < HOP_PROBE_MAX_MS ? 2 * backoff : HOP_PROBE_MAX_MS;
		assert_int_equal(h.probe_at_ms, now + backoff);
	}
	hop_opened(&h);
	assert_true(hop_worked(&h, true));
	assert_false(hop_worked(&h, false));
	assert_true(hop_may_open(&h, 20, now));
	hop_closed(&h, true);
	assert_int_equal(h.answering, 0);
	assert_int_equal(h.backoff_ms, 0);
}

static void one_connection_too_many_is_not_the_end(void **state)
{
	(void)state;
	struct hop_state h = {0};
	for (int i = 0; i < 3; i++) {
		hop_opened(&h);
		hop_worked(&h, true);
	}
	hop_opened(&h);
	assert_true(hop_failed(&h, &busy, STAGE_HELLO, 1000, HALF));
	hop_closed(&h, false);
	assert_false(h.down);
	assert_false(hop_may_open(&h, 20, 2000));
	hop_closed(&h, true);
	assert_true(hop_may_open(&h, 20, 2000));
	assert_true(hop_may_open(&h, 20, 1000 + HOP_CAP_KEEP_MS));
}

static void a_hop_that_breaks_every_session_is_down(void **state)
{
	(void)state;
	struct hop_state h = {0};
	for (int i = 1; i < HOP_STRIKES; i++)
		assert_false(hop_broke(&h, 1000, HALF));
	assert_true(hop_broke(&h, 1000, HALF));
	assert_true(h.down);
	hop_worked(&h, true);
	assert_false(hop_broke(&h, 1000, HALF));
}

/* ---- the dialogue ---- */

/* Lines of the hop and of ours ("> "), and the cut that must follow. */
static const struct {
	bool auth, tls;
	const char *lines[10];
	enum wire_cut cut;
} talks[] = {
    {false, false, {"220 x\r\n", "> EHLO a\r\n", "250 x\r\n", "> MAIL FROM:<>\r\n"}, WIRE_WHOLE},
    {true, false, {"220 x\r\n", "> EHLO a\r\n", "250 x\r\n", "> MAIL FROM:<>\r\n"}, WIRE_NO_AUTH},
    {true, false, {"> EHLO a\r\n", "250 x\r\n", "> AUTH PLAIN eA==\r\n", "235 ok\r\n", "> MAIL FROM:<>\r\n"}, WIRE_WHOLE},
    {true, false, {"> AUTH LOGIN\r\n", "334 VXNl\r\n", "> eA==\r\n", "334 UGFz\r\n", "> MAIL\r\n", "235 ok\r\n", "> MAIL FROM:<>\r\n"}, WIRE_WHOLE},
    {true, false, {"> AUTH LOGIN\r\n", "334 VXNl\r\n", "> eA==\r\n", "535 no\r\n", "> MAIL FROM:<>\r\n"}, WIRE_NO_AUTH},
    {true, false, {"> AUTH PLAIN eA==\r\n", "235-ok\r\n535 no\r\n", "> MAIL FROM:<>\r\n"}, WIRE_NO_AUTH},
    {false, true, {"> EHLO a\r\n", "250 x\r\n", "> MAIL FROM:<>\r\n"}, WIRE_NO_TLS},
    {true, true, {"> EHLO a\r\n", "250 AUTH PLAIN\r\n", "> AUTH PLAIN eA==\r\n"}, WIRE_NO_TLS},
    {false, true, {"> STARTTLS\r\n", "220 go\r\n250 x\r\n"}, WIRE_INJECTION},
    {false, true, {"> STARTTLS\r\n", "220 go\r\n\n"}, WIRE_INJECTION},
    {false, true, {"> STARTTLS\r\n", "220-a\r\n220 go\r\n"}, WIRE_WHOLE},
    {false, false, {"> STARTTLS\r\n", "454 no\r\n", "> QUIT\r\n"}, WIRE_WHOLE},
};

/* Our lines come whole; the hop's in pieces of STEP bytes, but for what came in one segment with the end of the reply. */
static enum wire_cut play(size_t i, size_t step)
{
	struct dialogue d;
	enum wire_cut cut = WIRE_WHOLE;
	dialogue_start(&d, talks[i].auth, talks[i].tls);
	for (const char *const *l = talks[i].lines; *l && cut == WIRE_WHOLE; l++) {
		struct view v = view_of(*l);
		if (view_starts(v, V("> "))) {
			cut = dialogue_sends(&d, view_sub(v, 2, v.n));
			continue;
		}
		char bytes[200];
		memcpy(bytes, v.p, v.n);
		size_t most = talks[i].cut == WIRE_INJECTION || !step ? v.n : step;
		for (size_t from = 0; from < v.n && cut == WIRE_WHOLE; from += most)
			cut = dialogue_receives(&d, bytes + from, from + most < v.n ? most : v.n - from);
	}
	return cut;
}

static void talks_are_judged_the_same_however_they_are_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof talks / sizeof *talks; i++)
		for (size_t step = 0; step < 12; step++)
			if (play(i, step) != talks[i].cut)
				fail_msg("row %zu, step %zu: cut %d", i, step, play(i, step));
}

static void chunking_is_hidden_however_it_arrives(void **state)
{
	(void)state;
	static const char offer[] = "250-hop\r\n250-CHUNKING\r\n250-CHUNKING2\r\n250-X CHUNKING\r\n250 chunking\r\n";
	for (size_t step = 1; step < sizeof offer; step++) {
		char bytes[sizeof offer];
		struct dialogue d;
		memcpy(bytes, offer, sizeof offer);
		dialogue_start(&d, false, false);
		dialogue_sends(&d, V("EHLO a\r\n"));
		for (size_t at = 0; at < sizeof offer - 1; at += step)
			dialogue_receives(&d, bytes + at, at + step < sizeof offer ? step : sizeof offer - 1 - at);
		assert_string_equal(bytes, "250-hop\r\n250-CHUNKINX\r\n250-CHUNKINX2\r\n250-X CHUNKING\r\n250 chunkinX\r\n");
		assert_true(d.hello);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(delays_double_up_to_the_most),
	    cmocka_unit_test(jitter_stays_within_a_quarter),
	    cmocka_unit_test(uncounted_retries_get_rarer_with_age),
	    cmocka_unit_test(age_decides_about_expiry),
	    cmocka_unit_test(a_dead_hop_is_news_once_and_probed_ever_more_rarely),
	    cmocka_unit_test(one_connection_too_many_is_not_the_end),
	    cmocka_unit_test(a_hop_that_breaks_every_session_is_down),
	    cmocka_unit_test(chunking_is_hidden_however_it_arrives),
	    cmocka_unit_test(talks_are_judged_the_same_however_they_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
