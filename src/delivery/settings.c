#include <stdlib.h>

#include "base/mem.h"
#include "delivery/delivery.h"

static void hop_free(struct next_hop *h)
{
	free(h->name);
	free(h->host);
	free(h->tls_name);
	free(h->source);
	free(h->ca_file);
	free(h->user);
	free(h->password_file);
}

static void route_free(struct route *r)
{
	free(r->name);
	free(r->hops);
	mail_match_free(&r->match);
}

static void throttle_free(struct throttle *t)
{
	free(t->name);
	free(t->warm_up);
	mail_match_free(&t->match);
}

void delivery_settings_free(struct shared *shared)
{
	struct delivery_settings *s = (struct delivery_settings *)shared;
	for (unsigned i = 0; i < s->hop_count; i++)
		hop_free(&s->hops[i]);
	for (unsigned i = 0; i < s->route_count; i++)
		route_free(&s->routes[i]);
	for (unsigned i = 0; i < s->throttle_count; i++)
		throttle_free(&s->throttles[i]);
	free(s->routes);
	free(s->breaker_file);
	free(s->throttles);
	free(s->hops);
	free(s->hostname);
	if (s->policy)
		shared_release(&s->policy->shared);
	if (s->compose)
		shared_release(&s->compose->shared);
	free(s);
}
