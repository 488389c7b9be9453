/* A complaint is on record for a brand (it reaches all its marketing), so the stream is found by who was sent something: a table of
 * the latest recipients of each stream. Where none knows the person, it counts for the brand's stream that has sent most. */
#include "breaker.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/counter.h"
#include "base/log.h"

#define SLICES  24
#define SENT_TO 65536 /* latest recipients that are remembered of each stream */
#define STREAMS_MAX 10000

COUNTER(count_pauses, "optgate_delivery_breaker_total{act=\"pause\"}", "Streams that the complaint breaker held back");
COUNTER(count_stops, "optgate_delivery_breaker_total{act=\"stop\"}", "Streams that the complaint breaker held back");
COUNTER(count_complaints, "optgate_delivery_breaker_complaints_total", "Complaints that the breaker has counted");

struct tally { /* of a stream */
	struct tally *next;
	struct scope scope;
	char brand[SCOPE_NAME_MAX + 1];
	uint64_t slice; /* number of the latest */
	uint32_t delivered[SLICES], complaints[SLICES];
	uint32_t *sent_to; /* SENT_TO prints of person keys */
	bool stopped;
};

struct breaker {
	pthread_mutex_t lock;
	struct ledger *ledger;
	struct tally *tallies;
	unsigned count;
	uint64_t seen; /* journal entries */
};

struct breaker *breaker_new(struct ledger *l)
{
	struct breaker *b = mem_zero(sizeof *b);
	pthread_mutex_init(&b->lock, NULL);
	b->ledger = l;
	b->seen = ledger_journal_last(l);
	return b;
}

void breaker_free(struct breaker **bp)
{
	struct breaker *b = *bp;
	if (!b)
		return;
	while (b->tallies) {
		struct tally *t = b->tallies;
		b->tallies = t->next;
		free(t->sent_to);
		free(t);
	}
	pthread_mutex_destroy(&b->lock);
	free(b);
	*bp = NULL;
}

/* ---- counting ---- */

static struct tally *tally_of(struct breaker *b, const struct stream *s)
{
	struct tally *t = b->tallies;
	while (t && strcmp(t->scope.name, s->scope.name) != 0)
		t = t->next;
	if (t || b->count == STREAMS_MAX)
		return t;
	t = mem_zero(sizeof *t);
	t->scope = s->scope;
	snprintf(t->brand, sizeof t->brand, "%s", s->brand->name);
	t->sent_to = mem_zero(SENT_TO * sizeof *t->sent_to);
	t->next = b->tallies;
	b->tallies = t;
	b->count++;
	return t;
}

/* Slices that lie behind the window begin anew. */
static unsigned slice_at(struct tally *t, int64_t window_ms, int64_t now_ms)
{
	uint64_t now = (uint64_t)now_ms / (uint64_t)(window_ms / SLICES + 1);
	uint64_t behind = now > t->slice ? now - t->slice : 0;
	for (uint64_t i = 1; i <= behind && i <= SLICES; i++)
		t->delivered[(t->slice + i) % SLICES] = t->complaints[(t->slice + i) % SLICES] = 0;
	if (behind)
		t->slice = now;
	return (unsigned)(t->slice % SLICES);
}

static uint32_t sum(const uint32_t *slices)
{
	uint32_t n = 0;
	for (unsigned i = 0; i < SLICES; i++)
		n += slices[i];
	return n;
}

static uint32_t *place_of(const struct tally *t, const struct person_key *who, uint32_t *ret_print)
{
	uint32_t words[2];
	memcpy(words, who->b, sizeof words);
	*ret_print = words[1] | 1; /* 0 is nobody */
	return &t->sent_to[words[0] % SENT_TO];
}

void breaker_delivered(struct breaker *b, const struct stream *s, const struct person_key *who, int64_t window_ms, int64_t now_ms)
{
	uint32_t print;
	if (s->class != CLASS_MARKETING)
		return;
	pthread_mutex_lock(&b->lock);
	struct tally *t = tally_of(b, s);
	if (t) {
		t->delivered[slice_at(t, window_ms, now_ms)]++;
		uint32_t *place = place_of(t, who, &print);
		*place = print;
	}
	pthread_mutex_unlock(&b->lock);
}

/* ---- acting ---- */

struct look {
	struct breaker *breaker;
	const struct delivery_settings *settings;
	int64_t now_ms;
};

static bool hold_stands(struct holds *h, const char *stream)
{
	unsigned n;
	bool stands = false;
	struct hold *rows = holds_list(h, &n);
	for (unsigned i = 0; i < n && !stands; i++)
		stands = strcmp(rows[i].stream, stream) == 0 && !rows[i].campaign[0] && !rows[i].client[0] && !rows[i].domain[0] && !rows[i].route[0];
	free(rows);
	return stands;
}

static void trip(const struct look *l, struct tally *t, bool stop, uint32_t complaints, uint32_t delivered)
{
	const struct breaker_settings *s = &l->settings->breaker;
	struct hold h = {.since_ms = l->now_ms, .until_ms = stop ? 0 : l->now_ms + s->pause_ms, .actor = "breaker"};
	struct err err;
	snprintf(h.stream, sizeof h.stream, "%s", t->scope.name);
	snprintf(h.why, sizeof h.why, "%" PRIu32 " complaints of %" PRIu32 " delivered", complaints, delivered);
	if (holds_add(l->settings->holds, &h, &err) < 0) {
		log_event(LOG_LEVEL_ERROR, "delivery.breaker.fail", "stream=%s why=\"%s\"", t->scope.name, err.text);
		return;
	}
	t->stopped = stop;
	counter_add(stop ? &count_stops : &count_pauses, 1);
	log_event(LOG_LEVEL_ERROR, stop ? "delivery.breaker.stop" : "delivery.breaker.pause",
	    "stream=%s complaints=%" PRIu32 " delivered=%" PRIu32 " release=\"optgate queue release --stream %s\"", t->scope.name, complaints,
	    delivered, t->scope.name);
}

/* Only a complaint makes it look: a stream that was released is judged by what comes next. */
static void judge(const struct look *l, struct tally *t)
{
	const struct breaker_settings *s = &l->settings->breaker;
	uint32_t complaints = sum(t->complaints), delivered = sum(t->delivered);
	uint64_t rate = delivered ? (uint64_t)complaints * 100000 / delivered : 0;
	if (delivered < s->minimum || !l->settings->holds)
		return;
	if (s->stop && rate >= s->stop)
		trip(l, t, true, complaints, delivered);
	else if (s->pause && rate >= s->pause && !hold_stands(l->settings->holds, t->scope.name))
		trip(l, t, false, complaints, delivered);
}

static void note_complaint(const struct look *l, struct tally *t)
{
	counter_add(&count_complaints, 1);
	if (t->stopped && !hold_stands(l->settings->holds, t->scope.name)) {
		memset(t->delivered, 0, sizeof t->delivered); /* released: a fresh start */
		memset(t->complaints, 0, sizeof t->complaints);
		t->stopped = false;
	}
	t->complaints[slice_at(t, l->settings->breaker.window_ms, l->now_ms)]++;
	if (!t->stopped)
		judge(l, t);
}

static bool reaches(const struct journal_entry *e, const struct tally *t, const struct scope *brand)
{
	switch (e->scope.level) {
	case SCOPE_GLOBAL:
		return true;
	case SCOPE_BRAND:
		return memcmp(e->scope.id, brand->id, SCOPE_ID_BYTES) == 0;
	default:
		return memcmp(e->scope.id, t->scope.id, SCOPE_ID_BYTES) == 0;
	}
}

static bool each_entry(void *arg, const struct journal_entry *e)
{
	const struct look *l = arg;
	struct breaker *b = l->breaker;
	struct tally *most = NULL;
	bool known = false;
	uint32_t print;
	b->seen = e->seq;
	if (e->kind != CHANGE_SUPPRESS || e->reason != REASON_COMPLAINT)
		return true;
	for (struct tally *t = b->tallies; t; t = t->next) {
		struct scope brand;
		if (scope_parse(view_of(t->brand), &brand, NULL) < 0 || !reaches(e, t, &brand))
			continue;
		if (!most || sum(t->delivered) > sum(most->delivered))
			most = t;
		uint32_t *place = place_of(t, &e->who, &print);
		if (*place != print)
			continue;
		*place = 0;
		known = true;
		note_complaint(l, t);
	}
	if (!known && most)
		note_complaint(l, most);
	return true;
}

void breaker_look(struct breaker *b, const struct delivery_settings *s, int64_t now_ms)
{
	struct look l = {b, s, now_ms};
	if (!s->breaker.window_ms || (!s->breaker.pause && !s->breaker.stop))
		return;
	pthread_mutex_lock(&b->lock);
	if (ledger_journal_last(b->ledger) > b->seen)
		(void)!ledger_journal(b->ledger, b->seen + 1, each_entry, &l, NULL); /* unreadable: the next look reads it */
	pthread_mutex_unlock(&b->lock);
}
