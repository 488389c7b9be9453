/* take ─▶ verdict 3 ─▶ compose ─▶ (session) ─▶ settle | defer | put back
 *
 * Every way out goes through give_back: one log line, one count, one call into the spool. */
#include "attempt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/counter.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "hint.h"
#include "ledger/blocks.h"
#include "report.h"
#include "retry.h"

#define UNREADABLE_RETRY_MS 60000 /* the disk or our memory failed, not the item */

COUNTER(count_delivered, "optgate_delivery_attempts_total{outcome=\"delivered\"}", "Delivery attempts by outcome");
COUNTER(count_temporary, "optgate_delivery_attempts_total{outcome=\"temporary\"}", "Delivery attempts by outcome");
COUNTER(count_permanent, "optgate_delivery_attempts_total{outcome=\"permanent\"}", "Delivery attempts by outcome");
COUNTER(count_suppressed, "optgate_delivery_attempts_total{outcome=\"suppressed\"}", "Delivery attempts by outcome");
COUNTER(count_deferred, "optgate_delivery_attempts_total{outcome=\"deferred\"}", "Delivery attempts by outcome");
COUNTER(count_route_down, "optgate_delivery_attempts_total{outcome=\"route-down\"}", "Delivery attempts by outcome");
COUNTER(count_unknown, "optgate_delivery_attempts_total{outcome=\"unknown\"}", "Delivery attempts by outcome");
COUNTER(count_unreadable, "optgate_delivery_unreadable_total", "Items held because their bytes are damaged");

COUNTER(count_held, "optgate_delivery_held_total", "Items kept back by a standing hold, each time they were due");

/* ---- what an outcome does to the item ---- */

static int64_t age_ms(const struct attempt *a)
{
	int64_t age = clock_wall(a->clock) - a->item.arrived_ms;
	return age > 0 ? age : 0;
}

static void settle_delivered(struct attempt *a)
{
	spool_settle(a->spool, &a->item, SPOOL_DELIVERED);
}

static void settle_failed(struct attempt *a)
{
	spool_settle(a->spool, &a->item, SPOOL_FAILED);
}

static void settle_suppressed(struct attempt *a)
{
	spool_settle(a->spool, &a->item, SPOOL_SUPPRESSED);
}

static uint32_t dice(void)
{
	uint32_t r;
	random_bytes(&r, sizeof r);
	return r;
}

static void retry_counted(struct attempt *a)
{
	const struct delivery_settings *s = a->settings;
	int64_t wait = a->hint_ms
	    ? retry_delay_hinted(a->hint_ms, s->retry_first_ms, dice())
	    : retry_delay(s->retry_first_ms, s->retry_max_ms, a->item.attempts, dice());
	spool_defer(a->spool, &a->item, clock_wall(a->clock) + wait, true);
}

static void retry_uncounted(struct attempt *a)
{
	int64_t wait = retry_delay_uncounted(age_ms(a), a->settings->retry_max_ms, dice());
	spool_defer(a->spool, &a->item, clock_wall(a->clock) + wait, false);
}

static void put_back(struct attempt *a)
{
	spool_put_back(a->spool, &a->item);
}

static const struct way_back {
	void (*act)(struct attempt *a);
	struct counter *count;
	bool final;             /* whoever listens is told */
	enum log_level level;
} ways[] = {
    [DELIVERED] = {settle_delivered, &count_delivered, true, LOG_LEVEL_INFO},
    [DELIVERY_TEMPORARY] = {retry_counted, &count_temporary, false, LOG_LEVEL_INFO},
    [DELIVERY_PERMANENT] = {settle_failed, &count_permanent, true, LOG_LEVEL_INFO},
    [DELIVERY_SUPPRESSED] = {settle_suppressed, &count_suppressed, true, LOG_LEVEL_INFO},
    [DELIVERY_DEFERRED] = {retry_uncounted, &count_deferred, false, LOG_LEVEL_WARNING},
    /* The hop's own line says it once. */
    [DELIVERY_ROUTE_DOWN] = {put_back, &count_route_down, false, LOG_LEVEL_DEBUG},
    [DELIVERY_UNKNOWN] = {retry_uncounted, &count_unknown, false, LOG_LEVEL_INFO},
};

/* ---- telling ---- */

/* Recipients are named by the first bytes of their key: enough to follow one, useless to everybody else. */
static void pseudonym(const struct person_key *who, char dst[13])
{
	const uint8_t *b = who->b;
	snprintf(dst, 13, "%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

static void log_attempt(const struct attempt *a, enum delivery_outcome o, const struct session_result *r)
{
	char id[SPOOL_ID_TEXT], to[13], text[161], stream[130];
	spool_id_text(a->item.id, id);
	pseudonym(&a->who, to);
	log_safe(text, sizeof text, r->reply.text, strlen(r->reply.text));
	log_safe(stream, sizeof stream, a->envelope.stream.p, a->envelope.stream.n);
	int64_t composing = a->composed_ms - a->taken_ms;
	int64_t queued = age_ms(a) - composing - r->connect_ms - r->transfer_ms;
	log_event(ways[o].level, "delivery.attempt",
	    "id=%s item=%" PRIu32 " to=%s brand=\"%.*s\" stream=\"%s\" route=\"%s\" hop=\"%s\" outcome=%s stage=%s"
	    " code=%d enhanced=%s attempts=%" PRIu32 " delays_ms=%" PRId64 "/%" PRId64 "/%" PRId64 "/%" PRId64 " text=\"%s\"",
	    id, a->item.index, to, (int)(a->envelope.brand.n < 64 ? a->envelope.brand.n : 64),
	    a->envelope.brand.p ? a->envelope.brand.p : "", stream, a->route, a->hop, delivery_outcome_word(o),
	    session_stage_word(r->stage), r->reply.code, r->reply.enhanced[0] ? r->reply.enhanced : "-",
	    a->item.attempts, queued > 0 ? queued : 0, composing, r->connect_ms, r->transfer_ms, text);
}

static void log_suppressed(const struct attempt *a)
{
	char id[SPOOL_ID_TEXT], to[13];
	spool_id_text(a->item.id, id);
	pseudonym(&a->who, to);
	log_event(LOG_LEVEL_INFO, "delivery.suppressed",
	    "id=%s item=%" PRIu32 " to=%s rule=%s reason=%s entry=%" PRIu64, id, a->item.index, to, rule_word(a->verdict.rule), verdict_reason_word(&a->verdict), a->verdict.seq);
}

static void report(const struct attempt *a, enum delivery_outcome o, const struct session_result *r)
{
	bool our_own = a->envelope.client.n == 0; /* of a mailbox of the client's, no recipient */
	if (!a->settings->report || our_own)
		return;
	struct delivery_event e = {.id = a->item.id, .index = a->item.index, .attempts = a->item.attempts + 1,
	    .envelope = &a->envelope, .recipient = &a->recipient, .who = a->who, .stream = a->stream,
	    .outcome = o, .reply = r->reply, .verdict = a->verdict, .arrived_ms = a->item.arrived_ms, .at_ms = clock_wall(a->clock)};
	a->settings->report(a->settings->report_arg, &e);
}

/* ---- the one way out ---- */

static void let_go(struct attempt *a)
{
	shared_release(&a->settings->shared);
	a->settings = NULL;
}

static bool too_old(const struct attempt *a)
{
	const struct delivery_settings *s = a->settings;
	int64_t of_class = a->stream ? s->expire_class_ms[a->stream->class] : 0;
	return retry_expired(a->item.arrived_ms, of_class ? of_class : s->expire_ms, clock_wall(a->clock));
}

/* False: the client can't be told now, so the item must not be settled. */
static bool client_was_told(struct attempt *a, enum delivery_outcome o, const struct reply *reply)
{
	struct err err;
	char id[SPOOL_ID_TEXT], why[200];
	if (o != DELIVERED && o != DELIVERY_PERMANENT)
		return true;
	enum report_kind kind = o == DELIVERED ? REPORT_RELAYED : REPORT_FAILED;
	if (!report_is_wanted(&a->envelope, &a->recipient, kind) || report_submit(a, kind, reply, &err) == 0)
		return true;
	spool_id_text(a->item.id, id);
	log_event(LOG_LEVEL_ERROR, "delivery.report.fail", "of=%s item=%" PRIu32 " why=\"%s\"", id, a->item.index,
	    log_safe(why, sizeof why, err.text, strlen(err.text)));
	return o == DELIVERED; /* the mail has gone: better no report than the mail twice */
}

static void forget(struct attempt *a)
{
	if (a->holds_bytes)
		spool_release_bytes(&a->bytes);
	a->holds_bytes = false;
	a->envelope = (struct envelope){0};
	a->recipient = (struct recipient){0};
	a->who = (struct person_key){{0}};
	a->verdict = (struct verdict){0};
	a->stream = NULL;
	a->topic = NULL;
}

/* Nothing to give back: the client hears what the hop said. */
static enum delivery_outcome answer_client(struct attempt *a, enum delivery_outcome o, const struct session_result *r)
{
	struct passing *p = a->passing;
	log_attempt(a, o, r);
	counter_add(ways[o].count, 1);
	if (ways[o].final)
		report(a, o, r);
	if (o == DELIVERED && a->settings->breaker.window_ms)
		breaker_delivered(a->breaker, a->stream, &a->who, a->settings->breaker.window_ms, clock_wall(a->clock));
	let_go(a);
	forget(a);
	a->passing = NULL;
	pass_answer(p, o, &r->reply); /* from here on the bytes are the client's again */
	return o;
}

static enum delivery_outcome give_back(struct attempt *a, enum delivery_outcome o, struct session_result *r)
{
	if (a->passing)
		return answer_client(a, o, r);
	if (o != DELIVERY_ROUTE_DOWN && !ways[o].final && too_old(a)) {
		char last[160];
		log_safe(last, sizeof last, r->reply.text, strlen(r->reply.text));
		reply_set(&r->reply, 554, "4.4.7", "delivery time expired; last: %s", last);
		o = DELIVERY_PERMANENT;
	}
	log_attempt(a, o, r);
	if (o == DELIVERY_SUPPRESSED)
		log_suppressed(a);
	counter_add(ways[o].count, 1);
	if (ways[o].final)
		report(a, o, r);
	if (o == DELIVERED && a->settings->breaker.window_ms)
		breaker_delivered(a->breaker, a->stream, &a->who, a->settings->breaker.window_ms, clock_wall(a->clock));
	if (client_was_told(a, o, &r->reply))
		ways[o].act(a);
	else
		spool_defer(a->spool, &a->item, clock_wall(a->clock) + UNREADABLE_RETRY_MS, false);
	let_go(a);
	return o;
}

static bool answer(struct attempt *a, enum delivery_outcome o, int code, const char *enhanced, const char *why)
{
	struct session_result r = {.stage = STAGE_NOT_TRIED};
	reply_set(&r.reply, code, enhanced, "%s", why);
	a->composed_ms = clock_mono(a->clock);
	give_back(a, o, &r);
	return false;
}

/* Damaged bytes can't be sent, and must not be lost: an operator looks at them. */
static bool hold_damaged(struct attempt *a, const struct err *err)
{
	char id[SPOOL_ID_TEXT], why[200];
	spool_id_text(a->item.id, id);
	log_event(LOG_LEVEL_ERROR, "delivery.item.hold", "id=%s item=%" PRIu32 " why=\"%s\"", id, a->item.index,
	    log_safe(why, sizeof why, err->text, strlen(err->text)));
	counter_add(&count_unreadable, 1);
	spool_hold_item(a->spool, &a->item);
	let_go(a);
	return false;
}

static bool unreadable(struct attempt *a, const struct err *err)
{
	char id[SPOOL_ID_TEXT], why[200];
	if (err->kind == ERR_CORRUPT)
		return hold_damaged(a, err);
	spool_id_text(a->item.id, id);
	log_event(LOG_LEVEL_ERROR, "delivery.item.unreadable", "id=%s item=%" PRIu32 " why=\"%s\"", id,
	    a->item.index, log_safe(why, sizeof why, err->text, strlen(err->text)));
	spool_defer(a->spool, &a->item, clock_wall(a->clock) + UNREADABLE_RETRY_MS, false);
	let_go(a);
	return false;
}

/* ---- beginning ---- */

static int parse_item(struct attempt *a, struct err *err)
{
	if (envelope_read(a->bytes.envelope, &a->envelope, err) < 0 ||
	    recipient_read(a->bytes.item, &a->recipient, err) < 0)
		return -1;
	if (address_parse(a->recipient.address, &a->address, NULL) < 0)
		return err_set(err, ERR_CORRUPT, "kept recipient is not an address");
	ledger_person_key(a->ledger, CHANNEL_EMAIL, view_of(a->address.text), &a->who);
	return 0;
}

/* A report of ours goes the stream's way as service mail: no basis is asked for, and nothing is added. */
static void make_service(struct attempt *a)
{
	a->as_service = (struct stream){.name = a->stream->name, .title = a->stream->title, .brand = a->stream->brand,
	    .class = CLASS_SERVICE, .keep_unsubscribe = true, .scope = a->stream->scope};
	a->stream = &a->as_service;
}

static int read_item(struct attempt *a, struct err *err)
{
	if (spool_read(a->spool, &a->item, &a->bytes, err) < 0)
		return -1;
	a->holds_bytes = true;
	return parse_item(a, err);
}

static bool find_stream(struct attempt *a)
{
	const struct brand *b = policy_brand(a->settings->policy, a->envelope.brand);
	a->stream = b ? brand_stream(b, a->envelope.stream) : NULL;
	/* It came in as what it looked like, and goes out as that. */
	if (a->stream && a->envelope.class == CLASS_MARKETING && a->stream->class != CLASS_MARKETING) {
		a->as_marketing = *a->stream;
		a->as_marketing.class = CLASS_MARKETING;
		a->stream = &a->as_marketing;
	}
	if (a->stream && a->envelope.client.n == 0)
		make_service(a);
	a->topic = a->stream && a->envelope.topic.n ? stream_topic(a->stream, a->envelope.topic) : NULL;
	return a->stream && (a->topic || !a->envelope.topic.n);
}

static enum verdict_kind ask(struct attempt *a)
{
	struct question q = {.stream = a->stream, .topic = a->topic, .channel = CHANNEL_EMAIL, .who = a->who,
	    .address = view_of(a->address.text), .now_ms = clock_wall(a->clock)};
	a->verdict = policy_decide(a->ledger, &q);
	return a->verdict.kind;
}

static bool no_verdict(struct attempt *a)
{
	return answer(a, DELIVERY_DEFERRED, 451, "4.3.0", "verdict can't be known now");
}

static bool suppressed(struct attempt *a)
{
	return answer(a, DELIVERY_SUPPRESSED, 550, "5.7.1", verdict_reason_word(&a->verdict));
}

static bool compose_it(struct attempt *a)
{
	struct err err;
	char id[SPOOL_ID_TEXT];
	spool_id_text(a->item.id, id);
	struct compose_job job = {.settings = a->settings->compose, .stream = a->stream, .topic = a->topic,
	    .envelope = &a->envelope, .rcpt = &a->address, .who = a->who, .message_id = a->item.id,
	    .id_text = view_of(id), .item = a->item.index, .message = a->bytes.message,
	    .now_ms = clock_wall(a->clock)};
	if (compose(a->composer, &job, &a->composed, &err) == 0) {
		a->composed_ms = clock_mono(a->clock);
		parameters_make(&a->parameters, &a->envelope, &a->recipient, a->composed.return_path[0] != 0);
		return true;
	}
	return err.kind == ERR_SYNTAX ? answer(a, DELIVERY_PERMANENT, 554, "5.6.0", err.text)
	                              : answer(a, DELIVERY_DEFERRED, 451, "4.3.0", err.text);
}

/* The token in the mail will name a key alone: its family must be known before somebody clicks. */
static bool family_is_known(struct attempt *a)
{
	struct err err;
	struct view address = view_of(a->address.text);
	return !brand_folds(a->stream->brand, address) || ledger_know_family(a->ledger, &a->who, address, &err) == 0;
}

/* An operator, or the breaker, keeps this back. */
static bool held_back(struct attempt *a)
{
	int64_t until, now = clock_wall(a->clock);
	if (!holds_keep(a->settings->holds, &a->envelope, address_domain(&a->address), now, &until))
		return false;
	counter_add(&count_held, 1);
	if (a->passing) {
		answer(a, DELIVERY_DEFERRED, 451, "4.7.1", "held back; try again later");
		return true;
	}
	if (until)
		spool_defer(a->spool, &a->item, until, false);
	else
		spool_hold_item(a->spool, &a->item);
	let_go(a);
	return true;
}

/* Mail whose bytes are there. */
static bool go_on(struct attempt *a)
{
	if (held_back(a))
		return false;
	if (!find_stream(a)) /* a reload took it away: closed until the settings know it again, or the item expires */
		return answer(a, DELIVERY_DEFERRED, 451, "4.3.5", "stream is not in the settings");
	enum verdict_kind v = ask(a);
	if (v == VERDICT_ALLOW && !family_is_known(a))
		v = VERDICT_DEFER;
	return v == VERDICT_ALLOW ? compose_it(a) : v == VERDICT_SUPPRESS ? suppressed(a) : no_verdict(a);
}

/* What has waited too long gets one more try: a hop that was down for days costs nobody his mail. */
bool attempt_begin(struct attempt *a, const struct spool_item *item, struct delivery_settings *settings,
    const char *route, const char *hop)
{
	struct err err;
	forget(a);
	a->hop = hop;
	a->hint_ms = 0;
	a->item = *item;
	a->settings = settings;
	a->route = route;
	a->taken_ms = a->composed_ms = clock_mono(a->clock);
	if (read_item(a, &err) < 0)
		return unreadable(a, &err);
	return go_on(a);
}
bool attempt_begin_pass(struct attempt *a, struct passing *p, struct delivery_settings *settings, const char *route, const char *hop)
{
	struct err err;
	forget(a);
	a->passing = p;
	a->item = (struct spool_item){.id = p->mail.id, .arrived_ms = clock_wall(a->clock)};
	a->bytes = (struct spool_bytes){.envelope = p->mail.envelope, .item = p->mail.recipient, .message = p->mail.message};
	a->settings = settings;
	a->route = route;
	a->hop = hop;
	a->hint_ms = 0;
	a->taken_ms = a->composed_ms = clock_mono(a->clock);
	return parse_item(a, &err) < 0 ? answer(a, DELIVERY_PERMANENT, 554, "5.6.0", err.text) : go_on(a);
}

int64_t attempt_left_ms(const struct attempt *a)
{
	int64_t left = a->passing->until_ms - clock_mono(a->clock);
	return left > 1000 ? left : 1000;
}

int64_t shortest_expiry(const struct delivery_settings *s)
{
	int64_t shortest = s->expire_ms > 0 ? s->expire_ms : INT64_MAX;
	for (unsigned i = 0; i <= CLASS_LEGAL; i++)
		if (s->expire_class_ms[i] > 0 && s->expire_class_ms[i] < shortest)
			shortest = s->expire_class_ms[i];
	return shortest;
}

void attempt_expire(struct attempt *a, const struct spool_item *item, struct delivery_settings *settings, const char *route)
{
	struct err err;
	forget(a);
	a->item = *item;
	a->settings = settings;
	a->route = route;
	a->hop = "";
	a->hint_ms = 0;
	a->taken_ms = a->composed_ms = clock_mono(a->clock);
	if (read_item(a, &err) < 0) {
		unreadable(a, &err);
		return;
	}
	if (held_back(a))
		return;
	bool known = find_stream(a);
	if (!too_old(a)) {
		spool_put_back(a->spool, &a->item);
		let_go(a);
		return;
	}
	if (known && ask(a) == VERDICT_SUPPRESS)
		suppressed(a);
	else
		answer(a, DELIVERY_PERMANENT, 554, "4.4.7", "delivery time expired; the next hop cannot be reached");
}

bool attempt_may_go(struct attempt *a)
{
	return ask(a) == VERDICT_ALLOW; /* promise 2: no stalled hop keeps a stale yes */
}

static enum delivery_outcome gate_outcome(const struct attempt *a, struct session_result *r)
{
	bool no = a->verdict.kind == VERDICT_SUPPRESS;
	reply_set(&r->reply, no ? 550 : 451, no ? "5.7.1" : "4.3.0", "%s", verdict_reason_word(&a->verdict));
	return no ? DELIVERY_SUPPRESSED : DELIVERY_DEFERRED;
}

enum delivery_outcome attempt_end(struct attempt *a, const struct session_result *r)
{
	struct session_result mine = *r;
	enum delivery_outcome o = r->stage == STAGE_GATE
	    ? gate_outcome(a, &mine)
	    : outcome_of(r->stage, &r->reply, r->complete);
	if (!retry_hint(view_of(r->reply.text), &a->hint_ms))
		a->hint_ms = 0;
	return give_back(a, o, &mine);
}

void attempt_init(struct attempt *a, struct spool *s, struct ledger *l, const struct clock *clock, struct breaker *b)
{
	*a = (struct attempt){.spool = s, .ledger = l, .clock = clock, .breaker = b, .composer = composer_new()};
}

void attempt_free(struct attempt *a)
{
	ALWAYS(!a->settings); /* every item was given back */
	forget(a);
	composer_free(&a->composer);
}
