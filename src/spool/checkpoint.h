/* The index on disk, so that a start need not read the whole log. Written while the spool works: it may know more than what stands in the
 * log before its position, never less, and every record is harmless when it is applied again.
 *
 *   index-NNNNNNNN.ckpt = magic 8 | version 4 | segment 4 | offset 4 | last_id 8 | rows | 'E' | crc 4 of all before
 *   'M' id 8 | segment 4 | offset 4 | length 4 | arrived 8 | count 2 | count x (index 2 | state 1 | attempts 2 | due 8 | lane 4)
 *   'L' number 4 | name 2+n
 *   'G' segment number 4 | ref_min 4
 *
 * Two are kept. A segment whose records matter to an older one is unlinked only when both cover it: with either of them whole, nothing that
 * was settled comes back. With none, the whole log is read, and what was settled in an unlinked segment about a message that still lies in an
 * older one is sent a second time. */
#pragma once

#include "internal.h"

int checkpoint_write(struct spool *s, struct err *err) MUST_CHECK;
/* Fills the index from the newest whole one; {0, 0}: there is none. The segments are listed already. Failing is for what even a start
 * without one can't cure. */
int checkpoint_read(struct spool *s, struct position *ret_covers, struct err *err) MUST_CHECK;
