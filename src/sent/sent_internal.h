/* The parts: people (what is counted, in memory), files (the same, on disk). */
#pragma once

#include <sys/types.h>

#include "base/mem.h"
#include "sent/sent.h"

/* ---- people.c: not locked; the caller sees to it ---- */

struct sent_entry {
	uint32_t at_s;  /* since 1970 */
	uint32_t print; /* of the mail, while it is not known whether it went out; 0 = it did */
};
struct people;
struct people *people_new(void);
void people_free(struct people **p);
/* Those of one person and scope that count at AT_S, in the order they came; *RET_N of them. What is over is forgotten. */
struct sent_entry *people_entries(struct people *p, const struct person_key *who, const uint8_t scope[SCOPE_ID_BYTES], uint32_t at_s, unsigned *ret_n);
void people_add(struct people *p, const struct person_key *who, const uint8_t scope[SCOPE_ID_BYTES], struct sent_entry e);
/* The open entry of that mail; NULL. */
struct sent_entry *people_find(struct people *p, const struct person_key *who, const uint8_t scope[SCOPE_ID_BYTES], uint32_t print);
void people_remove(struct people *p, const struct person_key *who, const uint8_t scope[SCOPE_ID_BYTES], uint32_t print);
/* Looks at a few, the next ones at the next call, and forgets who has nothing left. */
void people_sweep(struct people *p, uint32_t at_s);

/* ---- step.c: pure ---- */

#define STEP_BYTES 40
enum step_kind { STEP_TAKE = 1, STEP_KEEP, STEP_GIVE_BACK }; /* stored values: never renumber */
struct step {
	enum step_kind kind;
	struct person_key who;
	uint8_t scope[SCOPE_ID_BYTES];
	struct sent_entry entry;
};
void step_write(const struct step *r, uint8_t dst[STEP_BYTES]);
bool step_read(const uint8_t src[STEP_BYTES], struct step *ret);

/* ---- files.c: one a day, "00020419.log", by the day since 1970 ---- */

/* Calls EACH for what is on record, the oldest file first; none before FIRST_DAY, and those go if MAY_DROP. */
int files_read(const char *dir, int64_t first_day, bool may_drop, void (*each)(void *arg, const struct step *r), void *arg, struct err *err) MUST_CHECK;
/* The day's file for appending, without a torn end. */
int files_append(const char *dir, int64_t day, int *ret_fd, off_t *ret_bytes, struct err *err) MUST_CHECK;
int files_drop_before(const char *dir, int64_t day, struct err *err) MUST_CHECK;
