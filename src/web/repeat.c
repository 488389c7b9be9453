/* The same opt-out again: a double click, a provider that tries twice, or somebody who would fill the
 * journal with one link.
 *
 * Only what was done in the last minute is left out: an older one counts anew, since its withdrawal must
 * win over any consent that was given in between and has yet to arrive. */
#include "optout_page.h"

struct look {
	const struct change *changes;
	size_t n;
	int64_t since_ms;
	unsigned done; /* a bit for each change */
	bool granted;  /* some consent is as young */
};

static bool same_scope(const struct change *c, enum scope_level level, const uint8_t id[SCOPE_ID_BYTES])
{
	return c->scope.level == level && memcmp(c->scope.id, id, SCOPE_ID_BYTES) == 0;
}

static void see_suppression(void *arg, const struct suppression_row *row)
{
	struct look *l = arg;
	for (size_t i = 0; i < l->n; i++)
		if (l->changes[i].kind == CHANGE_SUPPRESS && l->changes[i].reason == row->reason &&
		    row->expires_ms == 0 && same_scope(&l->changes[i], row->level, row->scope_id))
			l->done |= 1u << i;
}

static void see_consent(void *arg, const struct consent_row *row)
{
	struct look *l = arg;
	l->granted |= row->granted_ms >= l->since_ms;
	for (size_t i = 0; i < l->n; i++)
		if (l->changes[i].kind == CHANGE_WITHDRAW && row->withdrawn_ms >= l->since_ms &&
		    row->withdrawn_ms >= row->granted_ms &&
		    same_scope(&l->changes[i], row->level, row->scope_id))
			l->done |= 1u << i;
}

bool done_just_now(const struct pending *p, const struct change *changes, size_t n)
{
	static const struct ledger_visitor visitor = {.suppression = see_suppression, .consent = see_consent};
	struct look l = {changes, n, p->request->at_ms - REPEAT_MS, 0, false};
	struct err err;
	return ledger_visit(p->web->ledger, &p->token.who, &visitor, &l, &err) == 0 && !l.granted &&
	    l.done == (1u << n) - 1;
}
