/* spool: thousands of random steps against a model that is too simple to be wrong; and many threads at once. */
#include <stdatomic.h>

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

/* ---- the model ---- */

#define MODEL_ITEMS 20000
struct model_item {
	uint64_t id;
	uint32_t index, attempts;
	enum spool_state state; /* 0: settled */
	int64_t due;
	struct spool_item taken;
	bool seen;
};
static struct {
	struct spool *s;
	struct model_item *items;
	size_t count, first; /* all before FIRST are settled */
	uint64_t seed;
} mo;

static struct model_item *model_find(uint64_t id, uint32_t index)
{
	for (size_t i = mo.first; i < mo.count; i++)
		if (mo.items[i].id == id && mo.items[i].index == index)
			return &mo.items[i];
	return NULL;
}

static bool is_due(const struct model_item *m)
{
	return m->state == SPOOL_STATE_DUE || (m->state == SPOOL_STATE_DEFERRED && m->due <= hand.now);
}

static struct model_item *pick_taken(void)
{
	size_t from = mo.first + (mo.count > mo.first ? dice(&mo.seed, (uint32_t)(mo.count - mo.first)) : 0);
	for (size_t i = from; i < mo.count; i++)
		if (mo.items[i].state == SPOOL_STATE_TAKEN)
			return &mo.items[i];
	return NULL;
}

static void step_submit(void)
{
	unsigned n = 1 + dice(&mo.seed, 5);
	if (mo.count + n > MODEL_ITEMS)
		return;
	uint64_t id = keep(mo.s, n);
	for (unsigned i = 0; i < n; i++)
		mo.items[mo.count++] = (struct model_item){.id = id, .index = i, .state = SPOOL_STATE_DUE, .due = hand.now};
}

static void step_take(void)
{
	struct spool_item it;
	for (unsigned n = dice(&mo.seed, 8); n; n--) {
		if (!take_any(mo.s, &it)) {
			for (size_t i = mo.first; i < mo.count; i++)
				assert_false(is_due(&mo.items[i]));
			return;
		}
		struct model_item *m = model_find(it.id, it.index);
		assert_non_null(m);
		assert_true(is_due(m));
		assert_int_equal(it.attempts, m->attempts);
		m->state = SPOOL_STATE_TAKEN;
		m->taken = it;
	}
}

static void step_read(void)
{
	struct model_item *m = pick_taken();
	struct spool_bytes b;
	struct err err;
	if (!m)
		return;
	if (spool_read(mo.s, &m->taken, &b, &err) < 0)
		fail_msg("spool_read: %s", err.text);
	assert_true(bytes_are_right(&b, m->id, m->index));
	spool_release_bytes(&b);
}

static void step_settle(void)
{
	struct model_item *m = pick_taken();
	if (!m)
		return;
	spool_settle(mo.s, &m->taken, SPOOL_DELIVERED);
	m->state = 0;
}

static void step_defer(void)
{
	struct model_item *m = pick_taken();
	bool counts = dice(&mo.seed, 2);
	if (!m)
		return;
	m->due = hand.now + dice(&mo.seed, 2000);
	m->state = SPOOL_STATE_DEFERRED;
	m->attempts += counts;
	spool_defer(mo.s, &m->taken, m->due, counts);
}

static void step_put_back(void)
{
	struct model_item *m = pick_taken();
	if (!m)
		return;
	spool_put_back(mo.s, &m->taken);
	m->state = SPOOL_STATE_DUE;
}

static void step_hold(void)
{
	struct model_item *m = pick_taken();
	if (!m)
		return;
	spool_hold_item(mo.s, &m->taken);
	m->state = SPOOL_STATE_HELD;
}

static void step_clock(void)
{
	hand.now += dice(&mo.seed, 1000);
}

static const struct {
	enum spool_state from, to;
} act_rows[][2] = {
	[SPOOL_HOLD] = {{SPOOL_STATE_DUE, SPOOL_STATE_HELD}, {SPOOL_STATE_DEFERRED, SPOOL_STATE_HELD}},
	[SPOOL_RELEASE] = {{SPOOL_STATE_HELD, SPOOL_STATE_DUE}},
	[SPOOL_DROP] = {{SPOOL_STATE_HELD, 0}, {SPOOL_STATE_DUE, 0}},
	[SPOOL_RETRY] = {{SPOOL_STATE_DEFERRED, SPOOL_STATE_DUE}},
};

/* Every seventh or so; of DROP's, never the deferred ones, so that those are met too. */
static bool act_matches(void *arg, const struct spool_row *row)
{
	uint64_t salt = *(const uint64_t *)arg, mix = row->id * 31 + row->index + salt;
	return mix % 7 == 0 && !((salt & 3) + SPOOL_HOLD == SPOOL_DROP && row->state == SPOOL_STATE_DEFERRED);
}

static void step_act(void)
{
	uint64_t salt = dice(&mo.seed, 1000), count, expected = 0;
	enum spool_act act = (enum spool_act)((salt & 3) + SPOOL_HOLD);
	struct err err;
	uint32_t lane;
	int64_t next;
	/* What became due in between is told apart by the spool only when somebody looks. */
	for (int i = 0; i < 20; i++)
		(void)spool_ready_lane(mo.s, hand.now, &lane, &next);
	for (size_t i = mo.first; i < mo.count; i++)
		if (mo.items[i].state == SPOOL_STATE_DEFERRED && mo.items[i].due <= hand.now)
			return;
	for (size_t i = mo.first; i < mo.count; i++) {
		struct model_item *m = &mo.items[i];
		struct spool_row row = {.id = m->id, .index = m->index, .state = m->state};
		if (!m->state || !act_matches(&salt, &row))
			continue;
		for (int k = 0; k < 2; k++)
			if (act_rows[act][k].from && act_rows[act][k].from == m->state) {
				m->state = act_rows[act][k].to;
				m->due = m->state == SPOOL_STATE_DUE ? hand.now : m->due;
				expected++;
				break;
			}
	}
	assert_int_equal(spool_act_on(mo.s, act, act_matches, &salt, &count, &err), 0);
	assert_int_equal(count, expected);
}

static bool compare_row(void *arg, const struct spool_row *row)
{
	struct model_item *m = model_find(row->id, row->index);
	bool fresh = *(bool *)arg;
	assert_non_null(m);
	assert_false(m->seen);
	m->seen = true;
	assert_int_equal(row->attempts, m->attempts);
	if (m->state == SPOOL_STATE_HELD || row->state == SPOOL_STATE_HELD)
		assert_int_equal(row->state, m->state);
	if (!fresh)
		assert_int_equal(row->state == SPOOL_STATE_TAKEN, m->state == SPOOL_STATE_TAKEN);
	if (m->state == SPOOL_STATE_DEFERRED)
		assert_int_equal(row->due_ms, m->due);
	return true;
}

static void compare(bool fresh)
{
	spool_each(mo.s, compare_row, &fresh);
	for (size_t i = mo.first; i < mo.count; i++) {
		assert_int_equal(mo.items[i].seen, mo.items[i].state != 0);
		mo.items[i].seen = false;
	}
	while (mo.first < mo.count && !mo.items[mo.first].state)
		mo.first++;
}

static void reopen(bool crash)
{
	if (crash) {
		step_submit(); /* states noted before it are durable when it is answered */
		spool_abandon(&mo.s);
	} else {
		spool_close(&mo.s);
	}
	mo.s = open_spool_with(dir, (struct spool_settings){.segment_bytes = 1 << 15, .checkpoint_records = 200});
	for (size_t i = mo.first; i < mo.count; i++)
		if (mo.items[i].state == SPOOL_STATE_TAKEN)
			mo.items[i].state = mo.items[i].due > hand.now ? SPOOL_STATE_DEFERRED : SPOOL_STATE_DUE;
	compare(true);
}

static void (*const random_steps[])(void) = {step_submit, step_submit, step_take, step_take, step_take, step_settle, step_settle,
    step_settle, step_settle, step_settle, step_settle, step_defer, step_put_back, step_hold, step_read, step_clock};

static void run_model(uint64_t seed)
{
	memset(&mo, 0, sizeof mo);
	mo.items = mem_zero(MODEL_ITEMS * sizeof *mo.items);
	mo.seed = seed;
	mo.s = open_spool_with(dir, (struct spool_settings){.segment_bytes = 1 << 15, .checkpoint_records = 200});
	for (int i = 0; i < 8000; i++) {
		random_steps[dice(&mo.seed, sizeof random_steps / sizeof *random_steps)]();
		uint32_t rare = dice(&mo.seed, 300);
		if (rare < 2)
			reopen(rare);
		else if (rare < 6)
			step_act();
		else if (rare == 6)
			compare(false);
	}
	spool_close(&mo.s);
	free(mo.items);
}

/* Several short runs meet more than one long one: what was settled is safe in different ways before and after the first checkpoint. */
static void random_steps_agree_with_a_model(void **state)
{
	(void)state;
	const char *from = getenv("OPTGATE_SEED"), *runs = getenv("OPTGATE_RUNS");
	uint64_t first = from ? strtoull(from, NULL, 10) : 1, count = runs ? strtoull(runs, NULL, 10) : from ? 1 : 8;
	for (uint64_t seed = first; seed < first + count; seed++) {
		run_model(seed);
		remove_dir(dir);
		make_dir(dir);
	}
}

/* ---- many threads ---- */

#define PRODUCERS 4
#define TAKERS    3
#define EACH_ONE  400

static struct {
	struct spool *s;
	_Atomic unsigned kept, settled, answered;
	_Atomic bool stop;
} crowd;

static void crowd_answer(void *arg, const struct err *err)
{
	free(arg);
	assert_null(err);
	crowd.answered++;
}

static void *produce(void *arg)
{
	(void)arg;
	for (int i = 0; i < EACH_ONE; i++) {
		struct sample *m = mem_alloc(sizeof *m);
		uint64_t id = spool_new_id(crowd.s);
		sample_fill(m, id, 2, 3);
		spool_submit(crowd.s, id, &m->sub, crowd_answer, m);
		crowd.kept += 2;
		if (i % 16 == 0)
			while (crowd.kept > crowd.settled + 600)
				usleep(100);
	}
	return NULL;
}

static void give_back(const struct spool_item *it, uint64_t *seed)
{
	switch (dice(seed, 8)) {
	case 0:
		spool_put_back(crowd.s, it);
		break;
	case 1:
		spool_defer(crowd.s, it, clock_wall(&clock_system) + dice(seed, 20), true);
		break;
	case 2:
		spool_hold_item(crowd.s, it);
		break;
	default:
		crowd.settled++;
		spool_settle(crowd.s, it, SPOOL_DELIVERED);
	}
}

static void *take(void *arg)
{
	uint64_t seed = (uintptr_t)arg;
	uint32_t lane;
	int64_t next;
	while (!crowd.stop) {
		struct spool_item it;
		struct spool_bytes b;
		struct err err;
		if (!spool_ready_lane(crowd.s, clock_wall(&clock_system), &lane, &next)) {
			usleep(500);
			continue;
		}
		while (spool_take(crowd.s, lane, clock_wall(&clock_system), &it)) {
			assert_int_equal(spool_read(crowd.s, &it, &b, &err), 0);
			assert_true(bytes_are_right(&b, it.id, it.index));
			spool_release_bytes(&b);
			give_back(&it, &seed);
		}
	}
	return NULL;
}

static bool look(void *arg, const struct spool_row *row)
{
	*(unsigned *)arg += spool_state_word(row->state)[0];
	return true;
}

static void *operate(void *arg)
{
	(void)arg;
	while (!crowd.stop) {
		struct spool_stats st;
		struct err err;
		uint64_t n;
		unsigned sum = 0;
		spool_stats(crowd.s, &st);
		spool_each(crowd.s, look, &sum);
		assert_int_equal(spool_act_on(crowd.s, SPOOL_RELEASE, NULL, NULL, &n, &err), 0);
		usleep(2000);
	}
	return NULL;
}

static void threads_do_not_tread_on_each_other(void **state)
{
	(void)state;
	struct err err;
	struct spool_settings set = {.dir = dir, .segment_bytes = 1 << 16, .min_free_bytes = 1, .checkpoint_records = 300};
	pthread_t t[PRODUCERS + TAKERS + 1];
	assert_int_equal(spool_open(&crowd.s, &set, &clock_system, &err), 0);
	for (uintptr_t i = 0; i < PRODUCERS + TAKERS + 1; i++)
		pthread_create(&t[i], NULL, i < PRODUCERS ? produce : i < PRODUCERS + TAKERS ? take : operate, (void *)i);
	for (int i = 0; i < 60000 && crowd.settled < 2 * PRODUCERS * EACH_ONE; i++)
		usleep(1000);
	crowd.stop = true;
	for (int i = 0; i < PRODUCERS + TAKERS + 1; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(crowd.settled, 2 * PRODUCERS * EACH_ONE);
	assert_int_equal(crowd.answered, PRODUCERS * EACH_ONE);
	assert_int_equal(items_in(crowd.s), 0);
	spool_close(&crowd.s);
	assert_int_equal(spool_open(&crowd.s, &set, &clock_system, &err), 0);
	assert_int_equal(items_in(crowd.s), 0);
	spool_close(&crowd.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_steps_agree_with_a_model, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_do_not_tread_on_each_other, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
