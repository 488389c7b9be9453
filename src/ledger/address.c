/* What names a person: one parser a channel. */
#include "ledger/address.h"

#include "mail/number.h"
#include "mail/post_address.h"
#include "mail/social_handle.h"

_Static_assert(NUMBER_TEXT <= ADDRESS_MAX + 1 && POST_ADDRESS_MAX <= ADDRESS_MAX && SOCIAL_TEXT <= ADDRESS_MAX + 1, "an address holds any of them");

static int post_parse(struct view text, struct view country, char *dst, struct err *err)
{
	(void)country;
	return post_address_parse(text, dst, err);
}

static int social_parse(struct view text, struct view country, char *dst, struct err *err)
{
	(void)country;
	return social_handle_parse(text, dst, err);
}

static int (*const parsers[])(struct view text, struct view country, char *dst, struct err *err) = {
	[CHANNEL_SMS] = number_parse,
	[CHANNEL_PHONE] = number_parse,
	[CHANNEL_POST] = post_parse,
	[CHANNEL_SOCIAL] = social_parse,
};

int channel_address_parse(enum channel c, struct view text, struct view country, struct address *ret, struct err *err)
{
	struct address a = {0};
	if (c == CHANNEL_EMAIL)
		return address_parse_loose(text, ret, err);
	if (c >= sizeof parsers / sizeof *parsers || !parsers[c])
		return err_set(err, ERR_SYNTAX, "expected a channel that reaches a person");
	if (parsers[c](text, country, a.text, err) < 0)
		return -1;
	memcpy(a.exact, a.text, sizeof a.exact);
	*ret = a;
	return 0;
}
