/* replay: a period's decisions, judged again by other settings, by the ledger as it is or as it was.
 *
 *   decision log ─▶ each end of DATA, each refusal at RCPT ─▶ verdict by the other settings ─▶ what differs, by stream and reason */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "decisions/decisions.h"
#include "intake/tripwire.h"
#include "tool.h"

#define DAY_MS INT64_C(86400000)
#define GONE_MAX 1000000     /* removals since the period began */
#define ENTRIES_MAX 20000000 /* of the journal within the period */
#define EXAMPLES 3

struct gone {
	struct person_key who;
	int64_t at_ms;
	struct suppression_row row;
};

struct arrival {
	int64_t at_ms;
	uint64_t seq;
};

struct past {
	int64_t since_ms;
	struct gone *gone;
	struct arrival *entries;
	size_t gone_count, gone_room, entry_count, entry_room;
	uint64_t before; /* the last entry before the period */
	bool too_much;
};

struct replay {
	struct ledger *ledger;
	const struct policy *policy;
	const char *stream; /* NULL = all */
	const struct past *past; /* NULL: by the ledger as it is */
	int64_t now_ms;
	uint64_t judged, same;
	struct buf address;  /* of the decision at hand, if it is on record */
	json_t *differences; /* "scope\nwas\nbecomes" -> {"count", "refs"} */
};

/* ---- the ledger as it was ---- */

static bool learn(void *arg, const struct journal_entry *e)
{
	struct past *p = arg;
	if (e->arrived_ms < p->since_ms) {
		p->before = e->seq;
		return true;
	}
	if (p->entry_count == p->entry_room) {
		p->entry_room = p->entry_room ? 2 * p->entry_room : 1024;
		p->entries = mem_grow(p->entries, p->entry_room * sizeof *p->entries);
	}
	p->entries[p->entry_count++] = (struct arrival){e->arrived_ms, e->seq};
	if (e->kind == CHANGE_UNSUPPRESS || e->kind == CHANGE_DISALLOW) {
		if (p->gone_count == p->gone_room) {
			p->gone_room = p->gone_room ? 2 * p->gone_room : 64;
			p->gone = mem_grow(p->gone, p->gone_room * sizeof *p->gone);
		}
		struct gone *g = &p->gone[p->gone_count++];
		*g = (struct gone){.who = e->who, .at_ms = e->arrived_ms, .row = {.level = e->scope.level, .reason = e->reason}};
		memcpy(g->row.scope_id, e->scope.id, SCOPE_ID_BYTES);
	}
	p->too_much = p->gone_count == GONE_MAX || p->entry_count == ENTRIES_MAX;
	return !p->too_much;
}

static int gone_cmp(const void *a, const void *b)
{
	return memcmp(((const struct gone *)a)->who.b, ((const struct gone *)b)->who.b, PERSON_KEY_BYTES);
}

static int past_read(struct ledger *l, struct past *p, struct err *err)
{
	if (ledger_journal(l, 1, learn, p, err) < 0)
		return -1;
	if (p->too_much)
		return err_set(err, ERR_LIMIT, "--then: more than %d entries or %d removals since then: ask for a later period", ENTRIES_MAX, GONE_MAX);
	if (p->gone_count)
		qsort(p->gone, p->gone_count, sizeof *p->gone, gone_cmp);
	return 0;
}

static uint64_t last_seq_at(const struct past *p, int64_t at_ms)
{
	size_t low = 0, high = p->entry_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (p->entries[middle].at_ms <= at_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? p->entries[low - 1].seq : p->before;
}

#define GONE_OF_ONE 64

struct missing {
	const struct past *past;
	int64_t at_ms;
	struct suppression_row rows[GONE_OF_ONE];
	size_t count;
};

/* What stood under this key at the time and has been removed since. */
static void add_gone(void *arg, const struct person_key *who)
{
	struct missing *m = arg;
	const struct past *p = m->past;
	size_t low = 0, high = p->gone_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(p->gone[middle].who.b, who->b, PERSON_KEY_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < p->gone_count && memcmp(p->gone[low].who.b, who->b, PERSON_KEY_BYTES) == 0; low++)
		if (p->gone[low].at_ms > m->at_ms && m->count < GONE_OF_ONE)
			m->rows[m->count++] = p->gone[low].row;
}

static struct verdict decide_then(const struct replay *r, const struct question *q)
{
	struct missing m = {.past = r->past, .at_ms = q->now_ms};
	const struct asked asked = policy_asked(q);
	if (ledger_ask_names(r->ledger, &asked, add_gone, &m, NULL) < 0)
		return (struct verdict){.kind = VERDICT_DEFER, .rule = RULE_LEDGER};
	return policy_decide_then(r->ledger, q, last_seq_at(r->past, q->now_ms), m.rows, m.count);
}

/* ---- judging again ---- */

/* "acme/offers/spring" in the other settings. */
static bool find(const struct policy *p, struct view scope, struct question *q)
{
	struct view rest = scope, brand = {0}, stream = {0};
	view_cut(&rest, '/', &brand);
	view_cut(&rest, '/', &stream);
	const struct brand *b = policy_brand(p, brand);
	q->stream = b ? brand_stream(b, stream) : NULL;
	q->topic = q->stream && rest.n ? stream_topic(q->stream, rest) : NULL;
	return q->stream && (q->topic || !rest.n);
}

static const char *outcome(const struct verdict *v, char dst[80])
{
	if (v->kind == VERDICT_ALLOW && !v->shadow)
		return "allow";
	snprintf(dst, 80, "%s: %s", v->shadow ? "allow, on trial" : verdict_word(v->kind), verdict_reason_word(v));
	return dst;
}

static void add_difference(struct replay *r, const struct decision *x, const char *was, const char *becomes)
{
	char key[SCOPE_NAME_MAX + 200], ref[SPOOL_ID_TEXT + 12], id[SPOOL_ID_TEXT];
	snprintf(key, sizeof key, "%.*s\n%s\n%s", VFMT(x->scope), was, becomes);
	json_t *row = json_object_get(r->differences, key);
	if (!row) {
		row = json_pack("{s:o, s:s, s:s, s:i, s:[]}", "stream", json_view(x->scope), "was", was, "becomes", becomes, "count", 0, "refs");
		json_object_set_new_nocheck(r->differences, key, row);
	}
	json_object_set_new(row, "count", json_integer(json_integer_value(json_object_get(row, "count")) + 1));
	json_t *refs = json_object_get(row, "refs");
	spool_id_text(x->ref, id);
	snprintf(ref, sizeof ref, "%s.%u", id, (unsigned)x->rcpt);
	if (json_array_size(refs) < EXAMPLES)
		json_array_append_new(refs, json_string(ref));
}

static bool judge_again(void *arg, const struct decision *x)
{
	struct replay *r = arg;
	struct question q = {.channel = x->channel, .who = x->who, .now_ms = r->past ? x->at_ms : r->now_ms};
	bool asked = x->at == DECIDED_AT_DATA || x->at == DECIDED_AT_RCPT;
	if (!asked || (r->stream && !view_eq(x->scope, view_of(r->stream))))
		return true;
	char was[80], becomes[80];
	r->judged++;
	buf_clear(&r->address);
	if (x->channel == CHANNEL_EMAIL && ledger_person(r->ledger, &x->who, &r->address, NULL) == 0)
		q.address = buf_view(&r->address);
	if (!find(r->policy, x->scope, &q)) {
		add_difference(r, x, outcome(&x->verdict, was), "the settings no longer have it");
		return true;
	}
	struct stream as = *q.stream;
	if (as.tripwire == TRIPWIRE_MARKETING && tripwire_trips(x->signals))
		as.class = CLASS_MARKETING;
	q.stream = &as;
	struct verdict v = r->past ? decide_then(r, &q) : policy_decide(r->ledger, &q);
	const char *a = outcome(&x->verdict, was), *b = outcome(&v, becomes);
	if (strcmp(a, b) == 0)
		r->same++;
	else
		add_difference(r, x, a, b);
	return true;
}

/* ---- telling ---- */

static json_t *rows_of(const struct replay *r)
{
	json_t *rows = json_array(), *row;
	const char *key;
	json_object_foreach(r->differences, key, row) json_array_append(rows, row);
	return json_pack("{s:I, s:I, s:o}", "judged", (json_int_t)r->judged, "same", (json_int_t)r->same, "differences", rows);
}

static void print_rows(struct tool *t, const json_t *answer)
{
	size_t i;
	json_t *row;
	char n[64], s[64];
	struct grid *g = grid_new(5);
	grid_row(g, (const char *const[]){"stream", "was", "becomes", "count", "such as"});
	json_array_foreach(json_object_get(answer, "differences"), i, row)
	{
		const json_t *first = json_array_get(json_object_get(row, "refs"), 0);
		grid_row(g, (const char *const[]){control_text(row, "stream"), control_text(row, "was"), control_text(row, "becomes"),
				member(row, "count", n), json_string_value(first)});
	}
	fprintf(t->out, "%s decisions judged again", member(answer, "judged", n));
	fprintf(t->out, ", %s as before\n", member(answer, "same", s));
	if (i)
		grid_print(g, t->out);
	grid_free(&g);
}

static int replay(struct tool *t, struct replay *r, struct past *p, int64_t since, int64_t until, struct err *err)
{
	if (has_option(&t->args, OPT_THEN)) {
		p->since_ms = since;
		if (past_read(t->ledger, p, err) < 0)
			return -1;
		r->past = p;
	}
	return decisions_each(t->config->decisions_dir, since, until, judge_again, r, err);
}

static int settings_to_judge_by(struct tool *t, struct config **ret_other, struct replay *r, struct err *err)
{
	const char *file = option(&t->args, OPT_AGAINST);
	if (file && config_load(ret_other, file, false, err) < 0)
		return -1;
	r->policy = *ret_other ? (*ret_other)->policy : t->config->policy;
	return 0;
}

int run_replay(struct tool *t)
{
	int64_t now = clock_wall(&clock_system), since, until;
	struct config *other = NULL;
	struct past past = {0};
	struct err err;
	if (read_past(&t->args, OPT_SINCE, now - DAY_MS, &since, &err) < 0 || read_past(&t->args, OPT_UNTIL, now, &until, &err) < 0 ||
	    need_ledger(t, false, &err) < 0)
		return failed(t, &err);
	struct replay r = {.ledger = t->ledger, .stream = option(&t->args, OPT_STREAM), .now_ms = now, .differences = json_object()};
	buf_init(&r.address, ADDRESS_MAX);
	int rc = settings_to_judge_by(t, &other, &r, &err);
	if (rc == 0)
		rc = replay(t, &r, &past, since, until, &err);
	if (rc == 0) {
		json_t *answer = rows_of(&r);
		if (as_json(t)) {
			print_json(t, answer);
		} else {
			print_rows(t, answer);
			json_decref(answer);
		}
	}
	json_decref(r.differences);
	buf_free(&r.address);
	config_free(&other);
	free(past.gone);
	free(past.entries);
	return rc < 0 ? failed(t, &err) : EXIT_DONE;
}
