/* The committer: takes all that waits, writes it in one go, syncs once, and only then says yes.
 *
 * A batch that can't be written or synced fails as a whole: its submissions are refused, its states wait for the next one. What the disk then
 * holds of it is not believed any more: the segment is cut at its last synced byte and left, and the next one's head says where. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "batch.h"

#define RETRY_MS 1000 /* after a failure, when only states wait */

static void add_piece(struct batch *b, const void *p, size_t n)
{
	if (n)
		b->iov[b->pieces++] = (struct iovec){.iov_base = (void *)(uintptr_t)p, .iov_len = n};
}

static int make_segment(struct spool *s, struct batch *b, struct err *err)
{
	char name[SEGMENT_NAME];
	struct segment_head h = {.number = s->last_number + 1, .prev = s->last_number, .prev_end = s->last_end};
	h.id_floor = atomic_load(&s->last_id);
	while (!h.mark)
		if (getrandom(&h.mark, sizeof h.mark, 0) != sizeof h.mark)
			return err_sys(err, "spool: getrandom");
	segment_name(h.number, name);
	int fd = openat(s->dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "spool: %s", name);
	/* Space that is reserved now can't be missing when states must be written on a full disk; without it, the file grows as it may. */
	(void)s->io->reserve(fd, (off_t)s->set.segment_bytes);
	segment_head_put(b->head, &h);
	pthread_mutex_lock(&s->lock);
	b->made = s->current = segments_add(&s->segments, h.number, h.mark);
	s->current->fd = fd;
	s->segments.open++;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* Space reserved behind the end is given back; readers may go on. */
static void leave_segment(struct spool *s)
{
	struct segment *seg = s->current;
	/* If this fails, the next segment's head still says where this one ends. */
	int ignored = ftruncate(seg->fd, seg->end);
	(void)ignored;
	pthread_mutex_lock(&s->lock);
	s->last_number = seg->number;
	s->last_end = seg->end;
	s->current = NULL;
	pthread_cond_signal(&s->chores);
	pthread_mutex_unlock(&s->lock);
}

static void put_frame(struct spool *s, unsigned char *dst, struct frame f, struct view head, bool *first)
{
	f.flags = *first ? FRAME_BATCH : 0;
	*first = false;
	frame_put(dst, &f, s->current->mark, head);
}

static void encode_states(struct spool *s, struct batch *b, bool *first)
{
	size_t n = b->states.count, records = (n + STATES_PER_RECORD - 1) / STATES_PER_RECORD;
	b->state_bytes = mem_alloc(records * FRAME + n * STATE_ENTRY);
	unsigned char *at = b->state_bytes;
	for (size_t from = 0; from < n; from += STATES_PER_RECORD) {
		size_t count = n - from < STATES_PER_RECORD ? n - from : STATES_PER_RECORD;
		struct frame f = {.type = RECORD_STATES, .head_n = (uint32_t)(count * STATE_ENTRY)};
		for (size_t i = 0; i < count; i++)
			state_entry_put(at + FRAME + i * STATE_ENTRY, &b->states.rows[from + i]);
		put_frame(s, at, f, view_n(at + FRAME, f.head_n), first);
		at += FRAME + f.head_n;
	}
	b->state_bytes_n = (size_t)(at - b->state_bytes);
	add_piece(b, b->state_bytes, b->state_bytes_n);
}

/* Pieces for the whole batch; returns where it ends. */
static uint64_t encode(struct spool *s, struct batch *b)
{
	bool first = true;
	uint64_t end = s->current->end;
	if (b->made) {
		add_piece(b, b->head, SEGMENT_HEAD);
		end += SEGMENT_HEAD;
	}
	if (b->states.count)
		encode_states(s, b, &first);
	end += b->state_bytes_n;
	for (struct waiting *w = b->first; w; w = w->next) {
		struct frame f = {.type = RECORD_MESSAGE, .head_n = w->head_n, .body_n = w->body_n, .body_crc = w->body_crc};
		put_frame(s, w->block, f, waiting_head(w), &first);
		add_piece(b, w->block, w->block_n);
		add_piece(b, w->message.p, w->message.n);
		w->at = (struct location){s->current->number, (uint32_t)end, (uint32_t)waiting_length(w)};
		end += waiting_length(w);
	}
	return end;
}

static int write_batch(struct spool *s, struct batch *b, uint64_t *ret_end, struct err *err)
{
	if (s->current && s->current->end >= s->set.segment_bytes)
		leave_segment(s);
	if (!s->current && make_segment(s, b, err) < 0)
		return -1;
	*ret_end = encode(s, b);
	if (write_pieces(s->io, s->current->fd, b->iov, b->pieces, s->current->end, err) < 0)
		return -1;
	if (s->io->fdatasync(s->current->fd) < 0)
		return err_sys(err, "spool: fdatasync");
	if (b->made && fsync(s->dir_fd) < 0)
		return err_sys(err, "spool: fsync of %s", s->set.dir);
	return 0;
}

/* ---- afterwards ---- */

static void move_message(struct spool *s, const struct waiting *w)
{
	uint32_t m = index_find(&s->index, w->id);
	if (m == NONE)
		return;
	struct message *msg = message_at(&s->index, m);
	spool_count_message(s, msg, -1);
	msg->segment = w->at.segment;
	msg->offset = w->at.offset;
	msg->length = w->at.length;
	spool_count_message(s, msg, +1);
}

static void apply_record(struct spool *s, const struct waiting *w)
{
	struct message_head head;
	if (w->from.segment) {
		segment_refers(s->current, w->from.segment);
		move_message(s, w);
		return;
	}
	ALWAYS(message_head_parse(waiting_head(w), w->body_n, &head));
	spool_apply_message(s, &head, w->at);
	s->submitted++;
}

static void apply(struct spool *s, struct batch *b, uint64_t end)
{
	pthread_mutex_lock(&s->lock);
	segments_grow(&s->segments, s->current, (uint32_t)end);
	for (size_t i = 0; i < b->states.count; i++)
		segment_refers(s->current, b->states.rows[i].segment);
	for (const struct waiting *w = b->first; w; w = w->next)
		apply_record(s, w);
	s->applied = (struct position){s->current->number, (uint32_t)end};
	s->states_durable += b->states.count;
	s->records_since += b->messages + b->states.count;
	s->syncs++;
	if (s->records_since >= s->set.checkpoint_records)
		pthread_cond_signal(&s->chores);
	pthread_cond_broadcast(&s->synced);
	pthread_mutex_unlock(&s->lock);
}

/* Who takes mail is told after those who brought it: they have waited longer. */
static void tell_ready(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	spool_unlock(s);
}

/* A file that was made for nothing goes; one with older records is cut at their end. */
static void distrust(struct spool *s, struct batch *b)
{
	if (!s->current)
		return;
	if (!b->made) {
		leave_segment(s);
		return;
	}
	char name[SEGMENT_NAME];
	segment_name(b->made->number, name);
	unlinkat(s->dir_fd, name, 0);
	pthread_mutex_lock(&s->lock);
	segments_drop(&s->segments, b->made);
	s->current = NULL;
	pthread_mutex_unlock(&s->lock);
}

static void states_append(struct state_list *to, const struct state_list *from)
{
	if (to->count + from->count > to->room) {
		to->room = to->count + from->count;
		to->rows = mem_grow(to->rows, to->room * sizeof *to->rows);
	}
	if (from->count)
		memcpy(to->rows + to->count, from->rows, from->count * sizeof *from->rows);
	to->count += from->count;
}

static void fail(struct spool *s, struct batch *b, const struct err *err)
{
	distrust(s, b);
	pthread_mutex_lock(&s->lock);
	struct state_list later = s->pending;
	states_append(&b->states, &later);
	s->pending = b->states;
	later.count = 0;
	b->states = later;
	s->failures++;
	s->failure = *err;
	s->retry_at_ms = spool_mono_ms() + RETRY_MS;
	pthread_cond_broadcast(&s->synced);
	pthread_mutex_unlock(&s->lock);
}

static void finish_all(struct waiting *w, const struct err *err)
{
	for (struct waiting *next; w; w = next) {
		next = w->next;
		if (w->done)
			w->done(w->arg, w->refused ? w->refused : err); /* the yes */
		free(w->refused);
		free(w);
	}
}

void *committer_run(void *spool)
{
	struct spool *s = spool;
	struct batch *b = mem_zero(sizeof *b);
	while (batch_gather(s, b)) {
		struct err err = {0};
		uint64_t end = 0;
		finish_all(b->refused, NULL);
		if (!b->first && !b->states.count)
			continue;
		bool ok = write_batch(s, b, &end, &err) == 0;
		if (ok)
			apply(s, b, end);
		else
			fail(s, b, &err);
		finish_all(b->first, ok ? NULL : &err);
		tell_ready(s);
		free(b->state_bytes);
	}
	free(b->states.rows);
	free(b);
	return NULL;
}
