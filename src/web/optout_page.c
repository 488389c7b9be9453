/* /u/TOKEN: the one-click opt-out of RFC 8058, the page that a person sees on GET, and that page's button.
 *
 *   GET   ─▶ page: which address, what stops, one button; the ledger isn't touched
 *   POST  List-Unsubscribe=One-Click             ─▶ opt-out, source "one-click"
 *   POST  action=unsubscribe & nonce of the page ─▶ opt-out, source "page"; the answer offers more
 *   POST  action=stream, brand & nonce           ─▶ the same, wider
 *   POST  action=undo & nonce & ticket           ─▶ undo.c
 *   POST  anything else                          ─▶ 400, nothing has changed
 *
 * The nonce is a digest of the token: only who has read the page's form has it, it needs no key, no clock
 * and no memory, and so it outlives restarts, key rotation and nodes as the token itself does. It keeps off
 * machines that POST to every URL they see; it's no secret from the reader of the mail, who may opt out
 * anyway. */
#include <stdio.h>

#include "base/counter.h"
#include "base/log.h"
#include "optout_page.h"

#define DAY_MS       (24 * 60 * 60 * 1000ll)
#define SIGNALS_BYTES 60
#define FIELDS_MAX   20 /* of a POST */
#define EARLY_MS     (30 * 1000) /* sooner after the message was made, few people have read it */
#define PERSON_SHOWN 4 /* bytes of the person key in the log */

COUNTER(by_one_click, "optgate_optouts_total{source=\"one-click\"}", "Opt-outs made durable, by source");
COUNTER(by_page, "optgate_optouts_total{source=\"page\"}", "Opt-outs made durable, by source");
COUNTER(repeated, "optgate_optouts_repeated_total", "Opt-outs answered that were made a moment before");
COUNTER(paused, "optgate_optouts_paused_total", "Pauses asked for on the page");
COUNTER(reasons, "optgate_optout_reasons_total", "Reasons given after an opt-out");
COUNTER(undone, "optgate_optouts_undone_total", "Opt-outs undone by the recipient on the page");

/* ---- what the page says ---- */

/* What an opt-out of REACH stops. NULL when the policy doesn't have it any more: the page then says "these
 * mails". */
static const char *what_stops(const struct token *t, const struct optout_subject *s, enum optout_reach reach)
{
	if (t->level == SCOPE_TOPIC && reach == OPTOUT_TOPIC)
		return s->topic ? titled(s->topic->title, s->topic->name) : NULL;
	return s->stream ? titled(s->stream->title, s->stream->name) : NULL;
}

/* What differs between the pages about one mail. */
struct showing {
	enum page page;
	enum optout_reach reach;
	bool quiet;         /* the stop button isn't the main thing here */
	struct view ticket; /* to undo with; empty = no undo */
	const char *until;  /* a pause */
};

static void show(const struct web *w, struct web_request *r, const struct token *t, const struct showing *about)
{
	struct optout_subject s = optout_subject(settings_of(r)->policy, t);
	bool has_wider = t->level == SCOPE_TOPIC && about->reach == OPTOUT_TOPIC && s.stream;
	struct buf nonce;
	buf_init(&nonce, 100);
	nonce_of(r->capture, &nonce);
	r->brand = s.brand ? brand_page(r, s.brand) : NULL;
	const struct value values[] = {
		{"address", view_of(t->masked)},
		{"brand", view_of(s.brand ? titled(s.brand->title, s.brand->name) : NULL)},
		{"stops", view_of(what_stops(t, &s, about->reach))},
		{"stream", view_of(has_wider ? titled(s.stream->title, s.stream->name) : NULL)},
		{"all", view_of(about->reach == OPTOUT_BRAND ? "1" : NULL)},
		{"quiet", view_of(about->quiet ? "1" : NULL)},
		{"nonce", buf_view(&nonce)},
		{"ticket", about->ticket},
		{"until", view_of(about->until)},
		{"token", r->capture},
		{"mails", brand_mails(w, r->brand)},
	};
	page_answer(r, 200, about->page, values, sizeof values / sizeof *values);
	buf_free(&nonce);
}

enum web_when optout_show(struct web *w, struct web_request *r)
{
	struct token token;
	if (!page_token(r, &token))
		return answer_forged(w, r);
	show(w, r, &token, &(struct showing){.page = PAGE_ASK});
	return WEB_NOW;
}

/* ---- POST ---- */

static int stop_changes(const struct pending *p, const struct optout_request *wish, struct change *changes)
{
	return (int)optout_changes(settings_of(p->request)->policy, wish, changes);
}

static void answer_shortly(const struct pending *p)
{
	plain_answer(p->request, 200, V("Unsubscribed.\n"));
}

static void answer_done(const struct pending *p)
{
	struct buf ticket;
	buf_init(&ticket, TOKEN_LINK_TEXT);
	/* An opt-out that stood before isn't this page's to undo; a wider one is withdrawn wider than a new
	 * consent could reach. */
	if (p->result.changed && p->way->reach == OPTOUT_TOPIC)
		undo_ticket(p, &ticket);
	show(p->web, p->request, &p->token,
	    &(struct showing){.page = PAGE_DONE, .reach = p->way->reach, .ticket = buf_view(&ticket)});
	buf_free(&ticket);
}

/* The opt-out is gone; whether mail comes again is for all that stands to say. */
static void answer_undone(const struct pending *p)
{
	struct optout_subject s = optout_subject(settings_of(p->request)->policy, &p->token);
	struct question q = {.stream = s.stream,
	    .topic = s.topic,
	    .channel = p->token.channel,
	    .who = p->token.who,
	    .now_ms = clock_wall(p->web->clock)};
	bool allowed = s.stream && policy_decide(p->web->ledger, &q).kind == VERDICT_ALLOW;
	show(p->web, p->request, &p->token,
	    &(struct showing){.page = allowed ? PAGE_UNDONE : PAGE_STILL, .quiet = true});
}

/* A suppression that ends by itself. The ledger keeps the longest, so that a pause never shortens an opt-out. */
static int pause_changes(const struct pending *p, const struct optout_request *wish, struct change *changes)
{
	optout_changes(settings_of(p->request)->policy, wish, changes);
	changes[0].expires_ms = p->request->at_ms + p->way->days * DAY_MS;
	changes[0].note = V("pause");
	return 1;
}

static void answer_paused(const struct pending *p)
{
	char until[TIME_TEXT];
	date_text(p->request->at_ms + p->way->days * DAY_MS, until);
	show(p->web, p->request, &p->token, &(struct showing){.page = PAGE_PAUSED, .quiet = true, .until = until});
}

/* One of a fixed list: what people write freely would be personal data. */
static int reason_changes(const struct pending *p, const struct optout_request *wish, struct change *changes)
{
	static const struct {
		struct view word, note;
	} rows[] = {{V("too-many"), V("reason given: too-many")}, {V("not-relevant"), V("reason given: not-relevant")},
	    {V("never-asked"), V("reason given: never-asked")}, {V("other"), V("reason given: other")}};
	struct view word = form_value(&p->request->form, V("reason"));
	optout_changes(settings_of(p->request)->policy, wish, changes);
	changes[0].kind = CHANGE_NOTE;
	changes[0].reason = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (view_eq(word, rows[i].word))
			changes[0].note = rows[i].note;
	return changes[0].note.n ? 1 : 0;
}

static void answer_thanks(const struct pending *p)
{
	show(p->web, p->request, &p->token, &(struct showing){.page = PAGE_THANKS});
}

static const struct way ways[] = {
	{NULL, OPTOUT_TOPIC, "one-click", &by_one_click, true, 0, stop_changes, answer_shortly},
	{"unsubscribe", OPTOUT_TOPIC, "page", &by_page, true, 0, stop_changes, answer_done},
	{"stream", OPTOUT_STREAM, "page", &by_page, true, 0, stop_changes, answer_done},
	{"brand", OPTOUT_BRAND, "page", &by_page, true, 0, stop_changes, answer_done},
	{"undo", OPTOUT_TOPIC, "page", &undone, false, 0, undo_changes, answer_undone},
	{"pause-30", OPTOUT_TOPIC, "page", &paused, false, 30, pause_changes, answer_paused},
	{"pause-90", OPTOUT_TOPIC, "page", &paused, false, 90, pause_changes, answer_paused},
	{"reason", OPTOUT_TOPIC, "page", &reasons, false, 0, reason_changes, answer_thanks},
};

static const struct way *way_of(const struct web_request *r)
{
	if (form_has(&r->form, V("List-Unsubscribe"), V("One-Click")))
		return &ways[0];
	struct view action = form_value(&r->form, V("action"));
	for (size_t i = 1; action.p && i < sizeof ways / sizeof *ways; i++)
		if (view_eq(action, view_of(ways[i].action)))
			return has_our_nonce(r) ? &ways[i] : NULL;
	return NULL;
}

static void log_outcome(const struct pending *p)
{
	char who[2 * PERSON_SHOWN + 1], safe[200];
	const char *what = p->way->action ? p->way->action : "unsubscribe";
	for (int i = 0; i < PERSON_SHOWN; i++)
		snprintf(who + 2 * i, 3, "%02x", p->token.who.b[i]);
	if (p->failed)
		log_event(LOG_LEVEL_ERROR, "web.optout.fail", "source=%s action=%s person=%s why=\"%s\"",
		    p->way->source, what, who,
		    log_safe(safe, sizeof safe, p->err.text, strlen(p->err.text)));
	else
		log_event(LOG_LEVEL_INFO, "web.optout", "source=%s action=%s person=%s seq=%llu changed=%d",
		    p->way->source, what, who, (unsigned long long)p->result.seq, p->result.changed);
}

static void tell_tool(const struct pending *p)
{
	const struct web_optout o = {.token = &p->token, .reached = p->reached, .may_be_undone = p->way->action != NULL};
	if (p->token.tool[0] && p->way->repeatable && p->web->mailer.opted_out)
		p->web->mailer.opted_out(p->web->mailer.arg, &o);
}

/* The commit has answered; on the server's thread again. */
static void optout_answer(struct web_request *r)
{
	const struct pending *p = r->state;
	log_outcome(p);
	if (p->failed) {
		answer_busy(r);
		return;
	}
	counter_add(p->way->count, 1);
	tell_tool(p);
	/* The change is on disk: now, and not before, it may be called done. */
	p->way->answer(p);
}

/* On the committer's thread: keep it short. */
static void committed(void *arg, const struct change_result *results, size_t n, const struct err *err)
{
	struct pending *p = arg;
	p->failed = err != NULL || n == 0;
	if (err)
		p->err = *err;
	else if (n)
		p->result = results[0];
	http_resume(p->request);
}

/* What may help to tell a scanner from a person, later and by a person: nothing is undone by it. How long after the message was
 * made, from what kind of network, and whether that looks like a machine's. */
static void signals_of(struct web_request *r, const struct token *t, char dst[SIGNALS_BYTES])
{
	static const char *const machines[] = {"bot", "scan", "crawl", "preview", "curl", "python", "safelinks", "proofpoint", "mimecast"};
	struct view agent = http_header(r, "User-Agent");
	int64_t age_ms = r->at_ms - t->minted_ms;
	bool suspect = t->minted_ms && age_ms < EARLY_MS;
	bool one_click = form_has(&r->form, V("List-Unsubscribe"), V("One-Click"));
	for (size_t i = 0; !one_click && i < sizeof machines / sizeof *machines; i++)
		suspect |= view_ifind(agent, view_of(machines[i])) < agent.n;
	snprintf(dst, SIGNALS_BYTES, "after_s=%lld%s", (long long)(t->minted_ms ? age_ms / 1000 : -1), suspect ? " suspect=machine" : "");
}

static enum web_when submit(struct pending *p)
{
	struct web_request *r = p->request;
	char evidence[NOTE_MAX + 1], signals[SIGNALS_BYTES];
	signals_of(r, &p->token, signals);
	struct change changes[OPTOUT_CHANGES];
	struct optout_request wish = {.token = p->token,
	    .reach = p->way->reach,
	    .source = view_of(p->way->source),
	    .evidence = evidence_of(r, signals, evidence, sizeof evidence),
	    .event_ms = r->at_ms};
	int n = p->way->changes(p, &wish, changes);
	if (n <= 0) {
		if (n < 0)
			answer_busy(r);
		else
			page_answer(r, 409, PAGE_LATE, NULL, 0);
		return WEB_NOW;
	}
	if (p->way->repeatable && done_just_now(p, changes, (size_t)n)) {
		counter_add(&repeated, 1);
		p->way->answer(p);
		return WEB_NOW;
	}
	p->reached = changes[0].scope;
	r->state = p;
	r->later = optout_answer;
	http_wait(r);
	ledger_submit(p->web->ledger, changes, (size_t)n, committed, p);
	return WEB_LATER;
}

enum web_when optout_do(struct web *w, struct web_request *r)
{
	struct pending *p = arena_zero(&r->arena, sizeof *p);
	ALWAYS(p);
	if (!page_token(r, &p->token))
		return answer_forged(w, r);
	p->web = w;
	p->request = r;
	p->way = way_of(r);
	if (r->form.count > FIELDS_MAX) {
		page_answer(r, 413, PAGE_TOO_LARGE, NULL, 0);
		return WEB_NOW;
	}
	if (p->way && !p->way->repeatable && answered_too_often(w, r, &p->token.who))
		return WEB_NOW;
	if (p->way)
		return submit(p);
	page_answer(r, 400, PAGE_UNCLEAR, NULL, 0);
	return WEB_NOW;
}
