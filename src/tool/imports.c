/* import list, import undo, import approve: what was imported, and how it is taken back. */
#include <inttypes.h>

#include "base/codec.h"
#include "ledger/import.h"
#include "tool.h"

/* ---- list ---- */

static json_t *hash_json(const uint8_t hash[SHA256_BYTES])
{
	struct buf hex;
	buf_init(&hex, 2 * SHA256_BYTES + 1);
	hex_encode(&hex, view_n(hash, SHA256_BYTES));
	json_t *text = json_string(buf_cstr(&hex));
	buf_free(&hex);
	return text;
}

static bool list_one(void *arg, const struct import_record *im)
{
	json_array_append_new(arg, json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "import", (json_int_t)im->id, "state",
	    import_state_word(im->state), "begun", json_time(im->began_ms), "ended", json_time(im->ended_ms), "file", json_text(im->name), "format", json_text(im->source),
	    "rows", (json_int_t)im->counts.rows, "changed", (json_int_t)im->counts.changed, "rejected", (json_int_t)im->counts.rejected, "actor",
	    json_text(im->actor), "asked", json_text(im->requester), "undone", json_text(im->undoer), "sha256", hash_json(im->list)));
	return true;
}

int run_import_list(struct tool *t)
{
	static const char *const columns[] = {"import", "state", "begun", "file", "format", "rows", "changed", "rejected", "actor", "asked", "undone", NULL};
	json_t *rows = json_array();
	struct err err;
	if (need_ledger(t, false, &err) < 0 || ledger_imports(t->ledger, list_one, rows, &err) < 0) {
		json_decref(rows);
		return failed(t, &err);
	}
	if (as_json(t)) {
		print_json(t, rows);
		return EXIT_DONE;
	}
	if (json_array_size(rows))
		print_objects(t, rows, columns);
	else
		fprintf(t->out, "nothing was imported\n");
	json_decref(rows);
	return EXIT_DONE;
}

/* ---- undo ---- */

static json_t *undone_json(uint64_t id, const struct undone *u)
{
	json_t *reasons = json_object();
	for (enum reason r = REASON_OBJECTION; r <= REASON_ERASURE; r++)
		if (u->reasons[r])
			json_object_set_new(reasons, reason_word(r), json_integer((json_int_t)u->reasons[r]));
	return json_pack("{s:I, s:b, s:I, s:I, s:I, s:o, s:I, s:I, s:I}", "import", (json_int_t)id, "asked", (int)u->asked, "request", (json_int_t)u->request, "removed",
	    (json_int_t)u->removed, "kept", (json_int_t)u->kept, "reasons", reasons, "withdrawals", (json_int_t)u->withdrawals, "grants",
	    (json_int_t)u->grants, "allows", (json_int_t)u->allows);
}

static void undone_text(struct tool *t, uint64_t id, const struct undone *u)
{
	print_safe(t, "import %" PRIu64 ": %" PRIu64 " rows %s, %" PRIu64 " stay as they are (said by somebody else since)", id, u->removed,
	    u->asked ? "would be taken back" : "taken back", u->kept);
	for (enum reason r = REASON_OBJECTION; r <= REASON_ERASURE; r++)
		if (u->reasons[r])
			print_safe(t, "  %-12s %" PRIu64, reason_word(r), u->reasons[r]);
	const struct {
		const char *word;
		uint64_t count;
	} others[] = {{"withdrawals", u->withdrawals}, {"grants", u->grants}, {"allows", u->allows}};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (others[i].count)
			print_safe(t, "  %-12s %" PRIu64, others[i].word, others[i].count);
	if (u->asked)
		print_safe(t, "Somebody else must approve it: optgate import approve %" PRIu64 " --note TEXT", id);
}

static int undo(struct tool *t, bool approves)
{
	struct undo u = {.actor = view_of(t->actor), .note = view_of(option(&t->args, OPT_NOTE)), .approves = approves};
	const char *number = t->args.operands[0];
	struct undone told;
	struct err err;
	if (!view_u64(view_of(number), INT64_MAX, &u.id) || !u.id)
		return misuse(t, "import %s: expected the number of an import (optgate import list), found \"%s\"", t->args.verb->sub, number);
	if (need_ledger(t, true, &err) < 0 || ledger_import_undo(t->ledger, &u, &told, &err) < 0)
		return failed(t, &err);
	if (as_json(t))
		print_json(t, undone_json(u.id, &told));
	else
		undone_text(t, u.id, &told);
	return EXIT_DONE;
}

int run_import_undo(struct tool *t)
{
	return undo(t, false);
}

int run_import_approve(struct tool *t)
{
	return undo(t, true);
}
