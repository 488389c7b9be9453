/* What one client uses: connections, messages and recipients a minute, memory. A meter outlives reloads of the settings: it
 * belongs to the client's name. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "intake/intake.h"
#include "mail/reply.h"

/* Tokens that come back evenly: PER_MINUTE at once after a pause, then one every 60 s / PER_MINUTE. All zero is a full one. Pure. */
struct bucket {
	int64_t spent; /* in tokens x 60,000, so that a millisecond gives back PER_MINUTE */
	int64_t at_ms;
};
/* 0: taken. Else nothing was, and there will be N in so many milliseconds. PER_MINUTE 0: no limit. */
int64_t bucket_take(struct bucket *b, unsigned per_minute, unsigned n, int64_t now_ms);

enum client_limit { CLIENT_CONNECTIONS, CLIENT_MESSAGES, CLIENT_RECIPIENTS, CLIENT_MEMORY, CLIENT_LIMITS };

struct meter {
	struct meter *next;
	char *name;
	_Atomic unsigned connections;
	_Atomic uint64_t memory; /* of its messages that are being received */
	pthread_mutex_t lock;    /* of what follows */
	struct bucket messages, recipients;
	struct {
		unsigned refused; /* since it was logged */
		int64_t logged_ms;
	} limits[CLIENT_LIMITS];
};

/* The one of that name, made when there is none. */
struct meter *meter_of(struct meter **list, const char *name);
void meters_free(struct meter **list);

/* Each fills REFUSED, counts and logs (not every time) when it returns false. */
bool meter_enter(const struct client *c, const struct clock *clock, struct reply *refused);
void meter_leave(const struct client *c);
bool meter_message(const struct client *c, const struct clock *clock, struct reply *refused);
bool meter_recipient(const struct client *c, const struct clock *clock, struct reply *refused);
/* SHARE: what one client may hold. */
bool meter_has_memory(const struct client *c, uint64_t share, const struct clock *clock, struct reply *refused);
