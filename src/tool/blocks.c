/* suppress list, suppress families, and allow add | remove | list: rows that are not, or not only, one person's. */
#include <inttypes.h>

#include "ledger/blocks.h"
#include "ledger/walk.h"
#include "tool.h"

/* ---- lists ---- */

#define LIST_LIMIT 1000

struct listing {
	json_t *rows;
	uint64_t limit;
	bool more; /* than the limit */
};

static bool list_row(void *arg, const struct suppression *s, struct view whose)
{
	struct listing *g = arg;
	g->more = json_array_size(g->rows) == g->limit;
	if (g->more)
		return false;
	json_array_append_new(g->rows, json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "whom", whose.n ? json_view(whose) : json_null(),
	    "kind", channel_word(s->channel), "scope", s->scope.name, "reason", s->reason ? reason_word(s->reason) : "allow", "when",
	    json_time(s->event_ms), "expires", json_time(s->expires_ms), "source", json_text(s->source), "actor", json_text(s->actor), "note",
	    json_text(s->note), "entry", (json_int_t)s->seq));
	return true;
}

static int list(struct tool *t, const struct ledger_walk *walk, const char *none)
{
	static const char *const columns[] = {"whom", "scope", "reason", "when", "expires", "source", "actor", "entry", "note", NULL};
	struct listing g = {.rows = json_array()};
	struct err err;
	int rc = read_count(&t->args, OPT_LIMIT, UINT32_MAX, LIST_LIMIT, &g.limit, &err);
	if (rc == 0)
		rc = need_ledger(t, false, &err) < 0 ? -1 : ledger_walk(t->ledger, walk, &g, &err);
	if (rc < 0) {
		json_decref(g.rows);
		return failed(t, &err);
	}
	if (as_json(t)) {
		print_json(t, g.rows);
	} else if (json_array_size(g.rows)) {
		name_global(g.rows, "scope");
		print_objects(t, g.rows, columns);
		json_decref(g.rows);
	} else {
		fprintf(t->out, "%s\n", none);
		json_decref(g.rows);
	}
	if (g.more)
		fprintf(t->err_out, "optgate: there are more rows: see --limit\n");
	return EXIT_DONE;
}

int run_suppress_list(struct tool *t)
{
	static const struct ledger_walk walk = {.block = list_row};
	return list(t, &walk, "no domain and no digest is blocked");
}

int run_allow_list(struct tool *t)
{
	static const struct ledger_walk walk = {.allow = list_row};
	return list(t, &walk, "nobody is let pass");
}

/* ---- changes ---- */

static int allow(struct tool *t, enum change_kind kind, const char *done_word, const char *stood_word)
{
	struct change c = {.kind = kind};
	struct change_result r;
	struct address address;
	struct block_name name;
	struct err err;
	const char *text = option(&t->args, OPT_SCOPE);
	struct view scope = view_of(text ? text : "");
	int rc = kind == CHANGE_ALLOW ? read_known_scope(t, scope.p, &c.scope, &err) : scope_parse(scope, &c.scope, &err);
	if (rc < 0 || change_begin_about(t, &c, &address, &name, &err) < 0 || ledger_change(t->ledger, &c, &r, &err) < 0)
		return failed(t, &err);
	return change_report(t, &c, "allow row", &r, done_word, stood_word);
}

int run_allow_add(struct tool *t)
{
	return allow(t, CHANGE_ALLOW, "let pass", "was let pass already");
}

int run_allow_remove(struct tool *t)
{
	return allow(t, CHANGE_DISALLOW, "no longer let pass", "was not let pass like this");
}

int run_suppress_families(struct tool *t)
{
	uint64_t count;
	struct err err;
	if (need_ledger(t, true, &err) < 0 || ledger_families(t->ledger, &count, &err) < 0)
		return failed(t, &err);
	if (as_json(t))
		print_json(t, json_pack("{s:I}", "addresses", (json_int_t)count));
	else
		fprintf(t->out, "%" PRIu64 " addresses on record are other forms of a mailbox's plain address\n", count);
	return EXIT_DONE;
}
