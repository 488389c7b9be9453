/* Fills a ledger with N suppressions (s00000000@d000.test ...) as the peers' harness lists them:
 *   ledger_preload LEDGER_DIR KEY_DIR N */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/ledger.h"

struct rows {
	struct ledger *ledger;
	uint64_t at, count;
};

static bool next_row(void *arg, struct change *c)
{
	struct rows *r = arg;
	if (r->at == r->count)
		return false;
	char address[40];
	int n = snprintf(address, sizeof address, "s%08" PRIu64 "@d%03d.test", r->at, (int)(r->at % 997));
	*c = (struct change){.kind = CHANGE_SUPPRESS, .channel = CHANNEL_EMAIL, .reason = REASON_UNSUBSCRIBE, .event_ms = 1700000000000};
	ledger_person_key(r->ledger, CHANNEL_EMAIL, view_n(address, (size_t)n), &c->who);
	r->at++;
	return true;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: ledger_preload LEDGER_DIR KEY_DIR N\n");
		return 2;
	}
	struct err err = {0};
	struct rows rows = {.count = strtoull(argv[3], NULL, 10)};
	const struct ledger_settings s = {.dir = argv[1], .key_dir = argv[2]};
	uint64_t loaded = 0;
	if (ledger_open(&rows.ledger, &s, &clock_system, &err) < 0 ||
	    ledger_load(rows.ledger, next_row, &rows, V("bench"), V("bench"), &loaded, &err) < 0) {
		fprintf(stderr, "ledger_preload: %s\n", err.text);
		return 1;
	}
	ledger_close(&rows.ledger);
	fprintf(stderr, "ledger_preload: %" PRIu64 " rows\n", loaded);
	return 0;
}
