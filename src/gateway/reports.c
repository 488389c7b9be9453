/* What comes back: the listener that takes reports, the inbox behind it, and the next hop's refusals beside them. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "gateway_internal.h"
#include "intake/reports.h"

int start_inbox(struct gateway *g, struct err *err)
{
	struct inbox_settings *s = g->config->inbox;
	g->config->inbox = NULL;
	return inbox_open(&g->inbox, g->config->reports_dir, g->config->soft_window_days, g->ledger, g->clock, s, err);
}

void stop_inbox(struct gateway *g)
{
	inbox_close(&g->inbox);
}

int start_reports(struct gateway *g, struct err *err)
{
	struct config *c = g->config;
	struct endpoint at;
	char text[ENDPOINT_TEXT] = "-";
	if (!c->reports_listen_count)
		return 0;
	if (smtp_server_start(&g->reports, &c->reports_smtp, (const char *const *)c->reports_listen,
		c->reports_listen_count, NULL, 0, NULL, &reports_verbs, g->inbox, g->clock, err) < 0)
		return -1;
	if (smtp_server_addresses(g->reports, &at, 1))
		endpoint_text(&at, text);
	log_event(LOG_LEVEL_INFO, "gateway.reports", "listen=%s", text);
	return 0;
}

void stop_reports(struct gateway *g)
{
	if (!g->reports)
		return;
	smtp_server_drain(g->reports, clock_mono(g->clock) + g->config->drain_ms);
	smtp_server_stop(&g->reports);
}

/* On a delivery worker's thread, before the item is settled. A failure is logged: the mail itself is settled all the same. */
void inbox_hears(struct gateway *g, const struct delivery_event *e)
{
	struct err err;
	struct address to;
	char id[40];
	if (e->outcome != DELIVERED && e->outcome != DELIVERY_PERMANENT)
		return;
	snprintf(id, sizeof id, "%" PRIx64 ".%u", e->id, (unsigned)e->index);
	struct inbox_outcome o = {
	    .delivered = e->outcome == DELIVERED, .who = e->who, .reply = &e->reply, .reference = view_of(id)};
	if (address_parse(e->recipient->address, &to, &err) == 0)
		o.address = view_of(to.text);
	if (inbox_outcome(g->inbox, &o, &err) < 0)
		log_event(LOG_LEVEL_ERROR, "gateway.outcome.fail", "id=%s why=\"%s\"", id, err.text);
}
