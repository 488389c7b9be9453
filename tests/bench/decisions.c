/* What noting a decision costs whoever notes it, and reading them all. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decisions/decisions.h"

#define NOTES 2000000u

static bool count(void *arg, const struct decision *x)
{
	(void)x;
	++*(unsigned *)arg;
	return true;
}

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

int main(void)
{
	char dir[] = "/tmp/optgate-bench-XXXXXX", command[64];
	struct decisions *d;
	struct err err;
	unsigned read = 0;
	if (!mkdtemp(dir) || decisions_open(&d, &(struct decisions_settings){dir, 86400000, UINT64_C(1) << 40}, &clock_system, &err) < 0)
		return 1;
	struct decision x = {.at_ms = clock_wall(&clock_system), .at = DECIDED_AT_DATA, .end = END_ACCEPTED, .class = CLASS_MARKETING,
	    .channel = CHANNEL_EMAIL, .scope = V("acme/offers/spring"), .client = V("newsletter"), .campaign = V("week 47")};
	int64_t t0 = clock_mono(&clock_system), noting = 0;
	for (unsigned i = 0; i < NOTES; i++) {
		x.ref = i;
		decisions_note(d, &x);
		if (i % 10000 == 9999) { /* slower than the writer is quick: nothing is lost */
			int64_t t = clock_mono(&clock_system);
			usleep(20000);
			noting -= clock_mono(&clock_system) - t;
		}
	}
	noting += clock_mono(&clock_system) - t0;
	decisions_close(&d);
	int64_t t1 = clock_mono(&clock_system);
	if (decisions_each(dir, 0, INT64_MAX, count, &read, &err) < 0)
		return 1;
	printf("note: %.0f ns each; read: %u of %u in %.2f s\n", seconds(noting) * 1e9 / NOTES, read, NOTES, seconds(clock_mono(&clock_system) - t1));
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command) != 0;
}
