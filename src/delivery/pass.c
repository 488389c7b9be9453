#include <stdlib.h>

#include "delivery_internal.h"

#include "base/mem.h"

void pass_reply(enum delivery_outcome o, const struct reply *hop, struct reply *ret)
{
	bool refused = hop->code >= 400 && hop->code <= 599 && hop->code != 421; /* 421 would be about the client's own connection */
	switch (o) {
	case DELIVERED:
		reply_set(ret, 250, hop->enhanced[0] ? hop->enhanced : "2.0.0", "%s", hop->text);
		break;
	case DELIVERY_TEMPORARY:
	case DELIVERY_PERMANENT:
	case DELIVERY_SUPPRESSED:
	case DELIVERY_DEFERRED:
		if (refused)
			*ret = *hop;
		else
			reply_set(ret, 451, "4.4.2", "The next hop is closing the connection; try again later");
		break;
	case DELIVERY_UNKNOWN:
		reply_set(ret, 451, "4.4.2", "The next hop gave no answer; try again later");
		break;
	default:
		reply_set(ret, 451, "4.4.1", "The next hop cannot be reached; try again later");
	}
	if (!ret->text[0])
		reply_set(ret, ret->code, ret->enhanced, "%s", o == DELIVERED ? "OK" : "Refused");
}

void pass_answer(struct passing *p, enum delivery_outcome o, const struct reply *hop)
{
	struct reply reply;
	pass_reply(o, hop, &reply);
	p->mail.done(p->mail.arg, &reply);
	free(p);
}

static void answer_all(struct delivery *d, struct passing *list)
{
	static const struct reply nothing;
	struct reply throttled;
	reply_set(&throttled, 451, "4.7.1", "Too many messages for now; try again later");
	for (struct passing *p = list, *next; p; p = next) {
		next = p->next;
		if (p->not_before_ms)
			pass_answer(p, DELIVERY_DEFERRED, &throttled);
		else
			pass_answer(p, DELIVERY_ROUTE_DOWN, &nothing);
		pass_ended(d);
	}
}

void pass_ended(struct delivery *d)
{
	pthread_mutex_lock(&d->lock);
	if (--d->passing_count == 0)
		pthread_cond_broadcast(&d->ended);
	pthread_mutex_unlock(&d->lock);
}

void delivery_pass(struct delivery *d, const struct pass_mail *m)
{
	struct passing *p = mem_zero(sizeof *p), **last = &d->passing;
	p->mail = *m;
	p->since_ms = clock_mono(d->clock);
	pthread_mutex_lock(&d->lock);
	int64_t timeout = d->lanes.settings->pass_timeout_ms;
	p->until_ms = p->since_ms + (timeout ? timeout : PASS_TIMEOUT_DEFAULT_MS);
	bool full = d->pass_is_over || d->stopping || d->passing_count >= PASS_WAITING_MAX + d->worker_count;
	d->passing_count++;
	while (!full && *last)
		last = &(*last)->next;
	if (!full) {
		*last = p;
		if (d->parked_count)
			pthread_cond_broadcast(&d->parked);
		pthread_cond_signal(&d->idle);
	}
	pthread_mutex_unlock(&d->lock);
	if (full)
		answer_all(d, p);
}

/* Whose time is over, or whose hops are all down; taken off the list. Lock held. */
static struct passing *take_lost(struct delivery *d, bool all)
{
	struct passing *lost = NULL;
	int64_t now = clock_mono(d->clock);
	for (struct passing **at = &d->passing; *at;) {
		struct passing *p = *at;
		bool down = now - p->since_ms >= PASS_DOWN_MS && route_is_down(d, lanes_find_route(&d->lanes, p->mail.lane));
		bool over = now >= p->until_ms || p->not_before_ms >= p->until_ms;
		if (!all && !down && !over) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		p->next = lost;
		lost = p;
	}
	return lost;
}

void pass_watch(struct delivery *d)
{
	pthread_mutex_lock(&d->lock);
	struct passing *lost = d->passing ? take_lost(d, false) : NULL;
	pthread_mutex_unlock(&d->lock);
	answer_all(d, lost);
}

void delivery_pass_stop(struct delivery *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->pass_is_over = true;
	struct passing *lost = take_lost(d, true);
	pthread_mutex_unlock(&d->lock);
	answer_all(d, lost);
	pthread_mutex_lock(&d->lock);
	while (d->passing_count)
		wait_ms(d, &d->ended, WATCH_MS);
	pthread_mutex_unlock(&d->lock);
}
