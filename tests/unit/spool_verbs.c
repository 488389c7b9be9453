/* spool: each verb, and what a new start makes of it. */
#include "../../src/spool/io.h"
#include "spool_help.h"

static char dir[64];

static int setup(void **state)
{
	*state = NULL;
	make_dir(dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	remove_dir(dir);
	return 0;
}

static struct spool *reopen(struct spool *s)
{
	spool_close(&s);
	return open_spool(dir);
}

static void ids_rise_and_have_a_text(void **state)
{
	(void)state;
	struct spool *s = open_spool(dir);
	char text[SPOOL_ID_TEXT], later[SPOOL_ID_TEXT];
	uint64_t a = spool_new_id(s), b = spool_new_id(s), back;
	assert_true(b > a);
	hand.now -= 5000;
	uint64_t c = spool_new_id(s);
	assert_true(c > b);
	spool_id_text(a, text);
	spool_id_text(b, later);
	assert_true(strcmp(text, later) < 0);
	assert_true(spool_id_parse(view_of(text), &back) && back == a);
	spool_id_text(UINT64_MAX, text);
	assert_true(spool_id_parse(view_of(text), &back) && back == UINT64_MAX);
	assert_false(spool_id_parse(V("zzzzzzzzzzzzz"), &back));
	assert_false(spool_id_parse(V("00000000000i0"), &back));
	assert_false(spool_id_parse(V("000000000000"), &back));
	keep(s, 1);
	uint64_t last = spool_new_id(s);
	s = reopen(s);
	assert_true(spool_new_id(s) > last);
	hand.now += 5000;
	spool_close(&s);
}

/* Seen in a log, never stored: yet no other message gets it, whatever crash and clock do. */
static void an_id_never_comes_again(void **state)
{
	(void)state;
	int64_t began = hand.now;
	struct spool *s = open_spool(dir);
	keep(s, 1);
	uint64_t highest = 0;
	for (int i = 0; i < 200; i++) { /* ten hours: the keeper may be late with its promises, ids are not */
		hand.now += 180000;
		uint64_t id = spool_new_id(s);
		assert_true(id > highest);
		highest = id;
		if (i % 40 != 39)
			continue;
		usleep(i == 199 ? 0 : 2000);
		spool_abandon(&s);
		hand.now = began;
		s = open_spool(dir);
	}
	assert_true(spool_new_id(s) > highest);
	spool_close(&s);
}

static void an_item_is_kept_taken_read_and_settled(void **state)
{
	(void)state;
	struct spool *s = open_spool(dir);
	struct spool_item it, none;
	struct spool_bytes b;
	struct err err;
	uint64_t id = keep(s, 3);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(items_in(s), 3 - round);
		assert_true(take_any(s, &it));
		assert_int_equal(it.id, id);
		assert_int_equal(it.attempts, 0);
		assert_int_equal(spool_read(s, &it, &b, &err), 0);
		assert_true(bytes_are_right(&b, id, it.index));
		spool_release_bytes(&b);
		spool_settle(s, &it, SPOOL_DELIVERED);
		s = reopen(s);
	}
	assert_true(take_any(s, &it));
	spool_settle(s, &it, SPOOL_FAILED);
	assert_false(take_any(s, &none));
	s = reopen(s);
	assert_int_equal(items_in(s), 0);
	assert_false(take_any(s, &none));
	spool_close(&s);
}

static void a_taken_item_comes_back_after_a_start(void **state)
{
	(void)state;
	struct spool *s = open_spool(dir);
	struct spool_item it;
	keep(s, 1);
	assert_true(take_any(s, &it));
	s = reopen(s);
	assert_true(take_any(s, &it));
	spool_put_back(s, &it);
	assert_true(take_any(s, &it));
	assert_int_equal(it.attempts, 0);
	spool_close(&s);
}

static void a_deferred_item_waits_for_its_time(void **state)
{
	(void)state;
	struct spool *s = open_spool(dir);
	struct spool_item it;
	uint32_t lane;
	int64_t next;
	keep(s, 1);
	assert_true(spool_ready_lane(s, hand.now, &lane, &next));
	assert_false(spool_ready_lane(s, hand.now, &lane, &next));
	assert_int_equal(next, INT64_MAX);
	assert_true(spool_take(s, lane, hand.now, &it));
	spool_defer(s, &it, hand.now + 5000, true);
	assert_false(spool_take(s, lane, hand.now, &it));
	assert_false(spool_ready_lane(s, hand.now, &lane, &next));
	assert_int_equal(next, hand.now + 5000);
	s = reopen(s);
	assert_false(take_any(s, &it));
	assert_false(spool_ready_lane(s, hand.now + 4999, &lane, &next));
	assert_int_equal(next, hand.now + 5000);
	assert_true(spool_ready_lane(s, hand.now + 5000, &lane, &next));
	assert_true(spool_take(s, lane, hand.now + 5000, &it));
	assert_int_equal(it.attempts, 1);
	spool_defer(s, &it, hand.now + 1, false);
	s = reopen(s);
	assert_true(spool_ready_lane(s, hand.now + 5000, &lane, &next));
	assert_true(spool_take(s, lane, hand.now + 5000, &it));
	assert_int_equal(it.attempts, 1);
	spool_close(&s);
}

static void count_call(void *arg)
{
	++*(_Atomic int *)arg;
}

static void lanes_are_reported_once_until_dry(void **state)
{
	(void)state;
	struct spool *s = open_spool(dir);
	struct spool_item it;
	uint32_t lane, again;
	int64_t next;
	_Atomic int calls = 0;
	spool_on_ready(s, count_call, &calls);
	struct spool_new_item item = {V("one"), V("x"), false};
	struct spool_submission sub = {V("e"), V("m"), &item, 1, false};
	assert_int_equal(submit_and_wait(s, spool_new_id(s), &sub), ERR_NONE);
	/* The call may come a moment after the answer. */
	for (int i = 0; i < 1000 && !calls; i++)
		usleep(1000);
	assert_int_equal(calls, 1);
	assert_true(spool_ready_lane(s, hand.now, &lane, &next));
	assert_string_equal(spool_lane_name(s, lane), "one");
	assert_int_equal(submit_and_wait(s, spool_new_id(s), &sub), ERR_NONE);
	assert_false(spool_ready_lane(s, hand.now, &again, &next));
	assert_true(spool_take(s, lane, hand.now, &it));
	spool_settle(s, &it, SPOOL_DELIVERED);
	assert_true(spool_take(s, lane, hand.now, &it));
	assert_false(spool_take(s, lane, hand.now, &(struct spool_item){0}));
	spool_put_back(s, &it);
	assert_true(spool_ready_lane(s, hand.now, &again, &next));
	assert_int_equal(again, lane);
	spool_on_ready(s, NULL, NULL);
	spool_close(&s);
}

struct slow_listener {
	struct spool *s;
	_Atomic bool in, go, left, gone;
};

static void listen_slowly(void *arg)
{
	struct slow_listener *l = arg;
	l->in = true;
	while (!l->go)
		usleep(100);
	l->left = true;
}

static void *leave(void *arg)
{
	struct slow_listener *l = arg;
	spool_on_ready(l->s, NULL, NULL);
	l->gone = true;
	return NULL;
}

static void a_listener_leaves_when_no_call_is_under_way(void **state)
{
	(void)state;
	struct slow_listener l = {.s = open_spool(dir)};
	pthread_t t;
	spool_on_ready(l.s, listen_slowly, &l);
	keep(l.s, 1);
	while (!l.in)
		usleep(100);
	assert_int_equal(pthread_create(&t, NULL, leave, &l), 0);
	usleep(20000);
	assert_false(l.gone);
	l.go = true;
	pthread_join(t, NULL);
	assert_true(l.left);
	spool_close(&l.s);
}

static void leave_from_within(void *arg)
{
	leave(arg);
}

static void a_listener_may_leave_from_within(void **state)
{
	(void)state;
	struct slow_listener l = {.s = open_spool(dir)};
	spool_on_ready(l.s, leave_from_within, &l);
	keep(l.s, 1);
	while (!l.gone)
		usleep(100);
	spool_close(&l.s);
}

static bool only_lane_1(void *arg, const struct spool_row *row)
{
	(void)arg;
	return strcmp(row->lane, "lane-1") == 0;
}

static bool count_state(void *arg, const struct spool_row *row)
{
	((unsigned *)arg)[row->state]++;
	return true;
}

static uint64_t act(struct spool *s, enum spool_act a, bool (*match)(void *, const struct spool_row *))
{
	uint64_t n = UINT64_MAX;
	struct err err;
	assert_int_equal(spool_act_on(s, a, match, NULL, &n, &err), 0);
	return n;
}

static void the_operator_acts_on_many(void **state)
{
	(void)state;
	struct spool *s = open_spool(dir);
	struct spool_item it, first;
	for (int i = 0; i < 100; i++)
		keep(s, 3); /* one in each lane */
	assert_true(take_any(s, &first));
	uint64_t held = act(s, SPOOL_HOLD, only_lane_1);
	assert_in_range(held, 99, 100);
	assert_int_equal(act(s, SPOOL_HOLD, only_lane_1), 0);
	s = reopen(s);
	unsigned states[5] = {0};
	spool_each(s, count_state, states);
	assert_int_equal(states[SPOOL_STATE_HELD], held);
	assert_int_equal(states[SPOOL_STATE_DUE], 300 - held);
	assert_int_equal(act(s, SPOOL_RELEASE, NULL), held);
	assert_int_equal(act(s, SPOOL_HOLD, NULL), 300);
	assert_false(take_any(s, &it));
	assert_int_equal(act(s, SPOOL_DROP, only_lane_1), 100);
	assert_int_equal(act(s, SPOOL_RELEASE, NULL), 200);
	for (int i = 0; i < 50; i++) {
		assert_true(take_any(s, &it));
		spool_defer(s, &it, hand.now + 1000000, true);
	}
	s = reopen(s);
	assert_int_equal(act(s, SPOOL_RETRY, NULL), 50);
	int n = 0;
	for (; take_any(s, &it); n++)
		spool_settle(s, &it, SPOOL_DELIVERED);
	assert_int_equal(n, 200);
	s = reopen(s);
	assert_int_equal(items_in(s), 0);
	spool_close(&s);
}

static void a_submission_may_start_held(void **state)
{
	(void)state;
	struct spool *s = open_spool(dir);
	struct spool_item it;
	struct spool_bytes b;
	struct err err;
	struct spool_new_item item = {V("lane"), V("data"), false};
	struct spool_submission sub = {V("envelope"), V("message"), &item, 1, true};
	uint64_t id = spool_new_id(s);
	assert_int_equal(submit_and_wait(s, id, &sub), ERR_NONE);
	assert_false(take_any(s, &it));
	s = reopen(s);
	assert_false(take_any(s, &it));
	assert_int_equal(spool_peek(s, id, 0, &b, &err), 0);
	assert_true(view_eq(b.item, V("data")));
	spool_release_bytes(&b);
	assert_int_equal(spool_peek(s, id, 1, &b, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
	assert_int_equal(act(s, SPOOL_RELEASE, NULL), 1);
	assert_true(take_any(s, &it));
	spool_hold_item(s, &it);
	s = reopen(s);
	assert_false(take_any(s, &it));
	spool_close(&s);
}

static void limits_have_names(void **state)
{
	(void)state;
	struct spool *s = open_spool_with(dir, (struct spool_settings){.max_items = 5});
	struct sample m;
	struct err err;
	uint64_t id = spool_new_id(s);
	sample_fill(&m, id, 4, 3);
	assert_int_equal(submit_and_wait(s, id, &m.sub), ERR_NONE);
	assert_int_equal(submit_and_wait(s, id, &m.sub), ERR_LIMIT);
	spool_close(&s);
	s = open_spool_with(dir, (struct spool_settings){.max_bytes = 100});
	assert_int_equal(submit_and_wait(s, spool_new_id(s), &m.sub), ERR_LIMIT);
	spool_close(&s);
	s = open_spool_with(dir, (struct spool_settings){.min_free_bytes = UINT64_MAX});
	assert_int_equal(submit_and_wait(s, spool_new_id(s), &m.sub), ERR_LIMIT);
	m.sub.item_count = 0;
	assert_int_equal(submit_and_wait(s, spool_new_id(s), &m.sub), ERR_LIMIT);
	m.sub.item_count = 1;
	m.items[0].lane = V("a\0b");
	assert_int_equal(submit_and_wait(s, spool_new_id(s), &m.sub), ERR_SYNTAX);
	struct spool *second;
	assert_int_equal(spool_open(&second, &(struct spool_settings){.dir = dir}, &hand.clock, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	spool_close(&s);
}

/* Old messages that stay among many that go: their segments are rewritten, the others unlinked. */
static void segments_go_when_nothing_lives_in_them(void **state)
{
	(void)state;
	struct spool *s = open_spool_with(dir, (struct spool_settings){.checkpoint_records = 300});
	struct spool_stats st;
	struct spool_item it;
	struct spool_bytes b;
	struct err err;
	uint64_t stay[20];
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t id = keep(s, 1);
		assert_true(take_any(s, &it));
		assert_int_equal(it.id, id);
		if (i % 100) {
			spool_settle(s, &it, SPOOL_DELIVERED);
			continue;
		}
		stay[i / 100] = id;
		spool_hold_item(s, &it);
	}
	for (int i = 0; i < 500; i++) {
		spool_stats(s, &st);
		if (st.segments < 10)
			break;
		keep(s, 1);
		assert_true(take_any(s, &it));
		spool_settle(s, &it, SPOOL_DELIVERED);
		usleep(10000);
	}
	assert_true(st.segments < 10);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 20; i++) {
			assert_int_equal(spool_peek(s, stay[i], 0, &b, &err), 0);
			assert_true(bytes_are_right(&b, stay[i], 0));
			spool_release_bytes(&b);
		}
		assert_int_equal(items_in(s), 20);
		s = reopen(s);
	}
	spool_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ids_rise_and_have_a_text, setup, teardown),
		cmocka_unit_test_setup_teardown(an_id_never_comes_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_listener_leaves_when_no_call_is_under_way, setup, teardown),
		cmocka_unit_test_setup_teardown(a_listener_may_leave_from_within, setup, teardown),
		cmocka_unit_test_setup_teardown(an_item_is_kept_taken_read_and_settled, setup, teardown),
		cmocka_unit_test_setup_teardown(a_taken_item_comes_back_after_a_start, setup, teardown),
		cmocka_unit_test_setup_teardown(a_deferred_item_waits_for_its_time, setup, teardown),
		cmocka_unit_test_setup_teardown(lanes_are_reported_once_until_dry, setup, teardown),
		cmocka_unit_test_setup_teardown(the_operator_acts_on_many, setup, teardown),
		cmocka_unit_test_setup_teardown(a_submission_may_start_held, setup, teardown),
		cmocka_unit_test_setup_teardown(limits_have_names, setup, teardown),
		cmocka_unit_test_setup_teardown(segments_go_when_nothing_lives_in_them, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
