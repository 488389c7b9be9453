/* What the daemon holds. */
#pragma once

#include "config/config.h"
#include "control/control.h"
#include "gateway/gateway.h"

struct gateway {
	const struct clock *clock;
	enum gateway_part part;
	struct config *config;
	struct ledger *ledger;
	struct spool *spool;
	struct decisions *decisions; /* NULL: none are kept */
	struct inbox *inbox;
	struct intake *intake;
	struct callout *callout;     /* NULL: no tool is told of opt-outs */
	struct web *web;
	struct web *admin;           /* NULL: none is asked for */
	struct holds *holds;
	struct delivery *delivery;
	struct smtp_server *smtp;
	struct smtp_server *reports; /* NULL: no listener for reports */
	struct doors *doors; /* NULL: none is asked for */
	struct control *control;
};

/* outcomes.c: what became of a mail; ARG is the gateway. Set in delivery's settings. */
void gateway_report(void *arg, const struct delivery_event *e);

/* reports.c: the inbox, its listener, and what delivery tells it. */
int start_inbox(struct gateway *g, struct err *err) MUST_CHECK;
void stop_inbox(struct gateway *g);
int start_reports(struct gateway *g, struct err *err) MUST_CHECK;
void stop_reports(struct gateway *g);
void inbox_hears(struct gateway *g, const struct delivery_event *e);

/* tools.c: tools that are told of opt-outs. */
int start_callout(struct gateway *g, struct err *err) MUST_CHECK;
void stop_callout(struct gateway *g);
void reload_callout(struct gateway *g, struct config *fresh);
void gateway_opted_out(void *arg, const struct web_optout *o);

/* admin.c: the admin listener. */
int start_admin(struct gateway *g, struct err *err) MUST_CHECK;
void stop_admin(struct gateway *g);

/* wordings.c: the ledger keeps the words of all forms. */
int gateway_keep_wordings(struct gateway *g, const struct web_settings *s, struct err *err) MUST_CHECK;

/* descriptors.c: lowers what the settings allow in connections to what the process may open. */
void gateway_fit_descriptors(struct config *c);

/* answers.c: what the tool may ask a running daemon. */
json_t *gateway_answer(void *arg, const json_t *question);
/* notice.c: a mail of the public pages goes into the spool. */
void gateway_send_notice(void *arg, const struct web_mail *m);
