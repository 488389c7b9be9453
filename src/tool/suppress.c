/* suppress add | remove | show: what blocks somebody. */
#include "ledger/blocks.h"
#include "tool.h"

#define LOOK_MAX (4u << 20)

/* What suppress and consent verbs have in common: whose row, and who says so. */
int change_begin(struct tool *t, struct change *c, struct address *address, struct err *err)
{
	return change_begin_about(t, c, address, NULL, err);
}

/* A domain's or digest's name is given: 1, and *C is about it; 0: a person is meant. */
static int begin_block(struct tool *t, struct change *c, struct block_name *name, struct err *err)
{
	const char *text = t->args.operands[0];
	if (!name || c->channel != CHANNEL_EMAIL || !block_name_is_meant(view_of(text)))
		return 0;
	if (block_name_parse(view_of(text), name, err) < 0)
		return err_prefix(err, "%s", text);
	change_about(t->ledger, name, c);
	return 1;
}

int change_begin_about(struct tool *t, struct change *c, struct address *address, struct block_name *name, struct err *err)
{
	const char *source = option(&t->args, OPT_SOURCE), *note = option(&t->args, OPT_NOTE);
	if (read_channel(&t->args, &c->channel, err) < 0 || need_ledger(t, true, err) < 0)
		return -1;
	int block = begin_block(t, c, name, err);
	if (block < 0 || (!block && read_person(t, c->channel, address, &c->who, err) < 0))
		return -1;
	if (!block)
		c->address = view_of(address->text);
	c->source = view_of(source ? source : "cli");
	c->actor = view_of(t->actor);
	c->note = view_of(note);
	return read_when(&t->args, OPT_AT, &c->event_ms, err) < 0 ||
		       read_when(&t->args, OPT_EXPIRES, &c->expires_ms, err) < 0
		   ? -1
		   : 0;
}

/* DONE_WORD and STOOD_WORD: what is said when the ledger changed, and when it stood like this before. */
int change_report(struct tool *t, const struct change *c, const char *what, const struct change_result *r,
    const char *done_word, const char *stood_word)
{
	if (as_json(t))
		print_json(
		    t, json_pack("{s:s%, s:s, s:s, s:s, s:b, s:I}", "address", c->address.p, c->address.n, "channel",
			   channel_word(c->channel), "scope", c->scope.name, c->reason ? "reason" : "basis", what,
			   "changed", (int)r->changed, "entry", (json_int_t)r->seq));
	else
		fprintf(t->out, "%.*s: %s: %s, scope %s (journal entry %llu)\n", VFMT(c->address),
		    r->changed ? done_word : stood_word, what, *c->scope.name ? c->scope.name : "global",
		    (unsigned long long)r->seq);
	return EXIT_DONE;
}

static int read_reason(struct tool *t, struct change *c, struct err *err)
{
	const char *word = option(&t->args, OPT_REASON);
	c->reason = reason_of(view_of(word ? word : "manual"));
	return c->reason ? 0 : err_set(err, ERR_SYNTAX, "--reason: expected %s", option_rows[OPT_REASON].help);
}

int run_suppress_add(struct tool *t)
{
	struct change c = {.kind = CHANGE_SUPPRESS};
	struct change_result r;
	struct address address;
	struct block_name name;
	struct err err;
	const char *scope = option(&t->args, OPT_SCOPE);
	if (read_reason(t, &c, &err) < 0 || read_known_scope(t, scope ? scope : "", &c.scope, &err) < 0 ||
	    change_begin_about(t, &c, &address, &name, &err) < 0 || ledger_change(t->ledger, &c, &r, &err) < 0)
		return failed(t, &err);
	return change_report(t, &c, reason_word(c.reason), &r, "suppressed", "was suppressed already");
}

/* ---- remove: alone, or with a second person ---- */

static bool holds_mail(const struct consent *k, int64_t now_ms)
{
	return k->withdrawn_ms && !consent_stands(k->basis, k->granted_ms, k->withdrawn_ms, k->expires_ms, now_ms);
}

/* Who has removed a suppression expects mail to go: a withdrawal beside it still keeps it back. */
static void tell_withdrawals(struct tool *t, const struct change *c)
{
	struct arena arena;
	struct record rec;
	arena_init(&arena, LOOK_MAX);
	if (ledger_look(t->ledger, &c->who, &arena, &rec, NULL) < 0)
		rec.consent_count = 0;
	for (unsigned i = 0; i < rec.consent_count; i++)
		if (holds_mail(&rec.consents[i], clock_wall(&clock_system)))
			fprintf(t->err_out, "optgate: consent for %s is still withdrawn (journal entry %llu): only the person can give it anew\n",
			    *rec.consents[i].purpose.name ? rec.consents[i].purpose.name : "everything",
			    (unsigned long long)rec.consents[i].seq);
	arena_free(&arena);
}

static int tell_request(struct tool *t, const struct change *c, const struct change_result *r)
{
	int code = change_report(t, c, reason_word(c->reason), r, "removal asked for", "was not suppressed like this");
	if (r->changed && !as_json(t))
		fprintf(t->out, "Somebody else must approve it: optgate suppress approve %llu --note TEXT\n", (unsigned long long)r->seq);
	return code;
}

static int tell_removal(struct tool *t, const struct change *c, const struct change_result *r)
{
	int code = change_report(t, c, reason_word(c->reason), r, "no longer suppressed", "was not suppressed like this");
	if (r->changed)
		tell_withdrawals(t, c);
	return code;
}

int run_suppress_remove(struct tool *t)
{
	struct change c = {.kind = CHANGE_UNSUPPRESS};
	struct change_result r;
	struct address address;
	struct block_name name;
	struct err err;
	const char *scope = option(&t->args, OPT_SCOPE);
	/* any scope: also one that the settings have forgotten */
	if (read_reason(t, &c, &err) < 0 || scope_parse(view_of(scope ? scope : ""), &c.scope, &err) < 0 ||
	    change_begin_about(t, &c, &address, &name, &err) < 0)
		return failed(t, &err);
	if (ledger_change(t->ledger, &c, &r, &err) == 0)
		return tell_removal(t, &c, &r);
	if (err.kind != ERR_REFUSED || !removal_asks_two(c.reason))
		return failed(t, &err);
	c.kind = CHANGE_REQUEST;
	return ledger_change(t->ledger, &c, &r, &err) < 0 ? failed(t, &err) : tell_request(t, &c, &r);
}

int run_suppress_approve(struct tool *t)
{
	const char *number = t->args.operands[0];
	struct change_result r;
	struct change c;
	struct err err;
	uint64_t seq;
	if (!view_u64(view_of(number), INT64_MAX, &seq) || !seq)
		return misuse(t, "suppress approve: expected the number of a journal entry, found \"%s\"", number);
	if (need_ledger(t, true, &err) < 0 || ledger_request(t->ledger, seq, &c, &err) < 0)
		return failed(t, &err);
	c.actor = view_of(t->actor);
	c.source = V("cli");
	c.note = view_of(option(&t->args, OPT_NOTE));
	if (ledger_change(t->ledger, &c, &r, &err) < 0)
		return failed(t, &err);
	c.address = view_of(number); /* whose it is the journal doesn't say */
	return tell_removal(t, &c, &r);
}

/* ---- show ---- */

static json_t *suppression_json(const struct suppression *s)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "channel", channel_word(s->channel),
	    "scope", s->scope.name, "reason", reason_word(s->reason), "when", json_time(s->event_ms), "learnt",
	    json_time(s->arrived_ms), "expires", json_time(s->expires_ms), "source", json_text(s->source), "actor",
	    json_text(s->actor), "note", json_text(s->note), "entry", (json_int_t)s->seq);
}

static json_t *consent_json(const struct consent *c)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "channel", channel_word(c->channel),
	    "purpose", c->purpose.name, "basis", c->basis ? basis_word(c->basis) : "", "granted",
	    json_time(c->granted_ms), "withdrawn", json_time(c->withdrawn_ms), "expires", json_time(c->expires_ms),
	    "wording", json_text(c->wording), "source", json_text(c->source), "actor", json_text(c->actor), "evidence",
	    json_text(c->evidence), "entry", (json_int_t)c->seq);
}

void print_objects(struct tool *t, const json_t *rows, const char *const *columns)
{
	unsigned n = 0;
	while (columns[n])
		n++;
	struct grid *g = grid_new(n);
	grid_row(g, columns);
	size_t i;
	json_t *row;
	json_array_foreach(rows, i, row)
	{
		const char *cells[16];
		char scratch[16][64];
		for (unsigned c = 0; c < n; c++)
			cells[c] = member(row, columns[c], scratch[c]);
		grid_row(g, cells);
	}
	grid_print(g, t->out);
	grid_free(&g);
}

void name_global(json_t *rows, const char *name)
{
	size_t i;
	json_t *row;
	json_array_foreach(rows, i, row) if (!*json_string_value(json_object_get(row, name)))
	    json_object_set_new(row, name, json_string("global"));
}

static json_t *rows_of(const struct record *rec, bool consents)
{
	json_t *rows = json_array();
	for (unsigned i = 0; !consents && i < rec->suppression_count; i++)
		json_array_append_new(rows, suppression_json(&rec->suppressions[i]));
	for (unsigned i = 0; consents && i < rec->consent_count; i++)
		json_array_append_new(rows, consent_json(&rec->consents[i]));
	return rows;
}

static int show(struct tool *t, bool consents)
{
	static const char *const suppression_columns[] = {
	    "scope", "reason", "when", "expires", "source", "actor", "entry", "note", NULL};
	static const char *const consent_columns[] = {"purpose", "basis", "granted", "withdrawn", "expires", "wording",
	    "source", "actor", "entry", "evidence", NULL};
	struct arena arena;
	struct record rec;
	struct address address;
	struct block_name name;
	struct change c = {0};
	struct err err;
	int block = -1;
	if (read_channel(&t->args, &c.channel, &err) == 0 && need_ledger(t, false, &err) == 0)
		block = begin_block(t, &c, consents ? NULL : &name, &err);
	if (block < 0 || (!block && read_person(t, c.channel, &address, &c.who, &err) < 0))
		return failed(t, &err);
	arena_init(&arena, LOOK_MAX);
	int rc = ledger_look(t->ledger, &c.who, &arena, &rec, &err);
	json_t *rows = rc == 0 ? rows_of(&rec, consents) : NULL;
	arena_free(&arena);
	if (rc < 0)
		return failed(t, &err);
	if (as_json(t)) {
		print_json(t, rows);
		return EXIT_DONE;
	}
	name_global(rows, consents ? "purpose" : "scope");
	if (json_array_size(rows))
		print_objects(t, rows, consents ? consent_columns : suppression_columns);
	else
		fprintf(t->out, "%s: %s\n", block ? name.text : address.text, consents ? "no consent on record" : "not suppressed");
	json_decref(rows);
	return EXIT_DONE;
}

int run_suppress_show(struct tool *t)
{
	return show(t, false);
}

int run_consent_show(struct tool *t)
{
	return show(t, true);
}
