/* The end of a message at the milter: who may get it, and what is changed in it. */
#pragma once

#include "mail/reply.h"
#include "milter.h"

/* Writes the changes to OUT; false, and nothing written: REFUSED is the answer for the whole message. *KEPT false: nobody is left, and the
 * client wants them dropped without a word. */
bool milter_edit(struct milter *m, struct buf *out, bool *kept, struct reply *refused);
