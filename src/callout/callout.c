/* The queue and its workers. A host's lane is one worker's until nothing in it is due, so a tool hears one call at a time; when it gives no
 * answer, the rest of its lane waits with it instead of keeping the worker from other hosts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/counter.h"
#include "base/log.h"
#include "internal.h"

#define WAIT_MAX_MS 60000

GAUGE(queued, "optgate_tool_calls_waiting", "Calls to tools on their way into the queue");
COUNTER(lost, "optgate_tool_calls_lost_total", "Calls to tools that the queue did not take; the opt-outs themselves stand");

/* ---- in ---- */

struct wish_job {
	struct callout *callout;
	struct buf record;
	char url[TOOL_LINK_MAX + 1], lane[300];
	struct spool_new_item item;
};

static void job_free(struct wish_job *j)
{
	atomic_fetch_sub(&j->callout->waiting, 1);
	counter_add(&queued, -1);
	buf_free(&j->record);
	free(j);
}

static void kept(void *arg, const struct err *err)
{
	if (err) {
		counter_add(&lost, 1);
		log_event(LOG_LEVEL_WARNING, "callout.lost", "why=\"%s\"", err->text);
	}
	job_free(arg);
}

static void submit(struct callout *c, const struct callout_wish *w, const struct tool_link *l)
{
	struct wish_job *j = mem_zero(sizeof *j);
	const struct call_record r = {w->channel, w->who, w->scope, w->may_be_undone};
	j->callout = c;
	buf_init(&j->record, CALLOUT_RECORD_MAX);
	call_record_write(&r, &j->record);
	ALWAYS(!j->record.failed && view_str(l->url, j->url, sizeof j->url));
	snprintf(j->lane, sizeof j->lane, "%.*s:%u", VFMT(l->host), l->port);
	j->item.lane = view_of(j->lane);
	const struct spool_submission s = {
	    .envelope = buf_view(&j->record), .message = view_of(j->url), .items = &j->item, .item_count = 1};
	spool_submit(c->spool, spool_new_id(c->spool), &s, kept, j);
}

void callout_add(struct callout *c, const struct callout_wish *w)
{
	struct tool_link l;
	struct shared *settings = shared_acquire(&c->settings);
	bool wanted = tool_link_parse(w->url, &l) && host_is_allowed((const struct callout_settings *)settings, &l);
	shared_release(settings);
	if (!wanted)
		return;
	if (atomic_fetch_add(&c->waiting, 1) >= CALLOUT_WAITING_MAX) {
		atomic_fetch_sub(&c->waiting, 1);
		counter_add(&lost, 1);
		return;
	}
	counter_add(&queued, 1);
	submit(c, w, &l);
}

/* ---- out ---- */

static void on_ready(void *arg)
{
	struct callout *c = arg;
	pthread_mutex_lock(&c->lock);
	c->generation++;
	pthread_cond_broadcast(&c->news);
	pthread_mutex_unlock(&c->lock);
}

static unsigned generation_now(struct callout *c)
{
	pthread_mutex_lock(&c->lock);
	unsigned g = c->generation;
	pthread_mutex_unlock(&c->lock);
	return g;
}

static struct timespec in_ms(int64_t ms)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	int64_t ns = t.tv_nsec + ms % 1000 * 1000000;
	t.tv_sec += ms / 1000 + ns / 1000000000;
	t.tv_nsec = ns % 1000000000;
	return t;
}

/* Until the spool has said something since generation SEEN, or NEXT_MS has come. */
static void wait_for_news(struct callout *c, unsigned seen, int64_t next_ms)
{
	int64_t ms = next_ms - clock_wall(c->clock);
	struct timespec until = in_ms(ms < 0 ? 0 : ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS);
	pthread_mutex_lock(&c->lock);
	while (c->generation == seen && !atomic_load(&c->stop))
		if (pthread_cond_timedwait(&c->news, &c->lock, &until) == ETIMEDOUT)
			break;
	pthread_mutex_unlock(&c->lock);
}

static void serve(struct callout *c, struct http_out *h, uint32_t lane)
{
	struct spool_item item;
	bool rests = false;
	while (!atomic_load(&c->stop) && spool_take(c->spool, lane, clock_wall(c->clock), &item))
		rests |= call_item(c, h, &item, rests);
}

static void *worker_main(void *arg)
{
	struct callout *c = arg;
	struct http_out *h = http_out_new(&c->stop);
	while (!atomic_load(&c->stop)) {
		uint32_t lane;
		int64_t next_ms;
		unsigned seen = generation_now(c);
		if (spool_ready_lane(c->spool, clock_wall(c->clock), &lane, &next_ms))
			serve(c, h, lane);
		else
			wait_for_news(c, seen, next_ms);
	}
	http_out_free(&h);
	return NULL;
}

/* ---- start, reload, stop ---- */

static void init(struct callout *c, struct ledger *l, const struct clock *clock, struct callout_settings *settings)
{
	pthread_condattr_t mono;
	c->ledger = l;
	c->clock = clock;
	shared_slot_init(&c->settings);
	callout_use(c, settings);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&c->news, &mono);
	pthread_condattr_destroy(&mono);
}

int callout_start(struct callout **ret, const struct spool_settings *queue, struct ledger *l, const struct clock *clock,
    struct callout_settings *settings, struct err *err)
{
	struct callout *c = mem_zero(sizeof *c);
	init(c, l, clock, settings);
	if (spool_open(&c->spool, queue, clock, err) < 0) {
		err_prefix(err, "queue of calls to tools");
		goto failed;
	}
	spool_on_ready(c->spool, on_ready, c);
	for (; c->worker_count < CALLOUT_WORKERS; c->worker_count++)
		if ((errno = pthread_create(&c->workers[c->worker_count], NULL, worker_main, c)) != 0) {
			err_sys(err, "thread that calls tools");
			goto failed;
		}
	*ret = c;
	return 0;
failed:
	callout_stop(&c);
	return -1;
}

void callout_use(struct callout *c, struct callout_settings *s)
{
	shared_replace(&c->settings, &s->shared, callout_settings_free);
}

void callout_stop(struct callout **cc)
{
	struct callout *c = *cc;
	if (!c)
		return;
	atomic_store(&c->stop, true);
	on_ready(c);
	for (unsigned i = 0; i < c->worker_count; i++)
		pthread_join(c->workers[i], NULL);
	if (c->spool) {
		spool_on_ready(c->spool, NULL, NULL);
		spool_close(&c->spool); /* what waits is written, and KEPT is called for it */
	}
	shared_replace(&c->settings, NULL, NULL);
	pthread_mutex_destroy(&c->settings.lock);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->news);
	free(c);
	*cc = NULL;
}
