/* Which mail goes where and how fast: tables of rows, matched by stream and recipient domain. Pure. */
#pragma once

#include "base/view.h"

#define THROTTLES_MAX     64
#define ROUTES_MAX        1000
#define WARM_UP_DAYS_MAX  366
#define ROUTE_NAME_DEFAULT "default"

/* COUNT messages in each PER_MS; count 0 = no limit. */
struct rate {
	uint32_t count;
	int64_t per_ms;
};
/* "100/s", "3000/m", "50000/h", "2000000/d", or with a number before the unit: "30/10s". At least one message a day, at most a million
 * a second. */
bool rate_parse(struct view text, struct rate *ret);

/* What is not given fits everything; of what is given, one of each kind must fit. */
struct mail_match {
	char **streams;  /* "acme/offers", or "acme" for all of that brand */
	unsigned stream_count;
	char **domains;  /* "example.com", or "*.example.com" for all below it; lower case */
	unsigned domain_count;
};
/* STREAM: "acme/offers". DOMAIN: of the recipient, in any case. */
bool mail_matches(const struct mail_match *m, struct view stream, struct view domain);
void mail_match_free(struct mail_match *m);

struct route_hop {
	unsigned hop;      /* index of the next hop */
	unsigned priority; /* the lowest number that is up serves; equal ones share by weight */
	unsigned weight;   /* 0 = 1 */
};

struct route { /* the first that matches takes the mail */
	char *name;
	struct mail_match match;
	struct route_hop *hops;
	unsigned hop_count;
	struct rate rate;
	unsigned burst; /* messages at once after a pause; 0 = those of a second */
};

struct throttle { /* all that match hold */
	char *name;
	struct mail_match match;
	bool each_domain;        /* every recipient domain for itself, instead of all together */
	struct rate rate;
	unsigned burst;
	int64_t warm_up_from_ms; /* day 0 of the schedule begins; wall clock */
	struct rate *warm_up;    /* a day each; afterwards .rate */
	unsigned warm_up_days;
};
/* What holds at NOW: the day's row of the schedule, before the first day that of day 0. */
const struct rate *throttle_rate(const struct throttle *t, int64_t now_ms);
