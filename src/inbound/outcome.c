/* What is said of one recipient without a report by mail: a next hop's refusal, a provider's event. The same table, the same counts. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "inbox_internal.h"
#include "mail/address.h"

static enum reaction reaction_to(enum meaning m)
{
	static const enum reaction by_meaning[] = {[MEANING_NONE] = REACT_NOTHING, [MEANING_SOFT] = REACT_COUNT, [MEANING_POLICY] = REACT_ALERT,
	    [MEANING_HARD] = REACT_BOUNCE};
	return by_meaning[m];
}

static void count(enum reaction r)
{
	if (counter_of_reaction(r))
		counter_add(counter_of_reaction(r), 1);
}

int inbox_outcome(struct inbox *in, const struct inbox_outcome *o, struct err *err)
{
	char text[500], note[WORDS_MAX + 1], reference[KEPT_REFERENCE];
	if (o->delivered) {
		soft_reset(in->soft, &o->who, clock_wall(in->clock));
		return 0;
	}
	struct report_recipient said = {.address = o->address};
	struct view domain = view_sub(o->address, view_find(o->address, 0, '@') + 1, o->address.n);
	int n = snprintf(text, sizeof text, "%d %s %s", o->reply->code, o->reply->enhanced, o->reply->text);
	struct refusal refusal = {DSN_FAILED, view_of(o->reply->enhanced),
	    view_n(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1), V(""), &domain, 1};
	struct inbox_settings *s = inbox_settings_hold(in);
	refusal_judge(s->rules, &refusal, &said);
	bool hard = said.meaning == MEANING_HARD;
	if (said.meaning == MEANING_SOFT)
		hard = count_soft(in, s, &o->who, said.reason);
	count(reaction_to(said.meaning));
	view_str(view_sub(o->reference, 0, sizeof reference - 1), reference, sizeof reference);
	struct change c = {.kind = CHANGE_SUPPRESS,
	    .channel = CHANNEL_EMAIL,
	    .who = o->who,
	    .address = o->address,
	    .reason = REASON_BOUNCE,
	    .source = V("refusal"),
	    .actor = V("mta"),
	    .note = write_note(note, reference, &said, EVIDENCE_RCPT)};
	log_event(said.meaning == MEANING_POLICY ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "inbound.refusal",
	    "id=%s class=%s reason=%.*s status=%s rule=%s", reference, meaning_word(said.meaning), VFMT(said.reason),
	    said.status[0] ? said.status : "-", said.rule);
	shared_release(&s->shared);
	struct change_result result;
	return hard ? ledger_change(in->ledger, &c, &result, err) : 0;
}

/* ---- providers' events ---- */

struct taking { /* one call's events, on their way into changes */
	struct inbox *in;
	const struct inbox_settings *settings;
	const struct inbox_events *events;
	struct arena *arena;
	struct change *changes;
	size_t count;
};

static struct change *add(struct taking *t, enum change_kind kind, const struct person_key *who, const struct address *a, const struct report_recipient *said)
{
	char note[WORDS_MAX + 1];
	struct change *c = &t->changes[t->count++];
	*c = (struct change){.kind = kind, .channel = CHANNEL_EMAIL, .who = *who, .address = arena_view(t->arena, view_of(a->text)),
	    .source = t->events->source, .actor = t->events->actor, .note = arena_view(t->arena, write_note(note, "-", said, EVIDENCE_ADDRESS))};
	return c;
}

static void add_complaint(struct taking *t, const struct person_key *who, const struct address *a, const struct report_recipient *said)
{
	struct buf b;
	struct change *c = add(t, CHANGE_SUPPRESS, who, a, said);
	buf_init(&b, SCOPE_NAME_MAX + 10);
	buf_fmt(&b, "stream=%s", t->events->stream->scope.name);
	c->reason = REASON_COMPLAINT;
	c->scope = t->events->stream->brand->scope;
	c->evidence = arena_view(t->arena, buf_view(&b));
	buf_free(&b);
}

static void add_optout(struct taking *t, const struct person_key *who, const struct address *a, const struct report_recipient *said)
{
	struct change *c = add(t, CHANGE_SUPPRESS, who, a, said);
	c->reason = REASON_UNSUBSCRIBE;
	c->scope = t->events->stream->scope;
	add(t, CHANGE_WITHDRAW, who, a, said)->scope = t->events->stream->scope;
}

static enum reaction reaction_to_event(struct taking *t, const struct webhook_event *e, const struct person_key *who)
{
	const struct report_recipient *said = &e->recipient;
	switch (e->kind) {
	case REPORT_COMPLAINT:
		return said->meaning == MEANING_HARD ? REACT_COMPLAINT : REACT_ALERT;
	case REPORT_OPTOUT:
		return REACT_OPTOUT;
	case REPORT_BOUNCE:
		if (view_eq(said->reason, V("delivered")))
			soft_reset(t->in->soft, who, clock_wall(t->in->clock));
		count(reaction_to(said->meaning));
		if (said->meaning == MEANING_SOFT && count_soft(t->in, t->settings, who, said->reason))
			return REACT_BOUNCE;
		return said->meaning == MEANING_HARD ? REACT_BOUNCE : REACT_NOTHING;
	default:
		return REACT_NOTHING;
	}
}

static void take(struct taking *t, const struct webhook_event *e)
{
	struct address a;
	struct person_key who;
	if (address_parse_loose(e->recipient.address, &a, NULL) < 0)
		return;
	ledger_person_key(t->in->ledger, CHANNEL_EMAIL, view_of(a.text), &who);
	enum reaction r = reaction_to_event(t, e, &who);
	if (e->kind != REPORT_BOUNCE)
		count(r);
	if (r == REACT_BOUNCE)
		add(t, CHANGE_SUPPRESS, &who, &a, &e->recipient)->reason = REASON_BOUNCE;
	else if (r == REACT_COMPLAINT)
		add_complaint(t, &who, &a, &e->recipient);
	else if (r == REACT_OPTOUT)
		add_optout(t, &who, &a, &e->recipient);
}

#define EVENT_CHANGES 2 /* at most, of one */
#define CHANGES_AT_ONCE 200

static int apply_all(struct taking *t, const struct webhook *what, struct err *err)
{
	t->changes = mem_zero((what->count + 1) * EVENT_CHANGES * sizeof *t->changes);
	for (unsigned i = 0; i < what->count; i++)
		take(t, &what->events[i]);
	int rc = soft_sync(t->in->soft, err);
	for (size_t at = 0; rc == 0 && at < t->count; at += CHANGES_AT_ONCE) {
		size_t n = t->count - at < CHANGES_AT_ONCE ? t->count - at : CHANGES_AT_ONCE;
		struct change_result results[CHANGES_AT_ONCE];
		rc = ledger_change_all(t->in->ledger, &t->changes[at], n, results, err);
	}
	free(t->changes);
	return rc;
}

int inbox_events(struct inbox *in, const struct inbox_events *ev, struct arena *arena, unsigned *ret, struct err *err)
{
	struct inbox_settings *s = inbox_settings_hold(in); /* the events' words lie in its rules */
	struct taking t = {.in = in, .settings = s, .events = ev, .arena = arena};
	struct webhook what;
	int rc = webhook_parse(s->rules, arena, ev->provider, ev->body, &what, err);
	if (rc == 0)
		rc = apply_all(&t, &what, err);
	if (rc == 0) {
		*ret = what.count;
		log_event(LOG_LEVEL_INFO, "inbound.events", "source=%.*s events=%u changes=%zu", VFMT(ev->source), what.count, t.count);
	}
	shared_release(&s->shared);
	return rc;
}
