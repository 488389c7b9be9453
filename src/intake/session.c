/* Sessions: who is connected, and the intake itself. */
#include <stdlib.h>

#include "intake_internal.h"

struct intake *intake_new(struct ledger *l, struct spool *s, const struct clock *clock)
{
	struct intake *in = mem_zero(sizeof *in);
	in->ledger = l;
	in->spool = s;
	in->clock = clock;
	shared_slot_init(&in->settings);
	in->desk = login_desk_new();
	return in;
}

void intake_use(struct intake *in, struct intake_settings *s)
{
	shared_replace(&in->settings, &s->shared, intake_settings_free);
}

void intake_drain(struct intake *in)
{
	in->draining = true;
}

void intake_free(struct intake **in)
{
	if (!*in)
		return;
	login_desk_free(&(*in)->desk);
	shared_replace(&(*in)->settings, NULL, NULL);
	free(*in);
	*in = NULL;
}

static const struct client *client_of_network(const struct intake_settings *s, const struct endpoint *peer)
{
	for (unsigned i = 0; i < s->client_count; i++)
		for (unsigned k = 0; k < s->clients[i].network_count; k++)
			if (!s->clients[i].password && network_has(&s->clients[i].networks[k], peer))
				return &s->clients[i];
	return NULL;
}

static void *open_session(void *ctx, const struct endpoint *peer)
{
	struct intake *in = ctx;
	struct intake_session *s = mem_zero(sizeof *s);
	s->intake = in;
	s->settings = (struct intake_settings *)shared_acquire(&in->settings);
	ALWAYS(s->settings);
	s->peer = *peer;
	s->client = client_of_network(s->settings, peer);
	return s;
}

static void close_session(void *session)
{
	struct intake_session *s = session;
	shared_release(&s->settings->shared);
	free(s);
}

static bool from_its_networks(const struct client *c, const struct endpoint *peer)
{
	for (unsigned i = 0; i < c->network_count; i++)
		if (network_has(&c->networks[i], peer))
			return true;
	return c->network_count == 0;
}

/* A client with a password and networks logs in from those networks only. */
static bool may_login(void *session, bool tls)
{
	const struct intake_session *s = session;
	for (unsigned i = 0; i < s->settings->client_count; i++) {
		const struct client *c = &s->settings->clients[i];
		if (c->password && (tls || c->plain_auth) && from_its_networks(c, &s->peer))
			return true;
	}
	return false;
}

static void login(void *session, struct view user, struct view password, intake_done *done, void *arg)
{
	struct intake_session *s = session;
	login_check(s->intake->desk, s, user, password, done, arg);
}

static uint64_t max_message_bytes(void *session)
{
	const struct intake_session *s = session;
	return s->settings->max_message_bytes;
}


const struct intake_verbs intake_verbs = {
    .open = open_session,
    .close = close_session,
    .may_login = may_login,
    .login = login,
    .max_message_bytes = max_message_bytes,
    .begin = tx_begin,
    .rcpt = tx_rcpt,
    .data = tx_data,
    .commit = tx_commit,
    .abort = tx_abort,
};
