/* Figures of the stores and the counters, as JSON. */
#include "base/counter.h"
#include "control/queue.h"

static json_t *ledger_figures(struct ledger *l)
{
	struct ledger_stats st;
	struct err err;
	if (ledger_stats(l, &st, &err) < 0)
		return control_error("%s", err.text);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "suppressions", (json_int_t)st.suppressions,
	    "blocks", (json_int_t)st.blocks, "allows", (json_int_t)st.allows, "consents", (json_int_t)st.consents, "wordings", (json_int_t)st.wordings, "links", (json_int_t)st.links, "persons", (json_int_t)st.persons, "journal_entries",
	    (json_int_t)st.journal_entries, "used_bytes", (json_int_t)st.used_bytes, "map_bytes",
	    (json_int_t)st.map_bytes, "file_bytes", (json_int_t)st.file_bytes, "readers", (json_int_t)st.readers);
}

static json_t *spool_figures(struct spool *s)
{
	struct spool_stats st;
	char oldest[TIME_TEXT];
	spool_stats(s, &st);
	time_text(st.oldest_ms, oldest);
	json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "items", (json_int_t)st.items, "held",
	    (json_int_t)st.held, "taken", (json_int_t)st.taken, "lanes", (json_int_t)st.lanes, "segments",
	    (json_int_t)st.segments, "bytes", (json_int_t)st.bytes, "syncs", (json_int_t)st.syncs, "submitted",
	    (json_int_t)st.submitted, "settled", (json_int_t)st.settled);
	json_object_set_new(o, "oldest", st.oldest_ms ? json_string(oldest) : json_null());
	return o;
}

static void add_counter(void *arg, const char *name, int64_t value)
{
	json_object_set_new(arg, name, json_integer(value));
}

json_t *stats_answer(struct ledger *l, struct spool *s, bool with_counters)
{
	json_t *o = json_object();
	if (l)
		json_object_set_new(o, "ledger", ledger_figures(l));
	if (s)
		json_object_set_new(o, "spool", spool_figures(s));
	if (with_counters) {
		json_t *counters = json_object();
		counters_each(add_counter, counters);
		json_object_set_new(o, "counters", counters);
	}
	return o;
}
