/* explain: the verdict for one person and one stream, and every row that had a say. */
#include "ledger/blocks.h"
#include "ledger/person.h"
#include "tool.h"

static const enum exit_code codes[] = {
    [VERDICT_ALLOW] = EXIT_DONE, [VERDICT_SUPPRESS] = EXIT_SUPPRESS, [VERDICT_DEFER] = EXIT_DEFER};

static void print_findings(struct tool *t, const json_t *findings)
{
	static const char *const names[] = {
	    "rule", "scope", "reason", "when", "expires", "source", "actor", "entry", "why", NULL};
	struct grid *g = grid_new(10);
	grid_row(g, (const char *const[]){" ", "rule", "scope", "reason", "when", "expires", "source", "actor", "entry",
			"what it means"});
	size_t i;
	json_t *f;
	json_array_foreach(findings, i, f)
	{
		char scratch[9][64], why[BLOCK_TEXT + 200];
		const char *cells[10] = {json_is_true(json_object_get(f, "decides")) ? "*" : " "}, *about = control_text(f, "about");
		for (unsigned c = 0; names[c]; c++)
			cells[c + 1] = member(f, names[c], scratch[c]);
		const char *scope = control_text(f, "scope");
		if (scope && !*scope)
			cells[2] = "global";
		if (!control_text(f, "reason"))
			cells[3] = member(f, "basis", scratch[2]);
		snprintf(why, sizeof why, "%s: %s", about ? about : "", cells[9]);
		if (about)
			cells[9] = why;
		grid_row(g, cells);
	}
	grid_print(g, t->out);
	grid_free(&g);
}

/* Why, in the words of who wrote the entry: the report that a bounce came from, a reason given by hand. */
static void print_notes(struct tool *t, const json_t *findings)
{
	size_t i;
	json_t *f;
	json_array_foreach(findings, i, f)
	{
		char scratch[64];
		const char *note = control_text(f, "note");
		if (note && *note)
			print_safe(t, "entry %s: %s", member(f, "entry", scratch), note);
	}
}

static void print_person(struct tool *t, const json_t *o)
{
	size_t i;
	json_t *one;
	if (json_is_true(json_object_get(o, "corporate")))
		print_safe(t, "a corporate subscriber");
	json_array_foreach(json_object_get(o, "linked"), i, one)
		print_safe(t, "the same person as %s %s", control_text(one, "channel"), control_text(one, "address"));
}

static void print_explanation(struct tool *t, const json_t *o)
{
	const char *reason = control_text(o, "reason"), *topic = control_text(o, "topic");
	bool on_trial = json_is_true(json_object_get(o, "shadow"));
	fprintf(t->out, "%s, %s%s%s: %s%s%s%s\n", control_text(o, "address"), control_text(o, "stream"),
	    topic ? "/" : "", topic ? topic : "", control_text(o, "verdict"), !*reason ? "" : on_trial ? " (on trial; else suppress: " : " (",
	    reason, *reason ? ")" : "");
	fprintf(t->out, "%s\n", control_text(o, "sentence"));
	print_person(t, o);
	const json_t *findings = json_object_get(o, "findings");
	if (json_array_size(findings)) {
		fputc('\n', t->out);
		print_findings(t, findings);
		print_notes(t, findings);
	}
}

static int find_stream(struct tool *t, struct question *q, struct err *err)
{
	const char *stream = option(&t->args, OPT_STREAM), *topic = option(&t->args, OPT_TOPIC);
	if (need_config(t, err) < 0)
		return -1;
	q->stream = policy_stream(t->config->policy, view_of(stream));
	if (!q->stream)
		return err_set(
		    err, ERR_MISSING, "--stream: the settings have no \"%s\"; expected BRAND/STREAM", stream);
	q->topic = topic ? stream_topic(q->stream, view_of(topic)) : NULL;
	return topic && !q->topic ? err_set(err, ERR_MISSING, "--topic: stream %s has no topic \"%s\"", stream, topic)
				  : 0;
}

static int explain(struct tool *t, const struct question *q, const struct address *address)
{
	enum verdict_kind kind;
	json_t *o;
	struct err err;
	if (explanation_json(t->ledger, q, address->text, &o, &kind, &err) < 0) {
		failed(t, &err);
		return EXIT_DEFER;
	}
	if (as_json(t)) {
		print_json(t, o);
	} else {
		print_explanation(t, o);
		json_decref(o);
	}
	return codes[kind];
}

int run_explain(struct tool *t)
{
	struct question q = {.now_ms = clock_wall(&clock_system)};
	struct address address;
	struct err err;
	if (has_option(&t->args, OPT_REF))
		return t->args.operand_count || has_option(&t->args, OPT_STREAM) ? misuse(t, "explain: --ref stands alone") : run_explain_ref(t);
	if (!t->args.operand_count || !has_option(&t->args, OPT_STREAM))
		return misuse(t, "explain: expected ADDRESS and --stream BRAND/STREAM, or --ref REF");
	if (read_channel(&t->args, &q.channel, &err) < 0 || find_stream(t, &q, &err) < 0)
		return failed(t, &err);
	if (need_ledger(t, false, &err) < 0) {
		failed(t, &err);
		return EXIT_DEFER;
	}
	if (read_person(t, q.channel, &address, &q.who, &err) < 0)
		return failed(t, &err);
	q.address = view_of(address.text);
	return explain(t, &q, &address);
}
