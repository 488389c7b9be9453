/* One thread, one loop, its links. Everything here happens on that thread, but for what says otherwise. */
#pragma once

#include <pthread.h>

#include "link.h"

struct smtp_server;

struct worker {
	struct smtp_server *server;
	struct session_env *env;
	struct loop *loop;
	pthread_t thread;
	bool is_started, is_draining, is_stopping;
	struct link *links;
	struct buf out; /* of the session that is being fed */
	struct task drain, stop;
};

int worker_start(struct worker *w, struct smtp_server *server, struct session_env *env, const struct clock *clock,
    struct err *err) MUST_CHECK;
/* From any thread. */
void worker_hand(struct worker *w, int fd, bool tls_first, const struct ip_key *ip);
void worker_drain(struct worker *w);
void worker_stop(struct worker *w); /* waits until the last late answer has come */
void worker_free(struct worker *w);

void worker_add(struct worker *w, struct link *k);
void worker_remove(struct worker *w, struct link *k); /* tells the server */

/* What the server keeps for all its workers. */
struct tls_server *server_tls(struct smtp_server *s); /* a reference, or NULL */
void server_connection_over(struct smtp_server *s, const struct ip_key *ip);
