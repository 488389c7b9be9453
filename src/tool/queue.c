/* queue list | show | hold | release | retry | drop: the daemon answers when it runs, else we open the spool ourselves. */
#include <string.h>

#include "tool.h"

static json_t *own_queue(struct tool *t, const json_t *question)
{
	struct spool *s;
	struct err err;
	if (config_make_dirs(t->config, &err) < 0 || spool_open(&s, &t->config->spool, &clock_system, &err) < 0)
		return control_error("%s", err.text);
	struct holds *h;
	json_t *answer;
	if (holds_open(&h, t->config->holds_file, &err) < 0) {
		answer = control_error("%s", err.text);
	} else {
		answer = queue_answer(s, h, question);
		holds_free(&h);
	}
	spool_close(&s);
	return answer;
}

static int add_limit(struct tool *t, json_t *q, struct err *err)
{
	uint64_t limit;
	if (read_count(&t->args, OPT_LIMIT, QUEUE_LIST_MAX, 0, &limit, err) < 0)
		return -1;
	if (limit)
		json_object_set_new(q, "limit", json_integer((json_int_t)limit));
	return 0;
}

/* Hold and release without a filter mean everything; dropping everything must be said. */
static bool may_mean_all(const struct tool *t)
{
	return has_option(&t->args, OPT_ALL) || strcmp(t->args.verb->sub, "drop") != 0;
}

static int make_question(struct tool *t, json_t *q, struct err *err)
{
	static const enum option_id filters[] = {OPT_STREAM, OPT_DOMAIN, OPT_CLIENT, OPT_CAMPAIGN, OPT_ID, OPT_STATE, OPT_ROUTE, OPT_NOTE};
	json_object_set_new(q, "verb", json_string("queue"));
	json_object_set_new(q, "action", json_string(t->args.verb->sub));
	json_object_set_new(q, "actor", json_string(t->actor));
	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
		if (has_option(&t->args, filters[i]))
			json_object_set_new(
			    q, option_rows[filters[i]].name, json_view(view_of(option(&t->args, filters[i]))));
	if (t->args.operand_count && has_option(&t->args, OPT_ID))
		return err_set(err, ERR_SYNTAX, "expected one ID, found two");
	if (t->args.operand_count)
		json_object_set_new(q, "id", json_view(view_of(t->args.operands[0])));
	json_object_set_new(q, "all", json_boolean(may_mean_all(t)));
	return add_limit(t, q, err);
}

static void print_items(struct tool *t, const json_t *items, bool recipients)
{
	static const char *const list[] = {"id", "state", "stream", "domain", "attempts", "due", "arrived"};
	static const char *const shown[] = {"id", "state", "recipient", "attempts", "due", "arrived"};
	const char *const *columns = recipients ? shown : list;
	unsigned n = recipients ? 6 : 7;
	struct grid *g = grid_new(n);
	grid_row(g, columns);
	size_t i;
	json_t *item;
	json_array_foreach(items, i, item)
	{
		const char *cells[7];
		char scratch[7][64];
		for (unsigned c = 0; c < n; c++)
			cells[c] = member(item, columns[c], scratch[c]);
		grid_row(g, cells);
	}
	grid_print(g, t->out);
	grid_free(&g);
}

static void print_list(struct tool *t, const json_t *answer)
{
	const json_t *items = json_object_get(answer, "items");
	json_int_t total = json_integer_value(json_object_get(answer, "total"));
	if (json_array_size(items))
		print_items(t, items, false);
	fprintf(t->out, "%s%lld waiting", json_array_size(items) ? "\n" : "", (long long)total);
	if ((size_t)total > json_array_size(items))
		fprintf(t->out, ", %zu shown (--limit)", json_array_size(items));
	fputc('\n', t->out);
}

static void print_holds(struct tool *t, const json_t *answer)
{
	static const char *const columns[] = {"stream", "domain", "client", "campaign", "route", "since", "until", "actor", "why"};
	struct grid *g = grid_new(9);
	grid_row(g, columns);
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(answer, "holds"), i, row)
	{
		const char *cells[9];
		char scratch[9][64];
		for (unsigned c = 0; c < 9; c++)
			cells[c] = member(row, columns[c], scratch[c]);
		grid_row(g, cells);
	}
	grid_print(g, t->out);
	grid_free(&g);
}

static void print_shown(struct tool *t, const json_t *answer)
{
	const char *name;
	json_t *value;
	struct grid *g = grid_new(2);
	json_object_foreach(json_object_get(answer, "message"), name, value)
	{
		char scratch[64];
		grid_row(g, (const char *const[]){name, member(json_object_get(answer, "message"), name, scratch)});
	}
	grid_print(g, t->out);
	grid_free(&g);
	fputc('\n', t->out);
	print_items(t, json_object_get(answer, "items"), true);
}

static void print_count(struct tool *t, const json_t *answer)
{
	fprintf(
	    t->out, "%s: %lld\n", t->args.verb->sub, (long long)json_integer_value(json_object_get(answer, "count")));
}

/* JSON: a list is a list, the rest is the answer itself. */
static void print_answer(struct tool *t, json_t *answer)
{
	bool list = strcmp(t->args.verb->sub, "list") == 0, holds = strcmp(t->args.verb->sub, "holds") == 0;
	if (as_json(t)) {
		print_json(t, json_incref(list ? json_object_get(answer, "items") : holds ? json_object_get(answer, "holds") : answer));
		return;
	}
	(json_object_get(answer, "holds") ? print_holds : list ? print_list : json_object_get(answer, "message") ? print_shown : print_count)(t, answer);
}

/* Thrown away mail leaves an entry in the journal: who, how many, and by which filter. */
static int note_drop(struct tool *t, const json_t *question, json_int_t count, struct err *err)
{
	char note[NOTE_MAX + 1];
	int n = snprintf(note, sizeof note, "queue drop: %lld items", (long long)count);
	static const char *const filters[] = {"stream", "domain", "client", "campaign", "id", "state"};
	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
		const char *value = control_text(question, filters[i]);
		if (value && n < NOTE_MAX)
			n += snprintf(note + n, sizeof note - (size_t)n, " %s=%.40s", filters[i], value);
	}
	struct change c = {.kind = CHANGE_NOTE,
	    .channel = CHANNEL_EMAIL,
	    .source = V("cli"),
	    .actor = view_of(t->actor),
	    .note = view_of(note)};
	struct change_result r;
	return need_ledger(t, true, err) < 0 ? -1 : ledger_change(t->ledger, &c, &r, err);
}

int run_queue(struct tool *t)
{
	struct err err;
	json_t *q = json_object(), *answer = NULL;
	int rc = make_question(t, q, &err);
	if (rc == 0)
		rc = ask(t, q, own_queue, &answer, &err);
	json_int_t dropped = rc == 0 && strcmp(t->args.verb->sub, "drop") == 0
				 ? json_integer_value(json_object_get(answer, "count"))
				 : 0;
	if (rc == 0)
		print_answer(t, answer);
	if (dropped)
		rc = note_drop(t, q, dropped, &err);
	json_decref(q);
	json_decref(answer);
	return rc < 0 ? failed(t, &err) : EXIT_DONE;
}
