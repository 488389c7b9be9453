/* The login desk: passwords are slow to check by design (50 ms), so one thread does it, off the event loops.
 * A right password is remembered as a keyed hash under a key that lives only as long as the process; the stored hash is part of
 * it, so that a changed password is asked again. */
#include <pthread.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "crypto/password.h"
#include "intake_internal.h"
#include "base/counter.h"

#define WAITING_MAX 64   /* logins that wait for the desk */
#define WAITING_PEER_MAX 8 /* of one address: a guesser must not keep the others out */
#define REMEMBERED  256  /* right passwords, direct-mapped */

COUNTER(logins_good, "optgate_logins_total{result=\"good\"}", "AUTH attempts");
COUNTER(logins_bad, "optgate_logins_total{result=\"bad\"}", "AUTH attempts");
COUNTER(logins_busy, "optgate_logins_total{result=\"busy\"}", "AUTH attempts");

struct login {
	struct login *next;
	struct intake_session *session;
	const struct client *client; /* NULL: no such user; still costs the same time */
	struct view user, password;  /* copies behind this struct */
	intake_done *done;
	void *arg;
};

struct login_desk {
	pthread_mutex_t lock;
	pthread_cond_t arrived;
	pthread_t thread;
	struct login *first, **last;
	unsigned waiting;
	bool stopping;
	struct mac_key *key;
	uint8_t remembered[REMEMBERED][SHA256_BYTES]; /* desk thread only */
};

/* What an unknown user's password is compared with, so that the time tells nothing. */
static char decoy[PASSWORD_TEXT];

static void password_mark(const struct login_desk *d, const struct login *l, uint8_t out[SHA256_BYTES])
{
	const struct view parts[] = {view_of(l->client->name), V("\0"), view_of(l->client->password), V("\0"), l->password};
	mac(d->key, parts, sizeof parts / sizeof *parts, out);
}

static bool is_right(struct login_desk *d, const struct login *l)
{
	if (!l->client) {
		(void)password_matches(decoy, l->password);
		return false;
	}
	uint8_t mark[SHA256_BYTES];
	password_mark(d, l, mark);
	uint8_t *slot = d->remembered[mark[0]];
	if (equal_in_constant_time(slot, mark, sizeof mark))
		return true;
	if (!password_matches(l->client->password, l->password))
		return false;
	memcpy(slot, mark, sizeof mark);
	return true;
}

static void answer(struct login *l, const struct reply *reply)
{
	intake_done *done = l->done;
	void *arg = l->arg;
	mem_wipe((void *)l->password.p, l->password.n);
	free(l);
	done(arg, reply);
}

static void serve(struct login_desk *d, struct login *l)
{
	struct reply reply;
	char user[80];
	log_safe(user, sizeof user, l->user.p, l->user.n);
	if (is_right(d, l)) {
		counter_add(&logins_good, 1);
		if (session_become(l->session, l->client, &reply))
			reply_set(&reply, 235, "2.7.0", "Authentication successful");
	} else {
		char ip[ENDPOINT_TEXT];
		endpoint_ip_text(&l->session->peer, ip);
		counter_add(&logins_bad, 1);
		log_event(LOG_LEVEL_WARNING, "intake.login.refuse", "user=\"%s\" ip=%s", user, ip);
		reply_set(&reply, 535, "5.7.8", "Authentication credentials invalid");
	}
	answer(l, &reply);
}

static void *desk_main(void *arg)
{
	struct login_desk *d = arg;
	pthread_mutex_lock(&d->lock);
	for (;;) {
		while (!d->first && !d->stopping)
			pthread_cond_wait(&d->arrived, &d->lock);
		struct login *l = d->first;
		if (!l)
			break;
		d->first = l->next;
		if (!d->first)
			d->last = &d->first;
		d->waiting--;
		bool stopping = d->stopping;
		pthread_mutex_unlock(&d->lock);
		if (stopping) {
			struct reply reply;
			reply_set(&reply, 454, "4.3.2", "Shutting down");
			answer(l, &reply);
		} else {
			serve(d, l);
		}
		pthread_mutex_lock(&d->lock);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

struct login_desk *login_desk_new(void)
{
	struct login_desk *d = mem_zero(sizeof *d);
	uint8_t secret[MAC_KEY_BYTES];
	random_bytes(secret, sizeof secret);
	d->key = mac_key_new(secret);
	mem_wipe(secret, sizeof secret);
	/* Slots must not be guessable as "all zero". */
	random_bytes(d->remembered, sizeof d->remembered);
	if (!decoy[0] && password_hash(V("nobody's"), decoy, NULL) < 0)
		fatal("scrypt is not available");
	d->last = &d->first;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->arrived, NULL);
	if (pthread_create(&d->thread, NULL, desk_main, d) != 0)
		fatal("login thread cannot be started");
	return d;
}

void login_desk_free(struct login_desk **desk)
{
	struct login_desk *d = *desk;
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_signal(&d->arrived);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	mac_key_free(&d->key);
	free(d);
	*desk = NULL;
}

static struct login *login_new(struct intake_session *s, struct view user, struct view password)
{
	struct login *l = mem_zero(sizeof *l + user.n + password.n + 2);
	char *at = (char *)(l + 1);
	memcpy(at, user.p, user.n);
	l->user = view_n(at, user.n);
	at += user.n;
	memcpy(at, password.p, password.n);
	l->password = view_n(at, password.n);
	l->session = s;
	l->client = client_of_user(s, user);
	if (l->client && !l->client->password)
		l->client = NULL;
	return l;
}

/* Under the lock. */
static unsigned waiting_of_peer(const struct login_desk *d, const struct endpoint *peer)
{
	uint8_t mine[16], other[16];
	unsigned n = 0;
	if (!endpoint_ip_bytes(peer, mine))
		return 0;
	for (const struct login *l = d->first; l; l = l->next)
		n += endpoint_ip_bytes(&l->session->peer, other) && memcmp(mine, other, sizeof mine) == 0;
	return n;
}

void login_check(struct login_desk *d, struct intake_session *s, struct view user, struct view password, intake_done *done, void *arg)
{
	struct login *l = login_new(s, user, password);
	l->done = done;
	l->arg = arg;
	pthread_mutex_lock(&d->lock);
	bool full = d->waiting >= WAITING_MAX || d->stopping || waiting_of_peer(d, &s->peer) >= WAITING_PEER_MAX;
	if (!full) {
		*d->last = l;
		d->last = &l->next;
		d->waiting++;
		pthread_cond_signal(&d->arrived);
	}
	pthread_mutex_unlock(&d->lock);
	if (full) {
		struct reply reply;
		counter_add(&logins_busy, 1);
		reply_set(&reply, 454, "4.7.0", "Too many logins at once; try again later");
		answer(l, &reply);
	}
}
