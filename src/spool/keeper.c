/* The keeper: everything slow that nobody waits for. It unlinks segments, writes checkpoints, and has nearly empty segments rewritten.
 *
 * When a segment may go (the log must still tell the truth to a start that reads all of it):
 *   a message in it has an unsettled item                 no
 *   it is the one being written                           no
 *   its records speak only of itself and of segments gone yes: nothing is left that they could be about
 *   its records speak of an older segment that is there   only when both checkpoints cover it: otherwise what they settled would come back
 *   a message moved out of an older one lies in it        the same (the older copy would come back): a move counts as speaking of
 * The settling that emptied it need not be durable: with the message gone, nothing can be sent twice. Those that go in one round are chosen
 * before any is unlinked, and the directory is synced between rounds: no order of the disk's own can turn the table upside down. */
#include <stdlib.h>
#include <unistd.h>

#include "checkpoint.h"
#include "internal.h"

#define ROUND          64  /* segments unlinked at once */
#define BLOCKED_MOST   8   /* empty segments that wait for a checkpoint, before one is written for them */
#define SPARSE_PERCENT 10  /* live bytes below this: rewritten */
#define PAUSE_MS       1000 /* after a failure, and between looks */

static bool is_covered(const struct spool *s, const struct segment *seg)
{
	return seg->number < s->checkpoints[0].segment && seg->number < s->checkpoints[1].segment;
}

static bool is_empty(const struct spool *s, const struct segment *seg)
{
	return seg->live == 0 && seg != s->current;
}

static unsigned choose(struct spool *s, uint32_t numbers[ROUND])
{
	struct segment *chosen[ROUND];
	unsigned n = 0;
	for (uint32_t i = 0; i < s->segments.count && n < ROUND; i++) {
		struct segment *seg = s->segments.rows[i];
		if (is_empty(s, seg) && (!segment_is_needed(&s->segments, seg) || is_covered(s, seg)))
			chosen[n++] = seg;
	}
	for (unsigned i = 0; i < n; i++) {
		numbers[i] = chosen[i]->number;
		segments_drop(&s->segments, chosen[i]);
	}
	return n;
}

void keeper_clean(struct spool *s)
{
	uint32_t numbers[ROUND];
	char name[SEGMENT_NAME];
	for (;;) {
		pthread_mutex_lock(&s->lock);
		unsigned n = choose(s, numbers);
		pthread_mutex_unlock(&s->lock);
		if (!n)
			return;
		for (unsigned i = 0; i < n; i++) {
			segment_name(numbers[i], name);
			unlinkat(s->dir_fd, name, 0);
		}
		fsync(s->dir_fd);
	}
}

/* ---- what there is to do; the lock is held ---- */

static bool may_clean(const struct spool *s)
{
	for (uint32_t i = 0; i < s->segments.count; i++) {
		const struct segment *seg = s->segments.rows[i];
		if (is_empty(s, seg) && (!segment_is_needed(&s->segments, seg) || is_covered(s, seg)))
			return true;
	}
	return false;
}

static bool wants_checkpoint(const struct spool *s)
{
	unsigned blocked = 0;
	for (uint32_t i = 0; i < s->segments.count; i++)
		blocked += is_empty(s, s->segments.rows[i]);
	return s->records_since >= s->set.checkpoint_records || blocked >= BLOCKED_MOST;
}

static uint32_t sparse_segment(const struct spool *s)
{
	for (uint32_t i = 0; i < s->segments.count; i++) {
		const struct segment *seg = s->segments.rows[i];
		if (seg != s->current && seg->live && !seg->moving && seg->live_bytes < (uint64_t)seg->end * SPARSE_PERCENT / 100)
			return seg->number;
	}
	return 0;
}

static void pause_for(struct spool *s, int64_t ms)
{
	int64_t until = spool_mono_ms() + ms;
	struct timespec t = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
	pthread_cond_timedwait(&s->chores, &s->lock, &t);
}

static int do_chores(struct spool *s, bool clean, bool checkpoint, uint32_t sparse, struct err *err)
{
	if (ids_are_short(s) && ids_promise(s, err) < 0)
		return -1;
	if (clean)
		keeper_clean(s);
	if (checkpoint && checkpoint_write(s, err) < 0)
		return -1;
	return sparse ? compact_segment(s, sparse, err) : 0;
}

void *keeper_run(void *spool)
{
	struct spool *s = spool;
	struct err err;
	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		bool clean = may_clean(s), checkpoint = wants_checkpoint(s);
		uint32_t sparse = sparse_segment(s);
		if (!clean && !checkpoint && !sparse && !ids_are_short(s)) {
			pause_for(s, PAUSE_MS);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		int rc = do_chores(s, clean, checkpoint, sparse, &err);
		pthread_mutex_lock(&s->lock);
		if (rc < 0 && !s->stopping)
			pause_for(s, PAUSE_MS);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}
