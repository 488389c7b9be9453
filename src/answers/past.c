/* What was decided of a message, by its reference: the log of decisions, and the journal's entries behind it. */
#include <inttypes.h>
#include <stdio.h>

#include "answers/answers.h"
#include "intake/tripwire.h"
#include "spool/spool.h"

#define DAY_MS INT64_C(86400000)
#define ROWS_MAX 10000

static json_t *word_json(const char *word)
{
	return word ? json_string(word) : json_null();
}

json_t *entry_json(const struct journal_entry *e)
{
	json_t *o = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:b}", "entry", (json_int_t)e->seq,
	    "when", json_time(e->event_ms), "arrived", json_time(e->arrived_ms), "change",
	    word_json(change_word(e->kind)), "channel", e->channel ? word_json(channel_word(e->channel)) : json_null(),
	    "person", hex_json(e->who.b, sizeof e->who.b), "scope", e->scope.name, "reason",
	    e->reason ? word_json(reason_word(e->reason)) : json_null(), "basis",
	    e->basis ? word_json(basis_word(e->basis)) : json_null(), "expires", json_time(e->expires_ms), "kept_only",
	    (int)e->kept_only);
	json_object_update_new(o, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "source", json_view(e->source), "actor",
				      json_view(e->actor), "note", json_view(e->note), "wording", json_view(e->wording),
				      "evidence", json_view(e->evidence), "hash", hex_json(e->hash, sizeof e->hash)));
	return o;
}

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
	return json_array_size(r->rows) < ROWS_MAX;
}

static int read_ref(const char *text, struct by_ref *ret, struct err *err)
{
	struct view rest = view_of(text), id;
	uint64_t number = 0;
	bool dot = view_find(rest, 0, '.') < rest.n;
	if (!view_cut(&rest, '.', &id) || !spool_id_parse(id, &ret->id) || (dot && !view_u64(rest, UINT32_MAX, &number)))
		return err_set(err, ERR_SYNTAX, "expected 13 letters and digits, and perhaps .NUMBER, found \"%s\"", text);
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
static void add_entries(struct ledger *l, json_t *rows)
{
	size_t i;
	json_t *row;
	struct err err;
	json_array_foreach(rows, i, row)
	{
		json_int_t seq = json_integer_value(json_object_get(row, "entry"));
		json_t *entry = NULL;
		if (seq > 0 && ledger_journal(l, (uint64_t)seq, take_one, &entry, &err) == 0 && entry)
			json_object_set_new(row, "journal", entry);
	}
}

int past_json(struct ledger *l, const char *decisions_dir, const char *ref, json_t **ret, struct err *err)
{
	struct by_ref r = {0};
	if (read_ref(ref, &r, err) < 0)
		return -1;
	r.rows = json_array();
	/* An id holds its time, or an earlier one; a clock that was set back makes it a later one. */
	int rc = decisions_each(decisions_dir, (int64_t)(r.id >> 16) - DAY_MS, INT64_MAX, take_by_ref, &r, err);
	if (rc == 0 && !json_array_size(r.rows))
		rc = decisions_each(decisions_dir, 0, INT64_MAX, take_by_ref, &r, err);
	if (rc == 0 && !json_array_size(r.rows))
		rc = err_set(err, ERR_MISSING, "%s: nothing is known of it; decisions.keep says how long decisions are kept", ref);
	if (rc < 0) {
		json_decref(r.rows);
		return -1;
	}
	add_entries(l, r.rows);
	*ret = r.rows;
	return 0;
}
