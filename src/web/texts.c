/* Sentences by key, out of the tables: an index of their hashes, made once, since a page asks for a dozen of some hundred and fifty. */
#include <pthread.h>

#include "base/codec.h"
#include "base/mem.h"
#include "texts_tables.h"

#define SLOTS 1024 /* several times as many as there are keys */

static const struct text *const tables[] = {texts_optout, texts_choices, texts_forms, texts_mails};
#define TABLES (sizeof tables / sizeof *tables)

static const struct text *slots[SLOTS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The slot of KEY, or the free one where it would be. */
static const struct text **slot_of(struct view key)
{
	size_t at = crc32c(0, key.p, key.n) % SLOTS;
	while (slots[at] && !view_eq(view_of(slots[at]->key), key))
		at = (at + 1) % SLOTS;
	return &slots[at];
}

static void make_index(void)
{
	size_t count = 0;
	for (size_t t = 0; t < TABLES; t++)
		for (const struct text *row = tables[t]; row->key; row++, count++)
			*slot_of(view_of(row->key)) = row;
	ALWAYS(count < SLOTS / 2);
}

struct view text_of(struct view key, enum language l)
{
	pthread_once(&once, make_index);
	const struct text *row = *slot_of(key);
	return row ? view_of(row->in[l]) : (struct view){0};
}

const char *text_key(size_t i)
{
	for (size_t t = 0; t < TABLES; t++)
		for (const struct text *row = tables[t]; row->key; row++)
			if (i-- == 0)
				return row->key;
	return NULL;
}
