/* The room's own: the pool of workers and what they share. */
#pragma once

#include <pthread.h>

#include "attempt.h"
#include "hop.h"
#include "lanes.h"
#include "pass.h"

#define CONNECTIONS_DEFAULT        20
#define MESSAGES_DEFAULT           200
#define CONNECT_TIMEOUT_DEFAULT_MS 30000
#define ATTEMPT_TIMEOUT_DEFAULT_MS 600000
#define SESSION_AGE_MS             300000
#define WORKERS_MAX                1000
#define WAIT_MAX_MS                1000 /* a jump of the clock is slept through no longer than this */
#define PASSWORD_MAX               1024
#define WATCH_MS                   100

struct worker {
	struct delivery *d;
	pthread_t thread;
	struct wire wire;
	struct attempt attempts[SESSION_SLOTS];
	/* of the session at hand */
	struct delivery_settings *settings;
	unsigned generation;
	const struct next_hop *hop;
	unsigned hop_index;            /* in the settings of this generation */
	struct hop_state *state;
	struct addresses addresses;
	struct endpoint source;
	char password[PASSWORD_MAX + 1];
	unsigned mails;
	int64_t opened_ms;
	bool answered;
	_Atomic bool passes;           /* the mail at hand is passed through */
};

/* What a session takes: an item of the spool, or a mail to be passed through. */
struct taken {
	struct spool_item item;
	struct passing *passing; /* NULL: the item */
	const char *route;
};

struct delivery {
	struct spool *spool;
	struct ledger *ledger;
	const struct clock *clock;
	struct shared_slot settings;
	pthread_mutex_t lock;           /* guards all below */
	pthread_cond_t idle, parked;    /* workers without a session; with one that waits for mail */
	pthread_cond_t ended;           /* a session has, or the watchdog shall */
	unsigned idle_count, parked_count, running;
	struct lanes lanes;             /* holds the settings of this generation */
	unsigned next_route;            /* who is looked at first */
	struct hop_state *hops;         /* never shrinks: as many as were ever in the settings */
	struct hop_state **of_hop;      /* by index in the settings of this generation */
	struct worker *workers[WORKERS_MAX];
	unsigned worker_count;
	struct passing *passing;        /* waits for a session, the eldest first */
	unsigned passing_count;         /* and what is on its way */
	bool pass_is_over;
	unsigned generation;            /* of the settings */
	bool stopping, cutting, over;
	pthread_t watchdog, chores;
	pthread_cond_t end_of_chores;
	struct breaker *breaker;
};

void *worker_main(void *worker);
/* chores.c: what is looked after now and then. */
void *chores_main(void *delivery);
/* One more may have something to do. Lock held. */
void wake_one(struct delivery *d);
/* Waits on COND, at most MS. Lock held. */
void wait_ms(struct delivery *d, pthread_cond_t *cond, int64_t ms);
/* Until there may be more, WAIT_MAX_MS at most. */
int64_t until_due_ms(const struct delivery *d);

/* ---- choose.c: which route's mail over which hop. Lock held. ---- */

/* The states of the settings' hops, made where there was none. */
void find_hop_states(struct delivery *d);
/* A hop that a new session may be opened to, for mail that is there. */
bool choose_hop(struct delivery *d, unsigned *ret_hop);
/* What this session may take now. */
bool choose_item(struct worker *w, struct taken *ret);
bool route_is_down(const struct delivery *d, unsigned route);

/* ---- pass.c ---- */

void pass_ended(struct delivery *d); /* one was answered */
void pass_watch(struct delivery *d); /* answers what has waited too long */
