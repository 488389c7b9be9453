/* Which format a file has: by the names of its columns, or without a header by what its first row holds. */
#include "ledger/blocks.h"
#include "lists/format.h"
#include "mail/address.h"

/* "a|b": either. An underscore in the table stands for a blank, too. */
static bool has_either(const struct list_row *r, struct view names)
{
	struct view one;
	while (view_cut(&names, '|', &one)) {
		char name[64], spaced[64];
		if (!view_str(one, name, sizeof name))
			continue;
		memcpy(spaced, name, sizeof spaced);
		for (char *p = spaced; *p; p++)
			*p = *p == '_' ? ' ' : *p;
		if (list_has(r, name) || list_has(r, spaced))
			return true;
	}
	return false;
}

static bool fits_names(const struct list_format *f, const struct list_row *r)
{
	struct view rest = view_of(f->columns), names;
	while (view_word(&rest, &names))
		if (!has_either(r, names))
			return false;
	return true;
}

static bool is_digest(struct view v)
{
	struct block_name n;
	return block_name_parse(v, &n, NULL) == 0 && n.channel >= CHANNEL_MD5;
}

/* With a dot: a lone word is more likely to be the name of a column. */
static bool is_domain(struct view v)
{
	char canonical[DOMAIN_MAX + 1];
	size_t skip = view_starts(v, V("@")) ? 1 : view_starts(v, V("*.")) ? 2 : 0;
	v = view_sub(v, skip, v.n);
	return view_find(v, 0, '.') < v.n && domain_canonical(v, canonical, NULL) == 0;
}

/* Without a header the first row's cells tell. */
static bool fits_values(const struct list_format *f, const struct list_row *r)
{
	struct view first = list_get(r, "0"), second = list_get(r, "1");
	if (view_eq(view_of(f->columns), V("digest")))
		return r->count == 1 && is_digest(first);
	if (view_eq(view_of(f->columns), V("domain")))
		return r->count == 1 && is_domain(first);
	size_t at = view_find(first, 0, '@');
	if (at == first.n || at == 0)
		return false;
	if (view_eq(view_of(f->columns), V("ses")))
		return view_ieq(second, V("BOUNCE")) || view_ieq(second, V("COMPLAINT"));
	if (view_eq(view_of(f->columns), V("date")))
		return r->count > 1 && list_date(second) > 0;
	return r->count == 1;
}

const struct list_format *list_format_of(enum list_shape shape, const struct list_row *first, const char *file_name)
{
	for (size_t i = 0; i < list_format_count; i++) {
		const struct list_format *f = &list_formats[i];
		if (f->shape != shape || (f->most_columns && first->count > f->most_columns))
			continue;
		if (f->file_part && view_ifind(view_of(file_name), view_of(f->file_part)) == strlen(file_name))
			continue;
		if (shape == SHAPE_BARE ? fits_values(f, first) : fits_names(f, first))
			return f;
	}
	return NULL;
}
