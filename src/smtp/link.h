/* A session on a connection: moves bytes between the two, keeps the deadlines, and does what .step says. */
#pragma once

#include "ipcount.h"
#include "net/conn.h"
#include "session.h"

struct worker;

struct link {
	struct link *prev, *next; /* of the worker */
	struct worker *worker;
	struct conn *conn; /* NULL: gone, but an answer is still on its way */
	struct timer timer;
	struct task grave;
	int64_t opened_ms, active_ms;
	int64_t data_ms;    /* when the message at hand began to come; 0: none does */
	uint64_t data_from; /* session.bytes then */
	struct ip_key ip;
	struct session session;
};

/* Takes over FD; the address was counted by the caller, and is dropped by the worker when the link ends.
 * PEER: whom a load balancer passes on; NULL = who is connected. */
void link_open(struct worker *w, int fd, bool tls_first, const struct ip_key *ip, const struct endpoint *peer);
void link_drain(struct link *k); /* 421 if it is between messages; else after the message */
void link_drop(struct link *k);
