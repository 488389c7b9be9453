/* export: the ledger as a list. A disclosure, so it leaves a journal entry: who, what, how many. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lists/export.h"
#include "tool.h"

static int write_out(void *arg, struct view bytes, struct err *err)
{
	struct tool *t = arg;
	return fwrite(bytes.p, 1, bytes.n, t->out) == bytes.n ? 0 : err_sys(err, "writing");
}

static int note_disclosure(struct tool *t, const struct export_report *r, struct err *err)
{
	char note[NOTE_MAX + 1];
	struct change_result result;
	snprintf(note, sizeof note, "export rows=%" PRIu64 "%s%s%s%s", r->rows, option(&t->args, OPT_SCOPE) ? " scope=" : "",
	    option(&t->args, OPT_SCOPE) ? option(&t->args, OPT_SCOPE) : "", option(&t->args, OPT_REASON) ? " reason=" : "",
	    option(&t->args, OPT_REASON) ? option(&t->args, OPT_REASON) : "");
	const struct change c = {.kind = CHANGE_NOTE, .channel = CHANNEL_EMAIL, .source = V("export"), .actor = view_of(t->actor), .note = view_of(note)};
	return ledger_change(t->ledger, &c, &result, err);
}

static int read_what(struct tool *t, struct export_settings *s, struct err *err)
{
	const char *format = option(&t->args, OPT_FORMAT), *reason = option(&t->args, OPT_REASON);
	if (format && strcmp(format, "csv") != 0 && strcmp(format, "ndjson") != 0)
		return err_set(err, ERR_SYNTAX, "--format %s: expected csv or ndjson", format);
	s->ndjson = format && strcmp(format, "ndjson") == 0;
	if (reason && !(s->reason = reason_of(view_of(reason))))
		return err_set(err, ERR_SYNTAX, "--reason: expected %s", option_rows[OPT_REASON].help);
	const char *what = t->args.operand_count ? t->args.operands[0] : "suppressions";
	s->consents = strcmp(what, "consents") == 0;
	s->allows = strcmp(what, "allows") == 0;
	if (!s->consents && !s->allows && strcmp(what, "suppressions") != 0)
		return err_set(err, ERR_SYNTAX, "export %s: expected suppressions, consents or allows", what);
	s->source = view_of(option(&t->args, OPT_SOURCE));
	return read_past(&t->args, OPT_SINCE, 0, &s->since_ms, err);
}

int run_export(struct tool *t)
{
	struct export_settings s = {.write = write_out, .arg = t};
	struct export_report report;
	struct scope scope;
	struct err err;
	const char *name = option(&t->args, OPT_SCOPE);
	if (read_what(t, &s, &err) < 0 || (name && read_known_scope(t, name, &scope, &err) < 0) || need_ledger(t, true, &err) < 0)
		return failed(t, &err);
	s.scope = name ? &scope : NULL;
	s.ledger = t->ledger;
	if (export_list(&s, &report, &err) < 0 || note_disclosure(t, &report, &err) < 0)
		return failed(t, &err);
	if (fflush(t->out) != 0) {
		err_sys(&err, "writing");
		return failed(t, &err);
	}
	if (report.nameless)
		fprintf(t->err_out, "optgate: %" PRIu64 " rows have no address on record (erased, or known by a token only) and are not in it\n", report.nameless);
	return EXIT_DONE;
}
