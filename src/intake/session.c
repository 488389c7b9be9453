/* Sessions: who is connected, and the intake itself. */
#include <stdlib.h>

#include "intake/tripwire.h"
#include "intake_internal.h"

struct intake *intake_new(struct ledger *l, struct spool *s, const struct clock *clock)
{
	struct intake *in = mem_zero(sizeof *in);
	in->ledger = l;
	in->spool = s;
	in->clock = clock;
	shared_slot_init(&in->settings);
	in->desk = login_desk_new();
	in->bodies = body_count_new();
	return in;
}

void intake_record(struct intake *in, struct decisions *d)
{
	in->decisions = d;
}

void intake_use(struct intake *in, struct intake_settings *s)
{
	for (unsigned i = 0; i < s->client_count; i++)
		s->clients[i].meter = meter_of(&in->meters, s->clients[i].name);
	shared_replace(&in->settings, &s->shared, intake_settings_free);
}

void intake_pass_to(struct intake *in, intake_pass *pass, void *arg)
{
	in->pass = pass;
	in->pass_arg = arg;
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
	body_count_free(&(*in)->bodies);
	shared_replace(&(*in)->settings, NULL, NULL);
	meters_free(&(*in)->meters);
	free(*in);
	*in = NULL;
}

static const struct client *client_of_network(const struct intake_settings *s, const struct endpoint *peer)
{
	for (unsigned i = 0; i < s->client_count; i++) {
		const struct client *c = &s->clients[i];
		if (!c->password && networks_have(c->networks, c->network_count, peer))
			return c;
	}
	return NULL;
}

bool session_become(struct intake_session *s, const struct client *c, struct reply *refused)
{
	if (c == s->client)
		return true;
	if (!meter_enter(c, s->intake->clock, refused))
		return false;
	if (s->client)
		meter_leave(s->client);
	s->client = c;
	s->crowded.code = 0;
	return true;
}

static void *open_session(void *ctx, const struct endpoint *peer)
{
	struct intake *in = ctx;
	struct intake_session *s = mem_zero(sizeof *s);
	s->intake = in;
	s->settings = (struct intake_settings *)shared_acquire(&in->settings);
	ALWAYS(s->settings);
	s->peer = *peer;
	const struct client *c = client_of_network(s->settings, peer);
	if (c)
		session_become(s, c, &s->crowded);
	return s;
}

static void close_session(void *session)
{
	struct intake_session *s = session;
	if (s->client)
		meter_leave(s->client);
	shared_release(&s->settings->shared);
	free(s);
}

static bool welcome(void *session, struct reply *refused)
{
	const struct intake_session *s = session;
	if (s->crowded.code)
		*refused = s->crowded;
	return s->crowded.code == 0;
}

static bool from_its_networks(const struct client *c, const struct endpoint *peer)
{
	return c->network_count == 0 || networks_have(c->networks, c->network_count, peer);
}

const struct client *client_of_user(const struct intake_session *s, struct view user)
{
	for (unsigned i = 0; i < s->settings->client_count; i++) {
		const struct client *c = &s->settings->clients[i];
		if (view_eq(view_of(c->name), user) && from_its_networks(c, &s->peer))
			return c;
	}
	return NULL;
}

static bool as_user(void *session, struct view user, struct reply *refused)
{
	struct intake_session *s = session;
	const struct client *c = client_of_user(s, user);
	if (c)
		return session_become(s, c, refused);
	reply_set(refused, 550, "5.7.1", "No client of that name may send from this address");
	return false;
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
    .welcome = welcome,
    .may_login = may_login,
    .login = login,
    .as_user = as_user,
    .max_message_bytes = max_message_bytes,
    .begin = tx_begin,
    .rcpt = tx_rcpt,
    .data = tx_data,
    .commit = tx_commit,
    .abort = tx_abort,
};
