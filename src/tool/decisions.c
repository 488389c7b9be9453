/* explain --ref, shadow report: what the decision log tells. */
#include <string.h>

#include "decisions/decisions.h"
#include "tool.h"

#define DAY_MS INT64_C(86400000)

static void print_decision(struct tool *t, const json_t *o)
{
	char s[4][64];
	const json_t *e = json_object_get(o, "journal");
	const char *reason = control_text(o, "reason");
	print_safe(t, "%s  %s at %s: %s%s%s%s", member(o, "ref", s[0]), member(o, "when", s[1]), control_text(o, "at"),
	    control_text(o, "end"), *reason ? " (" : "", reason, *reason ? ")" : "");
	print_safe(t, "    %s, %s, client %s, person %.12s: %s%s", member(o, "scope", s[0]), member(o, "class", s[1]), member(o, "client", s[2]),
	    control_text(o, "person"), control_text(o, "sentence"), json_is_true(json_object_get(o, "shadow")) ? " (on trial: allowed)" : "");
	if (*control_text(o, "signals"))
		print_safe(t, "    looks like: %s", control_text(o, "signals"));
	if (e)
		print_safe(t, "    journal entry %s of %s: %s %s%s%s by %s, from %s", member(e, "entry", s[0]), member(e, "when", s[1]),
		    member(e, "change", s[2]), member(e, "reason", s[3]), *control_text(e, "scope") ? " for " : " for everything",
		    control_text(e, "scope"), control_text(e, "actor"), control_text(e, "source"));
}

int run_explain_ref(struct tool *t)
{
	json_t *rows, *row;
	struct err err;
	size_t i;
	if (need_ledger(t, false, &err) < 0)
		return failed(t, &err);
	if (past_json(t->ledger, t->config->decisions_dir, option(&t->args, OPT_REF), &rows, &err) < 0) {
		err_prefix(&err, "--ref");
		return failed(t, &err);
	}
	if (as_json(t)) {
		print_json(t, rows);
		return EXIT_DONE;
	}
	json_array_foreach(rows, i, row) print_decision(t, row);
	json_decref(rows);
	return EXIT_DONE;
}

/* ---- shadow report ---- */

struct trial {
	const char *stream; /* NULL = all */
	json_t *streams;    /* scope -> {"judged": N, "would_stop": {reason: N}} */
};

static void count_up(json_t *o, const char *name)
{
	json_object_set_new(o, name, json_integer(json_integer_value(json_object_get(o, name)) + 1));
}

static bool count_trial(void *arg, const struct decision *x)
{
	struct trial *tr = arg;
	char scope[SCOPE_NAME_MAX + 1];
	if (x->at != DECIDED_AT_DATA || !view_str(x->scope, scope, sizeof scope) || (tr->stream && strcmp(scope, tr->stream) != 0))
		return true;
	json_t *row = json_object_get(tr->streams, scope);
	if (!row) {
		row = json_pack("{s:i, s:{}}", "judged", 0, "would_stop");
		json_object_set_new(tr->streams, scope, row);
	}
	count_up(row, "judged");
	if (x->verdict.shadow)
		count_up(json_object_get(row, "would_stop"), verdict_reason_word(&x->verdict));
	return true;
}

static void print_trials(struct tool *t, const json_t *streams)
{
	const char *scope, *reason;
	json_t *row, *n;
	struct grid *g = grid_new(4);
	grid_row(g, (const char *const[]){"stream", "reason", "would stop", "of"});
	json_object_foreach((json_t *)streams, scope, row) json_object_foreach(json_object_get(row, "would_stop"), reason, n)
	{
		char a[64], of[64];
		snprintf(a, sizeof a, "%lld", (long long)json_integer_value(n));
		grid_row(g, (const char *const[]){scope, reason, a, member(row, "judged", of)});
	}
	grid_print(g, t->out);
	grid_free(&g);
}

int run_shadow_report(struct tool *t)
{
	int64_t now = clock_wall(&clock_system), since, until;
	struct trial tr = {.stream = option(&t->args, OPT_STREAM)};
	struct err err;
	if (read_past(&t->args, OPT_SINCE, now - 7 * DAY_MS, &since, &err) < 0 || read_past(&t->args, OPT_UNTIL, now, &until, &err) < 0 ||
	    need_config(t, &err) < 0)
		return failed(t, &err);
	tr.streams = json_object();
	if (decisions_each(t->config->decisions_dir, since, until, count_trial, &tr, &err) < 0) {
		json_decref(tr.streams);
		return failed(t, &err);
	}
	if (as_json(t)) {
		print_json(t, tr.streams);
		return EXIT_DONE;
	}
	print_trials(t, tr.streams);
	json_decref(tr.streams);
	return EXIT_DONE;
}
