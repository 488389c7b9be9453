/* explain --ref, shadow report: what the decision log tells. */
#include <inttypes.h>
#include <string.h>

#include "decisions/decisions.h"
#include "intake/tripwire.h"
#include "tool.h"

#define DAY_MS INT64_C(86400000)
#define REF_ROWS_MAX 10000

static json_t *decision_json(const struct decision *x)
{
	char id[SPOOL_ID_TEXT], ref[SPOOL_ID_TEXT + 12];
	char signals[200];
	tripwire_text(x->signals, signals, sizeof signals);
	bool spoke = x->verdict.kind != VERDICT_ALLOW || x->verdict.shadow;
	spool_id_text(x->ref, id);
	snprintf(ref, sizeof ref, "%s.%" PRIu32, id, x->rcpt);
	json_t *o = json_pack("{s:s, s:o, s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:o}", "ref", ref, "when", json_time(x->at_ms), "at",
	    decision_at_word(x->at), "end", decision_end_word(x->end), "verdict", verdict_word(x->verdict.kind), "shadow",
	    (int)x->verdict.shadow, "rule", rule_word(x->verdict.rule), "reason", spoke ? verdict_reason_word(&x->verdict) : "", "sentence",
	    rule_sentence(x->verdict.rule), "scope", json_view(x->scope));
	const char *class = mail_class_word(x->class);
	json_object_update_new(o, json_pack("{s:s?, s:o, s:o, s:o, s:I, s:s}", "class", class, "client", json_view(x->client), "campaign",
				      json_view(x->campaign), "person", hex_json(x->who.b, sizeof x->who.b), "entry",
				      (json_int_t)x->verdict.seq, "signals", signals));
	return o;
}

/* ---- explain --ref ---- */

struct by_ref {
	uint64_t id;
	bool one; /* a single recipient */
	uint32_t rcpt;
	json_t *rows;
};

static bool take_by_ref(void *arg, const struct decision *x)
{
	struct by_ref *r = arg;
	if (x->ref == r->id && (!r->one || x->rcpt == r->rcpt))
		json_array_append_new(r->rows, decision_json(x));
	return json_array_size(r->rows) < REF_ROWS_MAX;
}

static int read_ref(const char *text, struct by_ref *ret, struct err *err)
{
	struct view rest = view_of(text), id;
	uint64_t number = 0;
	bool dot = view_find(rest, 0, '.') < rest.n;
	if (!view_cut(&rest, '.', &id) || !spool_id_parse(id, &ret->id) || (dot && !view_u64(rest, UINT32_MAX, &number)))
		return err_set(err, ERR_SYNTAX, "--ref: expected 13 letters and digits, and perhaps .NUMBER, found \"%s\"", text);
	ret->one = dot;
	ret->rcpt = (uint32_t)number;
	return 0;
}

static bool take_one(void *arg, const struct journal_entry *e)
{
	*(json_t **)arg = entry_json(e);
	return false;
}

/* The journal's entry behind each row; one that has gone is left out. */
static void add_entries(struct tool *t, json_t *rows)
{
	size_t i;
	json_t *row;
	struct err err;
	json_array_foreach(rows, i, row)
	{
		json_int_t seq = json_integer_value(json_object_get(row, "entry"));
		json_t *entry = NULL;
		if (seq > 0 && ledger_journal(t->ledger, (uint64_t)seq, take_one, &entry, &err) == 0 && entry)
			json_object_set_new(row, "journal", entry);
	}
}

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
	struct by_ref r = {0};
	struct err err;
	if (read_ref(option(&t->args, OPT_REF), &r, &err) < 0 || need_ledger(t, false, &err) < 0)
		return failed(t, &err);
	r.rows = json_array();
	/* An id holds its time, or an earlier one; a clock that was set back makes it a later one. */
	int rc = decisions_each(t->config->decisions_dir, (int64_t)(r.id >> 16) - DAY_MS, INT64_MAX, take_by_ref, &r, &err);
	if (rc == 0 && !json_array_size(r.rows))
		rc = decisions_each(t->config->decisions_dir, 0, INT64_MAX, take_by_ref, &r, &err);
	if (rc == 0 && !json_array_size(r.rows))
		rc = err_set(&err, ERR_MISSING, "%s: nothing is known of it; decisions.keep says how long decisions are kept", option(&t->args, OPT_REF));
	if (rc < 0) {
		json_decref(r.rows);
		return failed(t, &err);
	}
	add_entries(t, r.rows);
	if (as_json(t)) {
		print_json(t, r.rows);
		return EXIT_DONE;
	}
	size_t i;
	json_t *row;
	json_array_foreach(r.rows, i, row) print_decision(t, row);
	json_decref(r.rows);
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
