/* The inbox, as those parts of the room see it that put something into the ledger. */
#pragma once

#include <pthread.h>

#include "base/counter.h"
#include "inbound/inbox.h"
#include "kept.h"

#define WORDS_MAX NOTE_MAX

struct job;
struct inbox {
	struct ledger *ledger;
	const struct clock *clock;
	struct shared_slot settings;
	struct kept *kept;
	struct soft *soft;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, idle;
	struct job *first, **last;
	unsigned waiting; /* submitted and not yet answered */
	size_t waiting_bytes;
	bool stopping;
	int64_t expired_ms;
};

struct job {
	struct job *next;
	struct inbox_report *r;
	struct inbox *inbox;
	struct change changes[INBOX_RECIPIENTS_MAX * OPTOUT_CHANGES];
	size_t change_count;
	char notes[INBOX_RECIPIENTS_MAX][WORDS_MAX + 1];
	struct arena arena; /* the report's views, which changes point into */
	char reference[KEPT_REFERENCE];
	struct reply reply;
};
/* inbox_meaning.c: fills the job's changes, or sets its reply when the report is refused. */
void understand_job(struct job *j);

/* NULL: not counted. */
struct counter *counter_of_reaction(enum reaction r);
/* Counts one soft bounce. True: that was one too many. */
bool count_soft(struct inbox *in, const struct inbox_settings *s, const struct person_key *who, struct view reason);
/* "report=... evidence=... status=... reason=... rule=...", in DST. */
struct view write_note(char dst[WORDS_MAX + 1], const char *reference, const struct report_recipient *said, enum evidence e);
