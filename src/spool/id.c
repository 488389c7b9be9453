/* Message ids: milliseconds since 1970 in the upper 48 bits, a running number below. They rise whatever the clock does: a clock that
 * jumps back only makes the running number overflow into the time.
 *
 * An id may be seen (in a log, in a reply) though nothing with it was ever stored. So that it can't come again after a crash and a clock
 * that went back, the file `ids` always names a limit that no id has passed yet; a start goes on from there. While the keeper is late with
 * the next limit, the running number is used instead of the time. */
#include <stdatomic.h>

#include "base/file.h"
#include "internal.h"

#define AHEAD      ((uint64_t)120000 << 16) /* two minutes of ids are promised at a time */
#define FILE_NAME  "ids"
#define FILE_BYTES 20

static const char magic[8] = {'o', 'g', 'i', 'd', 's', '0', '1', '\n'};

uint64_t spool_new_id(struct spool *s)
{
	uint64_t now = (uint64_t)clock_wall(s->clock) << 16, limit = atomic_load(&s->id_limit);
	uint64_t last = atomic_load(&s->last_id), next;
	if (now + AHEAD / 2 > limit)
		atomic_store(&s->id_wanted, now);
	if (now > limit)
		now = 0;
	do {
		next = now > last ? now : last + 1;
	} while (!atomic_compare_exchange_weak(&s->last_id, &last, next));
	return next;
}

static uint64_t ids_reached(struct spool *s)
{
	uint64_t last = atomic_load(&s->last_id), wanted = atomic_load(&s->id_wanted);
	return wanted > last ? wanted : last;
}

bool ids_are_short(struct spool *s)
{
	return ids_reached(s) + AHEAD / 2 > atomic_load(&s->id_limit);
}

static int write_limit(struct spool *s, uint64_t limit, struct err *err)
{
	char path[4096];
	unsigned char bytes[FILE_BYTES];
	memcpy(bytes, magic, sizeof magic);
	be_put(bytes + 8, limit, 8);
	be_put(bytes + 16, crc32c(0, bytes, 16), 4);
	if (path_join(path, sizeof path, s->set.dir, FILE_NAME, err) < 0)
		return -1;
	return file_replace(path, view_n(bytes, sizeof bytes), 0600, err);
}

int ids_promise(struct spool *s, struct err *err)
{
	uint64_t limit = ids_reached(s) + AHEAD;
	if (write_limit(s, limit, err) < 0)
		return err_prefix(err, "spool");
	atomic_store(&s->id_limit, limit);
	return 0;
}

int ids_give_back(struct spool *s, struct err *err)
{
	return write_limit(s, atomic_load(&s->last_id), err);
}

void ids_recover(struct spool *s)
{
	char path[4096];
	struct buf b;
	struct err err;
	buf_init(&b, FILE_BYTES);
	if (path_join(path, sizeof path, s->set.dir, FILE_NAME, &err) == 0 && file_read(path, &b, &err) == 0 && b.n == FILE_BYTES &&
	    memcmp(b.p, magic, sizeof magic) == 0 && be_get((unsigned char *)b.p + 16, 4) == crc32c(0, b.p, 16))
		spool_saw_id(s, be_get((unsigned char *)b.p + 8, 8));
	buf_free(&b);
}

void spool_saw_id(struct spool *s, uint64_t id)
{
	uint64_t last = atomic_load(&s->last_id);
	while (id > last && !atomic_compare_exchange_weak(&s->last_id, &last, id))
		;
}

/* Digits in the order of their values, so that texts sort as ids do; without i, l, o, u. */
static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

void spool_id_text(uint64_t id, char dst[SPOOL_ID_TEXT])
{
	for (int i = SPOOL_ID_TEXT - 2; i >= 0; i--, id >>= 5)
		dst[i] = digits[id & 31];
	dst[SPOOL_ID_TEXT - 1] = 0;
}

bool spool_id_parse(struct view text, uint64_t *ret)
{
	uint64_t id = 0;
	if (text.n != SPOOL_ID_TEXT - 1)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		const char *hit = text.p[i] ? strchr(digits, ascii_lower(text.p[i])) : NULL;
		if (!hit || id >> 59)
			return false;
		id = id << 5 | (uint64_t)(hit - digits);
	}
	*ret = id;
	return true;
}
