/* A list in, the same rows out with the verdict (or only the clear ones): what may be sent, before it is sent.
 *
 *   reader ─▶ slices of SCREEN_ROWS ─▶ threads: address, key, sort by key, verdict in key order ─▶ writer, in the file's order
 *
 * Looking up in key order makes neighbours share pages of the ledger. Memory is bounded by the slices. Rows pass byte for byte. */
#pragma once

#include <sys/types.h>

#include "crypto/hash.h"
#include "policy/policy.h"

#define SCREEN_ROWS    65536 /* of one slice */
#define SCREEN_THREADS 2

struct screen_settings {
	struct ledger *ledger;
	const struct clock *clock;
	const struct stream *stream;
	const struct topic *topic;
	const char *column;   /* name of the address column; NULL = found by name, else by its cells */
	bool only_clear;      /* rows that may be sent to, unchanged; otherwise all with ",verdict,reason" behind */
	ssize_t (*read)(void *arg, void *dst, size_t n, struct err *err);
	int (*write)(void *arg, struct view bytes, struct err *err);
	void (*progress)(void *arg, uint64_t rows);
	void *arg;
};

struct screen_report {
	uint64_t rows, clear, suppressed, deferred, bad; /* bad: no address in the row; never clear */
	uint64_t reasons[REASON_ERASURE + 1], rules[RULE_COUNT]; /* of those suppressed: by reason, or by the rule when it has none */
	uint64_t position;      /* last journal entry when it began */
	int64_t began_ms, ended_ms;
	uint8_t in[SHA256_BYTES], out[SHA256_BYTES];
};

int screen_list(const struct screen_settings *s, struct screen_report *ret, struct err *err) MUST_CHECK;
