/* The queue as an operator sees it: rows filtered by what their lane says (mail/lane.h), and by the envelope where a lane of before does not say it. */
#include "control/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "mail/envelope.h"
#include "mail/lane.h"

#define LIST_DEFAULT 100
#define CHOSEN_MAX 20000000 /* items that one action may name by number */

struct filter {
	struct spool *spool;
	struct holds *holds;
	struct view stream, domain, client, campaign, state; /* p == NULL: any */
	uint64_t id;                               /* 0: any */
	int64_t index;                             /* -1: any */
};

static struct view text_of(const json_t *q, const char *name)
{
	return view_of(control_text(q, name));
}

/* "0123456789abc" or "0123456789abc.2". */
static bool parse_id(struct view text, struct filter *f)
{
	struct view id = {0};
	uint64_t index;
	if (!view_cut(&text, '.', &id) || !spool_id_parse(id, &f->id))
		return false;
	if (text.n && !view_u64(text, UINT32_MAX, &index))
		return false;
	f->index = text.n ? (int64_t)index : -1;
	return true;
}

/* False: the id is none. */
static bool filter_read(struct filter *f, struct spool *s, struct holds *h, const json_t *q)
{
	*f = (struct filter){.spool = s,
	    .holds = h,
	    .stream = text_of(q, "stream"),
	    .domain = text_of(q, "domain"),
	    .client = text_of(q, "client"),
	    .campaign = text_of(q, "campaign"),
	    .state = text_of(q, "state"),
	    .index = -1};
	struct view id = text_of(q, "id");
	return !id.p || parse_id(id, f);
}

static bool filter_is_empty(const struct filter *f)
{
	return !f->stream.p && !f->domain.p && !f->client.p && !f->campaign.p && !f->state.p && !f->id;
}

/* "acme" means all streams of acme. */
static bool stream_fits(struct view wanted, struct view stream)
{
	return view_eq(wanted, stream) || (view_starts(stream, wanted) && stream.p[wanted.n] == '/');
}

static bool envelope_fits(const struct filter *f, const struct spool_row *row)
{
	struct spool_bytes bytes;
	struct envelope e;
	if (spool_peek(f->spool, row->id, row->index, &bytes, NULL) < 0)
		return false; /* settled meanwhile */
	bool fits = envelope_read(bytes.envelope, &e, NULL) == 0 && (!f->client.p || view_eq(e.client, f->client)) &&
		    (!f->campaign.p || view_eq(e.campaign, f->campaign));
	spool_release_bytes(&bytes);
	return fits;
}

static bool sender_fits(const struct filter *f, const struct spool_row *row, const struct mail_lane *lane)
{
	if (!f->client.p && !f->campaign.p)
		return true;
	if (!lane->client.n)
		return envelope_fits(f, row);
	return (!f->client.p || view_eq(lane->client, f->client)) && (!f->campaign.p || view_eq(lane->campaign, f->campaign));
}

static bool row_fits(const struct filter *f, const struct spool_row *row)
{
	struct mail_lane lane;
	mail_lane_read(view_of(row->lane), &lane);
	return (!f->id || row->id == f->id) && (f->index < 0 || row->index == f->index) &&
	       (!f->stream.p || stream_fits(f->stream, lane.stream)) && (!f->domain.p || view_ieq(f->domain, lane.domain)) &&
	       (!f->state.p || view_eq(f->state, view_of(spool_state_word(row->state)))) &&
	       sender_fits(f, row, &lane);
}

static json_t *text_json(struct view v)
{
	json_t *j = json_stringn(v.p ? v.p : "", v.n);
	return j ? j : json_string("?"); /* not UTF-8 */
}

static json_t *time_json(int64_t ms)
{
	char text[TIME_TEXT];
	time_text(ms, text);
	return json_string(text);
}

static json_t *row_json(const struct spool_row *row)
{
	char message[SPOOL_ID_TEXT], id[SPOOL_ID_TEXT + 12];
	struct mail_lane lane;
	spool_id_text(row->id, message);
	snprintf(id, sizeof id, "%s.%u", message, row->index);
	mail_lane_read(view_of(row->lane), &lane);
	return json_pack("{s:s, s:s, s:I, s:s, s:o, s:o, s:I, s:o, s:o}", "id", id, "message", message, "index",
	    (json_int_t)row->index, "state", spool_state_word(row->state), "stream", text_json(lane.stream), "domain",
	    text_json(lane.domain), "attempts", (json_int_t)row->attempts, "due", time_json(row->due_ms), "arrived",
	    time_json(row->arrived_ms));
}

/* ---- list and show ---- */

struct listing {
	const struct filter *filter;
	json_t *items;
	uint64_t total, limit;
	bool with_recipients;
};

static void add_recipient(struct spool *s, const struct spool_row *row, json_t *item)
{
	struct spool_bytes bytes;
	struct recipient r;
	if (spool_peek(s, row->id, row->index, &bytes, NULL) < 0)
		return;
	if (recipient_read(bytes.item, &r, NULL) == 0)
		json_object_set_new(item, "recipient", text_json(r.address));
	spool_release_bytes(&bytes);
}

static bool list_row(void *arg, const struct spool_row *row)
{
	struct listing *l = arg;
	if (!row_fits(l->filter, row))
		return true;
	if (l->total++ < l->limit) {
		json_t *item = row_json(row);
		if (l->with_recipients)
			add_recipient(l->filter->spool, row, item);
		json_array_append_new(l->items, item);
	}
	return true;
}

static json_t *list(const struct filter *f, const json_t *q, bool with_recipients)
{
	json_int_t limit = json_integer_value(json_object_get(q, "limit"));
	if (limit <= 0)
		limit = LIST_DEFAULT;
	struct listing l = {
	    f, json_array(), 0, limit < QUEUE_LIST_MAX ? (uint64_t)limit : QUEUE_LIST_MAX, with_recipients};
	spool_each(f->spool, list_row, &l);
	return json_pack("{s:o, s:I}", "items", l.items, "total", (json_int_t)l.total);
}

static json_t *answer_list(const struct filter *f, const json_t *q)
{
	return list(f, q, false);
}

static json_t *envelope_json(const struct spool_bytes *b)
{
	struct envelope e;
	struct err err;
	if (envelope_read(b->envelope, &e, &err) < 0)
		return control_error("%s", err.text);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "client", text_json(e.client), "client_ip",
	    text_json(e.client_ip), "brand", text_json(e.brand), "stream", text_json(e.stream), "topic",
	    text_json(e.topic), "campaign", text_json(e.campaign), "return_path", text_json(e.return_path), "arrived",
	    time_json(e.arrived_ms), "bytes", (json_int_t)b->message.n);
}

static json_t *answer_show(const struct filter *f, const json_t *q)
{
	if (!f->id)
		return control_error("queue show: expected an id");
	json_t *o = list(f, q, true);
	json_t *first = json_array_get(json_object_get(o, "items"), 0);
	struct spool_bytes bytes;
	struct err err;
	uint32_t index = (uint32_t)json_integer_value(json_object_get(first, "index"));
	if (!first || spool_peek(f->spool, f->id, index, &bytes, &err) < 0) {
		json_decref(o);
		return first ? control_error("%s", err.text) : control_error("queue show: no message of that id waits");
	}
	json_object_set_new(o, "message", envelope_json(&bytes));
	spool_release_bytes(&bytes);
	return o;
}

/* ---- actions ---- */

/* Rows are chosen first and acted on then: a filter may read from the spool, the act's own match may not. */
struct chosen {
	const struct filter *filter;
	struct item_id {
		uint64_t id;
		uint32_t index;
	} * at;
	size_t n, cap;
};

static bool choose(void *arg, const struct spool_row *row)
{
	struct chosen *c = arg;
	if (!row_fits(c->filter, row))
		return true;
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 1024;
		c->at = mem_grow(c->at, c->cap * sizeof *c->at);
	}
	c->at[c->n++] = (struct item_id){row->id, row->index};
	return c->n < CHOSEN_MAX;
}

static int by_id(const void *pa, const void *pb)
{
	const struct item_id *a = pa, *b = pb;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static bool is_chosen(void *arg, const struct spool_row *row)
{
	const struct chosen *c = arg;
	const struct item_id key = {row->id, row->index};
	return bsearch(&key, c->at, c->n, sizeof *c->at, by_id) != NULL;
}

static json_t *act(const struct filter *f, const json_t *q, enum spool_act what, const char *name)
{
	if (filter_is_empty(f) && !json_is_true(json_object_get(q, "all")))
		return control_error("queue %s: expected a filter, or all", name);
	struct chosen c = {.filter = f};
	struct err err;
	uint64_t count = 0;
	spool_each(f->spool, choose, &c);
	if (c.n)
		qsort(c.at, c.n, sizeof *c.at, by_id);
	int rc = c.n ? spool_act_on(f->spool, what, is_chosen, &c, &count, &err) : 0;
	free(c.at);
	if (rc < 0)
		return control_error("%s", err.text);
	char who[128];
	struct view actor = text_of(q, "actor");
	log_event(LOG_LEVEL_INFO, "queue.act", "action=%s count=%llu actor=\"%s\"", name, (unsigned long long)count,
	    log_safe(who, sizeof who, actor.p, actor.n));
	return json_pack("{s:I}", "count", (json_int_t)count);
}

/* ---- what stands ---- */

/* A hold of single messages does not stand. */
static bool stands(const struct filter *f)
{
	return f->holds && !f->id && !f->state.p;
}

static bool hold_of(const struct filter *f, const json_t *q, struct hold *ret)
{
	const struct view actor = text_of(q, "actor"), note = text_of(q, "note"), route = text_of(q, "route");
	*ret = (struct hold){.since_ms = clock_wall(&clock_system)};
	return view_str(f->stream, ret->stream, sizeof ret->stream) && view_str(f->campaign, ret->campaign, sizeof ret->campaign) &&
	       view_str(f->client, ret->client, sizeof ret->client) && view_str(f->domain, ret->domain, sizeof ret->domain) &&
	       view_str(route, ret->route, sizeof ret->route) && view_str(view_sub(actor, 0, HOLD_WHY_MAX), ret->actor, sizeof ret->actor) &&
	       view_str(view_sub(note, 0, HOLD_WHY_MAX), ret->why, sizeof ret->why);
}

static json_t *answer_hold(const struct filter *f, const json_t *q)
{
	struct hold h;
	struct err err;
	if (stands(f) && (!filter_is_empty(f) || json_is_true(json_object_get(q, "all")))) {
		if (!hold_of(f, q, &h))
			return control_error("queue hold: a name is too long");
		h.route[0] = 0;
		if (holds_add(f->holds, &h, &err) < 0)
			return control_error("%s", err.text);
	}
	return act(f, q, SPOOL_HOLD, "hold");
}

/* A pause of the breaker has put its items off, not on hold. */
static json_t *answer_release(const struct filter *f, const json_t *q)
{
	struct hold h;
	struct err err;
	unsigned ended = 0;
	if (stands(f) && (!hold_of(f, q, &h) || holds_remove(f->holds, &h, false, &ended, &err) < 0))
		return control_error("queue release: the standing holds cannot be changed");
	json_t *answer = act(f, q, SPOOL_RELEASE, "release");
	if (ended && !json_object_get(answer, "error")) {
		json_decref(act(f, q, SPOOL_RETRY, "retry"));
		json_object_set_new(answer, "holds_ended", json_integer(ended));
	}
	return answer;
}

static json_t *answer_reroute(const struct filter *f, const json_t *q)
{
	struct hold h;
	struct err err;
	unsigned ended = 0;
	char campaign[128];
	if (!f->holds || !hold_of(f, q, &h) || filter_is_empty(f) || f->id || f->state.p)
		return control_error("queue reroute: expected a stream, a domain, a client or a campaign");
	int rc = h.route[0] ? holds_add(f->holds, &h, &err) : holds_remove(f->holds, &h, true, &ended, &err);
	if (rc < 0)
		return control_error("%s", err.text);
	log_event(LOG_LEVEL_INFO, "queue.reroute", "stream=\"%s\" domain=\"%s\" client=\"%s\" campaign=\"%s\" route=\"%s\"", h.stream, h.domain, h.client,
	    log_safe(campaign, sizeof campaign, h.campaign, strlen(h.campaign)), h.route);
	return json_pack("{s:I}", "count", (json_int_t)(h.route[0] ? 1 : ended));
}

static json_t *hold_json(const struct hold *h)
{
	json_t *o = json_object();
	const struct {
		const char *name, *value;
	} texts[] = {{"stream", h->stream}, {"domain", h->domain}, {"client", h->client}, {"campaign", h->campaign}, {"route", h->route},
	    {"actor", h->actor}, {"why", h->why}};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		json_object_set_new(o, texts[i].name, texts[i].value[0] ? text_json(view_of(texts[i].value)) : json_null());
	json_object_set_new(o, "since", time_json(h->since_ms));
	json_object_set_new(o, "until", h->until_ms ? time_json(h->until_ms) : json_null());
	return o;
}

static json_t *answer_holds(const struct filter *f, const json_t *q)
{
	(void)q;
	unsigned n = 0;
	struct hold *rows = f->holds ? holds_list(f->holds, &n) : NULL;
	json_t *list = json_array();
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, hold_json(&rows[i]));
	free(rows);
	return json_pack("{s:o}", "holds", list);
}

static json_t *answer_drop(const struct filter *f, const json_t *q)
{
	return act(f, q, SPOOL_DROP, "drop");
}

static json_t *answer_retry(const struct filter *f, const json_t *q)
{
	return act(f, q, SPOOL_RETRY, "retry");
}

static const struct {
	const char *action;
	json_t *(*answer)(const struct filter *f, const json_t *q);
} actions[] = {{"list", answer_list}, {"show", answer_show}, {"hold", answer_hold}, {"release", answer_release},
    {"reroute", answer_reroute}, {"holds", answer_holds},
    {"drop", answer_drop}, {"retry", answer_retry}};

json_t *queue_answer(struct spool *s, struct holds *h, const json_t *question)
{
	struct filter f;
	json_t *answer = NULL;
	const char *action = control_text(question, "action");
	if (!filter_read(&f, s, h, question))
		return control_error("queue: \"%s\" is no message id", control_text(question, "id"));
	for (size_t i = 0; action && i < sizeof actions / sizeof *actions; i++)
		if (strcmp(actions[i].action, action) == 0)
			answer = actions[i].answer(&f, question);
	return answer ? answer : control_error("queue: unknown action");
}
