/* What `optgate export` writes, and consents with their proof. */
#include "format_own.h"

#include "ledger/blocks.h"

void map_own_allow(const struct list_row *r, struct list_entry *e)
{
	e->kind = ENTRY_ALLOW;
	e->address = list_get(r, "address");
	e->scope = list_get(r, "scope");
	e->event_ms = list_date(list_get(r, "allowed"));
	e->expires_ms = list_date(list_get(r, "expires"));
	e->note = list_get(r, "note");
}

/* Our own: complete, so that what was exported comes back as it was. */
void map_own(const struct list_row *r, struct list_entry *e)
{
	list_take(e, 0, list_get(r, "address"), list_get(r, "event"), list_get(r, "note"));
	e->scope = list_get(r, "scope");
	e->expires_ms = list_date(list_get(r, "expires"));
	e->reason = reason_of(list_get(r, "reason"));
	e->channel = block_name_is_meant(e->address) ? CHANNEL_EMAIL : channel_of(list_get(r, "channel"));
	if (!e->channel) {
		e->kind = ENTRY_BAD;
		e->why = "channel: email, sms, phone, post or social";
	} else if (!e->reason) {
		e->kind = ENTRY_BAD;
		e->why = "reason: objection, unsubscribe, complaint, bounce, manual, register, legal or erasure";
	}
}

/* What was withdrawn, and not given anew by consent since, comes back as the withdrawal. */
static bool is_withdrawal(const struct list_row *r, struct list_entry *e)
{
	int64_t withdrawn_ms = list_date(list_get(r, "withdrawn"));
	if (!withdrawn_ms || (e->basis == BASIS_CONSENT && e->event_ms > withdrawn_ms))
		return false;
	e->kind = ENTRY_WITHDRAW;
	e->event_ms = withdrawn_ms;
	e->expires_ms = 0;
	return true;
}

/* What each basis must bring; what a brand demands beside is asked as the change is made. */
static const char *consent_lacks(const struct list_entry *e)
{
	bool told = e->basis <= BASIS_SOFT_OPT_IN; /* rests on what the person was told and did */
	return !e->basis                ? "basis: consent, soft-opt-in, legitimate-interest, contract or legal-obligation"
	       : !e->event_ms           ? "granted: when it was given"
	       : told && !e->wording.n  ? "wording: which words were agreed to"
	       : told && !e->evidence.n && !e->ip.n && !e->how.n ? "evidence, ip or how: how it can be proved"
	                                : NULL;
}

void map_own_consent(const struct list_row *r, struct list_entry *e)
{
	e->kind = ENTRY_GRANT;
	e->address = list_get(r, "address");
	e->channel = list_has(r, "channel") ? channel_of(list_get(r, "channel")) : CHANNEL_EMAIL;
	e->scope = list_get(r, "purpose");
	e->basis = basis_of(list_get(r, "basis"));
	e->event_ms = list_date(list_get(r, "granted"));
	e->expires_ms = list_date(list_get(r, "expires"));
	e->wording = list_get(r, "wording");
	e->evidence = list_get(r, "evidence");
	e->how = list_get(r, "how");
	e->ip = list_get(r, "ip");
	e->agent = list_get(r, "agent");
	e->why = !e->channel ? "channel: email, sms, phone, post or social" : is_withdrawal(r, e) ? NULL : consent_lacks(e);
	if (e->why)
		e->kind = ENTRY_BAD;
}
