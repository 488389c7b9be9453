/* The verdict: one look at the ledger, then the rules. */
#include "policy_internal.h"

#include <stdio.h>

static void add_suppression(void *arg, const struct suppression_row *row)
{
	facts_add_suppression(arg, row);
}

static void add_consent(void *arg, const struct consent_row *row)
{
	facts_add_consent(arg, row);
}

static void add_allow(void *arg, const struct suppression_row *row)
{
	facts_add_allow(arg, row);
}

static void add_corporate(void *arg, uint64_t seq)
{
	struct facts *f = arg;
	(void)seq;
	f->corporate = true;
}

struct asked policy_asked(const struct question *q)
{
	bool email = q->channel == CHANNEL_EMAIL;
	return (struct asked){.who = q->who, .address = email ? q->address : V(""), .family = email && brand_folds(q->stream->brand, q->address)};
}

struct verdict policy_decide(struct ledger *l, const struct question *q)
{
	static const struct ledger_visitor visitor = {.suppression = add_suppression, .consent = add_consent, .allow = add_allow, .corporate = add_corporate};
	const struct asked asked = policy_asked(q);
	struct facts f = {.question = q};
	f.unreadable = ledger_ask(l, &asked, &visitor, &f, NULL) < 0;
	return facts_judge(&f);
}

/* ---- the same, with every row that was looked at ---- */

static struct suppression_row suppression_row_of(const struct suppression *s)
{
	struct suppression_row r = {.level = s->scope.level,
	    .reason = s->reason,
	    .event_ms = s->event_ms,
	    .expires_ms = s->expires_ms,
	    .seq = s->seq};
	memcpy(r.scope_id, s->scope.id, SCOPE_ID_BYTES);
	return r;
}

static struct consent_row consent_row_of(const struct consent *c)
{
	struct consent_row r = {.level = c->purpose.level,
	    .basis = c->basis,
	    .granted_ms = c->granted_ms,
	    .withdrawn_ms = c->withdrawn_ms,
	    .expires_ms = c->expires_ms,
	    .seq = c->seq,
	    .enquiry = c->basis == BASIS_SOFT_OPT_IN && evidence_is_enquiry(view_of(c->evidence))};
	memcpy(r.scope_id, c->purpose.id, SCOPE_ID_BYTES);
	return r;
}

static void explain_suppression(
    const struct facts *f, const struct verdict *v, const struct suppression *s, struct finding *ret)
{
	const struct question *q = f->question;
	const struct suppression_row row = suppression_row_of(s);
	bool in_scope = scope_reaches(q, row.level, row.scope_id), live = suppression_is_live(&row, q->now_ms);
	bool in_class = brand_reaches(q->stream->brand, row.reason, row.level, q->stream->class);
	bool lifted = f->allowed && reason_is_lifted(row.reason), changed = reach_is_changed(q->stream->brand, row.reason, row.level, q->stream->class);
	*ret = (struct finding){.rule = RULE_SUPPRESSION, .suppression = s, .blocks = in_scope && live && in_class && !lifted};
	ret->by_settings = in_scope && live && changed;
	ret->decides = v->rule == RULE_SUPPRESSION && ret->blocks && row.seq == v->seq && row.reason == v->reason &&
		       row.level == v->level;
	ret->why = !in_scope ? "it is for another brand, stream or topic"
		   : !live   ? "it has expired"
		   : lifted && in_class ? "an allow row lifts it"
		   : changed ? (in_class ? "the brand's settings (reach) let it reach this class of mail, too"
		                         : "the brand's settings (reach) let this class of mail pass")
			     : reason_why(row.reason, in_class);
}

/* "expired on 2027-01-31: for acme, soft-opt-in holds 24 months", of a row with an end that has passed. */
static const char *expired_why(const struct facts *f, const struct consent_row *c, const struct consent_row *stored, struct arena *arena)
{
	const struct brand *b = f->question->stream->brand;
	char end[TIME_TEXT], text[160];
	time_text(c->expires_ms, end);
	int n = snprintf(text, sizeof text, "expired on %.10s", end);
	if (c->expires_ms != stored->expires_ms)
		n += snprintf(text + n, sizeof text - (size_t)n, ": for this brand %s%s holds %u months", basis_word(c->basis),
		    c->enquiry ? " after an enquiry" : "", grant_months(b, c));
	struct view kept = arena_view(arena, view_n(text, (size_t)n));
	return kept.p ? kept.p : "the grant has expired";
}

static const char *consent_why(const struct facts *f, const struct consent_row *c, bool withdrawn)
{
	const struct question *q = f->question;
	if (withdrawn)
		return withdrawal_matters(q) ? "withdrawn, and no newer consent stands"
					     : "withdrawn; that reaches marketing, and streams that ask for a basis";
	if (c->granted_ms == 0)
		return "withdrawn, and granted anew for a narrower purpose";
	if (c->withdrawn_ms >= c->granted_ms)
		return "withdrawn, and granted anew for a narrower purpose";
	if (q->stream->accepts == 0)
		return "granted; the stream asks for no basis";
	if (q->stream->accepts & 1u << c->basis)
		return "granted, on a basis that the stream accepts";
	if (q->stream->corporate_accepts & 1u << c->basis)
		return f->corporate ? "granted, on a basis that the stream accepts for corporate subscribers"
		                    : "granted, but the stream accepts this basis for corporate subscribers only";
	return "granted, but the stream does not accept this basis";
}

static void explain_consent(
    const struct facts *f, const struct verdict *v, const struct consent *c, struct arena *arena, struct finding *ret)
{
	const struct question *q = f->question;
	const struct consent_row stored = consent_row_of(c);
	struct consent_row row = stored;
	row.expires_ms = grant_ends_ms(q->stream->brand, &stored);
	bool in_scope = scope_reaches(q, row.level, row.scope_id), ended = row.expires_ms && row.expires_ms <= q->now_ms;
	bool withdrawn = in_scope && row.withdrawn_ms && !withdrawal_is_undone(f, row.level);
	*ret = (struct finding){.rule = withdrawn ? RULE_WITHDRAWN : RULE_NO_BASIS, .consent = c, .ends_ms = row.expires_ms};
	ret->blocks = withdrawn && withdrawal_matters(q);
	ret->decides = v->rule == RULE_WITHDRAWN && withdrawn && row.level == v->level;
	ret->why = !in_scope             ? "it is for another brand, stream or topic"
	           : !withdrawn && ended ? expired_why(f, &row, &stored, arena)
	                                 : consent_why(f, &row, withdrawn);
}

static void explain_allow(const struct facts *f, const struct suppression *s, struct finding *ret)
{
	const struct question *q = f->question;
	const struct suppression_row row = suppression_row_of(s);
	*ret = (struct finding){.rule = RULE_NONE, .allow = s};
	ret->why = !scope_reaches(q, row.level, row.scope_id) ? "it is for another brand, stream or topic"
	           : !suppression_is_live(&row, q->now_ms)    ? "it has expired"
	                                                      : "allowed, as far as nobody has said no";
}

/* What no single row says: unreadable, nothing on record. */
static bool has_own_row(const struct explanation *e)
{
	for (unsigned i = 0; i < e->count; i++)
		if (e->findings[i].decides)
			return true;
	return false;
}

static struct facts facts_of(const struct question *q, const struct about *about)
{
	const struct record *own = &about->own;
	struct facts f = {.question = q, .corporate = own->subscriber.corporate};
	for (unsigned i = 0; i < own->suppression_count + about->suppression_count; i++) {
		bool of_person = i < own->suppression_count;
		struct suppression_row row =
		    suppression_row_of(of_person ? &own->suppressions[i] : &about->suppressions[i - own->suppression_count]);
		facts_add_suppression(&f, &row);
	}
	for (unsigned i = 0; i < about->allow_count; i++) {
		struct suppression_row row = suppression_row_of(&about->allows[i]);
		facts_add_allow(&f, &row);
	}
	for (unsigned i = 0; i < own->consent_count; i++) {
		struct consent_row row = consent_row_of(&own->consents[i]);
		facts_add_consent(&f, &row);
	}
	return f;
}

static void explain_rows(const struct facts *f, const struct about *about, struct arena *arena, struct explanation *e)
{
	const struct record *own = &about->own;
	for (unsigned i = 0; i < own->suppression_count; i++)
		explain_suppression(f, &e->verdict, &own->suppressions[i], &e->findings[e->count++]);
	for (unsigned i = 0; i < about->suppression_count; i++) {
		struct finding *ret = &e->findings[e->count++];
		explain_suppression(f, &e->verdict, &about->suppressions[i], ret);
		ret->about = about->subjects[i].n ? about->subjects[i] : V("another form of the address");
	}
	for (unsigned i = 0; i < about->allow_count; i++)
		explain_allow(f, &about->allows[i], &e->findings[e->count++]);
	for (unsigned i = 0; i < own->consent_count; i++)
		explain_consent(f, &e->verdict, &own->consents[i], arena, &e->findings[e->count++]);
}

int policy_explain(
    struct ledger *l, const struct question *q, struct arena *arena, struct explanation *ret, struct err *err)
{
	const struct asked asked = policy_asked(q);
	struct about about;
	if (ledger_look_about(l, &asked, arena, &about, err) < 0)
		return -1;
	const struct facts f = facts_of(q, &about);
	const unsigned rows = about.own.suppression_count + about.suppression_count + about.allow_count + about.own.consent_count;
	struct explanation e = {
	    .verdict = facts_judge(&f), .findings = arena_zero(arena, (rows + 1) * sizeof *e.findings)};
	if (!e.findings)
		return err_set(err, ERR_LIMIT, "explain: %u rows don't fit %zu bytes", rows, arena->max);
	explain_rows(&f, &about, arena, &e);
	if (!has_own_row(&e))
		e.findings[e.count++] = (struct finding){.rule = e.verdict.rule,
		    .decides = true,
		    .blocks = e.verdict.kind != VERDICT_ALLOW,
		    .why = rule_sentence(e.verdict.rule)};
	*ret = e;
	return 0;
}
