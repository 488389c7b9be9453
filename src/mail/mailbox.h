/* Between the files of this room: lists of mailboxes as header fields hold them. */
#pragma once

#include "mail/address.h"

bool mail_is_atext(char c);
/* address-list of RFC 5322 3.4. Returns how many EACH was given, -1 at the first thing that is none. */
int mailbox_list(struct view text, bool (*each)(void *arg, const struct address *a), void *arg,
    struct err *err) MUST_CHECK;
/* The list's only mailbox. ERR_SYNTAX when there are more, ERR_MISSING when there is none. */
int mailbox_only(struct view text, struct address *ret, struct err *err) MUST_CHECK;
