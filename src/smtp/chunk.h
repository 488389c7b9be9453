/* Line ends of a message that comes in counted chunks (BDAT), checked over any cuts of the stream. Pure. */
#pragma once

#include "base/view.h"

struct chunk {
	bool cr;   /* the last byte was a CR whose LF is still to come; at the message's end that is a bare CR */
	bool bare; /* a CR or LF alone was seen */
	bool nul;
};

void chunk_check(struct chunk *c, struct view piece);
/* A line that starts with NULs and then a dot: a server that drops NULs would read it as the end of the message. */
bool nul_hides_dot(struct view message);
