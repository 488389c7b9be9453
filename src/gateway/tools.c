/* Tools that are told of opt-outs, with a queue of their own: it goes on where the relay's is stopped. */
#include "gateway_internal.h"

int start_callout(struct gateway *g, struct err *err)
{
	struct config *c = g->config;
	if (!c->public_listen || !c->callout->host_count)
		return 0;
	struct callout_settings *s = c->callout;
	c->callout = NULL;
	return callout_start(&g->callout, &c->callout_queue, g->ledger, g->clock, s, err);
}

void stop_callout(struct gateway *g)
{
	callout_stop(&g->callout);
}

void reload_callout(struct gateway *g, struct config *fresh)
{
	if (!g->callout)
		return;
	callout_use(g->callout, fresh->callout);
	fresh->callout = NULL;
}

void gateway_opted_out(void *arg, const struct web_optout *o)
{
	const struct gateway *g = arg;
	const struct callout_wish w = {.url = view_of(o->token->tool),
	    .channel = o->token->channel,
	    .who = o->token->who,
	    .scope = o->reached,
	    .may_be_undone = o->may_be_undone};
	callout_add(g->callout, &w);
}
