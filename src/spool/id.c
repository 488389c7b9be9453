/* Message ids: milliseconds since 1970 in the upper 48 bits, a running number below. They rise whatever the clock does: a clock that
 * jumps back only makes the running number overflow into the time. */
#include <stdatomic.h>

#include "internal.h"

uint64_t spool_new_id(struct spool *s)
{
	uint64_t now = (uint64_t)clock_wall(s->clock) << 16;
	uint64_t last = atomic_load(&s->last_id), next;
	do {
		next = now > last ? now : last + 1;
	} while (!atomic_compare_exchange_weak(&s->last_id, &last, next));
	return next;
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
