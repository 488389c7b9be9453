/* wording add | list | show: the texts that people agree to. */
#include <string.h>

#include "base/file.h"
#include "ledger/wording.h"
#include "tool.h"

#define FILE_BYTES (WORDING_TEXT_MAX + 1024)

struct versions {
	const struct wording_new *new;
	const char *id; /* of the new one */
	struct wording other;
	bool taken; /* the same name, version and language, and other words */
};

static bool find_other(void *arg, const struct wording *w)
{
	struct versions *v = arg;
	v->taken = view_eq(view_of(w->name), v->new->name) && view_eq(view_of(w->version), v->new->version) &&
		   view_eq(view_of(w->language), v->new->language) && strcmp(w->id, v->id) != 0;
	if (v->taken)
		v->other = *w;
	return !v->taken;
}

/* A version that was given once means these words for ever. */
static int check_version(struct tool *t, const struct wording_new *w, struct err *err)
{
	char id[WORDING_ID_TEXT];
	struct buf text;
	buf_init(&text, WORDING_TEXT_MAX);
	int rc = wording_normalise(w->text, &text, err);
	wording_id(buf_view(&text), id);
	buf_free(&text);
	struct versions v = {.new = w, .id = id};
	if (rc == 0)
		rc = ledger_wordings(t->ledger, find_other, &v, err);
	if (rc == 0 && v.taken)
		rc = err_set(err, ERR_CONFLICT, "%.*s %.*s %.*s has other words already (%s): give these a version of their own", VFMT(w->name),
		    VFMT(w->version), VFMT(w->language), v.other.id);
	return rc;
}

int run_wording_add(struct tool *t)
{
	const char *const *o = t->args.operands, *source = option(&t->args, OPT_SOURCE);
	char id[WORDING_ID_TEXT];
	struct change_result r;
	struct buf text;
	struct err err;
	buf_init(&text, FILE_BYTES);
	int rc = file_read(o[3], &text, &err);
	const struct wording_new w = {view_of(o[0]), view_of(o[1]), view_of(o[2]), buf_view(&text), view_of(source ? source : "cli"), view_of(t->actor)};
	if (rc == 0)
		rc = need_ledger(t, true, &err);
	if (rc == 0)
		rc = check_version(t, &w, &err);
	if (rc == 0)
		rc = ledger_wording_add(t->ledger, &w, id, &r, &err);
	buf_free(&text);
	if (rc < 0)
		return failed(t, &err);
	if (as_json(t))
		print_json(t, json_pack("{s:s, s:b, s:I}", "wording", id, "changed", (int)r.changed, "entry", (json_int_t)r.seq));
	else
		fprintf(t->out, "%s: %s (journal entry %llu)\n", id, r.changed ? "kept" : "these words are kept already", (unsigned long long)r.seq);
	return EXIT_DONE;
}

static json_t *wording_json(const struct wording *w)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:I}", "wording", w->id, "name", w->name, "version", w->version, "language", w->language,
	    "added", json_time(w->added_ms), "source", json_text(w->source), "actor", json_text(w->actor), "entry", (json_int_t)w->seq);
}

static bool add_wording(void *arg, const struct wording *w)
{
	json_array_append_new(arg, wording_json(w));
	return true;
}

int run_wording_list(struct tool *t)
{
	static const char *const columns[] = {"name", "version", "language", "added", "actor", "wording", NULL};
	struct err err;
	json_t *rows = json_array();
	if (need_ledger(t, false, &err) < 0 || ledger_wordings(t->ledger, add_wording, rows, &err) < 0) {
		json_decref(rows);
		return failed(t, &err);
	}
	if (as_json(t)) {
		print_json(t, rows);
		return EXIT_DONE;
	}
	print_objects(t, rows, columns);
	json_decref(rows);
	return EXIT_DONE;
}

int run_wording_show(struct tool *t)
{
	struct wording w;
	struct buf text;
	struct err err;
	buf_init(&text, WORDING_TEXT_MAX);
	int rc = need_ledger(t, false, &err);
	if (rc == 0)
		rc = ledger_wording(t->ledger, view_of(t->args.operands[0]), &w, &text, &err);
	if (rc == 0 && as_json(t)) {
		json_t *o = wording_json(&w);
		json_object_set_new(o, "text", json_view(buf_view(&text)));
		print_json(t, o);
	} else if (rc == 0) {
		fwrite(text.p, 1, text.n, t->out);
		fputc('\n', t->out);
	}
	buf_free(&text);
	return rc < 0 ? failed(t, &err) : EXIT_DONE;
}
