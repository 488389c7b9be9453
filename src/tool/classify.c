/* classify: what reports say, one JSON object a message, for trying rules and for disputes. Changes nothing. */
#include "base/file.h"
#include "inbound/classify.h"
#include "tool.h"

static json_t *recipient_json(const struct report_recipient *r)
{
	return json_pack("{s:o, s:s, s:s, s:s, s:o, s:s}", "address", json_view(r->address), "action", r->action,
	    "status", r->status, "class", meaning_word(r->meaning), "reason", json_view(r->reason), "rule", r->rule);
}

static json_t *report_json(const char *file, const struct report *r)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < r->count; i++)
		json_array_append_new(list, recipient_json(&r->recipients[i]));
	return json_pack(
	    "{s:o, s:s, s:o}", "file", json_text(file), "kind", report_kind_word(r->kind), "recipients", list);
}

/* A report that is refused unread is told as such: its object has an "error". */
static json_t *classify_file(
    const struct bounce_rules *rules, const char *file, struct buf *bytes, struct arena *a, struct err *err)
{
	struct report r = {0};
	buf_clear(bytes);
	arena_reset(a);
	int rc = file_read(file, bytes, err);
	if (rc < 0 && err->kind != ERR_LIMIT)
		return NULL;
	if (rc == 0)
		rc = report_classify(rules, a, buf_view(bytes), &r, err);
	if (rc < 0)
		r = (struct report){0};
	json_t *o = report_json(file, &r);
	if (rc < 0)
		json_object_set_new(o, "error", json_text(err->text));
	return o;
}

static int read_rules(struct tool *t, struct bounce_rules **ret, struct err *err)
{
	struct buf own;
	const char *name = option(&t->args, OPT_RULES);
	buf_init(&own, RULES_MAX_BYTES);
	int rc = name ? file_read(name, &own, err) : 0;
	if (rc == 0)
		rc = bounce_rules_new(ret, buf_view(&own), name ? name : "own", (struct view){0}, "bounce.rules", err);
	buf_free(&own);
	return rc;
}

int run_classify(struct tool *t)
{
	struct err err;
	struct bounce_rules *rules;
	struct buf bytes;
	struct arena a;
	int status = EXIT_DONE;
	if (read_rules(t, &rules, &err) < 0)
		return failed(t, &err);
	buf_init(&bytes, REPORT_MAX_BYTES);
	arena_init(&a, REPORT_ARENA_BYTES);
	for (unsigned i = 0; i < t->args.operand_count; i++) {
		json_t *o = classify_file(rules, t->args.operands[i], &bytes, &a, &err);
		if (o) {
			json_dumpf(o, t->out, JSON_COMPACT);
			fputc('\n', t->out);
			json_decref(o);
		} else {
			status = failed(t, &err);
		}
	}
	arena_free(&a);
	buf_free(&bytes);
	bounce_rules_free(&rules);
	return status;
}
