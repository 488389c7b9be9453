/* A complaint is on record for a brand (it reaches all its marketing). The stream is in its evidence where a token of ours came back with the
 * report; else it is found by who was sent something: a table of the latest recipients of each stream. */
#include "breaker.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/counter.h"
#include "base/file.h"
#include "base/log.h"
#include "tally.h"

#define STREAMS_MAX 10000
#define VERSION     1
#define FILE_MAX    (STREAMS_MAX * 700u)
#define KEEP_MS     10000 /* between two savings */

COUNTER(count_pauses, "optgate_delivery_breaker_total{act=\"pause\"}", "Streams that the complaint breaker held back");
COUNTER(count_stops, "optgate_delivery_breaker_total{act=\"stop\"}", "Streams that the complaint breaker held back");
COUNTER(count_complaints, "optgate_delivery_breaker_complaints_total", "Complaints that the breaker has counted");

struct breaker {
	pthread_mutex_t lock;
	struct ledger *ledger;
	char *path; /* NULL: nothing is kept */
	struct tally *tallies;
	unsigned count;
	uint64_t seen; /* journal entries */
	bool changed;  /* since it was last kept */
	int64_t kept_ms;
};

/* ---- what is kept: a version, the last journal entry that was seen, the tallies ---- */

static bool parse(struct breaker *b, struct view bytes)
{
	struct be_reader r = {.rest = bytes};
	uint64_t version = be_take_u(&r, 1), seen = be_take_u(&r, 8), last = ledger_journal_last(b->ledger);
	while (!r.bad && version == VERSION && r.rest.n && b->count < STREAMS_MAX) {
		struct tally *t = tally_read(&r);
		if (!t)
			break;
		t->next = b->tallies;
		b->tallies = t;
		b->count++;
	}
	if (r.bad || version != VERSION || r.rest.n)
		return false;
	b->seen = seen < last ? seen : last; /* the ledger may be another, or an older copy */
	return true;
}

/* Counts are worth keeping, not worth stopping for. */
static void load(struct breaker *b)
{
	struct err err;
	struct buf bytes;
	buf_init(&bytes, FILE_MAX);
	if (file_read(b->path, &bytes, &err) == 0 && !parse(b, buf_view(&bytes)))
		err_set(&err, ERR_CORRUPT, "%s: not counts of complaints", b->path);
	else if (b->count || err.kind == ERR_MISSING)
		err.kind = ERR_NONE;
	if (err.kind)
		log_event(LOG_LEVEL_ERROR, "delivery.breaker.fail", "why=\"%s\"", err.text);
	buf_free(&bytes);
}

static void save(struct breaker *b)
{
	struct err err;
	struct buf bytes;
	buf_init(&bytes, FILE_MAX);
	be_add(&bytes, VERSION, 1);
	be_add(&bytes, b->seen, 8);
	for (const struct tally *t = b->tallies; t; t = t->next)
		tally_write(t, &bytes);
	if (file_replace(b->path, buf_view(&bytes), 0600, &err) < 0)
		log_event(LOG_LEVEL_ERROR, "delivery.breaker.fail", "why=\"%s\"", err.text);
	b->changed = false;
	buf_free(&bytes);
}

struct breaker *breaker_new(struct ledger *l, const char *path)
{
	struct breaker *b = mem_zero(sizeof *b);
	pthread_mutex_init(&b->lock, NULL);
	b->ledger = l;
	b->seen = ledger_journal_last(l);
	b->path = path ? mem_strdup(path) : NULL;
	if (path)
		load(b);
	return b;
}

void breaker_free(struct breaker **bp)
{
	struct breaker *b = *bp;
	if (!b)
		return;
	if (b->path && b->changed)
		save(b);
	while (b->tallies) {
		struct tally *t = b->tallies;
		b->tallies = t->next;
		tally_free(&t);
	}
	pthread_mutex_destroy(&b->lock);
	free(b->path);
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
	t = tally_new(&s->scope, &s->brand->scope);
	t->next = b->tallies;
	b->tallies = t;
	b->count++;
	return t;
}

void breaker_delivered(struct breaker *b, const struct stream *s, const struct person_key *who, int64_t window_ms, int64_t now_ms)
{
	if (s->class != CLASS_MARKETING)
		return;
	pthread_mutex_lock(&b->lock);
	struct tally *t = tally_of(b, s);
	if (t)
		tally_delivered(t, who, window_ms, now_ms);
	b->changed = true;
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
	uint32_t complaints = tally_sum(t->complaints), delivered = tally_sum(t->delivered);
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
	if (t->stopped && !hold_stands(l->settings->holds, t->scope.name)) /* released */
		tally_forget(t);
	tally_complaint(t, l->settings->breaker.window_ms, l->now_ms);
	if (!t->stopped)
		judge(l, t);
}

static bool reaches(const struct journal_entry *e, const struct tally *t)
{
	switch (e->scope.level) {
	case SCOPE_GLOBAL:
		return true;
	case SCOPE_BRAND:
		return memcmp(e->scope.id, t->brand.id, SCOPE_ID_BYTES) == 0;
	default:
		return memcmp(e->scope.id, t->scope.id, SCOPE_ID_BYTES) == 0;
	}
}

/* The stream that the report's own token named; NULL when there was none, or nothing was sent on it. */
static struct tally *named_by(const struct breaker *b, const struct journal_entry *e)
{
	struct view name = evidence_value(e->evidence, V("stream"));
	struct tally *t = name.n ? b->tallies : NULL;
	while (t && !view_eq(view_of(t->scope.name), name))
		t = t->next;
	return t;
}

/* Who was sent something lately; where nobody knows the person, the stream that has sent most. */
static void note_by_recipient(const struct look *l, const struct journal_entry *e)
{
	struct tally *most = NULL;
	bool known = false;
	for (struct tally *t = l->breaker->tallies; t; t = t->next) {
		if (!reaches(e, t))
			continue;
		if (!most || tally_sum(t->delivered) > tally_sum(most->delivered))
			most = t;
		if (!tally_take_recipient(t, &e->who))
			continue;
		known = true;
		note_complaint(l, t);
	}
	if (!known && most)
		note_complaint(l, most);
}

static bool each_entry(void *arg, const struct journal_entry *e)
{
	const struct look *l = arg;
	struct breaker *b = l->breaker;
	b->seen = e->seq;
	b->changed = true;
	if (e->kind != CHANGE_SUPPRESS || e->reason != REASON_COMPLAINT)
		return true;
	struct tally *named = named_by(b, e);
	if (named)
		note_complaint(l, named);
	else
		note_by_recipient(l, e);
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
	if (b->path && b->changed && now_ms - b->kept_ms >= KEEP_MS) {
		save(b);
		b->kept_ms = now_ms;
	}
	pthread_mutex_unlock(&b->lock);
}
