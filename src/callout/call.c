/* One call: is it still wanted, may it be made, what was the answer, and what follows. */
#include <stdio.h>
#include <stdlib.h>
#include <inttypes.h>

#include "base/counter.h"
#include "base/log.h"
#include "internal.h"

#define NOT_KNOWN_MS 60000 /* until the ledger is asked again */
#define BODY         "List-Unsubscribe=One-Click" /* RFC 8058 3.2 */
#define BODY_TYPE    "application/x-www-form-urlencoded"

COUNTER(told, "optgate_tool_calls_total{result=\"told\"}", "Tools told of an opt-out, by what came of it");
COUNTER(refused, "optgate_tool_calls_total{result=\"refused\"}", "Tools told of an opt-out, by what came of it");
COUNTER(later, "optgate_tool_calls_total{result=\"later\"}", "Tools told of an opt-out, by what came of it");
COUNTER(given_up, "optgate_tool_calls_total{result=\"given-up\"}", "Tools told of an opt-out, by what came of it");
COUNTER(undone, "optgate_tool_calls_total{result=\"undone\"}", "Tools told of an opt-out, by what came of it");

struct call {
	struct callout *callout;
	const struct callout_settings *settings;
	const struct spool_item *item;
	struct call_record record;
	char url[TOOL_LINK_MAX + 1];
	struct tool_link link; /* views into .url */
	int64_t now_ms;
	char why[HTTP_OUT_WHY];
};

/* ---- does the opt-out stand? ---- */

struct standing {
	const struct call *call;
	bool stands;
};

static void see(void *arg, const struct suppression_row *row)
{
	struct standing *s = arg;
	const struct scope *scope = &s->call->record.scope;
	s->stands |= row->reason == REASON_UNSUBSCRIBE && row->level == scope->level &&
	             memcmp(row->scope_id, scope->id, SCOPE_ID_BYTES) == 0 && (!row->expires_ms || row->expires_ms > s->call->now_ms);
}

/* 1, 0, or -1: it can't be known now. */
static int still_stands(const struct call *k)
{
	static const struct ledger_visitor visitor = {.suppression = see};
	struct standing s = {.call = k};
	struct err err;
	return ledger_visit(k->callout->ledger, &k->record.who, &visitor, &s, &err) < 0 ? -1 : s.stands;
}

/* ---- what follows ---- */

static void say(const struct call *k, enum log_level level, const char *result, int status)
{
	log_event(level, "callout.call", "result=%s host=%.*s:%u status=%d attempts=%u%s%s%s", result, VFMT(k->link.host), k->link.port, status,
	    k->item->attempts + 1, k->why[0] ? " why=\"" : "", k->why, k->why[0] ? "\"" : "");
}

/* The end of it is in the journal before the item is gone; if that fails, the tool hears twice. */
static void end(const struct call *k, enum spool_outcome outcome, const char *result, int status)
{
	char note[NOTE_MAX + 1];
	struct change_result made;
	struct err err;
	snprintf(note, sizeof note, "%s: %.*s:%u status=%d attempts=%u", result, (int)(k->link.host.n < 100 ? k->link.host.n : 100), k->link.host.p,
	    k->link.port, status, k->item->attempts + 1);
	const struct change c = {.kind = CHANGE_NOTE, .channel = k->record.channel, .who = k->record.who, .scope = k->record.scope,
	    .source = V("tool-link"), .actor = V("optgate"), .note = view_of(note)};
	if (ledger_change(k->callout->ledger, &c, &made, &err) == 0)
		spool_settle(k->callout->spool, k->item, outcome);
	else
		spool_defer(k->callout->spool, k->item, k->now_ms + NOT_KNOWN_MS, false);
}

static void try_later(const struct call *k, bool counts)
{
	const uint32_t random = (uint32_t)(k->item->id * 2654435761u >> 16);
	spool_defer(k->callout->spool, k->item, k->now_ms + call_delay_ms(k->settings, k->item->attempts + counts, random), counts);
}

/* What may be different next time (RFC 9110 15): all else is the tool's last word. */
static bool may_change(int status)
{
	return status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;
}

static void settle(const struct call *k, int status)
{
	if (status >= 200 && status < 300) {
		counter_add(&told, 1);
		say(k, LOG_LEVEL_INFO, "told", status);
		end(k, SPOOL_DELIVERED, "the tool was told of the opt-out", status);
	} else if (!may_change(status)) {
		counter_add(&refused, 1);
		say(k, LOG_LEVEL_WARNING, "refused", status);
		end(k, SPOOL_FAILED, "the tool would not hear of the opt-out", status);
	} else {
		counter_add(&later, 1);
		say(k, LOG_LEVEL_INFO, "later", status);
		try_later(k, true);
	}
}

static int post(const struct call *k, struct http_out *h, char why[HTTP_OUT_WHY])
{
	const struct http_out_post p = {.url = k->url,
	    .content_type = BODY_TYPE,
	    .body = V(BODY),
	    .anywhere = host_is_private(k->settings, &k->link),
	    .ca_file = k->settings->ca_file,
	    .timeout_ms = k->settings->timeout_ms};
	return http_out_post(h, &p, why);
}

/* Not to be called, or not now. True: that is settled. */
static bool is_idle(struct call *k, bool rests)
{
	struct spool *s = k->callout->spool;
	int64_t age_ms = k->now_ms - k->item->arrived_ms;
	if (k->item->attempts == 0 && k->record.may_be_undone && age_ms < k->settings->wait_ms) {
		spool_defer(s, k->item, k->item->arrived_ms + k->settings->wait_ms, false);
		return true;
	}
	int stands = still_stands(k);
	if (stands < 0) {
		spool_defer(s, k->item, k->now_ms + NOT_KNOWN_MS, false);
	} else if (!stands || !host_is_allowed(k->settings, &k->link)) {
		counter_add(&undone, 1);
		say(k, LOG_LEVEL_INFO, stands ? "not-allowed" : "undone", 0);
		spool_settle(s, k->item, SPOOL_DROPPED);
	} else if (age_ms > k->settings->give_up_ms) {
		counter_add(&given_up, 1);
		say(k, LOG_LEVEL_WARNING, "given-up", 0);
		end(k, SPOOL_FAILED, "the tool could not be told of the opt-out", 0);
	} else if (rests) {
		try_later(k, false);
	} else {
		return false;
	}
	return true;
}

static bool read_item(struct call *k)
{
	struct spool_bytes bytes;
	struct err err;
	if (spool_read(k->callout->spool, k->item, &bytes, &err) < 0)
		return false;
	bool good = call_record_read(bytes.envelope, &k->record) && view_str(bytes.message, k->url, sizeof k->url) &&
	            tool_link_parse(view_of(k->url), &k->link);
	spool_release_bytes(&bytes);
	return good;
}

static bool call(struct call *k, struct http_out *h, bool rests)
{
	if (!read_item(k)) {
		log_event(LOG_LEVEL_ERROR, "callout.damaged", "id=%" PRIu64, k->item->id);
		spool_settle(k->callout->spool, k->item, SPOOL_DROPPED);
		return false;
	}
	if (is_idle(k, rests))
		return false;
	int status = post(k, h, k->why);
	if (status == 0 && atomic_load(&k->callout->stop))
		spool_put_back(k->callout->spool, k->item); /* broken off */
	else
		settle(k, status);
	return status == 0;
}

bool call_item(struct callout *c, struct http_out *h, const struct spool_item *item, bool rests)
{
	struct shared *settings = shared_acquire(&c->settings);
	struct call k = {.callout = c, .settings = (const struct callout_settings *)settings, .item = item, .now_ms = clock_wall(c->clock)};
	bool silent = call(&k, h, rests);
	shared_release(settings);
	return silent;
}
