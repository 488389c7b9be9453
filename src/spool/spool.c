/* Opening, closing, and the way in. */
#include "spool/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "checkpoint.h"
#include "internal.h"

#define SEGMENT_BYTES      (64u << 20)
#define SEGMENT_BYTES_MOST (1u << 30)
#define MIN_FREE_BYTES     (64u << 20)
#define MAX_ITEMS          10000000u
#define MAX_ITEMS_MOST     (UINT32_MAX / 2)
#define CHECKPOINT_RECORDS 200000u

static uint64_t or_default(uint64_t value, uint64_t otherwise, uint64_t most)
{
	value = value ? value : otherwise;
	return value < most ? value : most;
}

/* One process a directory: the lock lives and dies with the open file. */
static int lock_dir(struct spool *s, struct err *err)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	s->dir_fd = open(s->set.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return err_sys(err, "spool: %s", s->set.dir);
	s->lock_fd = openat(s->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return err_sys(err, "spool: %s/lock", s->set.dir);
	if (fcntl(s->lock_fd, F_OFD_SETLK, &l) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return err_set(err, ERR_CONFLICT, "spool: %s is in use by another process", s->set.dir);
	return err_sys(err, "spool: lock of %s", s->set.dir);
}

static struct spool *spool_new(const struct spool_settings *set, const struct clock *clock, const struct spool_io *io)
{
	struct spool *s = mem_zero(sizeof *s);
	pthread_condattr_t mono;
	s->set = *set;
	s->set.dir = mem_strdup(set->dir);
	s->set.segment_bytes = or_default(set->segment_bytes, SEGMENT_BYTES, SEGMENT_BYTES_MOST);
	s->set.min_free_bytes = or_default(set->min_free_bytes, MIN_FREE_BYTES, UINT64_MAX);
	s->set.max_items = or_default(set->max_items, MAX_ITEMS, MAX_ITEMS_MOST);
	s->set.checkpoint_records = (uint32_t)or_default(set->checkpoint_records, CHECKPOINT_RECORDS, UINT32_MAX);
	s->clock = clock;
	s->io = io;
	s->dir_fd = s->lock_fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&s->work, &mono);
	pthread_cond_init(&s->synced, &mono);
	pthread_cond_init(&s->chores, &mono);
	pthread_cond_init(&s->told, &mono);
	pthread_condattr_destroy(&mono);
	return s;
}

static void drop_waiting(struct spool *s)
{
	for (struct waiting *w = s->first, *next; w; w = next) {
		next = w->next;
		free(w);
	}
	s->first = NULL;
}

static void spool_free(struct spool **ps)
{
	struct spool *s = *ps;
	*ps = NULL;
	drop_waiting(s);
	index_free(&s->index);
	segments_free(&s->segments);
	free(s->pending.rows);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->synced);
	pthread_cond_destroy(&s->chores);
	pthread_cond_destroy(&s->told);
	free((char *)(uintptr_t)s->set.dir);
	free(s);
}

static void end_threads(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->chores);
	pthread_mutex_unlock(&s->lock);
	if (s->keeper_runs)
		pthread_join(s->keeper, NULL);
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_broadcast(&s->work);
	pthread_mutex_unlock(&s->lock);
	if (s->committer_runs)
		pthread_join(s->committer, NULL);
}

static int start_threads(struct spool *s, struct err *err)
{
	errno = pthread_create(&s->committer, NULL, committer_run, s);
	if (errno)
		return err_sys(err, "spool: thread");
	s->committer_runs = true;
	errno = pthread_create(&s->keeper, NULL, keeper_run, s);
	if (errno)
		return err_sys(err, "spool: thread");
	s->keeper_runs = true;
	return 0;
}

int spool_open_on(struct spool **ret, const struct spool_settings *set, const struct clock *clock, const struct spool_io *io,
    struct err *err)
{
	uint64_t key;
	if (getrandom(&key, sizeof key, 0) != sizeof key)
		return err_sys(err, "spool: getrandom");
	if (dir_make(set->dir, 0700, err) < 0)
		return err_prefix(err, "spool");
	struct spool *s = spool_new(set, clock, io);
	index_init(&s->index, key);
	if (lock_dir(s, err) < 0 || spool_recover(s, err) < 0 || ids_promise(s, err) < 0 || start_threads(s, err) < 0) {
		end_threads(s);
		spool_free(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

int spool_open(struct spool **ret, const struct spool_settings *set, const struct clock *clock, struct err *err)
{
	return spool_open_on(ret, set, clock, &spool_io_real, err);
}

void spool_close(struct spool **ps)
{
	struct err err;
	if (!*ps)
		return;
	end_threads(*ps);
	/* Without it the next start reads the log instead. */
	if ((*ps)->current && ftruncate((*ps)->current->fd, (*ps)->current->end) == 0)
		(void)fsync((*ps)->current->fd);
	if (checkpoint_write(*ps, &err) == 0)
		keeper_clean(*ps);
	if (ids_give_back(*ps, &err) < 0)
		err = (struct err){0}; /* then the next ids begin where the promise ends */
	spool_free(ps);
}

void spool_abandon(struct spool **ps)
{
	pthread_mutex_lock(&(*ps)->lock);
	(*ps)->abandoned = true;
	pthread_mutex_unlock(&(*ps)->lock);
	end_threads(*ps);
	spool_free(ps);
}

/* ---- in ---- */

static int submission_check(const struct spool_submission *sub, struct err *err)
{
	uint64_t bytes = sub->envelope.n + sub->message.n, lanes = 0;
	if (!sub->item_count || sub->item_count > ITEMS_PER_MESSAGE)
		return err_set(err, ERR_LIMIT, "spool: %u items; from 1 to %u are possible", sub->item_count, ITEMS_PER_MESSAGE);
	for (unsigned i = 0; i < sub->item_count; i++) {
		struct view lane = sub->items[i].lane;
		if (lane.n > LANE_MAX || view_find(lane, 0, 0) != lane.n)
			return err_set(err, ERR_SYNTAX, "spool: a lane's name is longer than %d or has a NUL", LANE_MAX);
		bytes += sub->items[i].data.n;
		lanes += lane.n;
	}
	if (bytes > MESSAGE_MAX || lanes > HEAD_MAX / 2)
		return err_set(err, ERR_LIMIT, "spool: %llu bytes; %u are possible", (unsigned long long)bytes, MESSAGE_MAX);
	return 0;
}

static int64_t stored_time(int64_t ms)
{
	return ms < 0 ? 0 : ms > TIME_MAX ? TIME_MAX : ms;
}

static struct waiting *waiting_for(struct spool *s, uint64_t id, const struct spool_submission *sub)
{
	struct buf head, body;
	int64_t now = stored_time(clock_wall(s->clock));
	buf_init(&head, HEAD_MAX);
	buf_init(&body, MESSAGE_MAX);
	message_head_add(&head, &(struct message_head){.id = id, .arrived = now, .count = sub->item_count,
	    .envelope_n = (uint32_t)sub->envelope.n, .message_n = (uint32_t)sub->message.n});
	for (unsigned i = 0; i < sub->item_count; i++) {
		const struct spool_new_item *it = &sub->items[i];
		item_head_add(&head, &(struct item_head){.index = i, .state = sub->held || it->held ? STORED_HELD : STORED_DUE, .due = now,
		    .data_n = (uint32_t)it->data.n, .lane = it->lane});
		buf_add(&body, it->data);
	}
	buf_add(&body, sub->envelope);
	ALWAYS(!head.failed && !body.failed);
	struct waiting *w = waiting_new(id, buf_view(&head), buf_view(&body), sub->message);
	w->count = sub->item_count;
	buf_free(&head);
	buf_free(&body);
	return w;
}

void spool_submit(struct spool *s, uint64_t id, const struct spool_submission *sub, spool_done *done, void *arg)
{
	struct err err;
	if (submission_check(sub, &err) < 0) {
		done(arg, &err);
		return;
	}
	struct waiting *w = waiting_for(s, id, sub);
	w->done = done;
	w->arg = arg;
	committer_add(s, w);
}
