/* import: lists of other tools into the ledger. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lists/import.h"
#include "tool.h"

struct run {
	struct tool *tool;
	FILE *rejects;
	int64_t began_ms;
	bool shows;
};

static void show_progress(void *arg, uint64_t rows)
{
	struct run *r = arg;
	int64_t ms = clock_mono(&clock_system) - r->began_ms;
	if (r->shows)
		fprintf(r->tool->err_out, "\r%12" PRIu64 " rows, %" PRIu64 " a second ", rows, ms > 0 ? rows * 1000 / (uint64_t)ms : 0);
}

static int write_rejects(void *arg, struct buf *rejects, struct err *err)
{
	struct run *r = arg;
	size_t n = fwrite(rejects->p, 1, rejects->n, r->rejects);
	bool good = n == rejects->n && !rejects->failed && fflush(r->rejects) == 0;
	buf_clear(rejects);
	return good ? 0 : err_sys(err, "%s", option(&r->tool->args, OPT_REJECTS));
}

static json_t *report_json(const char *file, const struct import_report *r, bool dry_run)
{
	json_t *o = json_pack("{s:s, s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "file", file, "import", (json_int_t)r->id, "resumed", (json_int_t)r->resumed, "format", r->format, "sha256", r->sha256, "rows", (json_int_t)r->counts.rows,
	    "suppressions", (json_int_t)r->counts.suppressions, "consents", (json_int_t)r->counts.consents, "allows", (json_int_t)r->counts.allows, "changed", (json_int_t)r->counts.changed, "skipped", (json_int_t)r->counts.skipped,
	    "rejected", (json_int_t)r->counts.rejected, "dry_run", (int)dry_run);
	json_t *reasons = json_object();
	for (enum reason k = REASON_OBJECTION; k <= REASON_ERASURE; k++)
		if (r->counts.reasons[k])
			json_object_set_new(reasons, reason_word(k), json_integer((json_int_t)r->counts.reasons[k]));
	json_object_set_new(o, "reasons", reasons);
	return o;
}

static void report_text(struct tool *t, const char *file, const struct import_report *r, bool dry_run)
{
	print_safe(t, "%s: %s: %" PRIu64 " rows: %" PRIu64 " suppressions, %" PRIu64 " consents, %" PRIu64 " that say nothing, %" PRIu64 " rejected; %" PRIu64 " %s",
	    file, r->format, r->counts.rows, r->counts.suppressions, r->counts.consents, r->counts.skipped, r->counts.rejected, r->counts.changed, dry_run ? "would change" : "changed");
	if (r->id)
		print_safe(t, "  import %" PRIu64 " (to take it back: optgate import undo %" PRIu64 " --note TEXT)", r->id, r->id);
	if (r->counts.allows)
		print_safe(t, "  %-12s %" PRIu64, "allow", r->counts.allows);
	for (enum reason k = REASON_OBJECTION; k <= REASON_ERASURE; k++)
		if (r->counts.reasons[k])
			print_safe(t, "  %-12s %" PRIu64, reason_word(k), r->counts.reasons[k]);
}

static int read_settings(struct tool *t, struct import_settings *s, struct err *err)
{
	const char *scope = option(&t->args, OPT_SCOPE), *format = option(&t->args, OPT_FORMAT), *reason = option(&t->args, OPT_REASON);
	s->dry_run = has_option(&t->args, OPT_DRY_RUN);
	s->allow = has_option(&t->args, OPT_ALLOW);
	if (read_known_scope(t, scope ? scope : "", &s->scope, err) < 0 || need_ledger(t, !s->dry_run, err) < 0)
		return -1;
	s->ledger = t->ledger;
	s->policy = t->config->policy;
	s->actor = view_of(t->actor);
	if (format && !(s->format = list_format_named(view_of(format))))
		return err_set(err, ERR_SYNTAX, "--format %s: expected one of those that `optgate formats` lists", format);
	if (reason && !(s->reason = reason_of(view_of(reason))))
		return err_set(err, ERR_SYNTAX, "--reason: expected %s", option_rows[OPT_REASON].help);
	return 0;
}

/* The first file makes the rejects, or goes on with those of a run that was interrupted; further ones add theirs. */
static int open_rejects(void *arg, const struct import_place *from, struct err *err)
{
	struct run *run = arg;
	const char *path = option(&run->tool->args, OPT_REJECTS);
	if (from->rows && run->shows)
		fprintf(run->tool->err_out, "optgate: goes on after row %" PRIu64 "\n", from->rows);
	if (!path || run->rejects)
		return 0;
	if (from->rows && import_rejects_cut(path, from, err) < 0)
		return -1;
	run->rejects = fopen(path, from->rows ? "ae" : "we");
	return run->rejects ? 0 : err_sys(err, "%s", path);
}

static int import_one(struct run *run, struct import_settings *s, const char *file, json_t *all)
{
	struct tool *t = run->tool;
	struct import_report report;
	struct err err;
	s->file = file;
	int rc = import_list(s, &report, &err);
	if (run->shows)
		fprintf(t->err_out, "\r\033[K");
	if (rc < 0)
		return failed(t, &err);
	if (as_json(t))
		json_array_append_new(all, report_json(file, &report, s->dry_run));
	else
		report_text(t, file, &report, s->dry_run);
	return EXIT_DONE;
}

int run_import(struct tool *t)
{
	struct run run = {.tool = t, .began_ms = clock_mono(&clock_system), .shows = isatty(2)};
	struct import_settings s = {.on_begin = open_rejects, .on_rejects = write_rejects, .progress = show_progress, .arg = &run};
	struct err err;
	struct buf rejects;
	if (read_settings(t, &s, &err) < 0)
		return failed(t, &err);
	buf_init(&rejects, 4u << 20);
	s.rejects = has_option(&t->args, OPT_REJECTS) ? &rejects : NULL;
	json_t *all = json_array();
	int rc = EXIT_DONE;
	for (unsigned i = 0; rc == EXIT_DONE && i < t->args.operand_count; i++)
		rc = import_one(&run, &s, t->args.operands[i], all);
	buf_free(&rejects);
	if (run.rejects && fclose(run.rejects) != 0 && rc == EXIT_DONE) {
		err_sys(&err, "%s", option(&t->args, OPT_REJECTS));
		rc = failed(t, &err);
	}
	if (as_json(t) && rc == EXIT_DONE)
		print_json(t, all);
	else
		json_decref(all);
	return rc;
}

int run_import_formats(struct tool *t)
{
	for (size_t i = 0; i < list_format_count; i++)
		print_safe(t, "%-26s %s", list_formats[i].name, list_formats[i].help);
	return EXIT_DONE;
}
