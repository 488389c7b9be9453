/* What names a person on a channel, as it is keyed and stored. */
#pragma once

#include "ledger/ledger.h"
#include "mail/address.h"

/* TEXT in the channel's canonical form: a mailbox (mail/address.h), a telephone number for sms and phone (mail/number.h; national ones are COUNTRY's, if that is given), a postal address
 * (mail/post_address.h), a name on a social network (mail/social_handle.h). Of others than mailboxes only .text and .exact say anything. ERR_SYNTAX
 * says what was expected; *RET is untouched then. */
int channel_address_parse(enum channel c, struct view text, struct view country, struct address *ret, struct err *err) MUST_CHECK;
