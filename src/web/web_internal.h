/* One web listener, as its handlers see it. */
#pragma once

#include "pages.h"
#include "router.h"
#include "throttle.h"
#include "web/web.h"

#define WEB_FORGED_PER_MINUTE 30  /* wrong tokens from one address; then 429 */
#define WEB_RETRY_AFTER       "60"
#define WEB_BACKLOG           1024

struct web {
	struct http *http;
	struct http_service service;
	struct web_header headers[8];
	struct ledger *ledger;
	const struct clock *clock;
	struct shared_slot settings;
	struct endpoint address;
	struct throttle forged;
};

static inline const struct web_settings *settings_of(const struct web_request *r)
{
	return (const struct web_settings *)r->settings;
}

/* A short plain answer, for machines. */
void plain_answer(struct web_request *r, unsigned status, struct view text);

route_handler optout_show, optout_do, health_show;
