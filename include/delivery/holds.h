/* Standing orders of the operator, or of the complaint breaker: mail that fits is kept back, or sent another way, also mail that is accepted later.
 * Kept in one file, replaced whole and durable. Any thread. */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "mail/envelope.h"
#include "mail/lane.h"

#define HOLDS_MAX       1000
#define HOLD_TEXT_MAX   320
#define HOLD_WHY_MAX    200

struct hold {
	/* What is empty fits everything. */
	char stream[HOLD_TEXT_MAX + 1]; /* "acme/offers", or "acme" for all of that brand */
	char campaign[HOLD_TEXT_MAX + 1], client[HOLD_TEXT_MAX + 1], domain[HOLD_TEXT_MAX + 1];
	char route[HOLD_TEXT_MAX + 1];  /* sent by this route instead of being held */
	int64_t until_ms;               /* 0 = until somebody releases it */
	int64_t since_ms;
	char actor[HOLD_WHY_MAX + 1], why[HOLD_WHY_MAX + 1];
};

struct holds;
/* A file that isn't there is an empty one. ERR_CORRUPT when it can't be read: nothing must go that was held. */
int holds_open(struct holds **ret, const char *path, struct err *err) MUST_CHECK;
void holds_free(struct holds **h);
/* Durable on return; one of the same filter is replaced. ERR_LIMIT past HOLDS_MAX. */
int holds_add(struct holds *h, const struct hold *one, struct err *err) MUST_CHECK;
/* Takes away those that lie within FILTER (what FILTER names, they name too): with a route if ROUTES, else those without. Durable on return. */
int holds_remove(struct holds *h, const struct hold *filter, bool routes, unsigned *ret_count, struct err *err) MUST_CHECK;
/* Copies of all; free() them. */
struct hold *holds_list(struct holds *h, unsigned *ret_count);

/* Is mail of this envelope to DOMAIN kept back at NOW? *RET_UNTIL: 0 = until released. */
bool holds_keep(struct holds *h, const struct envelope *e, struct view domain, int64_t now_ms, int64_t *ret_until_ms);
/* The route that mail of this lane is sent by instead of its own; "" = none. */
void holds_route(struct holds *h, const struct mail_lane *lane, char ret[HOLD_TEXT_MAX + 1]);
/* Changes with every change. */
unsigned holds_version(struct holds *h);
