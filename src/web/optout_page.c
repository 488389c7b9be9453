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

#include "base/codec.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "optout_page.h"

#define NONCE_BYTES  16
#define PERSON_SHOWN 4 /* bytes of the person key in the log */

COUNTER(by_one_click, "optgate_optouts_total{source=\"one-click\"}", "Opt-outs made durable, by source");
COUNTER(by_page, "optgate_optouts_total{source=\"page\"}", "Opt-outs made durable, by source");
COUNTER(repeated, "optgate_optouts_repeated_total", "Opt-outs answered that were made a moment before");
COUNTER(undone, "optgate_optouts_undone_total", "Opt-outs undone by the recipient on the page");
COUNTER(forged, "optgate_web_forged_tokens_total", "Requests with a token that is not ours");

static void nonce_of(struct view token, struct buf *out)
{
	uint8_t hash[SHA256_BYTES];
	struct hasher *h = hasher_new();
	hasher_add(h, V("optgate page\0"));
	hasher_add(h, token);
	hasher_end(h, hash);
	hasher_free(&h);
	hex_encode(out, view_n(hash, NONCE_BYTES));
}

/* ---- what the page says ---- */

static const char *titled(const char *title, const char *name)
{
	return title && *title ? title : name;
}

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
};

static void show(struct web_request *r, const struct token *t, const struct showing *about)
{
	struct optout_subject s = optout_subject(settings_of(r)->policy, t);
	bool has_wider = t->level == SCOPE_TOPIC && about->reach == OPTOUT_TOPIC && s.stream;
	struct buf nonce;
	buf_init(&nonce, 100);
	nonce_of(r->capture, &nonce);
	const struct value values[] = {
		{"address", view_of(t->masked)},
		{"brand", view_of(s.brand ? titled(s.brand->title, s.brand->name) : NULL)},
		{"stops", view_of(what_stops(t, &s, about->reach))},
		{"stream", view_of(has_wider ? titled(s.stream->title, s.stream->name) : NULL)},
		{"all", view_of(about->reach == OPTOUT_BRAND ? "1" : NULL)},
		{"quiet", view_of(about->quiet ? "1" : NULL)},
		{"nonce", buf_view(&nonce)},
		{"ticket", about->ticket},
	};
	page_answer(r, 200, about->page, values, sizeof values / sizeof *values);
	buf_free(&nonce);
}

/* ---- tokens that are not ours ---- */

static void log_forged(const struct web_request *r, unsigned count)
{
	char ip[ENDPOINT_TEXT];
	endpoint_ip_text(&r->peer, ip);
	log_event(LOG_LEVEL_WARNING, "web.forged", "ip=%s method=%s in_this_minute=%u", ip,
	    r->method == METHOD_POST ? "POST" : "GET", count);
}

/* Never "done" for what isn't ours: a false yes is the worse error. A good token from the same network is
 * never held up. */
static enum web_when answer_forged(struct web *w, struct web_request *r)
{
	unsigned count = throttle_count(&w->forged, &r->peer, clock_mono(w->clock));
	counter_add(&forged, 1);
	if (count == 1 || count == WEB_FORGED_PER_MINUTE + 1)
		log_forged(r, count);
	if (count <= WEB_FORGED_PER_MINUTE) {
		page_answer(r, 404, PAGE_FORGED, NULL, 0);
		return WEB_NOW;
	}
	page_answer(r, 429, PAGE_THROTTLED, NULL, 0);
	web_response_header(&r->answer, "Retry-After", WEB_RETRY_AFTER);
	return WEB_NOW;
}

static bool open_token(const struct web_request *r, struct token *ret)
{
	struct err err;
	return token_open_link(settings_of(r)->tokens, r->capture, ret, &err) == 0 && !is_undo_ticket(ret);
}

enum web_when optout_show(struct web *w, struct web_request *r)
{
	struct token token;
	if (!open_token(r, &token))
		return answer_forged(w, r);
	show(r, &token, &(struct showing){.page = PAGE_ASK});
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
	show(p->request, &p->token,
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
	show(p->request, &p->token,
	    &(struct showing){.page = allowed ? PAGE_UNDONE : PAGE_STILL, .quiet = true});
}

static const struct way ways[] = {
	{NULL, OPTOUT_TOPIC, "one-click", &by_one_click, true, stop_changes, answer_shortly},
	{"unsubscribe", OPTOUT_TOPIC, "page", &by_page, true, stop_changes, answer_done},
	{"stream", OPTOUT_STREAM, "page", &by_page, true, stop_changes, answer_done},
	{"brand", OPTOUT_BRAND, "page", &by_page, true, stop_changes, answer_done},
	{"undo", OPTOUT_TOPIC, "page", &undone, false, undo_changes, answer_undone},
};

static bool has_our_nonce(const struct web_request *r)
{
	struct buf nonce;
	buf_init(&nonce, 100);
	nonce_of(r->capture, &nonce);
	bool ours = form_has(&r->form, V("nonce"), buf_view(&nonce));
	buf_free(&nonce);
	return ours;
}

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

/* key=value pairs for the ledger: the agent comes last, printable ASCII only, cut. */
static struct view evidence_of(struct web_request *r, char *dst, size_t size)
{
	char ip[ENDPOINT_TEXT], agent[AGENT_MAX + 1];
	struct view said = view_sub(http_header(r, "User-Agent"), 0, AGENT_MAX);
	for (size_t i = 0; i < said.n; i++)
		agent[i] = said.p[i] >= 0x20 && said.p[i] < 0x7f ? said.p[i] : '?';
	agent[said.n] = 0;
	endpoint_ip_text(&r->peer, ip);
	snprintf(dst, size, "ip=%.46s agent=%.120s", ip, agent);
	return view_of(dst);
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

static void answer_busy(struct web_request *r)
{
	page_answer(r, 503, PAGE_BUSY, NULL, 0);
	web_response_header(&r->answer, "Retry-After", WEB_RETRY_AFTER);
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

static enum web_when submit(struct pending *p)
{
	struct web_request *r = p->request;
	char evidence[NOTE_MAX + 1];
	struct change changes[OPTOUT_CHANGES];
	struct optout_request wish = {.token = p->token,
	    .reach = p->way->reach,
	    .source = view_of(p->way->source),
	    .evidence = evidence_of(r, evidence, sizeof evidence),
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
	if (!open_token(r, &p->token))
		return answer_forged(w, r);
	p->web = w;
	p->request = r;
	p->way = way_of(r);
	if (p->way)
		return submit(p);
	page_answer(r, 400, PAGE_UNCLEAR, NULL, 0);
	return WEB_NOW;
}
