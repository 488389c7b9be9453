/* Policy service and milter. */
#include "load.h"

static void add_listeners(struct config *c, enum door door, const struct raw_list *l)
{
	for (unsigned i = 0; i < l->count; i++)
		c->doors_listeners[c->doors_listener_count++] = (struct doors_listener){door, text_dup(text_at(l, i))};
}

void make_doors_plain(struct config *c, const struct raw *raw)
{
	const struct raw_doors *r = &raw->doors;
	c->doors_listeners =
	    mem_zero((r->policy_listen.count + r->milter_listen.count + 1) * sizeof *c->doors_listeners);
	add_listeners(c, DOOR_POLICY, &r->policy_listen);
	add_listeners(c, DOOR_MILTER, &r->milter_listen);
	c->doors_limits = (struct doors_limits){.workers = (unsigned)r->workers,
	    .max_connections = (unsigned)r->max_connections,
	    .idle_timeout_ms = r->idle_timeout_ms};
	c->doors_limits.networks = copy_networks(&r->networks, &c->doors_limits.network_count);
}

static bool has_client(const struct raw *raw, const char *name)
{
	const struct raw_client *clients = raw->clients.at;
	for (unsigned i = 0; i < raw->clients.count; i++)
		if (strcmp(clients[i].name.s, name) == 0)
			return true;
	return false;
}

int check_doors(const struct raw *raw, struct err *err)
{
	const struct raw_text *client = &raw->doors.client;
	if (!client->s || has_client(raw, client->s))
		return 0;
	return raw_wrong(
	    err, &client->at, "doors.client", "expected the name of a client: there is none called \"%s\"", client->s);
}

void make_doors(struct config *c, const struct raw *raw)
{
	struct doors_settings *s = mem_zero(sizeof *s);
	shared_begin(&s->shared, doors_settings_free);
	c->doors = s;
	s->compose = c->compose;
	shared_hold(&s->compose->shared);
	s->client = text_dup(&raw->doors.client);
	s->unknown = (enum doors_unknown)raw->doors.unknown;
}
