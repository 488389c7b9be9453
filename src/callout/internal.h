/* What the files of this room share. */
#pragma once

#include <pthread.h>

#include "callout/callout.h"
#include "http_out.h"
#include "mail/tool_link.h"

#define CALLOUT_WORKERS     4
#define CALLOUT_WAITING_MAX 10000 /* wishes on their way to the disk */
#define CALLOUT_RECORD_MAX  300

struct callout {
	struct spool *spool;
	struct ledger *ledger;
	const struct clock *clock;
	struct shared_slot settings;
	pthread_mutex_t lock;
	pthread_cond_t news;
	unsigned generation;   /* rises with each word of the spool's that a lane may be ready */
	_Atomic bool stop;
	_Atomic unsigned waiting;
	pthread_t workers[CALLOUT_WORKERS];
	unsigned worker_count;
};

/* ---- record.c: what the queue keeps of a wish beside its link; pure ---- */

struct call_record {
	enum channel channel;
	struct person_key who;
	struct scope scope;
	bool may_be_undone;
};
void call_record_write(const struct call_record *r, struct buf *out);
bool call_record_read(struct view bytes, struct call_record *ret);

/* ---- settings.c ---- */

bool host_is_allowed(const struct callout_settings *s, const struct tool_link *l);
bool host_is_private(const struct callout_settings *s, const struct tool_link *l);
/* After ATTEMPTS that failed. RANDOM: any bits. */
int64_t call_delay_ms(const struct callout_settings *s, uint32_t attempts, uint32_t random);

/* ---- call.c ---- */

/* Does what is to be done with an item that was taken, and gives it back. RESTS: its host didn't answer a moment ago, it is not tried. True:
 * the host gave no answer. */
bool call_item(struct callout *c, struct http_out *h, const struct spool_item *item, bool rests);
