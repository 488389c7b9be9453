/* A worker: waits until there is mail and a hop that takes it, opens a session, feeds it until it is used up. */
#include "delivery_internal.h"

#include <inttypes.h>

#include "base/counter.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "hint.h"

COUNTER(sessions_total, "optgate_delivery_sessions_total", "Connections to next hops that were opened or tried");
GAUGE(sessions_now, "optgate_delivery_sessions", "Connections to next hops in use or parked");
GAUGE(hops_down, "optgate_delivery_hops_down", "Next hops that can't be reached");

static uint32_t dice(void)
{
	uint32_t r;
	random_bytes(&r, sizeof r);
	return r;
}

/* ---- hops ---- */

static bool refill(struct delivery *d)
{
	return lanes_refill(&d->lanes, clock_wall(d->clock), clock_mono(d->clock));
}

static const char *hop_name(const struct worker *w)
{
	return w->hop->name ? w->hop->name : w->state->name;
}

static void log_hop(const struct worker *w, const char *event, enum log_level level, const struct session_result *r)
{
	char text[161];
	log_safe(text, sizeof text, r->reply.text, strlen(r->reply.text));
	log_event(level, event, "name=\"%s\" hop=\"%s\" stage=%s code=%d text=\"%s\"", hop_name(w),
	    w->state->name, session_stage_word(r->stage), r->reply.code, text);
}

static void note_up(struct worker *w, const struct session_result *r)
{
	bool news = hop_worked(w->state, !w->answered);
	w->answered = true;
	if (!news)
		return;
	counter_add(&hops_down, -1);
	log_hop(w, "delivery.hop.up", LOG_LEVEL_INFO, r);
	pthread_cond_broadcast(&w->d->idle);
}

static void note_failed(struct worker *w, const struct session_result *r)
{
	int64_t now = clock_mono(w->d->clock);
	if (r->stage == STAGE_TLS && w->hop->tls == HOP_TLS_OPPORTUNISTIC && !w->hop->user) {
		w->state->plain_until_ms = now + HOP_PLAIN_KEEP_MS;
		log_hop(w, "delivery.hop.plain", LOG_LEVEL_WARNING, r);
		return;
	}
	bool was_down = w->state->down, news = hop_failed(w->state, &r->reply, r->stage, now, dice());
	if (!was_down && w->state->down)
		counter_add(&hops_down, 1);
	if (news)
		log_hop(w, w->state->down ? "delivery.hop.down" : "delivery.hop.fewer", LOG_LEVEL_WARNING, r);
}

static void note_broke(struct worker *w, const struct session_result *r)
{
	if (!hop_broke(w->state, clock_mono(w->d->clock), dice()))
		return;
	counter_add(&hops_down, 1);
	log_hop(w, "delivery.hop.down", LOG_LEVEL_WARNING, r);
}

static void (*const notes[])(struct worker *, const struct session_result *) = {
    [DELIVERED] = note_up,
    [DELIVERY_TEMPORARY] = note_up,
    [DELIVERY_PERMANENT] = note_up,
    [DELIVERY_ROUTE_DOWN] = note_failed,
    [DELIVERY_UNKNOWN] = note_broke,
    [DELIVERY_SUPPRESSED] = NULL,
};

/* Before the item goes back: nobody shall take it for a hop that is known to be down. */
static void note_result(struct worker *w, const struct session_result *r)
{
	enum delivery_outcome o = outcome_of(r->stage, &r->reply, r->complete);
	enum wire_cut cut = wire_was_cut(&w->wire);
	if (!notes[o] || r->stage == STAGE_NOT_TRIED || cut == WIRE_STOPPED)
		return;
	pthread_mutex_lock(&w->d->lock);
	notes[o](w, r);
	pthread_mutex_unlock(&w->d->lock);
}

/* ---- the session's calls ---- */

static bool used_up(const struct worker *w)
{
	unsigned most = w->hop->messages_per_connection ? w->hop->messages_per_connection : MESSAGES_DEFAULT;
	return w->d->stopping || w->generation != w->d->generation || w->mails >= most ||
	       (w->mails && clock_mono(w->d->clock) - w->opened_ms >= SESSION_AGE_MS);
}

static void park(struct worker *w, int64_t ms)
{
	w->d->parked_count++;
	w->state->parked++;
	wait_ms(w->d, &w->d->parked, ms);
	w->state->parked--;
	w->d->parked_count--;
}

/* An item, or false when none comes within the time that an idle connection is kept. */
static bool take(struct worker *w, bool wait, struct taken *ret)
{
	struct delivery *d = w->d;
	int64_t until = clock_mono(d->clock) + (wait ? w->hop->idle_ms : 0);
	bool took = false;
	pthread_mutex_lock(&d->lock);
	while (!used_up(w)) {
		took = (refill(d) || d->passing) && choose_item(w, ret);
		int64_t left = until - clock_mono(d->clock), due = until_due_ms(d);
		if (took || left <= 0)
			break;
		park(w, due < left ? due : left);
	}
	if (took && refill(d))
		wake_one(d);
	pthread_mutex_unlock(&d->lock);
	return took;
}

static bool on_next(void *arg, unsigned slot, bool wait, struct session_mail *mail)
{
	struct worker *w = arg;
	struct attempt *a = &w->attempts[slot];
	struct taken t;
	while (take(w, wait, &t)) {
		struct delivery_settings *s = (struct delivery_settings *)shared_acquire(&w->d->settings);
		bool ready = t.passing
		    ? attempt_begin_pass(a, t.passing, s, t.route, hop_name(w))
		    : attempt_begin(a, &t.item, s, t.route, hop_name(w));
		if (!ready && t.passing)
			pass_ended(w->d);
		if (!ready)
			continue;
		w->passes = t.passing != NULL;
		w->mails++;
		*mail = (struct session_mail){.return_path = a->composed.return_path, .recipient = a->address.exact,
		    .timeout_ms = t.passing ? attempt_left_ms(a) : 0, .parameters = &a->parameters, .head = a->composed.head, .body = a->composed.body};
		return true;
	}
	return false;
}

static bool on_may_go(void *arg, unsigned slot)
{
	struct worker *w = arg;
	return attempt_may_go(&w->attempts[slot]);
}

static void log_pace(const struct address *to, const struct reply *r, int64_t delay_ms)
{
	char text[161];
	log_safe(text, sizeof text, r->text, strlen(r->text));
	log_event(LOG_LEVEL_INFO, delay_ms ? "delivery.destination.slower" : "delivery.destination.recovered",
	    "domain=%s delay_ms=%" PRId64 " code=%d text=\"%s\"", address_domain(to).p, delay_ms, r->code, text);
}

/* The hop's word on how much a destination may get. */
static void note_pace(struct worker *w, const struct attempt *a, const struct session_result *r)
{
	struct delivery *d = w->d;
	bool slower = outcome_slows(r->stage, &r->reply), news;
	int64_t hint = 0, delay = 0;
	if (!slower && !r->complete)
		return;
	if (slower && !retry_hint(view_of(r->reply.text), &hint))
		hint = 0;
	pthread_mutex_lock(&d->lock);
	news = lanes_heard(&d->lanes, address_domain(&a->address), slower, r->complete, hint, a->taken_ms, clock_mono(d->clock), &delay);
	pthread_mutex_unlock(&d->lock);
	if (news)
		log_pace(&a->address, &r->reply, delay);
}

static void on_result(void *arg, unsigned slot, const struct session_result *r)
{
	struct worker *w = arg;
	note_result(w, r);
	struct session_result seen = *r;
	/* Cut off by our own stop: no word against the item, it goes out with the next start. */
	if (wire_was_cut(&w->wire) == WIRE_STOPPED && r->stage != STAGE_GATE)
		seen.stage = STAGE_NOT_TRIED;
	note_pace(w, &w->attempts[slot], &seen);
	bool passed = w->attempts[slot].passing;
	attempt_end(&w->attempts[slot], &seen);
	if (passed) {
		w->passes = false;
		pass_ended(w->d);
	}
}

/* ---- a session ---- */

static int find_addresses(struct worker *w, struct err *err)
{
	struct delivery *d = w->d;
	int64_t now = clock_mono(d->clock);
	pthread_mutex_lock(&d->lock);
	bool known = now < w->state->addresses_until_ms;
	if (known)
		w->addresses = w->state->addresses;
	pthread_mutex_unlock(&d->lock);
	if (known)
		return 0;
	if (resolve(w->hop->host, w->hop->port, &w->addresses, err) < 0)
		return -1;
	pthread_mutex_lock(&d->lock);
	w->state->addresses = w->addresses;
	w->state->addresses_until_ms = now + HOP_ADDRESSES_KEEP_MS;
	pthread_mutex_unlock(&d->lock);
	return 0;
}

static int find_source(struct worker *w, struct err *err)
{
	struct addresses found;
	if (!w->hop->source)
		return 0;
	if (resolve(w->hop->source, 0, &found, err) < 0)
		return -1;
	w->source = found.at[0];
	return 0;
}

static int read_password(struct worker *w, struct err *err)
{
	if (!w->hop->user)
		return 0;
	if (!w->hop->password_file)
		return err_set(err, ERR_MISSING, "a user without a password file");
	struct buf b;
	buf_init(&b, PASSWORD_MAX);
	int rc = file_read(w->hop->password_file, &b, err);
	struct view line = buf_view(&b);
	line = view_sub(line, 0, view_find(line, 0, '\n'));
	if (rc == 0 && !view_str(view_trim(line), w->password, sizeof w->password))
		rc = err_set(err, ERR_SYNTAX, "%s: not a password", w->hop->password_file);
	if (b.p)
		mem_wipe(b.p, b.n);
	buf_free(&b);
	return rc;
}

static void fill_plan(struct worker *w, struct session_plan *p)
{
	const struct next_hop *h = w->hop;
	bool plain = h->tls == HOP_TLS_OPPORTUNISTIC && clock_mono(w->d->clock) < w->state->plain_until_ms;
	*p = (struct session_plan){.hostname = w->settings->hostname, .addresses = &w->addresses,
	    .tls = plain ? HOP_TLS_NONE : h->tls, .tls_name = h->tls_name ? h->tls_name : h->host, .ca_file = h->ca_file,
	    .tls_from_start = h->tls_from_start, .source = h->source ? &w->source : NULL,
	    .user = h->user, .password = h->user ? w->password : NULL,
	    .connect_timeout_ms = h->connect_timeout_ms ? h->connect_timeout_ms : CONNECT_TIMEOUT_DEFAULT_MS,
	    .attempt_timeout_ms = h->attempt_timeout_ms ? h->attempt_timeout_ms : ATTEMPT_TIMEOUT_DEFAULT_MS,
	    .clock = w->d->clock, .wire = &w->wire};
}

static void serve(struct worker *w)
{
	static const struct session_calls calls = {on_next, on_may_go, on_result};
	struct session_result r = {.stage = STAGE_CONNECT};
	struct session_plan plan;
	struct err err;
	w->mails = 0;
	w->answered = false;
	w->opened_ms = clock_mono(w->d->clock);
	if (find_addresses(w, &err) < 0 || find_source(w, &err) < 0 || read_password(w, &err) < 0) {
		reply_set(&r.reply, 0, "", "%s", err.text);
		note_result(w, &r);
		return;
	}
	pthread_mutex_lock(&w->d->lock);
	fill_plan(w, &plan);
	pthread_mutex_unlock(&w->d->lock);
	counter_add(&sessions_total, session_run(&plan, &calls, w) > 0);
	mem_wipe(w->password, sizeof w->password);
}

/* Lock held on entry and on return. */
static void run_session(struct worker *w)
{
	struct delivery *d = w->d;
	hop_opened(w->state);
	d->running++;
	counter_add(&sessions_now, 1);
	pthread_mutex_unlock(&d->lock);
	serve(w);
	pthread_mutex_lock(&d->lock);
	counter_add(&sessions_now, -1);
	hop_closed(w->state, w->answered);
	if (--d->running == 0)
		pthread_cond_broadcast(&d->ended);
}

static void wait_idle(struct delivery *d)
{
	d->idle_count++;
	/* With lanes at hand it is a hop that is missing: its probe is due some time. */
	int64_t due = until_due_ms(d);
	wait_ms(d, &d->idle, d->lanes.ready && due > WAIT_MAX_MS / 4 ? WAIT_MAX_MS / 4 : due);
	d->idle_count--;
}

static void use_hop(struct worker *w, unsigned hop)
{
	struct delivery *d = w->d;
	w->settings = (struct delivery_settings *)shared_hold(&d->lanes.settings->shared);
	w->generation = d->generation;
	w->hop_index = hop;
	w->hop = &w->settings->hops[hop];
	w->state = d->of_hop[hop];
}

void *worker_main(void *worker)
{
	struct worker *w = worker;
	struct delivery *d = w->d;
	unsigned hop;
	pthread_mutex_lock(&d->lock);
	while (!d->stopping) {
		bool mail = refill(d);
		if ((!mail && !d->passing) || !choose_hop(d, &hop)) {
			wait_idle(d);
			continue;
		}
		use_hop(w, hop);
		run_session(w);
		shared_release(&w->settings->shared);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}
