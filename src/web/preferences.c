/* /p/TOKEN: what the reader of a mail wants from its brand: topics on and off, and other channels.
 *
 *   GET   ─▶ a box for each topic, or for each stream without topics, ticked as the gate would answer today; nothing changes
 *   POST  ─▶ the difference: unticked = an opt-out of just that; ticked = a fresh consent, which lifts just that opt-out
 *
 * All boxes unticked are so many opt-outs and no more: what isn't shown (hidden topics, streams to come) stays as it is. What is
 * stopped by something wider or stronger shows no box: only who made it may lift it. */
#include <stdio.h>

#include "base/counter.h"
#include "base/log.h"
#include "mail/number.h"
#include "optout/optout.h"
#include "pieces.h"
#include "web_internal.h"

#define CHOICES_MAX 40
#define WORDING     "optgate-preferences-1"

COUNTER(saved, "optgate_preferences_saved_total", "Preferences saved by recipients");

enum state { STATE_OFF, STATE_ON, STATE_LOCKED };

struct choice {
	const struct stream *stream;
	const struct topic *topic;
	enum state state;
	bool unsubscribed; /* by a row of exactly this scope */
};

struct choosing {
	struct token token;
	struct optout_subject subject;
	struct choice choices[CHOICES_MAX];
	unsigned count;
	char evidence[NOTE_MAX + 1];
	char numbers[2][NUMBER_TEXT];
};

static const struct scope *scope_of(const struct choice *c)
{
	return c->topic ? &c->topic->scope : &c->stream->scope;
}

static void add_choice(struct choosing *c, const struct stream *s, const struct topic *t)
{
	if (c->count < CHOICES_MAX)
		c->choices[c->count++] = (struct choice){.stream = s, .topic = t};
}

static void list_choices(struct choosing *c)
{
	const struct brand *b = c->subject.brand;
	for (unsigned i = 0; i < b->stream_count; i++) {
		const struct stream *s = &b->streams[i];
		if (s->class != CLASS_MARKETING)
			continue;
		if (s->topic_count == 0)
			add_choice(c, s, NULL);
		for (unsigned t = 0; t < s->topic_count; t++)
			if (!s->topics[t].hidden)
				add_choice(c, s, &s->topics[t]);
	}
}

/* Only an unsubscribe of this very scope, a withdrawal, or no consent yet may be changed by ticking. */
static enum state state_of(const struct verdict *v, const struct choice *c)
{
	if (v->kind == VERDICT_ALLOW)
		return STATE_ON;
	if (v->kind == VERDICT_SUPPRESS && v->rule != RULE_SUPPRESSION)
		return STATE_OFF;
	bool ours = v->kind == VERDICT_SUPPRESS && v->reason == REASON_UNSUBSCRIBE && v->level == scope_of(c)->level;
	return ours ? STATE_OFF : STATE_LOCKED;
}

static void see_suppression(void *arg, const struct suppression_row *row)
{
	struct choosing *c = arg;
	for (unsigned i = 0; i < c->count; i++)
		if (row->reason == REASON_UNSUBSCRIBE && row->level == scope_of(&c->choices[i])->level &&
		    memcmp(row->scope_id, scope_of(&c->choices[i])->id, SCOPE_ID_BYTES) == 0)
			c->choices[i].unsubscribed = true;
}

static int look(struct web *w, struct choosing *c, int64_t now_ms)
{
	static const struct ledger_visitor visitor = {.suppression = see_suppression};
	struct err err;
	for (unsigned i = 0; i < c->count; i++) {
		struct question q = {.stream = c->choices[i].stream, .topic = c->choices[i].topic, .channel = c->token.channel,
		    .who = c->token.who, .now_ms = now_ms};
		struct verdict v = policy_decide(w->ledger, &q);
		if (v.kind == VERDICT_DEFER)
			return -1;
		c->choices[i].state = state_of(&v, &c->choices[i]);
	}
	return ledger_visit(w->ledger, &c->token.who, &visitor, c, &err);
}

/* False: it has been answered. */
static bool read_token(struct web *w, struct web_request *r, struct choosing **ret)
{
	struct choosing *c = arena_zero(&r->arena, sizeof *c);
	ALWAYS(c);
	if (!page_token(r, &c->token)) {
		answer_forged(w, r);
		return false;
	}
	c->subject = optout_subject(settings_of(r)->policy, &c->token);
	if (!c->subject.brand) {
		page_answer(r, 404, PAGE_MISSING, NULL, 0);
		return false;
	}
	r->brand = brand_page(r, c->subject.brand);
	list_choices(c);
	if (look(w, c, r->at_ms) == 0) {
		*ret = c;
		return true;
	}
	answer_busy(r);
	return false;
}

/* ---- GET ---- */

static const char box[] =
	"<label class=\"box\"><input type=\"checkbox\" name=\"on\" value=\"{{id}}\"{{?on}} checked{{/on}}{{?locked}} disabled{{/locked}}>"
	"<span>{{label}}{{?locked}}<small>{{t.choose.locked}}</small>{{/locked}}</span></label>\n";

/* The scope's id names the box: settings may change between GET and POST. */
static void id_text(const struct choice *c, char dst[2 * SCOPE_ID_BYTES + 1])
{
	for (int i = 0; i < SCOPE_ID_BYTES; i++)
		snprintf(dst + 2 * i, 3, "%02x", scope_of(c)->id[i]);
}

static void put_boxes(struct web_request *r, const struct choosing *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		const struct choice *ch = &c->choices[i];
		char id[2 * SCOPE_ID_BYTES + 1];
		id_text(ch, id);
		const struct value values[] = {{"id", view_of(id)}, {"on", view_of(ch->state == STATE_ON ? "1" : NULL)},
		    {"locked", view_of(ch->state == STATE_LOCKED ? "1" : NULL)},
		    {"label", view_of(ch->topic ? titled(ch->topic->title, ch->topic->name) : titled(ch->stream->title, ch->stream->name))}};
		page_piece(r, box, values, 4);
		/* What was shown is sent along: a box that came later isn't "unticked". */
		page_piece(r, "<input type=\"hidden\" name=\"shown\" value=\"{{id}}\">\n", values, 1);
	}
}

#define NUMBER_FIELD(name)                                                                          \
	"<p class=\"field\"><label for=\"" name "\">{{t.choose." name "}}</label>\n"                \
	"<input type=\"tel\" id=\"" name "\" name=\"" name "\" maxlength=\"30\" autocomplete=\"tel\" aria-describedby=\"" name "-hint\">\n" \
	"<small id=\"" name "-hint\">{{t.choose.number_hint}}</small></p>\n"
#define CHANNEL_BOX(name) "<label class=\"box\"><input type=\"checkbox\" name=\"stop\" value=\"" name "\">{{t.choose." name "}}</label>\n"

enum web_when preferences_show(struct web *w, struct web_request *r)
{
	struct choosing *c;
	struct buf nonce;
	if (!read_token(w, r, &c))
		return WEB_NOW;
	buf_init(&nonce, 100);
	nonce_of(r->capture, &nonce);
	const struct value values[] = {{"nonce", buf_view(&nonce)}, {"address", view_of(c->token.masked)}, {"token", r->capture},
	    {"brand", view_of(titled(c->subject.brand->title, c->subject.brand->name))}, {"mails", brand_mails(w, r->brand)}};
	page_begin(r, 200, "choose.title");
	page_piece(r, "<dl>\n" PERSON "</dl>\n" TEXT("choose.nothing_yet")
		"<form method=\"post\">\n<input type=\"hidden\" name=\"nonce\" value=\"{{nonce}}\">\n"
		"<fieldset><legend>{{t.choose.topics}}</legend>\n", values, 5);
	put_boxes(r, c);
	page_piece(r, "</fieldset>\n" TEXT("choose.all_off")
		"<fieldset><legend>{{t.choose.channels}}</legend>\n" NUMBER_FIELD("sms") NUMBER_FIELD("phone") CHANNEL_BOX("post")
		CHANNEL_BOX("social") "</fieldset>\n"
		BUTTON("", "save", "{{t.choose.button}}") "</form>\n", values, 5);
	page_piece(r, "<h2>{{t.more.title}}</h2>\n<form method=\"post\" action=\"../u/{{token}}\">\n"
		"<input type=\"hidden\" name=\"nonce\" value=\"{{nonce}}\">\n" BUTTON(QUIET, "brand", "{{t.more.brand}}") "</form>\n"
		"{{?mails}}<p><a href=\"../data/{{mails}}\">{{t.data.link}}</a></p>\n{{/mails}}", values, 5);
	page_end(r);
	buf_free(&nonce);
	return WEB_NOW;
}

/* ---- POST ---- */

static struct change *add_change(struct submission *s, const struct choosing *c, enum change_kind kind, const struct scope *scope)
{
	struct change *change = submission_add(s);
	ALWAYS(change); /* two for each of CHOICES_MAX, and the channels */
	*change = (struct change){.kind = kind,
	    .channel = c->token.channel,
	    .who = c->token.who,
	    .scope = *scope,
	    .event_ms = s->request->at_ms,
	    .source = V("preferences"),
	    .actor = V("recipient"),
	    .evidence = view_of(c->evidence)};
	return change;
}

static void turn_off(struct submission *s, const struct choosing *c, const struct scope *scope)
{
	add_change(s, c, CHANGE_SUPPRESS, scope)->reason = REASON_UNSUBSCRIBE;
	add_change(s, c, CHANGE_WITHDRAW, scope);
}

static void turn_on(struct submission *s, const struct choosing *c, const struct choice *ch)
{
	struct change *grant;
	if (ch->unsubscribed) {
		struct change *lift = add_change(s, c, CHANGE_UNSUPPRESS, scope_of(ch));
		lift->reason = REASON_UNSUBSCRIBE;
		lift->note = V("turned on again by the recipient among the preferences");
	}
	grant = add_change(s, c, CHANGE_GRANT, scope_of(ch));
	grant->basis = BASIS_CONSENT;
	grant->wording = V(WORDING);
}

static void compare(struct submission *s, const struct choosing *c, const struct form *f)
{
	for (unsigned i = 0; i < c->count; i++) {
		const struct choice *ch = &c->choices[i];
		char id[2 * SCOPE_ID_BYTES + 1];
		id_text(ch, id);
		bool on = form_has(f, V("on"), view_of(id));
		if (!form_has(f, V("shown"), view_of(id)) || ch->state == STATE_LOCKED || on == (ch->state == STATE_ON))
			continue;
		if (on)
			turn_on(s, c, ch);
		else
			turn_off(s, c, scope_of(ch));
	}
}

/* A number is another key, and anybody may stop a number: it is the safe direction. */
static int stop_number(struct submission *s, struct choosing *c, struct view typed, enum channel channel, char number[NUMBER_TEXT])
{
	struct err err;
	typed = view_trim(typed);
	if (typed.n == 0)
		return 0;
	if (number_parse(typed, view_of(c->subject.brand->country), number, &err) < 0)
		return -1;
	struct change *stop = add_change(s, c, CHANGE_SUPPRESS, &c->subject.brand->scope);
	stop->reason = REASON_UNSUBSCRIBE;
	stop->channel = channel;
	ledger_person_key(s->web->ledger, channel, view_of(number), &stop->who);
	return 0;
}

/* Where we have no address to stop: a case for the people who keep those lists. */
static void ask_people(struct submission *s, const struct choosing *c, const struct form *f, struct view channel, struct view note)
{
	if (form_has(f, V("stop"), channel))
		add_change(s, c, CHANGE_NOTE, &c->subject.brand->scope)->note = note;
}

static void answer_saved(struct submission *s)
{
	const struct value values[] = {{"token", s->request->capture}};
	counter_add(&saved, 1);
	log_event(LOG_LEVEL_INFO, "web.preferences", "changes=%u seq=%llu", s->count, (unsigned long long)s->first.seq);
	page_answer(s->request, 200, PAGE_CHOSEN, values, 1);
}

enum web_when preferences_do(struct web *w, struct web_request *r)
{
	struct choosing *c;
	const struct form *f = &r->form;
	if (!read_token(w, r, &c))
		return WEB_NOW;
	if (!form_has(f, V("action"), V("save")) || !has_our_nonce(r)) {
		page_answer(r, 400, PAGE_UNCLEAR, NULL, 0);
		return WEB_NOW;
	}
	if (answered_too_often(w, r, &c->token.who))
		return WEB_NOW;
	struct submission *s = submission_new(w, r);
	evidence_of(r, "", c->evidence, sizeof c->evidence);
	compare(s, c, f);
	if (stop_number(s, c, form_value(f, V("sms")), CHANNEL_SMS, c->numbers[0]) < 0 ||
	    stop_number(s, c, form_value(f, V("phone")), CHANNEL_PHONE, c->numbers[1]) < 0) {
		page_answer(r, 400, PAGE_BAD_NUMBER, NULL, 0);
		return WEB_NOW;
	}
	ask_people(s, c, f, V("post"), V("asked to stop: post"));
	ask_people(s, c, f, V("social"), V("asked to stop: social"));
	s->answer = answer_saved;
	return submit_changes(s);
}
