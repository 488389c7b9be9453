/* The admin listener: the relay's, which takes reports; it shares the public one's settings. */
#include "base/log.h"
#include "gateway_internal.h"

int start_admin(struct gateway *g, struct err *err)
{
	struct config *c = g->config;
	struct endpoint at;
	char text[ENDPOINT_TEXT] = "-";
	if (!c->admin_listen)
		return 0;
	if (admin_start(&g->admin, c->admin_listen, &c->admin, g->ledger, g->clock, g->inbox, web_settings_hold(c->web_settings), err) < 0)
		return -1;
	if (web_address(g->admin, &at) == 0)
		endpoint_text(&at, text);
	log_event(LOG_LEVEL_INFO, "gateway.admin", "listen=%s", text);
	return 0;
}

void stop_admin(struct gateway *g)
{
	if (g->admin)
		web_stop(&g->admin, clock_mono(g->clock) + g->config->drain_ms);
}
