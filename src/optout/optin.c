/* Sign-up and record -> grants, and what was said against them, narrowed to what it still means. */
#include "optout/optin.h"

struct draft {
	const struct optin *of;
	struct change *changes;
	size_t n, max;
	bool full;
	struct change spilt; /* what didn't fit; never read */
};

static bool same(const struct scope *a, const struct scope *b)
{
	return a->level == b->level && memcmp(a->id, b->id, SCOPE_ID_BYTES) == 0;
}

static struct change *add(struct draft *d, enum change_kind kind, const struct scope *scope)
{
	d->full |= d->n == d->max;
	struct change *c = d->full ? &d->spilt : &d->changes[d->n++];
	const struct change *g = &d->of->grant;
	*c = (struct change){.kind = kind, .channel = g->channel, .who = g->who, .scope = *scope, .event_ms = g->event_ms, .source = g->source,
	    .actor = g->actor, .evidence = g->evidence};
	return c;
}

/* ---- what lies where ---- */

static bool ticked(const struct optin *o, const struct scope *s)
{
	for (unsigned i = 0; i < o->purpose_count; i++)
		if (same(o->purposes[i], s))
			return true;
	return false;
}

static bool ticked_in_stream(const struct optin *o, const struct stream *s)
{
	bool any = ticked(o, &s->scope);
	for (unsigned i = 0; i < s->topic_count; i++)
		any |= ticked(o, &s->topics[i].scope);
	return any;
}

static bool ticked_in_brand(const struct optin *o, const struct brand *b)
{
	bool any = false;
	for (unsigned i = 0; i < b->stream_count; i++)
		any |= ticked_in_stream(o, &b->streams[i]);
	return any;
}

/* ---- narrowing ---- */

static void say_anew(struct draft *d, const struct suppression *row, const struct scope *scope)
{
	struct change *c = add(d, CHANGE_SUPPRESS, scope);
	c->reason = REASON_UNSUBSCRIBE;
	c->event_ms = row->event_ms;
	c->expires_ms = row->expires_ms;
	c->note = V("what an earlier unsubscribe still stops");
}

static void narrow_in_stream(struct draft *d, const struct suppression *row, const struct stream *s)
{
	if (s->class != CLASS_MARKETING || ticked(d->of, &s->scope))
		return;
	if (!ticked_in_stream(d->of, s)) {
		say_anew(d, row, &s->scope);
		return;
	}
	for (unsigned i = 0; i < s->topic_count; i++)
		if (!ticked(d->of, &s->topics[i].scope))
			say_anew(d, row, &s->topics[i].scope);
}

static void narrow_in_brand(struct draft *d, const struct suppression *row, const struct brand *b)
{
	if (!ticked_in_brand(d->of, b)) {
		say_anew(d, row, &b->scope);
		return;
	}
	for (unsigned i = 0; i < b->stream_count; i++)
		narrow_in_stream(d, row, &b->streams[i]);
}

/* Everything below ROW's scope that the policy knows and nobody has ticked. */
static void narrow(struct draft *d, const struct suppression *row)
{
	const struct policy *p = d->of->policy;
	for (unsigned b = 0; b < p->brand_count; b++) {
		const struct brand *brand = &p->brands[b];
		if (row->scope.level == SCOPE_GLOBAL || same(&row->scope, &brand->scope))
			narrow_in_brand(d, row, brand);
		for (unsigned s = 0; s < brand->stream_count; s++)
			if (same(&row->scope, &brand->streams[s].scope))
				narrow_in_stream(d, row, &brand->streams[s]);
	}
}

/* Does what was said at SCOPE stop something that was ticked? */
static bool stops_ticked(const struct optin *o, const struct scope *scope)
{
	bool any = ticked(o, scope);
	for (unsigned b = 0; b < o->policy->brand_count; b++) {
		const struct brand *brand = &o->policy->brands[b];
		any |= (scope->level == SCOPE_GLOBAL || same(scope, &brand->scope)) && ticked_in_brand(o, brand);
		for (unsigned s = 0; s < brand->stream_count; s++)
			any |= same(scope, &brand->streams[s].scope) && ticked_in_stream(o, &brand->streams[s]);
	}
	return any;
}

/* A pause is no withdrawal, and nothing is left for streams to come where the whole was ticked. */
static bool needs_withdrawal(const struct optin *o, const struct suppression *row)
{
	bool needs = row->expires_ms == 0 && !ticked(o, &row->scope);
	for (unsigned i = 0; i < o->record->consent_count; i++) {
		const struct consent *c = &o->record->consents[i];
		needs &= !(same(&c->purpose, &row->scope) && c->withdrawn_ms >= row->event_ms);
	}
	return needs;
}

/* A withdrawal, unlike an unsubscribe, reaches mail of other classes that rests on a basis: signing up must not stop that. */
static bool reaches_others(const struct optin *o, const struct scope *scope)
{
	bool any = false;
	for (unsigned b = 0; b < o->policy->brand_count; b++) {
		const struct brand *brand = &o->policy->brands[b];
		for (unsigned s = 0; s < brand->stream_count && (scope->level == SCOPE_GLOBAL || same(scope, &brand->scope)); s++)
			any |= brand->streams[s].class != CLASS_MARKETING && brand->streams[s].accepts;
	}
	return any;
}

static void lift(struct draft *d, const struct suppression *row)
{
	const size_t before = d->n;
	bool withdraws = needs_withdrawal(d->of, row);
	if (withdraws && reaches_others(d->of, &row->scope))
		return;
	if (withdraws)
		add(d, CHANGE_WITHDRAW, &row->scope)->event_ms = row->event_ms;
	narrow(d, row);
	struct change *c = add(d, CHANGE_UNSUPPRESS, &row->scope);
	c->reason = REASON_UNSUBSCRIBE;
	c->row = row->seq; /* another one may have come since the look */
	c->note = d->of->note;
	if (d->full)
		d->n = before;
	d->full = false;
}

size_t optin_changes(const struct optin *o, struct change *changes, size_t max)
{
	struct draft d = {.of = o, .changes = changes, .max = max};
	for (unsigned i = 0; i < o->purpose_count; i++) {
		struct change *c = add(&d, CHANGE_GRANT, o->purposes[i]);
		ALWAYS(!d.full);
		*c = o->grant;
		c->kind = CHANGE_GRANT;
		c->basis = BASIS_CONSENT;
		c->scope = *o->purposes[i];
	}
	for (unsigned i = 0; i < o->record->suppression_count; i++) {
		const struct suppression *row = &o->record->suppressions[i];
		if (row->reason == REASON_UNSUBSCRIBE && stops_ticked(o, &row->scope))
			lift(&d, row);
	}
	return d.n;
}

bool optin_is_stale(const struct optin *o, int64_t asked_ms)
{
	const struct record *r = o->record;
	bool stale = false;
	for (unsigned i = 0; i < r->suppression_count; i++)
		stale |= r->suppressions[i].reason == REASON_UNSUBSCRIBE && r->suppressions[i].event_ms > asked_ms &&
		         stops_ticked(o, &r->suppressions[i].scope);
	for (unsigned i = 0; i < r->consent_count; i++)
		stale |= r->consents[i].withdrawn_ms > asked_ms && stops_ticked(o, &r->consents[i].purpose);
	return stale;
}
