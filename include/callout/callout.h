/* Telling the tools: after an opt-out the tool's own one-click link (mail/tool_link.h) is POSTed to, as RFC 8058 3.2 says, so that
 * the tool doesn't go on sending what the gate then has to stop.
 *
 *   callout_add ──▶ queue on disk, a lane for each host ──▶ workers: does the opt-out still stand? ──▶ POST ──▶ a note in the journal
 *                                                                     └─▶ later, twice as long each time, for days
 *
 * The opt-out itself never waits for any of this, nor does it need it: what is lost here (a crash in the instant after the answer, a full
 * queue, a tool that never answers) the gate still blocks. Only hosts named in the settings are called, over https, at addresses of the
 * internet (endpoint_is_public) as they are connected to; a redirect is not followed, and no more than the status of the answer is read. */
#pragma once

#include "base/clock.h"
#include "base/shared.h"
#include "ledger/ledger.h"
#include "spool/spool.h"

struct callout_settings { /* frozen, shared */
	struct shared shared;
	char **hosts;         /* patterns of mail/tool_link.h that may be called; none: nobody is */
	size_t host_count;
	char **private_hosts; /* of these, those that may be at any address */
	size_t private_host_count;
	char *ca_file;        /* trusted in place of the system's certificates; NULL = the system's */
	int64_t wait_ms;      /* before the first call about an opt-out that can be undone */
	int64_t retry_first_ms, retry_max_ms; /* doubling, with jitter of a quarter */
	int64_t give_up_ms;
	int64_t timeout_ms;   /* of one call, from the look-up of the name to the answer */
};
void callout_settings_free(struct shared *s);

struct callout;
/* QUEUE: a spool of its own. Takes over SETTINGS, also when it fails. */
int callout_start(struct callout **ret, const struct spool_settings *queue, struct ledger *l, const struct clock *clock,
    struct callout_settings *settings, struct err *err) MUST_CHECK;
void callout_use(struct callout *c, struct callout_settings *s); /* reload; takes over */
/* Calls that are running are broken off and made again after the next start. */
void callout_stop(struct callout **c);

struct callout_wish {
	struct view url;       /* at most TOOL_LINK_MAX bytes */
	enum channel channel;
	struct person_key who;
	struct scope scope;    /* what the mail was */
	bool may_be_undone;    /* wait first */
};
/* Any thread; never waits. Nothing happens for a host that may not be called. */
void callout_add(struct callout *c, const struct callout_wish *w);
