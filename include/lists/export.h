/* The ledger as a list: CSV or NDJSON in our own form (format "optgate"), which import reads back into the same state. Rows without a person
 * record (erased, or known by a token only) have no address to write; they are counted. */
#pragma once

#include "ledger/walk.h"
#include "policy/policy.h"

struct export_settings {
	struct ledger *ledger;
	bool ndjson;
	bool consents, allows;     /* those instead of suppressions (formats "consent", "optgate-allow") */
	const struct scope *scope; /* only this one; NULL = all */
	enum reason reason;        /* only this one; 0 = all */
	struct view source;        /* only this one; empty = all */
	int64_t since_ms;          /* only those that we learnt of since; 0 = all */
	int (*write)(void *arg, struct view bytes, struct err *err);
	void *arg;
};
struct export_report {
	uint64_t rows, nameless;
};
int export_list(const struct export_settings *s, struct export_report *ret, struct err *err) MUST_CHECK;
