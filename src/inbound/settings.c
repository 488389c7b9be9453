/* What the inbox is told, and by it: whose addresses it takes mail for. */
#include <stdlib.h>

#include "inbound/inbox.h"
#include "mail/address.h"

void inbox_settings_free(struct shared *shared)
{
	struct inbox_settings *s = (struct inbox_settings *)shared;
	for (unsigned i = 0; i < s->complaint_address_count; i++)
		free(s->complaint_addresses[i]);
	free(s->complaint_addresses);
	free(s->resolver);
	if (s->policy)
		shared_release(&s->policy->shared);
	if (s->tokens)
		token_keys_free(&s->tokens);
	bounce_rules_free(&s->rules);
	free(s);
}

static bool is_bounce_domain(const struct policy *p, struct view domain)
{
	for (unsigned i = 0; i < p->brand_count; i++)
		if (p->brands[i].bounce_domain && view_eq(domain, view_of(p->brands[i].bounce_domain)))
			return true;
	return false;
}

static bool is_complaint_address(const struct inbox_settings *s, const struct address *to)
{
	for (unsigned i = 0; i < s->complaint_address_count; i++)
		if (strcmp(s->complaint_addresses[i], to->text) == 0)
			return true;
	return false;
}

static const struct {
	struct view prefix;
	enum inbox_kind kind;
	enum token_use use;
} local_parts[] = {
    {V("b+"), INBOX_BOUNCES, TOKEN_BOUNCE},
    {V("u+"), INBOX_OPTOUTS, TOKEN_OPTOUT},
    {V("c+"), INBOX_CFBL, TOKEN_COMPLAINT},
};

bool inbox_takes(const struct inbox_settings *s, const struct address *to, struct inbox_rcpt *ret)
{
	struct err ignored;
	struct view local = address_local(to), token = view_sub(local, 2, local.n);
	if (is_complaint_address(s, to)) {
		ret->kind = INBOX_COMPLAINTS;
		return true;
	}
	if (!is_bounce_domain(s->policy, address_domain(to)))
		return false;
	for (size_t i = 0; i < sizeof local_parts / sizeof *local_parts; i++)
		if (view_starts(local, local_parts[i].prefix)) {
			ret->kind = local_parts[i].kind;
			return token_open_address(s->tokens, local_parts[i].use, token, &ret->token, &ignored) == 0;
		}
	return false;
}
