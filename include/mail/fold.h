/* Forms of one mailbox. Many providers deliver "ann+shop@" to "ann@", and some take no notice of dots or have several domains for the same
 * mailboxes. Nobody but the provider can know, so a fold only ever widens what is blocked. */
#pragma once

#include "mail/address.h"

/* The plain form of CANONICAL: without "+tag", and for providers known for it (src/mail/fold.c) without dots and in their first domain. False
 * when it is that already. */
bool address_fold(struct view canonical, char dst[ADDRESS_MAX + 1]);
