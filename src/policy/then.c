/* The verdict as it would have been then. */
#include "policy_internal.h"

struct then {
	struct facts facts;
	uint64_t last_seq;
};

static void add_suppression(void *arg, const struct suppression_row *row)
{
	struct then *t = arg;
	if (row->seq <= t->last_seq)
		facts_add_suppression(&t->facts, row);
}

static void add_allow(void *arg, const struct suppression_row *row)
{
	struct then *t = arg;
	if (row->seq <= t->last_seq)
		facts_add_allow(&t->facts, row);
}

/* A row is one consent's whole history in two times. */
static void add_consent(void *arg, const struct consent_row *row)
{
	struct then *t = arg;
	struct consent_row was = *row;
	int64_t at_ms = t->facts.question->now_ms;
	if (was.granted_ms > at_ms)
		was.granted_ms = 0;
	if (was.withdrawn_ms > at_ms)
		was.withdrawn_ms = 0;
	if (was.granted_ms || was.withdrawn_ms)
		facts_add_consent(&t->facts, &was);
}

static void add_corporate(void *arg, uint64_t seq)
{
	struct then *t = arg;
	t->facts.corporate |= seq <= t->last_seq;
}

struct verdict policy_decide_then(
    struct ledger *l, const struct question *q, uint64_t last_seq, const struct suppression_row *gone, size_t gone_count)
{
	static const struct ledger_visitor visitor = {.suppression = add_suppression, .consent = add_consent, .allow = add_allow, .corporate = add_corporate};
	const struct asked asked = policy_asked(q);
	struct then t = {.facts = {.question = q}, .last_seq = last_seq};
	t.facts.unreadable = ledger_ask(l, &asked, &visitor, &t, NULL) < 0;
	for (size_t i = 0; i < gone_count; i++)
		(gone[i].reason ? facts_add_suppression : facts_add_allow)(&t.facts, &gone[i]);
	return facts_judge(&t.facts);
}
