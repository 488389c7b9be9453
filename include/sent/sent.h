/* How many mails a person was sent lately: what limits of so many a day, week and month are held by, across all tools.
 *
 *   sent_when ──▶ may one more go, and if not, when?           (a look; any number at once)
 *   sent_take ──▶ counted, if the limits allow it ─▶ the mail goes out ─▶ sent_keep      it has arrived, or may have
 *                                                                      └▶ sent_give_back it has not
 *
 * Looking and counting is one step under one lock, so that of two mails for the last place one gets it. Windows slide: no more than N in any
 * 24 hours, 7 days and 30 days. What is counted is in memory (about 80 bytes for each person that limits hold for, and 8 a mail of the last 30
 * days) and in append-only files, one a day, that are read at the start and go after a month. A mail nobody set a limit for is not counted
 * and costs nothing.
 *
 * Crashes. Each step is written before it is answered, and not synced: the process's death (kill -9) loses nothing. What was taken and
 * neither kept nor given back still counts, and the same mail, tried again, is counted once, at its latest try: so nobody gets one too many and no
 * mail stands in its own way; only a mail that is never tried again (dropped by hand) goes on counting, until its month is over. A power cut loses what was
 * written since the last sent_tend, a second or so. Disk full: sent_take fails, and callers send nothing that has a limit. */
#pragma once

#include "base/clock.h"
#include "ledger/ledger.h"

#define SENT_DAY_MS   INT64_C(86400000)
#define SENT_WEEK_MS  (7 * SENT_DAY_MS)
#define SENT_MONTH_MS (30 * SENT_DAY_MS)
#define SENT_MOST     1000 /* of one limit */
#define SENT_ASKS     2    /* limits of one mail: its brand's, its stream's */

struct sent_limits {
	uint16_t day, week, month; /* at most so many; 0 = no limit */
};
static inline bool sent_is_limited(const struct sent_limits *l)
{
	return l->day || l->week || l->month;
}

/* What one mail counts for. */
struct sent_ask {
	uint8_t scope[SCOPE_ID_BYTES];
	struct sent_limits limits;
};
struct sent_asks {
	struct sent_ask at[SENT_ASKS];
	unsigned count;
};

/* The mail, so that trying it again is not counted again. */
struct sent_mail {
	uint64_t id;
	uint32_t index;
};

struct sent;
/* DIR is made when missing; one process at a time writes it. What can't be read of a record (a power cut) is passed over. */
int sent_open(struct sent **ret, const char *dir, const struct clock *clock, struct err *err) MUST_CHECK;
/* The same for looking only, and at one person's alone; beside a running daemon. DIR may be missing: nobody was sent anything. */
int sent_open_person(struct sent **ret, const char *dir, const struct person_key *who, const struct clock *clock, struct err *err) MUST_CHECK;
void sent_close(struct sent **s); /* accepts NULL */

/* 0: one more may go. Else when it may. */
int64_t sent_when(struct sent *s, const struct person_key *who, const struct sent_asks *asks, int64_t now_ms);
/* 1: counted. 0: the limits are reached (*RET_WHEN_MS); with ANYWAY it is counted all the same. -1: it can't be written, and isn't counted. */
int sent_take(struct sent *s, const struct person_key *who, const struct sent_asks *asks, const struct sent_mail *mail, bool anyway,
    int64_t now_ms, int64_t *ret_when_ms, struct err *err) MUST_CHECK;
void sent_keep(struct sent *s, const struct person_key *who, const struct sent_asks *asks, const struct sent_mail *mail);
void sent_give_back(struct sent *s, const struct person_key *who, const struct sent_asks *asks, const struct sent_mail *mail);

/* Once a second or so, from one thread: syncs what was written, forgets what is over. */
void sent_tend(struct sent *s);

/* Mails that count for SCOPE now, by window. */
struct sent_counts {
	unsigned day, week, month;
};
struct sent_counts sent_count(struct sent *s, const struct person_key *who, const uint8_t scope[SCOPE_ID_BYTES], int64_t now_ms);
