/* Sentences by key, out of the tables. */
#include "texts_tables.h"

static const struct text *const tables[] = {texts_optout, texts_choices, texts_forms, texts_mails};
#define TABLES (sizeof tables / sizeof *tables)

struct view text_of(struct view key, enum language l)
{
	for (size_t t = 0; t < TABLES; t++)
		for (const struct text *row = tables[t]; row->key; row++)
			if (view_eq(view_of(row->key), key))
				return view_of(row->in[l]);
	return (struct view){0};
}

const char *text_key(size_t i)
{
	for (size_t t = 0; t < TABLES; t++)
		for (const struct text *row = tables[t]; row->key; row++)
			if (i-- == 0)
				return row->key;
	return NULL;
}
