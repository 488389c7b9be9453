/* libconfig's tree -> struct raw, driven by the table: for each group, no name without a row, then each row's value or default. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libconfig.h>

#include "base/file.h"
#include "table.h"

#define SHOWN_MAX 256

struct reader {
	struct arena *arena;
	const char *file;
	const struct raw_visitor *visitor; /* NULL = nobody looks */
	struct buf shown;                  /* the value at hand in the file's syntax */
	struct err *err;
};

/* One setting being read. */
struct spot {
	const struct setting *row;
	const char *name;          /* with list indices */
	const config_setting_t *s; /* NULL = not given */
	struct place at;           /* of the setting, or of the group that lacks it */
	void *slot;
};

int raw_wrong(struct err *err, const struct place *at, const char *name, const char *fmt, ...)
{
	char text[280];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return err_set(err, ERR_SYNTAX, "%s:%u: %s: %s", at->file, at->line ? at->line : 1, name, text);
}

/* ERR holds what was expected: puts the place and the name before it. */
static int wrong_here(struct reader *r, const struct spot *sp, const struct err *expected)
{
	return raw_wrong(r->err, &sp->at, sp->row->path, "%s", expected->text);
}

static int wrong_kind(struct reader *r, const struct spot *sp)
{
	return raw_wrong(r->err, &sp->at, sp->row->path, "expected %s", kind_words(sp->row->kind));
}

static int too_large(struct reader *r)
{
	return err_set(
	    r->err, ERR_LIMIT, "%s: more settings than %u MiB of memory hold", r->file, CONFIG_ARENA_MAX >> 20);
}

static struct place place_of(struct reader *r, const config_setting_t *s)
{
	const char *file = config_setting_source_file(s);
	if (file)
		file = arena_view(r->arena, view_of(file)).p;
	return (struct place){file ? file : r->file, config_setting_source_line(s)};
}

/* ---- the value as it would be written ---- */

static void show_quoted(struct buf *b, const char *s)
{
	buf_byte(b, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_byte(b, '\\');
		buf_byte(b, *s);
	}
	buf_byte(b, '"');
}

static void seen(struct reader *r, const struct spot *sp)
{
	if (r->visitor)
		r->visitor->seen(r->visitor->arg, sp->name, sp->row, buf_cstr(&r->shown), !sp->s);
}

/* ---- scalars ---- */

static const unsigned accepted_types[] = {
    /* bits of libconfig's types */
    [KIND_TEXT] = 1 << CONFIG_TYPE_STRING,
    [KIND_TEXTS] = 1 << CONFIG_TYPE_STRING,
    [KIND_CHOICE] = 1 << CONFIG_TYPE_STRING,
    [KIND_CHOICES] = 1 << CONFIG_TYPE_STRING,
    [KIND_NUMBER] = 1 << CONFIG_TYPE_INT | 1 << CONFIG_TYPE_INT64,
    [KIND_SIZE] = 1 << CONFIG_TYPE_INT | 1 << CONFIG_TYPE_INT64 | 1 << CONFIG_TYPE_STRING,
    [KIND_DURATION] = 1 << CONFIG_TYPE_INT | 1 << CONFIG_TYPE_INT64 | 1 << CONFIG_TYPE_STRING,
    [KIND_FLAG] = 1 << CONFIG_TYPE_BOOL,
};

/* NULL when S has no type that the kind accepts. */
static const char *scalar_text(enum kind k, const config_setting_t *s, char number[24])
{
	if (!(accepted_types[k] >> config_setting_type(s) & 1))
		return NULL;
	if (config_setting_type(s) == CONFIG_TYPE_STRING)
		return config_setting_get_string(s);
	if (config_setting_type(s) == CONFIG_TYPE_BOOL)
		return config_setting_get_bool(s) ? "true" : "false";
	snprintf(number, 24, "%lld", config_setting_get_int64(s));
	return number;
}

static int read_scalar(struct reader *r, const struct spot *sp)
{
	char number[24];
	const char *text = sp->s ? scalar_text(sp->row->kind, sp->s, number) : sp->row->def;
	int64_t value = 0;
	struct err expected;
	if (sp->s && !text)
		return wrong_kind(r, sp);
	if (text && value_read(sp->row, view_of(text), &value, &expected) < 0)
		return wrong_here(r, sp, &expected);
	if (sp->row->kind == KIND_FLAG)
		*(bool *)sp->slot = value;
	else
		*(int64_t *)sp->slot = value;
	bool quoted = kind_is_text(sp->row->kind) && !(sp->s && text == number);
	if (text && quoted)
		show_quoted(&r->shown, text);
	else if (text)
		buf_str(&r->shown, text);
	seen(r, sp);
	return 0;
}

/* ---- texts ---- */

static int keep_text(struct reader *r, const struct spot *sp, const char *s, struct raw_text *ret)
{
	struct err expected;
	if (sp->row->check && sp->row->check(view_of(s), &expected) < 0)
		return wrong_here(r, sp, &expected);
	ret->s = arena_view(r->arena, view_of(s)).p;
	ret->at = sp->at;
	show_quoted(&r->shown, s);
	return ret->s ? 0 : too_large(r);
}

static int read_text(struct reader *r, const struct spot *sp)
{
	const char *s = sp->s ? scalar_text(KIND_TEXT, sp->s, NULL) : sp->row->def;
	struct raw_text *slot = sp->slot;
	*slot = (struct raw_text){NULL, sp->at};
	if (sp->s && !s)
		return wrong_kind(r, sp);
	if (s && keep_text(r, sp, s, slot) < 0)
		return -1;
	seen(r, sp);
	return 0;
}

static bool is_sequence(const config_setting_t *s)
{
	return config_setting_is_array(s) || config_setting_is_list(s);
}

/* How many strings there are: those of an array or list, or the one string itself, or the default. */
static int strings_count(struct reader *r, const struct spot *sp, unsigned *ret)
{
	if (!sp->s) {
		*ret = sp->row->def != NULL;
		return 0;
	}
	*ret = is_sequence(sp->s) ? (unsigned)config_setting_length(sp->s) : 1;
	if (sp->row->hi && *ret > sp->row->hi)
		return raw_wrong(r->err, &sp->at, sp->row->path, "expected at most %lld", (long long)sp->row->hi);
	if (*ret == 0 && sp->row->flags & SETTING_REQUIRED)
		return raw_wrong(r->err, &sp->at, sp->row->path, "expected at least one");
	return 0;
}

/* The I-th of them; its own place goes to HERE. NULL when it is no string. */
static const char *strings_at(struct reader *r, const struct spot *sp, unsigned i, struct spot *here)
{
	*here = *sp;
	if (!sp->s)
		return sp->row->def;
	const config_setting_t *e = is_sequence(sp->s) ? config_setting_get_elem(sp->s, i) : sp->s;
	here->at = place_of(r, e);
	return scalar_text(sp->row->kind, e, NULL);
}

static int read_texts(struct reader *r, const struct spot *sp)
{
	struct raw_list *list = sp->slot;
	unsigned n;
	if (strings_count(r, sp, &n) < 0)
		return -1;
	struct raw_text *texts = arena_zero(r->arena, n * sizeof *texts);
	if (!texts)
		return too_large(r);
	buf_str(&r->shown, n ? "[ " : "[ ]");
	for (unsigned i = 0; i < n; i++) {
		struct spot here;
		const char *s = strings_at(r, sp, i, &here);
		if (!s)
			return wrong_kind(r, &here);
		if (keep_text(r, &here, s, &texts[i]) < 0)
			return -1;
		buf_str(&r->shown, i + 1 < n ? ", " : " ]");
	}
	*list = (struct raw_list){texts, n};
	seen(r, sp);
	return 0;
}

static int read_choices(struct reader *r, const struct spot *sp)
{
	unsigned n;
	int64_t mask = 0;
	if (strings_count(r, sp, &n) < 0)
		return -1;
	buf_str(&r->shown, n ? "[ " : "[ ]");
	for (unsigned i = 0; i < n; i++) {
		struct spot here;
		struct err expected;
		int64_t value;
		const char *s = strings_at(r, sp, i, &here);
		if (!s)
			return wrong_kind(r, &here);
		if (value_read(sp->row, view_of(s), &value, &expected) < 0)
			return wrong_here(r, &here, &expected);
		mask |= 1ll << value;
		show_quoted(&r->shown, s);
		buf_str(&r->shown, i + 1 < n ? ", " : " ]");
	}
	*(int64_t *)sp->slot = mask;
	seen(r, sp);
	return 0;
}

/* ---- groups and lists ---- */

static int read_members(struct reader *r, const char *prefix, const char *shown, const config_setting_t *g,
    const struct place *at, void *base);

static int read_group(struct reader *r, const struct spot *sp)
{
	if (sp->s && !config_setting_is_group(sp->s))
		return wrong_kind(r, sp);
	return read_members(r, sp->row->path, sp->name, sp->s, &sp->at, sp->slot);
}

static const struct raw_text *text_in(
    const struct raw_list *l, const struct setting *list, const struct setting *row, unsigned i)
{
	return (const struct raw_text *)((const char *)l->at + i * list->element + row->offset);
}

/* No two elements may have the same text in ROW's field. */
static int check_unique(
    struct reader *r, const struct raw_list *l, const struct setting *list, const struct setting *row)
{
	for (unsigned i = 1; i < l->count; i++)
		for (unsigned j = 0; j < i; j++) {
			const struct raw_text *a = text_in(l, list, row, i), *b = text_in(l, list, row, j);
			if (strcmp(a->s, b->s) == 0)
				return raw_wrong(r->err, &a->at, row->path,
				    "expected a name of its own: \"%s\" is in line %u already", a->s, b->at.line);
		}
	return 0;
}

static int check_all_unique(struct reader *r, const struct raw_list *l, const struct setting *list, const char *prefix)
{
	for (size_t i = 0; i < settings_count; i++)
		if (settings[i].flags & SETTING_UNIQUE && setting_within(&settings[i], prefix) &&
		    check_unique(r, l, list, &settings[i]) < 0)
			return -1;
	return 0;
}

static int read_element(struct reader *r, const struct spot *sp, const char *prefix, unsigned i, void *base)
{
	const config_setting_t *e = config_setting_get_elem(sp->s, i);
	struct spot here = *sp;
	char shown[SHOWN_MAX];
	here.at = place_of(r, e);
	if (!config_setting_is_group(e))
		return wrong_kind(r, &here);
	snprintf(shown, sizeof shown, "%s[%u]", sp->name, i);
	return read_members(r, prefix, shown, e, &here.at, base);
}

static int read_list(struct reader *r, const struct spot *sp)
{
	struct raw_list *list = sp->slot;
	char prefix[SHOWN_MAX];
	unsigned n;
	*list = (struct raw_list){0};
	if (!sp->s)
		return 0;
	if (!config_setting_is_list(sp->s))
		return wrong_kind(r, sp);
	if (strings_count(r, sp, &n) < 0)
		return -1;
	list->at = arena_zero(r->arena, n * sp->row->element);
	if (!list->at)
		return too_large(r);
	list->count = n;
	snprintf(prefix, sizeof prefix, "%s[]", sp->row->path);
	for (unsigned i = 0; i < n; i++)
		if (read_element(r, sp, prefix, i, (char *)list->at + i * sp->row->element) < 0)
			return -1;
	return check_all_unique(r, list, sp->row, prefix);
}

static int (*const readers[])(struct reader *, const struct spot *) = {
    [KIND_GROUP] = read_group,
    [KIND_LIST] = read_list,
    [KIND_TEXT] = read_text,
    [KIND_TEXTS] = read_texts,
    [KIND_NUMBER] = read_scalar,
    [KIND_SIZE] = read_scalar,
    [KIND_DURATION] = read_scalar,
    [KIND_FLAG] = read_scalar,
    [KIND_CHOICE] = read_scalar,
    [KIND_CHOICES] = read_choices,
};

static int read_setting(struct reader *r, const struct setting *row, const char *shown, const config_setting_t *g,
    const struct place *at, void *base)
{
	char name[SHOWN_MAX];
	snprintf(name, sizeof name, "%s%s%s", shown, *shown ? "." : "", setting_name(row));
	struct spot sp = {.row = row, .name = name, .at = *at, .slot = (char *)base + row->offset};
	sp.s = g ? config_setting_get_member(g, setting_name(row)) : NULL;
	if (sp.s)
		sp.at = place_of(r, sp.s);
	else if (row->flags & SETTING_REQUIRED)
		return raw_wrong(r->err, at, row->path, "required and not given: expected %s", kind_words(row->kind));
	buf_clear(&r->shown);
	return readers[row->kind](r, &sp);
}

/* ERR: which names would have been known. */
static int unknown_name(struct reader *r, const char *prefix, const config_setting_t *s)
{
	char names[240] = "", path[SHOWN_MAX];
	for (size_t i = 0; i < settings_count; i++) {
		size_t n = strlen(names);
		if (setting_within(&settings[i], prefix))
			snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", setting_name(&settings[i]));
	}
	struct place at = place_of(r, s);
	snprintf(path, sizeof path, "%s%s%.60s", prefix, *prefix ? "." : "", config_setting_name(s));
	return raw_wrong(r->err, &at, path, "unknown setting: expected one of %s", names);
}

static int read_members(struct reader *r, const char *prefix, const char *shown, const config_setting_t *g,
    const struct place *at, void *base)
{
	for (int i = 0; g && i < config_setting_length(g); i++) {
		const config_setting_t *s = config_setting_get_elem(g, (unsigned)i);
		if (!setting_find(prefix, config_setting_name(s)))
			return unknown_name(r, prefix, s);
	}
	for (size_t i = 0; i < settings_count; i++)
		if (setting_within(&settings[i], prefix) && read_setting(r, &settings[i], shown, g, at, base) < 0)
			return -1;
	return 0;
}

/* ---- the whole ---- */

static int check_included(const config_t *tree, struct err *err)
{
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < tree->num_filenames; i++) {
		struct buf b;
		buf_init(&b, CONFIG_FILE_MAX);
		rc = file_read(tree->filenames[i], &b, err);
		if (rc == 0)
			rc = numbers_check(tree->filenames[i], buf_view(&b), err);
		buf_free(&b);
	}
	return rc;
}

static int read_tree(config_t *tree, const char *file, struct view text, struct err *err)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(file, '/');
	if (text.n && memchr(text.p, 0, text.n))
		return err_set(err, ERR_SYNTAX, "%s: expected text, found a NUL byte", file);
	if (slash && view_str(view_n(file, (size_t)(slash - file)), dir, sizeof dir))
		config_set_include_dir(tree, dir);
	if (numbers_check(file, text, err) < 0)
		return -1;
	char *copy = view_dup(text);
	int ok = config_read_string(tree, copy);
	free(copy);
	if (ok)
		return check_included(tree, err);
	const char *where = config_error_file(tree);
	return err_set(
	    err, ERR_SYNTAX, "%s:%d: %s", where ? where : file, config_error_line(tree), config_error_text(tree));
}

int raw_parse(struct raw *ret, const char *file, struct view text, const struct raw_visitor *visitor, struct err *err)
{
	memset(ret, 0, sizeof *ret);
	arena_init(&ret->arena, CONFIG_ARENA_MAX);
	struct reader r = {
	    .arena = &ret->arena, .file = arena_view(&ret->arena, view_of(file)).p, .visitor = visitor, .err = err};
	buf_init(&r.shown, CONFIG_FILE_MAX);
	struct place top = {r.file, 0};
	config_t tree;
	config_init(&tree);
	int rc = read_tree(&tree, file, text, err);
	if (rc == 0)
		rc = read_members(&r, "", "", config_root_setting(&tree), &top, ret);
	config_destroy(&tree);
	buf_free(&r.shown);
	if (rc < 0)
		raw_free(ret);
	return rc;
}

void raw_free(struct raw *r)
{
	arena_free(&r->arena);
}
