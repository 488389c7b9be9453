/* The verbs of the reports listener: mail comes in for addresses that carry our token, and for nobody else. Anybody may
 * bring it (that is what bounces are), nothing is relayed and nothing is ever sent in answer. */
#pragma once

#include "inbound/inbox.h"
#include "intake/verbs.h"

/* ctx is a struct inbox. */
extern const struct intake_verbs reports_verbs;
