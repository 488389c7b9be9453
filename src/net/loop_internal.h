/* What the streams of this room share with the loop: one read buffer for all of them, valid until the
 * handler returns. */
#pragma once

#include "net/loop.h"

#define LOOP_SCRATCH_BYTES 65536

char *loop_scratch(struct loop *l);
