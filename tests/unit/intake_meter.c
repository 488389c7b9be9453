/* intake: token buckets, pure, over a made-up clock. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../../src/intake/meter.h"

struct step {
	int64_t at_ms;
	unsigned per_minute, n;
	int64_t wait_ms; /* 0 = taken */
};

/* One bucket through all steps. */
static const struct step steps[] = {
    {1000, 60, 60, 0},      /* full at first */
    {1000, 60, 1, 1000},    /* one comes back each second */
    {1500, 60, 1, 500},     /* asking takes nothing */
    {2000, 60, 1, 0},
    {2000, 60, 1, 1000},
    {12000, 60, 10, 0},
    {12000, 60, 2, 2000},
    {100000, 60, 60, 0},    /* never more than full */
    {100000, 60, 1, 1000},
    {100000, 120, 60, 0},   /* a reload raised the limit */
    {100000, 120, 1, 500},
    {100000, 6, 1, 10000},  /* and lowered it */
    {100000, 0, 1000, 0},   /* no limit */
    {200000, 1, 1, 0},
    {200001, 1, 1, 59999},
    {260000, 1, 1, 0},
    {INT64_MAX / 2, 100000000, 100000000, 0},
    {INT64_MAX / 2 + 60000, 100000000, 100000000, 0},
};

static void buckets(void **state)
{
	struct bucket b = {0};
	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		const struct step *s = &steps[i];
		int64_t wait_ms = bucket_take(&b, s->per_minute, s->n, s->at_ms);
		if (wait_ms != s->wait_ms)
			fail_msg("step %zu: %lld", i, (long long)wait_ms);
	}
}

/* In any minute no more than twice the limit passes, and a hungry client gets all that is its. */
static void a_minute_of_greed(void **state)
{
	struct bucket b = {0};
	unsigned taken = 0;
	(void)state;
	for (int64_t at = 1; at <= 600000; at += 7)
		taken += bucket_take(&b, 100, 1, at) == 0;
	assert_in_range(taken, 1099, 1101);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(buckets), cmocka_unit_test(a_minute_of_greed)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
