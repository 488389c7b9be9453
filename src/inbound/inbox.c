/* The inbox's thread: takes all that wait, understands each, makes the raw reports and counts durable with one sync, hands
 * the changes to the ledger (whose committer shares one transaction among them), and answers from there. */
#include "inbound/inbox.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/counter.h"
#include "base/file.h"
#include "base/log.h"
#include "inbox_internal.h"
#include "internal.h"

#define BATCH_MAX 64
#define EXPIRE_EVERY_MS 3600000

COUNTER(
    reports_refused, "optgate_reports_refused_total", "Reports refused: too large, too deeply nested, loops, failures");

struct inbox_settings *inbox_settings_hold(struct inbox *in)
{
	return (struct inbox_settings *)shared_acquire(&in->settings);
}

void inbox_use(struct inbox *in, struct inbox_settings *s)
{
	shared_replace(&in->settings, &s->shared, inbox_settings_free);
}

/* ---- the thread ---- */

static void finish(struct job *j)
{
	struct inbox *in = j->inbox;
	size_t bytes = j->r->message.n;
	if (j->reply.code != 250)
		counter_add(&reports_refused, 1);
	j->r->done(j->r->arg, &j->reply);
	shared_release(&j->r->settings->shared);
	buf_free(&j->r->message);
	arena_free(&j->arena);
	free(j->r);
	free(j);
	pthread_mutex_lock(&in->lock);
	in->waiting_bytes -= bytes;
	if (--in->waiting == 0)
		pthread_cond_broadcast(&in->idle);
	pthread_mutex_unlock(&in->lock);
}

/* The report's own commit point: the ledger has it, and the 250 comes after that. */
static void committed(void *arg, const struct change_result *results, size_t n, const struct err *err)
{
	struct job *j = arg;
	(void)results;
	(void)n;
	if (err) {
		log_event(LOG_LEVEL_ERROR, "inbound.report.fail", "report=%s why=\"%s\"", j->reference, err->text);
		reply_set(&j->reply, 451, "4.3.0", "The report could not be recorded; please try again");
	} else {
		reply_set(&j->reply, 250, "2.0.0", "Report taken");
	}
	finish(j);
}

static void keep(struct job *j)
{
	struct err err;
	if (j->reply.code || !j->r->settings->keep_ms)
		return;
	if (kept_add(j->inbox->kept, clock_wall(j->inbox->clock), buf_view(&j->r->message), j->reference, &err) < 0) {
		log_event(LOG_LEVEL_ERROR, "inbound.keep.fail", "why=\"%s\"", err.text);
		reply_set(&j->reply, 452, "4.3.1", "The report could not be kept; please try again");
	}
}

static bool sync_batch(struct inbox *in)
{
	struct err err;
	if (kept_sync(in->kept, &err) == 0 && soft_sync(in->soft, &err) == 0)
		return true;
	log_event(LOG_LEVEL_ERROR, "inbound.keep.fail", "why=\"%s\"", err.text);
	return false;
}

static void hand_over(struct job *j, bool synced)
{
	if (!j->reply.code && !synced)
		reply_set(&j->reply, 452, "4.3.1", "The report could not be kept; please try again");
	if (!j->reply.code && j->change_count == 0)
		reply_set(&j->reply, 250, "2.0.0", "Report taken");
	if (j->reply.code)
		finish(j);
	else
		ledger_submit(j->inbox->ledger, j->changes, j->change_count, committed, j);
}

static void run_batch(struct inbox *in, struct job *jobs)
{
	for (struct job *j = jobs; j; j = j->next) {
		keep(j);
		if (!j->reply.code)
			understand_job(j);
	}
	bool synced = sync_batch(in);
	for (struct job *j = jobs, *next; j; j = next) {
		next = j->next;
		hand_over(j, synced);
	}
}

static struct job *take_batch(struct inbox *in)
{
	struct job *first = in->first, **end = &in->first;
	for (unsigned n = 0; *end && n < BATCH_MAX; n++)
		end = &(*end)->next;
	in->first = *end;
	*end = NULL;
	if (!in->first)
		in->last = &in->first;
	return first;
}

static void expire(struct inbox *in)
{
	int64_t now = clock_mono(in->clock);
	if (in->expired_ms && now - in->expired_ms < EXPIRE_EVERY_MS)
		return;
	in->expired_ms = now;
	struct inbox_settings *s = inbox_settings_hold(in);
	kept_expire(in->kept, clock_wall(in->clock), s->keep_ms);
	shared_release(&s->shared);
}

static void *run(void *arg)
{
	struct inbox *in = arg;
	pthread_mutex_lock(&in->lock);
	while (!in->stopping || in->first) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 60;
		if (!in->first && !in->stopping)
			pthread_cond_timedwait(&in->wake, &in->lock, &until);
		struct job *jobs = in->first ? take_batch(in) : NULL;
		pthread_mutex_unlock(&in->lock);
		run_batch(in, jobs);
		expire(in);
		pthread_mutex_lock(&in->lock);
	}
	pthread_mutex_unlock(&in->lock);
	return NULL;
}

/* ---- from outside ---- */

static void refuse(struct inbox_report *r)
{
	struct reply reply;
	reply_set(&reply, 451, "4.3.2", "Too many reports are waiting; please try again");
	counter_add(&reports_refused, 1);
	r->done(r->arg, &reply);
	shared_release(&r->settings->shared);
	buf_free(&r->message);
	free(r);
}

void inbox_submit(struct inbox *in, struct inbox_report *r)
{
	pthread_mutex_lock(&in->lock);
	bool full = in->waiting == INBOX_WAITING_MAX || in->waiting_bytes > INBOX_WAITING_BYTES || in->stopping;
	if (!full) {
		struct job *j = mem_zero(sizeof *j);
		j->r = r;
		j->inbox = in;
		memcpy(j->reference, "-", 2);
		arena_init(&j->arena, REPORT_ARENA_BYTES);
		*in->last = j;
		in->last = &j->next;
		in->waiting++;
		in->waiting_bytes += r->message.n;
		pthread_cond_signal(&in->wake);
	}
	pthread_mutex_unlock(&in->lock);
	if (full)
		refuse(r);
}

int inbox_open(struct inbox **ret, const char *dir, unsigned soft_window_days, struct ledger *l,
    const struct clock *clock, struct inbox_settings *settings, struct err *err)
{
	char path[1400];
	struct inbox *in = mem_zero(sizeof *in);
	in->ledger = l;
	in->clock = clock;
	in->last = &in->first;
	pthread_mutex_init(&in->lock, NULL);
	pthread_cond_init(&in->wake, NULL);
	pthread_cond_init(&in->idle, NULL);
	shared_slot_init(&in->settings);
	inbox_use(in, settings);
	if (kept_open(&in->kept, dir, err) == 0 && path_join(path, sizeof path, dir, "soft", err) == 0 &&
	    soft_open(&in->soft, path, soft_window_days, clock_wall(clock), err) == 0) {
		if (pthread_create(&in->thread, NULL, run, in) == 0) {
			*ret = in;
			return 0;
		}
		err_set(err, ERR_SYSTEM, "inbox: no thread");
	}
	soft_close(&in->soft);
	kept_close(&in->kept);
	shared_replace(&in->settings, NULL, NULL);
	free(in);
	return -1;
}

void inbox_close(struct inbox **pin)
{
	struct inbox *in = *pin;
	if (!in)
		return;
	pthread_mutex_lock(&in->lock);
	in->stopping = true;
	pthread_cond_signal(&in->wake);
	pthread_mutex_unlock(&in->lock);
	pthread_join(in->thread, NULL);
	pthread_mutex_lock(&in->lock);
	while (in->waiting)
		pthread_cond_wait(&in->idle, &in->lock);
	pthread_mutex_unlock(&in->lock);
	soft_close(&in->soft);
	kept_close(&in->kept);
	shared_replace(&in->settings, NULL, NULL);
	pthread_mutex_destroy(&in->lock);
	pthread_cond_destroy(&in->wake);
	pthread_cond_destroy(&in->idle);
	free(in);
	*pin = NULL;
}
