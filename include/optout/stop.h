/* What people write back to make messages stop. */
#pragma once

#include "base/view.h"

/* Carriers' and regulators' words (CTIA Messaging Principles), in the languages of our pages. Case and quotes or full stops around don't count. */
bool is_stop_word(struct view said);
