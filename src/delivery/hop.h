/* What is known of a next hop: up or down, how many connections are open, when to look again. Pure but for the
 * struct itself: the caller brings lock, time and dice. */
#pragma once

#include "outcome.h"
#include "resolve.h"

#define HOP_NAME_MAX         300
#define HOP_PROBE_FIRST_MS   1000   /* doubling */
#define HOP_PROBE_MAX_MS     60000
#define HOP_STRIKES          5      /* sessions in a row that broke without one final answer: down */
#define HOP_CAP_KEEP_MS      60000  /* a hop that refused one connection too many is believed so long */
#define HOP_PLAIN_KEEP_MS    300000 /* opportunistic TLS that failed: in clear so long */
#define HOP_ADDRESSES_KEEP_MS 30000

struct hop_state {
	struct hop_state *next;
	char name[HOP_NAME_MAX];   /* "host:port" */
	unsigned active;           /* sessions */
	unsigned parked;           /* of those, the ones that wait for mail */
	unsigned answering;        /* of those, the ones with a final answer */
	unsigned cap;              /* believed limit of the hop; 0 = none */
	unsigned strikes;
	int64_t cap_until_ms, plain_until_ms;
	bool down, probing;
	int64_t backoff_ms, probe_at_ms;
	struct addresses addresses;
	int64_t addresses_until_ms;
};

/* One more session? A hop that is down gets one probe at its time. */
bool hop_may_open(const struct hop_state *h, unsigned limit, int64_t now_ms);
void hop_opened(struct hop_state *h);
/* ANSWERED: hop_worked was called for this session. */
void hop_closed(struct hop_state *h, bool answered);
/* The hop answered for good or ill. True when it was down: worth a line. FIRST: of this session. */
bool hop_worked(struct hop_state *h, bool first);
/* A session could not be opened, or credentials were refused. True when this is news. */
bool hop_failed(struct hop_state *h, const struct reply *reply, enum session_stage stage, int64_t now_ms,
    uint32_t random);
/* A session broke in the middle. True when that was one too many: the hop is down from now. */
bool hop_broke(struct hop_state *h, int64_t now_ms, uint32_t random);
