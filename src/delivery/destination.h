/* What is known of recipient domains: how slow the hop wants each, and each one's own share of the throttles. */
#pragma once

#include "pace.h"

#define SLOW_FIRST_MS    1000   /* between two messages, after the first complaint; doubling */
#define SLOW_MAX_MS      300000
#define SLOW_FORGET_MS   100    /* halved below this: as fast as ever */
#define DESTINATIONS_MAX 100000 /* before those that nobody needs are forgotten */

struct destination {
	struct destination *next;
	uint32_t hash;
	unsigned refs;      /* lanes that point here */
	int64_t delay_ms;   /* between two messages; 0 = not slowed */
	int64_t next_ms;    /* not before; monotonic, as all here */
	int64_t heard_ms;   /* of the complaint that counted last */
	struct pace *paces; /* one for each throttle; those of .each_domain are used */
	char domain[];
};

struct destinations {
	struct destination **table;
	size_t mask, count, slow; /* SLOW: of those with a delay */
	unsigned paces;
	uint64_t key;
};

void destinations_init(struct destinations *ds, uint64_t random_key);
void destinations_free(struct destinations *ds);
/* PACES: throttles of the new settings; what was spent under the old ones is forgotten, who is slow is not. No refs may be left. */
void destinations_use(struct destinations *ds, unsigned paces);
/* Lower-cased; made when it is not there. */
struct destination *destinations_get(struct destinations *ds, struct view domain);
struct destination *destinations_find(const struct destinations *ds, struct view domain);

/* The hop wants it slower: 421 or 4.7.x for a mail taken at TAKEN. HINT: "try again in", 0 = none. True when it counted: mail that was on its way
 * already when the last one was heard says nothing new. */
bool destination_slower(struct destinations *ds, struct destination *d, int64_t hint_ms, int64_t taken_ms, int64_t now_ms);
/* One was delivered. True when it has recovered. */
bool destination_worked(struct destinations *ds, struct destination *d, int64_t now_ms);
/* One goes. */
void destination_spend(struct destination *d, int64_t now_ms);
