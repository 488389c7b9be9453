/* Raw reports, one file a day, for disputes:
 *
 *   DIR/2026-11-24.mbox     From optgate 2026-11-24T02:06:00.000Z BYTES\n  the report  \n
 *
 * A report's reference is the day and the offset of its "From " line: "2026-11-24:12345". */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define KEPT_REFERENCE 40

struct kept;
int kept_open(struct kept **ret, const char *dir, struct err *err) MUST_CHECK;
void kept_close(struct kept **k);
/* Appended, not yet synced. */
int kept_add(
    struct kept *k, int64_t now_ms, struct view report, char ret_reference[KEPT_REFERENCE], struct err *err) MUST_CHECK;
int kept_sync(struct kept *k, struct err *err) MUST_CHECK;
/* Deletes the files of days that are over for longer than KEEP_MS. Returns how many. */
unsigned kept_expire(struct kept *k, int64_t now_ms, int64_t keep_ms);
