/* /c/WISH: the link of a mail that a form has sent. Only its reader has it: pressing the button there proves the address.
 *
 *   GET   ─▶ what was asked for, one button; nothing changes
 *   POST  ─▶ a sign-up: consents with their evidence, and what was said against them ends (optout/optin.h); a right: a case in the journal, with its clock; an objection holds at once
 *
 * Pressing it twice does no harm: a grant as old as the one that stands changes nothing. */
#include <stdio.h>

#include "base/codec.h"
#include "base/counter.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "optout/optin.h"
#include "pieces.h"
#include "web_internal.h"

#define DAY_MS             (24 * 60 * 60 * 1000ll)
#define RIGHT_CONFIRM_MS   (7 * DAY_MS)
#define RIGHT_DUE_MS       (30 * DAY_MS) /* one month, at its shortest but February's (GDPR 12(3)) */
#define CASE_BYTES         5

COUNTER(joined, "optgate_optins_total", "Sign-ups confirmed by mail");
COUNTER(cases, "optgate_cases_opened_total", "Requests about personal data, confirmed by mail");

struct confirmation {
	char room[WISH_BYTES];
	struct wish wish;
	struct address address;
	struct person_key who;
	const struct web_form *form; /* of a sign-up */
	char case_id[2 * CASE_BYTES + 1];
	char text[NOTE_MAX + 1], evidence[NOTE_MAX + 1];
};

static const struct web_form *form_of(const struct web_request *r, const struct wish *w)
{
	const struct web_settings *s = settings_of(r);
	for (unsigned i = 0; i < s->form_count; i++)
		if (view_eq(view_of(s->forms[i].name), w->what) && view_eq(view_of(s->forms[i].version), w->words))
			return &s->forms[i];
	return NULL;
}

/* It names the case to the person and to the journal; the same for the same link. */
static void name_case(struct confirmation *c, struct view link)
{
	uint8_t hash[SHA256_BYTES];
	struct buf hex;
	sha256(link, hash);
	buf_init(&hex, 100);
	hex_encode(&hex, view_n(hash, CASE_BYTES));
	ALWAYS(view_str(buf_view(&hex), c->case_id, sizeof c->case_id));
	buf_free(&hex);
}

/* False: it has been answered. */
static bool read_wish(struct web *w, struct web_request *r, struct confirmation **ret)
{
	struct confirmation *c = arena_zero(&r->arena, sizeof *c);
	struct err err;
	ALWAYS(c);
	if (wish_open(settings_of(r)->tokens, r->capture, c->room, &c->wish, &err) < 0 ||
	    address_parse(c->wish.address, &c->address, &err) < 0) {
		answer_forged(w, r);
		return false;
	}
	bool join = c->wish.kind == WISH_JOIN;
	c->form = join ? form_of(r, &c->wish) : NULL;
	r->brand = join ? (c->form ? c->form->brand : NULL) : brand_named(r, c->wish.words);
	int64_t age_ms = r->at_ms - c->wish.asked_ms, most_ms = c->form ? c->form->confirm_within_ms : RIGHT_CONFIRM_MS;
	if (!r->brand || age_ms > most_ms) {
		page_answer(r, 410, PAGE_EXPIRED, NULL, 0);
		return false;
	}
	ledger_person_key(w->ledger, CHANNEL_EMAIL, view_of(c->address.text), &c->who);
	name_case(c, r->capture);
	*ret = c;
	return true;
}

/* ---- GET ---- */

static void put_choices(struct web_request *r, const struct confirmation *c)
{
	for (unsigned i = 0; i < c->form->purpose_count; i++) {
		const struct web_purpose *p = &c->form->purposes[i];
		const struct value row[] = {{"label",
		    view_of(p->topic ? titled(p->topic->title, p->topic->name) : titled(p->stream->title, p->stream->name))}};
		if (c->wish.choices >> i & 1)
			page_piece(r, "<li>{{label}}</li>\n", row, 1);
	}
}

static void put_right(struct web_request *r, const struct confirmation *c)
{
	char piece[60];
	snprintf(piece, sizeof piece, "<li>{{t.data.%.*s}}</li>\n", VFMT(c->wish.what));
	page_piece(r, piece, NULL, 0);
}

enum web_when confirm_show(struct web *w, struct web_request *r)
{
	struct confirmation *c;
	struct buf nonce, masked;
	if (!read_wish(w, r, &c))
		return WEB_NOW;
	buf_init(&nonce, 100);
	buf_init(&masked, 300);
	nonce_of(r->capture, &nonce);
	address_mask(&c->address, &masked);
	const struct value values[] = {{"nonce", buf_view(&nonce)}, {"address", buf_view(&masked)},
	    {"brand", view_of(titled(r->brand->brand->title, r->brand->brand->name))}, {"wording", view_of(c->form ? c->form->wording : NULL)}};
	page_begin(r, 200, "confirm.title");
	page_piece(r, "<dl>\n" PERSON "</dl>\n", values, 4);
	page_piece(r, c->form ? TEXT("confirm.join") "<ul>\n" : TEXT("confirm.right") "<ul>\n", NULL, 0);
	if (c->form)
		put_choices(r, c);
	else
		put_right(r, c);
	page_piece(r, "</ul>\n{{?wording}}<p>{{wording}}</p>\n{{/wording}}" FORM(BUTTON("", "confirm", "{{t.confirm.button}}")), values, 4);
	page_end(r);
	buf_free(&nonce);
	buf_free(&masked);
	return WEB_NOW;
}

/* ---- POST ---- */

static struct change *add_change(struct submission *s, const struct confirmation *c, enum change_kind kind, const struct scope *scope)
{
	struct change *change = submission_add(s);
	ALWAYS(change); /* two at most */
	*change = (struct change){.kind = kind,
	    .channel = CHANNEL_EMAIL,
	    .who = c->who,
	    .scope = *scope,
	    .event_ms = s->request->at_ms,
	    .source = V("form"),
	    .actor = V("recipient"),
	    .evidence = view_of(c->evidence)};
	return change;
}

/* What the form's ticked boxes are for; views of C. */
static struct optin optin_of(struct web_request *r, const struct confirmation *c, const struct record *record, const struct scope **purposes)
{
	struct optin o = {.policy = settings_of(r)->policy, .record = record, .purposes = purposes, .note = V("signed up again, confirmed by mail")};
	for (unsigned i = 0; i < c->form->purpose_count; i++) {
		const struct web_purpose *p = &c->form->purposes[i];
		if (c->wish.choices >> i & 1)
			purposes[o.purpose_count++] = p->topic ? &p->topic->scope : &p->stream->scope;
	}
	o.grant = (struct change){.channel = CHANNEL_EMAIL,
	    .who = c->who,
	    .address = view_of(c->address.text),
	    .event_ms = r->at_ms,
	    .wording = view_of(c->form->wording_id),
	    .source = view_of(c->text),
	    .actor = V(ACTOR_RECIPIENT),
	    .evidence = view_of(c->evidence)};
	return o;
}

/* Something that a sign-up doesn't speak of, as a complaint, may stand: then "you are signed up" would be half the truth. */
static bool all_may_be_sent(struct submission *s)
{
	const struct confirmation *c = s->arg;
	bool all = true;
	for (unsigned i = 0; i < c->form->purpose_count; i++) {
		const struct web_purpose *p = &c->form->purposes[i];
		const struct question q = {.stream = p->stream, .topic = p->topic, .channel = CHANNEL_EMAIL, .who = c->who,
		    .address = view_of(c->address.text), .now_ms = s->request->at_ms};
		all &= !(c->wish.choices >> i & 1) || policy_decide(s->web->ledger, &q).kind == VERDICT_ALLOW;
	}
	return all;
}

static void answer_joined(struct submission *s)
{
	bool all = all_may_be_sent(s);
	counter_add(&joined, 1);
	log_event(LOG_LEVEL_INFO, "web.join", "form=%.60s seq=%llu changed=%d stopped=%d", ((struct confirmation *)s->arg)->form->name,
	    (unsigned long long)s->first.seq, s->first.changed, !all);
	page_answer(s->request, 200, all ? PAGE_JOINED : PAGE_JOINED_STILL, NULL, 0);
}

static void describe_join(struct web_request *r, struct confirmation *c)
{
	char asked[TIME_TEXT], more[120], from[50];
	time_text(c->wish.asked_ms, asked);
	view_str(c->wish.from, from, sizeof from);
	snprintf(more, sizeof more, "asked=%s from=%.46s privacy=%.20s", asked, from, c->form->privacy_version ? c->form->privacy_version : "-");
	snprintf(c->text, sizeof c->text, "form:%.50s", c->form->name);
	evidence_of(r, more, c->evidence, sizeof c->evidence);
}

static enum web_when join(struct web *w, struct web_request *r, struct confirmation *c)
{
	const struct scope *purposes[WEB_PURPOSES_MAX];
	struct record record;
	struct err err;
	struct submission *s = submission_new(w, r);
	describe_join(r, c);
	if (ledger_look(w->ledger, &c->who, &r->arena, &record, &err) < 0) {
		answer_busy(r);
		return WEB_NOW;
	}
	const struct optin o = optin_of(r, c, &record, purposes);
	/* The link outlives its first use: after an opt-out it takes a new sign-up, not an old mail. */
	if (optin_is_stale(&o, c->wish.asked_ms)) {
		page_answer(r, 410, PAGE_EXPIRED, NULL, 0);
		return WEB_NOW;
	}
	s->count = (unsigned)optin_changes(&o, s->changes, SUBMIT_MAX);
	s->answer = answer_joined;
	s->arg = c;
	return submit_changes(s);
}

static void answer_opened(struct submission *s)
{
	const struct confirmation *c = s->arg;
	char until[TIME_TEXT];
	date_text(s->request->at_ms + RIGHT_DUE_MS, until);
	counter_add(&cases, 1);
	log_event(LOG_LEVEL_INFO, "web.case", "case=%s right=%.*s seq=%llu", c->case_id, VFMT(c->wish.what), (unsigned long long)s->first.seq);
	const struct value values[] = {{"case", view_of(c->case_id)}, {"until", view_of(until)}};
	page_answer(s->request, 200, PAGE_OPENED, values, 2);
}

static enum web_when open_case(struct web *w, struct web_request *r, struct confirmation *c)
{
	struct submission *s = submission_new(w, r);
	char due[TIME_TEXT];
	time_text(r->at_ms + RIGHT_DUE_MS, due);
	snprintf(c->text, sizeof c->text, "case=%s right=%.*s due=%s", c->case_id, VFMT(c->wish.what), due);
	evidence_of(r, "proof=mail", c->evidence, sizeof c->evidence);
	struct change *note = add_change(s, c, CHANGE_NOTE, &r->brand->brand->scope);
	note->source = V("rights");
	note->note = view_of(c->text);
	/* Absolute (GDPR 21(3)): it doesn't wait for anybody. */
	if (view_eq(c->wish.what, V("object"))) {
		struct change *stop = add_change(s, c, CHANGE_SUPPRESS, &r->brand->brand->scope);
		stop->reason = REASON_OBJECTION;
		stop->source = V("rights");
		stop->address = view_of(c->address.text);
	}
	s->answer = answer_opened;
	s->arg = c;
	return submit_changes(s);
}

enum web_when confirm_do(struct web *w, struct web_request *r)
{
	struct confirmation *c;
	if (!read_wish(w, r, &c))
		return WEB_NOW;
	if (!form_has(&r->form, V("action"), V("confirm")) || !has_our_nonce(r)) {
		page_answer(r, 400, PAGE_UNCLEAR, NULL, 0);
		return WEB_NOW;
	}
	if (answered_too_often(w, r, &c->who))
		return WEB_NOW;
	return c->form ? join(w, r, c) : open_case(w, r, c);
}
