/* Operands and options -> typed values; each says what was expected. */
#include <string.h>

#include "ledger/address.h"
#include "tool.h"

int read_channel(const struct args *a, enum channel *ret, struct err *err)
{
	const char *word = option(a, OPT_CHANNEL);
	*ret = word ? channel_of(view_of(word)) : CHANNEL_EMAIL;
	return *ret ? 0 : err_set(err, ERR_SYNTAX, "--channel: expected email, sms, phone, post or social, found \"%s\"", word);
}

/* The scope that the verb speaks of decides whose national numbers are meant. */
int read_address(struct tool *t, enum channel c, const char *text, struct address *ret, struct err *err)
{
	static const enum option_id scopes[] = {OPT_SCOPE, OPT_PURPOSE, OPT_STREAM};
	struct scope scope = {.level = SCOPE_GLOBAL};
	if (need_config(t, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
		if (has_option(&t->args, scopes[i]) && scope_parse(view_of(option(&t->args, scopes[i])), &scope, err) < 0)
			return -1;
	struct view country = policy_country(t->config->policy, &scope);
	return channel_address_parse(c, view_of(text), country, ret, err) < 0 ? err_prefix(err, "%s", text) : 0;
}

int read_person(struct tool *t, enum channel c, struct address *ret_address, struct person_key *ret, struct err *err)
{
	if (read_address(t, c, t->args.operands[0], ret_address, err) < 0)
		return -1;
	ledger_person_key(t->ledger, c, view_of(ret_address->text), ret);
	return 0;
}

int read_when(const struct args *a, enum option_id o, int64_t *ret_ms, struct err *err)
{
	const char *text = option(a, o);
	int64_t ms;
	*ret_ms = 0;
	if (!text)
		return 0;
	if (time_parse(text, strlen(text), ret_ms))
		return 0;
	if (o != OPT_EXPIRES || !duration_parse(text, strlen(text), &ms) ||
	    __builtin_add_overflow(clock_wall(&clock_system), ms, ret_ms))
		return err_set(err, ERR_SYNTAX, "--%s: expected 2027-01-31, 2027-01-31T12:00:00Z%s, found \"%s\"",
		    option_rows[o].name, o == OPT_EXPIRES ? " or 90d" : "", text);
	return 0;
}

int read_past(const struct args *a, enum option_id o, int64_t fallback, int64_t *ret_ms, struct err *err)
{
	const char *text = option(a, o);
	int64_t ms;
	*ret_ms = fallback;
	if (!text || time_parse(text, strlen(text), ret_ms))
		return 0;
	if (!duration_parse(text, strlen(text), &ms))
		return err_set(err, ERR_SYNTAX, "--%s: expected 2027-01-31, 2027-01-31T12:00:00Z or a duration before now such as 24h, found \"%s\"",
		    option_rows[o].name, text);
	*ret_ms = clock_wall(&clock_system) - ms;
	return 0;
}

int read_count(const struct args *a, enum option_id o, uint64_t max, uint64_t fallback, uint64_t *ret, struct err *err)
{
	const char *text = option(a, o);
	*ret = fallback;
	if (!text || view_u64(view_of(text), max, ret))
		return 0;
	return err_set(err, ERR_SYNTAX, "--%s: expected a number up to %llu, found \"%s\"", option_rows[o].name,
	    (unsigned long long)max, text);
}

static bool policy_knows(const struct policy *p, struct view name)
{
	struct view brand = {0}, stream = {0};
	if (name.n == 0)
		return true;
	view_cut(&name, '/', &brand);
	const struct brand *b = policy_brand(p, brand);
	if (!b || !view_cut(&name, '/', &stream))
		return b != NULL;
	const struct stream *s = brand_stream(b, stream);
	return s && (name.n == 0 || stream_topic(s, name));
}

int read_known_scope(struct tool *t, const char *name, struct scope *ret, struct err *err)
{
	if (scope_parse(view_of(name), ret, err) < 0 || need_config(t, err) < 0)
		return -1;
	if (policy_knows(t->config->policy, view_of(name)))
		return 0;
	return err_set(err, ERR_MISSING, "\"%s\" is no brand, stream or topic of the settings", name);
}
