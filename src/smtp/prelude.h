/* A connection from a load balancer, before its PROXY header is whole: only then it becomes a link. The header stands before
 * everything else, TLS included, so it is read off the socket to the byte. */
#pragma once

#include "proxy.h"
#include "net/loop.h"

struct worker;

struct prelude {
	struct watch watch;
	struct timer timer;
	struct task grave;
	struct prelude *prev, *next; /* of the worker */
	struct worker *worker;
	struct endpoint balancer;
	bool tls_first;
	size_t n;
	char bytes[PROXY_MAX];
};

/* Takes over FD, which the server has counted. */
void prelude_open(struct worker *w, int fd, bool tls_first, const struct endpoint *balancer);
void prelude_drop(struct prelude *p);
