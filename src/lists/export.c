#include "lists/export.h"

#include <jansson.h>
#include <stdlib.h>

#include "lists/csv.h"

#define FLUSH 65536

struct export {
	const struct export_settings *set;
	struct export_report *report;
	struct buf out;
	struct err *err;
	bool failed;
};

static bool flush(struct export *x)
{
	x->failed = x->out.failed || x->set->write(x->set->arg, buf_view(&x->out), x->err) < 0;
	buf_clear(&x->out);
	return !x->failed;
}

struct cell {
	const char *name;
	struct view value;
};

static struct view time_cell(int64_t ms, char dst[TIME_TEXT])
{
	if (!ms)
		return V("");
	time_text(ms, dst);
	return view_of(dst);
}

static void write_csv(struct buf *out, const struct cell *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_byte(out, ',');
		csv_write(out, cells[i].value);
	}
	buf_str(out, "\r\n");
}

static void write_json(struct buf *out, const struct cell *cells, size_t n)
{
	json_t *o = json_object();
	for (size_t i = 0; i < n; i++)
		if (cells[i].value.n || i < 4) /* what the format is known by */
			json_object_set_new(o, cells[i].name, json_stringn(cells[i].value.p, cells[i].value.n));
	char *text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	buf_str(out, text ? text : "{}");
	buf_byte(out, '\n');
	free(text);
	json_decref(o);
}

static bool write_row(struct export *x, const struct cell *cells, size_t n)
{
	x->report->rows++;
	if (x->set->ndjson)
		write_json(&x->out, cells, n);
	else
		write_csv(&x->out, cells, n);
	return x->out.n < FLUSH || flush(x);
}

static bool wanted(const struct export *x, const struct scope *scope, enum reason reason, const char *source, int64_t arrived_ms)
{
	const struct export_settings *s = x->set;
	return (!s->scope || (s->scope->level == scope->level && memcmp(s->scope->id, scope->id, SCOPE_ID_BYTES) == 0)) &&
	       (!s->reason || s->reason == reason) && (!s->source.n || view_eq(s->source, view_of(source))) && arrived_ms >= s->since_ms;
}

#define CELLS(array) array, sizeof array / sizeof *array

static bool suppression_row(void *arg, const struct suppression *r, struct view address)
{
	struct export *x = arg;
	char event[TIME_TEXT], expires[TIME_TEXT];
	if (!wanted(x, &r->scope, r->reason, r->source, r->arrived_ms))
		return true;
	if (!address.n) {
		x->report->nameless++;
		return true;
	}
	const struct cell cells[] = {{"address", address}, {"channel", view_of(channel_word(r->channel))}, {"scope", view_of(r->scope.name)},
	    {"reason", view_of(reason_word(r->reason))}, {"event", time_cell(r->event_ms, event)}, {"expires", time_cell(r->expires_ms, expires)},
	    {"source", view_of(r->source)}, {"actor", view_of(r->actor)}, {"note", view_of(r->note)}};
	return write_row(x, CELLS(cells));
}

static bool consent_row(void *arg, const struct consent *r, struct view address)
{
	struct export *x = arg;
	char granted[TIME_TEXT], withdrawn[TIME_TEXT], expires[TIME_TEXT];
	if (!wanted(x, &r->purpose, 0, r->source, 0))
		return true;
	if (!address.n) {
		x->report->nameless++;
		return true;
	}
	const char *basis = basis_word(r->basis);
	const struct cell cells[] = {{"address", address}, {"channel", view_of(channel_word(r->channel))}, {"purpose", view_of(r->purpose.name)},
	    {"basis", view_of(basis ? basis : "")}, {"granted", time_cell(r->granted_ms, granted)}, {"withdrawn", time_cell(r->withdrawn_ms, withdrawn)},
	    {"expires", time_cell(r->expires_ms, expires)}, {"wording", view_of(r->wording)}, {"evidence", view_of(r->evidence)},
	    {"source", view_of(r->source)}, {"actor", view_of(r->actor)}};
	return write_row(x, CELLS(cells));
}

static bool allow_row(void *arg, const struct suppression *r, struct view address)
{
	struct export *x = arg;
	char event[TIME_TEXT], expires[TIME_TEXT];
	if (!wanted(x, &r->scope, 0, r->source, r->arrived_ms))
		return true;
	if (!address.n) {
		x->report->nameless++;
		return true;
	}
	const struct cell cells[] = {{"address", address}, {"channel", view_of(channel_word(r->channel))}, {"scope", view_of(r->scope.name)},
	    {"allowed", time_cell(r->event_ms, event)}, {"expires", time_cell(r->expires_ms, expires)}, {"source", view_of(r->source)},
	    {"actor", view_of(r->actor)}, {"note", view_of(r->note)}};
	return write_row(x, CELLS(cells));
}

static const char *header_of(const struct export_settings *s)
{
	return s->consents ? "address,channel,purpose,basis,granted,withdrawn,expires,wording,evidence,source,actor\r\n"
	       : s->allows ? "address,channel,scope,allowed,expires,source,actor,note\r\n"
	                   : "address,channel,scope,reason,event,expires,source,actor,note\r\n";
}

int export_list(const struct export_settings *s, struct export_report *ret, struct err *err)
{
	struct export x = {.set = s, .report = ret, .err = err};
	bool blocks = !s->consents && !s->allows;
	const struct ledger_walk walk = {.suppression = blocks ? suppression_row : NULL, .block = blocks ? suppression_row : NULL,
	    .consent = s->consents ? consent_row : NULL, .allow = s->allows ? allow_row : NULL};
	*ret = (struct export_report){0};
	buf_init(&x.out, 4 * FLUSH);
	if (!s->ndjson)
		buf_str(&x.out, header_of(s));
	int rc = ledger_walk(s->ledger, &walk, &x, err);
	if (rc == 0 && !x.failed)
		flush(&x);
	buf_free(&x.out);
	return rc < 0 || x.failed ? -1 : 0;
}
