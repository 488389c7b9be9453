/* Every row of the ledger, for exports: in key order, page by page, each page as of one moment and no transaction held between. */
#pragma once

#include "ledger/ledger.h"

struct ledger_walk {
	bool (*suppression)(void *arg, const struct suppression *s, struct view address); /* false stops */
	bool (*block)(void *arg, const struct suppression *s, struct view address); /* those of domains and digests */
	bool (*consent)(void *arg, const struct consent *c, struct view address);
	bool (*allow)(void *arg, const struct suppression *s, struct view address); /* .reason is 0 */
	/* ADDRESS is empty when there is no person record: erased, or only ever known by a token. That of a domain or digest is its text
	 * (ledger/blocks.h). */
};

/* In the order of the members. A NULL member passes its tables over. */
int ledger_walk(struct ledger *l, const struct ledger_walk *w, void *arg, struct err *err) MUST_CHECK;
