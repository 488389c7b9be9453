#include "lists/import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"
#include "ledger/address.h"
#include "ledger/blocks.h"
#include "ledger/wording.h"
#include "mail/address.h"

#define REJECTS_FLUSH   65536
#define PROGRESS_ROWS   50000

struct import {
	const struct import_settings *set;
	struct import_report *report;
	struct list_reader *reader;
	struct list_row row;
	unsigned more;           /* the row at hand has this to say yet (list_entry, .next) */
	struct address address;  /* of the change at hand */
	struct block_name block; /* or this */
	char note[NOTE_MAX + 1], evidence[NOTE_MAX + 1], wording[NOTE_MAX + 1];
	struct err *err;
	bool failed;
	struct import_record record;
};

/* Text of any tool, cut and cleaned: valid UTF-8 only by chance, so other than ASCII becomes '?'. */
static struct view clean(struct view v, char dst[NOTE_MAX + 1])
{
	size_t n = v.n < NOTE_MAX ? v.n : NOTE_MAX;
	for (size_t i = 0; i < n; i++)
		dst[i] = (unsigned char)v.p[i] < 0x20 ? ' ' : (unsigned char)v.p[i] > 0x7e ? '?' : v.p[i];
	return view_n(dst, n);
}

static void flush_rejects(struct import *im)
{
	const struct import_settings *s = im->set;
	if (s->rejects && s->rejects->n && s->on_rejects(s->arg, s->rejects, im->err) < 0)
		im->failed = true;
}

static void reject(struct import *im, const char *expected)
{
	const struct import_settings *s = im->set;
	im->report->counts.rejected++;
	if (!s->rejects)
		return;
	buf_fmt(s->rejects, "%" PRIu64 ",", im->row.line);
	csv_write(s->rejects, view_of(expected));
	for (unsigned i = 0; i < im->row.count; i++) {
		buf_byte(s->rejects, ',');
		csv_write(s->rejects, im->row.values[i]);
	}
	buf_str(s->rejects, "\n");
	if (s->rejects->n > REJECTS_FLUSH || s->rejects->failed)
		flush_rejects(im);
}

/* The reason decides the reach (promise 8): a bounce says something of the mailbox, a complaint or objection of the brand's marketing. */
static void widen(struct scope *scope, enum reason reason)
{
	struct view name = view_of(scope->name);
	char brand[SCOPE_NAME_MAX + 1];
	if (reason == REASON_BOUNCE)
		name = V("");
	else if (reason == REASON_COMPLAINT || reason == REASON_OBJECTION)
		name = view_sub(name, 0, view_find(name, 0, '/'));
	ALWAYS(view_str(name, brand, sizeof brand) && scope_parse(view_of(brand), scope, NULL) == 0);
}

/* The scope of a row: written in it, or the import's; a vendor's list must be a topic of the import's stream. */
static const char *find_scope(const struct import *im, const struct list_entry *e, struct scope *ret)
{
	char name[SCOPE_NAME_MAX + 1];
	*ret = im->set->scope;
	if (e->scope.p && scope_parse(e->scope, ret, NULL) < 0)
		return "scope: empty, BRAND, BRAND/STREAM or BRAND/STREAM/TOPIC";
	if (!e->topic.n)
		return NULL;
	const struct stream *stream = policy_stream(im->set->policy, view_of(im->set->scope.name));
	if (!stream || !stream_topic(stream, e->topic))
		return "a list that is a topic of the stream named by --scope";
	int n = snprintf(name, sizeof name, "%s/%.*s", im->set->scope.name, VFMT(e->topic));
	if (n < 0 || (size_t)n >= sizeof name || scope_parse(view_n(name, (size_t)n), ret, NULL) < 0)
		return "a shorter name of a list";
	return NULL;
}

static const char *const expected_name[] = {
	[CHANNEL_EMAIL] = "an e-mail address",
	[CHANNEL_SMS] = "a number with its country code",
	[CHANNEL_PHONE] = "a number with its country code",
	[CHANNEL_POST] = "a postal address",
	[CHANNEL_SOCIAL] = "NETWORK:HANDLE",
};

/* Whose the row is: a domain's, a digest's, or a person's. */
static const char *find_subject(struct import *im, const struct list_entry *e, struct change *c)
{
	char at[BLOCK_TEXT];
	struct view name = e->address;
	bool blocks = c->channel == CHANNEL_EMAIL && (e->is_domain || block_name_is_meant(name));
	if (e->is_domain)
		name = view_n(at, (size_t)snprintf(at, sizeof at, "@%.*s", (int)(name.n < DOMAIN_MAX ? name.n : DOMAIN_MAX), name.p));
	if (blocks && (c->kind == CHANGE_GRANT || c->kind == CHANGE_WITHDRAW))
		return "an e-mail address: only people consent";
	if (blocks && block_name_parse(name, &im->block, NULL) < 0)
		return "a domain, or a digest of 32, 40, 64 or 128 hex digits";
	if (blocks) {
		change_about(im->set->ledger, &im->block, c);
		return NULL;
	}
	if (channel_address_parse(c->channel, name, policy_country(im->set->policy, &c->scope), &im->address, NULL) < 0)
		return expected_name[c->channel];
	c->address = view_of(im->address.text);
	ledger_person_key(im->set->ledger, c->channel, c->address, &c->who);
	return NULL;
}

static enum change_kind kind_of(const struct list_entry *e)
{
	static const enum change_kind kinds[] = {[ENTRY_GRANT] = CHANGE_GRANT, [ENTRY_WITHDRAW] = CHANGE_WITHDRAW, [ENTRY_ALLOW] = CHANGE_ALLOW};
	return e->kind < sizeof kinds / sizeof *kinds && kinds[e->kind] ? kinds[e->kind] : CHANGE_SUPPRESS;
}

/* "evidence how=... ip=... agent=...": the agent last, since it may hold blanks. */
static bool join_evidence(struct import *im, const struct list_entry *e, struct view *ret)
{
	const struct {
		const char *key;
		struct view value;
	} parts[] = {{"", e->evidence}, {"how=", e->how}, {"ip=", e->ip}, {"agent=", e->agent}};
	struct buf joined;
	buf_init(&joined, NOTE_MAX);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (parts[i].value.n) {
			buf_str(&joined, joined.n ? " " : "");
			buf_str(&joined, parts[i].key);
			buf_add(&joined, parts[i].value);
		}
	*ret = clean(buf_view(&joined), im->evidence);
	bool fits = !joined.failed;
	buf_free(&joined);
	return fits;
}

/* All that ledger_load would refuse the whole file for. */
static const char *grant_missing(const struct import *im, struct change *c)
{
	c->demands = policy_demands(im->set->policy, &c->scope);
	const char *missing = evidence_missing(c);
	if (!missing && c->basis == BASIS_CONSENT && c->demands & 1u << EVIDENCE_STORED && !ledger_wording_is_kept(im->set->ledger, c->wording))
		return "the id of a wording that is kept (optgate wording add)";
	return missing;
}

static const char *make_change(struct import *im, const struct list_entry *e, struct change *c)
{
	*c = (struct change){.kind = kind_of(e), .channel = e->channel ? e->channel : CHANNEL_EMAIL, .basis = e->basis,
	    .reason = im->set->reason && e->kind == ENTRY_SUPPRESS ? im->set->reason : e->reason, .event_ms = e->event_ms, .expires_ms = e->expires_ms,
	    .wording = e->wording};
	if (c->kind == CHANGE_ALLOW && !im->set->allow)
		return "--allow, to take rows that let somebody pass";
	const char *bad = find_scope(im, e, &c->scope);
	if (!bad)
		bad = find_subject(im, e, c);
	if (bad)
		return bad;
	if (c->kind == CHANGE_ALLOW && c->channel >= CHANNEL_MD5)
		return "an address or a domain";
	if (c->kind == CHANGE_SUPPRESS && !e->scope.p)
		widen(&c->scope, c->reason);
	if (c->kind == CHANGE_GRANT && c->scope.level == SCOPE_GLOBAL)
		return "--scope BRAND/STREAM: what was agreed to";
	if (c->wording.n > 64 || !join_evidence(im, e, &c->evidence))
		return "a shorter wording or evidence";
	c->source = V("import");
	c->note = clean(e->note.n || c->kind != CHANGE_ALLOW ? e->note : V("in an imported list"), im->note);
	c->wording = clean(e->wording, im->wording);
	return c->kind == CHANGE_GRANT ? grant_missing(im, c) : NULL;
}

static void count(struct import *im, const struct change *c)
{
	if (c->kind == CHANGE_GRANT || c->kind == CHANGE_WITHDRAW) {
		im->report->counts.consents++;
	} else if (c->kind == CHANGE_ALLOW) {
		im->report->counts.allows++;
	} else {
		im->report->counts.suppressions++;
		im->report->counts.reasons[c->reason]++;
	}
}

/* A row to look at: the one at hand while it has more to say, else the next. 1; 0 at the end or after a failure. */
static int next_row(struct import *im, const char **ret_bad)
{
	*ret_bad = NULL;
	if (im->more)
		return 1;
	int rc = list_next(im->reader, &im->row, ret_bad, im->err);
	im->failed = rc < 0;
	if (rc > 0 && ++im->report->counts.rows % PROGRESS_ROWS == 0 && im->set->progress)
		im->set->progress(im->set->arg, im->report->counts.rows);
	return rc > 0;
}

/* What the row at hand says next: NULL, or what was expected. */
static const char *next_entry(struct import *im, struct list_entry *ret)
{
	*ret = (struct list_entry){.next = im->more};
	list_format(im->reader)->map(&im->row, ret);
	im->more = ret->next;
	return ret->kind == ENTRY_BAD ? ret->why : NULL;
}

/* The next change that follows from a row: 1; 0 at the end or after a failure. */
static int next_change(struct import *im, struct change *c)
{
	const char *bad;
	while (!im->failed && next_row(im, &bad)) {
		struct list_entry e = {0};
		if (!bad)
			bad = next_entry(im, &e);
		if (!bad && e.kind == ENTRY_SKIP) {
			im->report->counts.skipped++;
			continue;
		}
		if (!bad)
			bad = make_change(im, &e, c);
		if (!bad) {
			count(im, c);
			return 1;
		}
		reject(im, bad);
	}
	return 0;
}

static bool load_next(void *arg, struct change *c)
{
	return next_change(arg, c) == 1;
}

static bool mark(void *arg, struct import_record *record)
{
	struct import *im = arg;
	if (im->more || im->failed)
		return false;
	flush_rejects(im);
	record->counts = im->report->counts;
	list_place(im->reader, &record->place);
	record->place.rows = im->report->counts.rows;
	return !im->failed;
}

/* ---- what would change ---- */

struct standing {
	const struct change *change;
	bool there;
};

static void see_suppression(void *arg, const struct suppression_row *row)
{
	struct standing *s = arg;
	const struct change *c = s->change;
	if (c->kind == CHANGE_SUPPRESS && row->reason == c->reason && row->level == c->scope.level &&
	    memcmp(row->scope_id, c->scope.id, SCOPE_ID_BYTES) == 0 && (!row->expires_ms || (c->expires_ms && row->expires_ms >= c->expires_ms)))
		s->there = true;
}

static void see_consent(void *arg, const struct consent_row *row)
{
	struct standing *s = arg;
	const struct change *c = s->change;
	bool grant = c->kind == CHANGE_GRANT && row->granted_ms >= c->event_ms;
	bool withdrawal = (c->kind == CHANGE_GRANT || c->kind == CHANGE_WITHDRAW) && row->withdrawn_ms >= c->event_ms;
	if ((grant || withdrawal) && row->level == c->scope.level && memcmp(row->scope_id, c->scope.id, SCOPE_ID_BYTES) == 0)
		s->there = true;
}

static void see_allow(void *arg, const struct suppression_row *row)
{
	struct standing *s = arg;
	const struct change *c = s->change;
	if (c->kind == CHANGE_ALLOW && row->level == c->scope.level && memcmp(row->scope_id, c->scope.id, SCOPE_ID_BYTES) == 0 &&
	    row->expires_ms == c->expires_ms)
		s->there = true;
}

static int try_all(struct import *im)
{
	static const struct ledger_visitor visitor = {.suppression = see_suppression, .consent = see_consent, .allow = see_allow};
	struct change c;
	while (next_change(im, &c) == 1) {
		struct standing s = {.change = &c};
		if (ledger_visit(im->set->ledger, &c.who, &visitor, &s, im->err) < 0)
			return -1;
		im->report->counts.changed += !s.there;
	}
	return im->failed ? -1 : 0;
}

/* ---- the whole ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* All that decides what follows from the bytes of a list, as far as whoever imports it says so. */
static void hash_terms(const struct import *im, uint8_t ret[SHA256_BYTES])
{
	const struct import_settings *s = im->set;
	char text[256];
	int n = snprintf(text, sizeof text, "%s %s %d %d", list_format(im->reader)->name, s->scope.name, (int)s->reason, s->allow);
	sha256(view_n(text, (size_t)n), ret);
}

static int begin(struct import *im)
{
	const struct import_settings *s = im->set;
	struct import_record *r = &im->record;
	char name[NOTE_MAX + 1];
	snprintf(r->source, sizeof r->source, "import:%s", list_format(im->reader)->name);
	view_str(view_sub(clean(view_of(base_name(s->file)), name), 0, IMPORT_NAME_MAX), r->name, sizeof r->name);
	view_str(s->actor, r->actor, sizeof r->actor);
	hash_terms(im, r->terms);
	if (list_sha256_ahead(im->reader, r->list, im->err) < 0 || ledger_import_begin(s->ledger, r, im->err) < 0)
		return -1;
	im->report->id = r->id;
	im->report->counts = r->counts;
	im->report->resumed = r->place.rows;
	return r->place.rows ? list_go_on(im->reader, &r->place, im->err) : 0;
}

static int load(struct import *im)
{
	const struct import_load list = {.next = load_next, .mark = mark, .arg = im};
	int rc = ledger_import_load(im->set->ledger, &im->record, &list, im->err);
	im->report->counts.changed = im->record.counts.changed;
	return im->failed ? -1 : rc;
}

static void tell_hash(struct import_report *report, const uint8_t hash[SHA256_BYTES])
{
	struct buf hex;
	buf_init(&hex, sizeof report->sha256);
	hex_encode(&hex, view_n(hash, SHA256_BYTES));
	view_str(buf_view(&hex), report->sha256, sizeof report->sha256);
	buf_free(&hex);
}

static int end(struct import *im)
{
	flush_rejects(im);
	if (im->failed || list_sha256(im->reader, im->record.list, im->err) < 0)
		return -1;
	tell_hash(im->report, im->record.list);
	if (im->set->dry_run)
		return 0;
	im->record.counts = im->report->counts;
	return ledger_import_end(im->set->ledger, &im->record, im->err);
}

static int run(struct import *im)
{
	const struct import_settings *s = im->set;
	im->report->format = list_format(im->reader)->name;
	if (!s->dry_run && begin(im) < 0)
		return -1;
	if (s->on_begin && s->on_begin(s->arg, &im->record.place, im->err) < 0)
		return -1;
	if ((s->dry_run ? try_all(im) : load(im)) < 0)
		return -1;
	return end(im);
}

int import_list(const struct import_settings *s, struct import_report *ret, struct err *err)
{
	struct import *im = mem_zero(sizeof *im);
	*ret = (struct import_report){0};
	im->set = s;
	im->report = ret;
	im->err = err;
	int rc = list_open(&im->reader, s->file, s->format, err);
	if (rc == 0)
		rc = run(im);
	list_close(&im->reader);
	mem_wipe(im, sizeof *im);
	free(im);
	return rc;
}
