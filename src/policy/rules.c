/* The rules, in the order in which they are asked. Each is one row and one function; the first that answers decides. */
#include "policy_internal.h"

/* ---- gathering ---- */

bool suppression_is_live(const struct suppression_row *row, int64_t now_ms)
{
	return row->expires_ms == 0 || row->expires_ms > now_ms;
}

/* Strongest reason (allow rows have none); then the widest scope; then the oldest. */
static bool is_stronger(const struct suppression_row *a, const struct suppression_row *b)
{
	int x = reason_strength(a->reason), y = reason_strength(b->reason);
	if (x != y)
		return x > y;
	return a->level != b->level ? a->level < b->level : a->event_ms < b->event_ms;
}

void facts_add_suppression(struct facts *f, const struct suppression_row *row)
{
	const struct question *q = f->question;
	if (!scope_reaches(q, row->level, row->scope_id) || !suppression_is_live(row, q->now_ms) ||
	    !brand_reaches(q->stream->brand, row->reason, row->level, q->stream->class))
		return;
	struct suppression_row *best = &f->strongest[reason_is_firm(row->reason)][reason_is_lifted(row->reason)];
	if (!best->reason || is_stronger(row, best))
		*best = *row;
}

/* The widest, then the oldest: any will do. */
void facts_add_allow(struct facts *f, const struct suppression_row *row)
{
	const struct question *q = f->question;
	if (!scope_reaches(q, row->level, row->scope_id) || !suppression_is_live(row, q->now_ms))
		return;
	if (!f->allowed || is_stronger(row, &f->allow))
		f->allow = *row;
	f->allowed = true;
}

const struct suppression_row *facts_strongest(const struct facts *f, bool only_firm)
{
	const struct suppression_row *best = NULL;
	for (int firm = only_firm; firm < 2; firm++)
		for (int lifted = 0; lifted < 2 - f->allowed; lifted++) {
			const struct suppression_row *row = &f->strongest[firm][lifted];
			if (row->reason && (!best || is_stronger(row, best)))
				best = row;
		}
	return best;
}

void facts_add_consent(struct facts *f, const struct consent_row *row)
{
	if (!scope_reaches(f->question, row->level, row->scope_id))
		return;
	f->consents[row->level] = *row;
	f->consents[row->level].expires_ms = grant_ends_ms(f->question->stream->brand, row);
}

/* ---- the rules ---- */

static bool ledger_speaks(const struct facts *f, struct verdict *v)
{
	v->kind = VERDICT_DEFER;
	return f->unreadable;
}

static bool suppression_speaks(const struct facts *f, struct verdict *v)
{
	const struct suppression_row *row = facts_strongest(f, false);
	if (!row)
		return false;
	v->reason = row->reason;
	v->level = row->level;
	v->seq = row->seq;
	return true;
}

bool withdrawal_is_undone(const struct facts *f, enum scope_level level)
{
	int64_t withdrawn_ms = f->consents[level].withdrawn_ms;
	for (enum scope_level l = level; l < LEVELS; l++) {
		const struct consent_row *c = &f->consents[l];
		/* The row's own withdrawal, if later, speaks for itself. */
		int64_t latest = withdrawn_ms > c->withdrawn_ms ? withdrawn_ms : c->withdrawn_ms;
		if (consent_stands(c->basis, c->granted_ms, latest, c->expires_ms, f->question->now_ms))
			return true;
	}
	return false;
}

/* Marketing, and any stream that rests on a basis. */
bool withdrawal_matters(const struct question *q)
{
	return q->stream->class == CLASS_MARKETING || q->stream->accepts;
}

static bool withdrawal_speaks(const struct facts *f, struct verdict *v)
{
	if (!withdrawal_matters(f->question))
		return false;
	for (enum scope_level l = SCOPE_GLOBAL; l < LEVELS; l++) {
		if (f->consents[l].withdrawn_ms == 0 || withdrawal_is_undone(f, l))
			continue;
		v->level = l;
		v->seq = f->consents[l].seq;
		return true;
	}
	return false;
}

/* Who has given consent from this very address gets what they asked for, whatever it looks like. */
static bool has_consented(const struct facts *f)
{
	for (enum scope_level l = SCOPE_BRAND; l < LEVELS; l++) {
		const struct consent_row *c = &f->consents[l];
		if (c->basis == BASIS_CONSENT &&
		    consent_stands(c->basis, c->granted_ms, c->withdrawn_ms, c->expires_ms, f->question->now_ms))
			return true;
	}
	return false;
}

static bool is_guarded(const struct facts *f)
{
	const struct question *q = f->question;
	return q->stream->class == CLASS_MARKETING && q->channel == CHANNEL_EMAIL && !f->allowed && !has_consented(f);
}

static bool role_speaks(const struct facts *f, struct verdict *v)
{
	const struct question *q = f->question;
	(void)v;
	return brand_is_role(q->stream->brand, q->address) && is_guarded(f);
}

static bool typo_speaks(const struct facts *f, struct verdict *v)
{
	const struct question *q = f->question;
	(void)v;
	return q->stream->brand->refuses_typos && domain_is_typo(q->address) && is_guarded(f);
}

unsigned facts_accepts(const struct facts *f)
{
	const struct stream *s = f->question->stream;
	return s->accepts | (f->corporate && s->accepts ? s->corporate_accepts : 0);
}

/* A grant on record, of a basis that the stream accepts, for its topic, itself or its brand. */
static bool no_basis_speaks(const struct facts *f, struct verdict *v)
{
	(void)v;
	const struct question *q = f->question;
	const unsigned accepts = facts_accepts(f);
	if (accepts == 0 || f->allowed)
		return false;
	for (enum scope_level l = SCOPE_BRAND; l < LEVELS; l++) {
		const struct consent_row *c = &f->consents[l];
		if (accepts & 1u << c->basis &&
		    consent_stands(c->basis, c->granted_ms, c->withdrawn_ms, c->expires_ms, q->now_ms))
			return false;
	}
	return true;
}

static const struct rule_row {
	enum rule rule;
	bool (*speaks)(const struct facts *f, struct verdict *v);
	const char *word, *sentence;
} rules[] = {
	{RULE_LEDGER, ledger_speaks, "ledger", "the ledger can't be read now: nothing is sent because of an error"},
	{RULE_SUPPRESSION, suppression_speaks, "suppression", "a suppression reaches this kind of mail"},
	{RULE_WITHDRAWN, withdrawal_speaks, "withdrawn", "consent was withdrawn, and no newer consent stands"},
	{RULE_ROLE, role_speaks, "role", "a role account, and nobody there has given consent to this marketing"},
	{RULE_TYPO, typo_speaks, "typo", "the domain looks mistyped, and nobody there has given consent to this marketing"},
	{RULE_NO_BASIS, no_basis_speaks, "no-basis",
	"no lawful basis that the stream accepts is on record, or it has expired"},
	{RULE_NONE, NULL, "none", "nothing speaks against it"},
};

/* A stream on trial: what the rules say stands in the verdict, and only what is firm blocks. */
static struct verdict on_trial(const struct facts *f, struct verdict v)
{
	if (v.kind != VERDICT_SUPPRESS || (v.rule == RULE_SUPPRESSION && reason_is_firm(v.reason)))
		return v;
	const struct suppression_row *firm = facts_strongest(f, true);
	if (firm)
		return (struct verdict){.kind = VERDICT_SUPPRESS,
		    .rule = RULE_SUPPRESSION,
		    .reason = firm->reason,
		    .level = firm->level,
		    .seq = firm->seq};
	v.kind = VERDICT_ALLOW;
	v.shadow = true;
	return v;
}

static struct verdict judge(const struct facts *f)
{
	for (size_t i = 0; rules[i].speaks; i++) {
		struct verdict v = {.kind = VERDICT_SUPPRESS, .rule = rules[i].rule};
		if (rules[i].speaks(f, &v))
			return f->question->stream->shadow ? on_trial(f, v) : v;
	}
	return (struct verdict){.kind = VERDICT_ALLOW};
}

struct verdict facts_judge(const struct facts *f)
{
	struct verdict v = judge(f);
	v.allow_seq = f->allowed ? f->allow.seq : 0;
	return v;
}

/* ---- words ---- */

static const struct rule_row *row_of(enum rule r)
{
	size_t i = 0;
	while (rules[i].rule != r && rules[i].rule != RULE_NONE)
		i++;
	return &rules[i];
}

const char *rule_word(enum rule r)
{
	return row_of(r)->word;
}

const char *rule_sentence(enum rule r)
{
	return row_of(r)->sentence;
}

static const char *const classes[] = {
	[CLASS_MARKETING] = "marketing",
	[CLASS_SERVICE] = "service",
	[CLASS_LEGAL] = "legal",
};
#define CLASSES (sizeof classes / sizeof *classes)

const char *mail_class_word(enum mail_class c)
{
	return c < CLASSES ? classes[c] : NULL;
}

enum mail_class mail_class_of(struct view word)
{
	for (unsigned i = 1; i < CLASSES; i++)
		if (view_eq(view_of(classes[i]), word))
			return (enum mail_class)i;
	return 0;
}

const char *verdict_word(enum verdict_kind k)
{
	static const char *const words[] = {
		[VERDICT_ALLOW] = "allow",
		[VERDICT_SUPPRESS] = "suppress",
		[VERDICT_DEFER] = "defer",
	};
	return k <= VERDICT_DEFER ? words[k] : NULL;
}

const char *verdict_reason_word(const struct verdict *v)
{
	static const char *const words[] = {
		[RULE_NONE] = "none",
		[RULE_LEDGER] = "unavailable",
		[RULE_SUPPRESSION] = "suppressed",
		[RULE_WITHDRAWN] = "withdrawn",
		[RULE_NO_BASIS] = "no-consent",
		[RULE_ROLE] = "role-account",
		[RULE_TYPO] = "typo-domain",
	};
	const char *reason = v->rule == RULE_SUPPRESSION ? reason_word(v->reason) : NULL;
	return reason ? reason : words[v->rule];
}
