#include <stdio.h>

#include "base/counter.h"
#include "doors_internal.h"

COUNTER(unknown, "optgate_doors_unknown_clients_total",
    "Mail at the policy service or the milter whose client nobody knows");

static bool nobody(struct door_env *env, enum doors_unknown what, struct reply *refused)
{
	(void)env;
	counter_add(&unknown, 1);
	if (what == DOORS_DEFER)
		reply_set(refused, 451, "4.7.1", "No client of optgate is known by this address or user");
	else if (what == DOORS_REFUSE)
		reply_set(refused, 550, "5.7.1", "No client of optgate is known by this address or user");
	return false;
}

bool door_identify(struct door_env *env, void *session, struct view user, struct reply *refused)
{
	struct doors_settings *s = (struct doors_settings *)shared_acquire(env->settings);
	bool known;
	refused->code = 0;
	if (user.n && intake_knows_user(session, user))
		known = env->verbs->as_user(session, user, refused);
	else if (intake_client_name(session) || !env->verbs->welcome(session, refused))
		known = refused->code == 0;
	else if (s->client && intake_as_client(session, view_of(s->client), refused))
		known = true;
	else if (refused->code)
		known = false;
	else
		known = nobody(env, s->unknown, refused);
	shared_release(&s->shared);
	return known;
}

struct endpoint door_endpoint(struct view ip, uint16_t port)
{
	char text[ENDPOINT_TEXT];
	struct endpoint e = {0};
	if (view_istarts(ip, V("IPv6:")))
		ip = view_sub(ip, 5, ip.n);
	if (ip.n > INET6_ADDRSTRLEN)
		return e;
	bool v6 = view_find(ip, 0, ':') < ip.n;
	snprintf(text, sizeof text, v6 ? "[%.*s]:%u" : "%.*s:%u", VFMT(ip), (unsigned)port);
	if (endpoint_parse(text, &e, NULL) < 0 || e.sa.ss_family == AF_UNIX)
		e = (struct endpoint){0};
	return e;
}
