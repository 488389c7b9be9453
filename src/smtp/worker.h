/* One thread, one loop, its links. Everything here happens on that thread, but for what says otherwise. */
#pragma once

#include <pthread.h>

#include "link.h"
#include "prelude.h"

struct smtp_server;

struct worker {
	struct smtp_server *server;
	struct session_env *env;
	struct loop *loop;
	pthread_t thread;
	bool is_started, is_draining, is_stopping;
	struct link *links;
	struct prelude *preludes;
	struct buf out; /* of the session that is being fed */
	struct task drain, stop;
};

int worker_start(struct worker *w, struct smtp_server *server, struct session_env *env, const struct clock *clock,
    struct err *err) MUST_CHECK;
/* From any thread. */
struct arrival {
	int fd;
	bool tls_first;
	struct ip_key ip;         /* as it was counted */
	bool proxied;             /* a PROXY header comes first */
	struct endpoint balancer; /* whose; with PROXIED */
};
void worker_hand(struct worker *w, const struct arrival *a);
void worker_drain(struct worker *w);
void worker_stop(struct worker *w); /* waits until the last late answer has come */
void worker_free(struct worker *w);

void worker_add(struct worker *w, struct link *k);
void worker_remove(struct worker *w, struct link *k); /* tells the server */
void worker_add_prelude(struct worker *w, struct prelude *p);
void worker_remove_prelude(struct worker *w, struct prelude *p);

/* What the server keeps for all its workers. */
struct tls_server *server_tls(struct smtp_server *s); /* a reference, or NULL */
void server_connection_over(struct smtp_server *s, const struct ip_key *ip);
/* A connection that was counted without an address turns out to be of this one: LIMIT_NONE, or why not (not counted then). */
enum limit server_count_peer(struct smtp_server *s, const struct ip_key *ip);
/* Front ends say whom they speak for: OLD is counted no longer, IP is unless it reaches a limit. */
enum limit server_recount_peer(struct smtp_server *s, const struct ip_key *old, const struct ip_key *ip);
/* Says 421 (not on a TLS listener) and closes FD. */
void server_turn_away(struct smtp_server *s, int fd, bool tls_first, enum limit l);
