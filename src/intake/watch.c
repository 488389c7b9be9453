/* The tripwire at work: mail of another class that looks like marketing is reported, held, or treated as what it looks like. */
#include "base/counter.h"
#include "intake/tripwire.h"
#include "intake_internal.h"

COUNTER(tripped_report, "optgate_tripwire_total{action=\"report\"}", "Messages of class service or legal that look like marketing");
COUNTER(tripped_hold, "optgate_tripwire_total{action=\"hold\"}", "Messages of class service or legal that look like marketing");
COUNTER(tripped_marketing, "optgate_tripwire_total{action=\"marketing\"}", "Messages of class service or legal that look like marketing");

static void report(struct intake_tx *tx, struct choice *c)
{
	(void)tx, (void)c;
}

static void hold(struct intake_tx *tx, struct choice *c)
{
	(void)tx;
	c->held = true;
}

/* The same stream in all but its class. */
static void treat_as_marketing(struct intake_tx *tx, struct choice *c)
{
	struct stream *as = arena_alloc(&tx->arena, sizeof *as);
	if (!as) { /* too little room to do it right: a person looks */
		c->held = true;
		return;
	}
	*as = *c->stream;
	as->class = CLASS_MARKETING;
	c->stream = as;
}

static const struct action {
	const char *word;
	void (*act)(struct intake_tx *tx, struct choice *c);
	struct counter *count;
} actions[] = {
    [TRIPWIRE_REPORT] = {"report", report, &tripped_report},
    [TRIPWIRE_HOLD] = {"hold", hold, &tripped_hold},
    [TRIPWIRE_MARKETING] = {"marketing", treat_as_marketing, &tripped_marketing},
};

static uint32_t look(struct intake_tx *tx, const struct head *h, struct choice *c)
{
	const struct intake_settings *s = tx->settings;
	struct arena arena;
	arena_init(&arena, TX_ARENA_BYTES);
	uint32_t signals = tripwire_signals(&arena, buf_view(&tx->message), h);
	arena_free(&arena);
	if (c->stream->keep_unsubscribe) /* wanted in this stream */
		signals &= ~(SIGNAL(SIGNAL_LIST_UNSUBSCRIBE) | SIGNAL(SIGNAL_OPT_OUT_LINK));
	c->body = body_hash(h->body, view_of(c->stream->scope.name));
	uint64_t seen = body_count_add(tx->intake->bodies, c->body, tx->rcpt_count, clock_mono(tx->intake->clock), s->tripwire_window_ms);
	if (s->tripwire_recipients && seen > s->tripwire_recipients)
		signals |= SIGNAL(SIGNAL_SAME_BODY);
	return signals;
}

void watch_stream(struct intake_tx *tx, const struct head *h, struct choice *c)
{
	const struct action *a = &actions[c->stream->tripwire];
	if (c->stream->class == CLASS_MARKETING || c->stream->tripwire == TRIPWIRE_OFF)
		return;
	c->signals = look(tx, h, c);
	if (!tripwire_trips(c->signals))
		return;
	char ref[SPOOL_ID_TEXT], words[200];
	spool_id_text(tx->id, ref);
	tripwire_text(c->signals, words, sizeof words);
	counter_add(a->count, 1);
	log_event(LOG_LEVEL_WARNING, "intake.message.tripwire", "ref=%s client=%s stream=%s action=%s signals=%s", ref, tx->client->name,
	    c->stream->scope.name, a->word, words);
	a->act(tx, c);
}
