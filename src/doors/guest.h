/* A connection of an MTA to one of the doors: a protocol's session on a connection. */
#pragma once

#include <pthread.h>

#include "doors_internal.h"
#include "net/conn.h"

struct door_worker;
struct door_watch;

struct guest {
	struct guest *prev, *next; /* of the worker */
	struct door_worker *worker;
	const struct door_protocol *protocol;
	void *session;
	struct conn *conn;
	struct timer idle;
	struct task grave;
	int64_t active_ms;
};

struct door_worker {
	struct doors *doors;
	struct door_env env;
	struct loop *loop;
	pthread_t thread;
	bool is_started;
	struct guest *guests;
	struct door_watch *watches; /* of each listener */
	struct buf out;             /* of the guest that is being fed */
	struct task stop;
};

/* Takes over FD, which the doors have counted. */
void guest_open(struct door_worker *w, int fd, const struct door_protocol *protocol);
void guest_drop(struct guest *g, const char *why);

/* What all workers share. */
int64_t doors_idle_timeout(const struct doors *d);
bool doors_count_in(struct doors *d);
void doors_count_out(struct doors *d);
