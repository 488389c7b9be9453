/* How long a grant lasts by its basis. The setting is asked at every verdict, so that another one holds at once, for old grants too. */
#include "policy_internal.h"

unsigned grant_months(const struct brand *b, const struct consent_row *c)
{
	if (c->basis > BASIS_LEGAL_OBLIGATION)
		return 0;
	return c->enquiry ? b->enquiry_months : b->life_months[c->basis];
}

int64_t grant_ends_ms(const struct brand *b, const struct consent_row *c)
{
	unsigned months = c->granted_ms ? grant_months(b, c) : 0;
	if (!months)
		return c->expires_ms;
	int64_t ends_ms = time_months_later(c->granted_ms, months);
	return c->expires_ms && c->expires_ms < ends_ms ? c->expires_ms : ends_ms;
}
