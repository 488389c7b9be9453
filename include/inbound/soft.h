/* On how many different days a person's mail has bounced softly since the last delivery. Days, not attempts: one message's
 * retries are one day. In memory, with an append-only file beside it from which it is read again at start.
 *
 *   file: records of 24 bytes: person key (16), day since 1970 (4, big-endian), kind (1), zero (3). A torn last one is cut. */
#pragma once

#include "base/err.h"
#include "ledger/ledger.h"

#define SOFT_PERSONS_MAX 4000000 /* beyond it new ones are not counted: 32 bytes each */

enum soft_kind { SOFT_BOUNCE = 1, SOFT_DISABLED, SOFT_RESET };

struct soft;
/* PATH is made when missing. Days older than WINDOW_DAYS are forgotten. */
int soft_open(struct soft **ret, const char *path, unsigned window_days, int64_t now_ms, struct err *err) MUST_CHECK;
void soft_close(struct soft **s);
/* Counts today and says on how many days there was one; RET_DISABLED: of these, how many said that the mailbox is disabled. */
unsigned soft_count(
    struct soft *s, const struct person_key *who, enum soft_kind kind, int64_t now_ms, unsigned *ret_disabled);
void soft_reset(struct soft *s, const struct person_key *who, int64_t now_ms);
/* What was counted is on disk when it returns 0. */
int soft_sync(struct soft *s, struct err *err) MUST_CHECK;
