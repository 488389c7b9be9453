/* /u/TOKEN: the one-click opt-out of RFC 8058, the page that a person sees on GET, and that page's button.
 *
 *   GET   ─▶ page: which address, what stops, one button; the ledger isn't touched
 *   POST  List-Unsubscribe=One-Click            ─▶ opt-out, source "one-click"
 *   POST  action=unsubscribe & nonce of the page ─▶ opt-out, source "page"
 *   POST  anything else                         ─▶ 400, nothing has changed
 *
 * The nonce is a digest of the token: only who has read the page's form has it, it needs no key, no clock and no memory, and so it outlives
 * restarts, key rotation and nodes as the token itself does. It keeps off machines that POST to every URL they see; it's no secret from the
 * reader of the mail, who may opt out anyway. */
#include <stdio.h>

#include "base/codec.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "optout/optout.h"
#include "web_internal.h"

#define NONCE_BYTES  16
#define AGENT_MAX    120
#define PERSON_SHOWN 4 /* bytes of the person key in the log */

COUNTER(by_one_click, "optgate_optouts_total{source=\"one-click\"}", "Opt-outs made durable, by source");
COUNTER(by_page, "optgate_optouts_total{source=\"page\"}", "Opt-outs made durable, by source");
COUNTER(forged, "optgate_web_forged_tokens_total", "Requests with a token that is not ours");

static const struct way {
	const char *source;
	struct counter *count;
} one_click = {"one-click", &by_one_click}, page_button = {"page", &by_page};

/* A POST on its way through the ledger. */
struct pending {
	struct token token;
	const struct way *way;
	struct web_request *request;
	bool failed, changed;
	uint64_t seq;
	struct err err;
};

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

/* NULL when the policy doesn't have it any more: the page then says "these mails". */
static const char *what_stops(const struct token *t, const struct optout_subject *s)
{
	if (t->level == SCOPE_TOPIC)
		return s->topic ? titled(s->topic->title, s->topic->name) : NULL;
	return s->stream ? titled(s->stream->title, s->stream->name) : NULL;
}

static void show(struct web_request *r, enum page page, const struct token *t, struct view nonce)
{
	struct optout_subject s = optout_subject(settings_of(r)->policy, t);
	const struct value values[] = {
		{"address", view_of(t->masked)},
		{"brand", view_of(s.brand ? titled(s.brand->title, s.brand->name) : NULL)},
		{"stops", view_of(what_stops(t, &s))},
		{"nonce", nonce},
	};
	page_answer(r, 200, page, values, sizeof values / sizeof *values);
}

/* ---- tokens that are not ours ---- */

static void log_forged(const struct web_request *r, unsigned count)
{
	char ip[ENDPOINT_TEXT];
	endpoint_ip_text(&r->peer, ip);
	log_event(LOG_LEVEL_WARNING, "web.forged", "ip=%s method=%s in_this_minute=%u", ip, r->method == METHOD_POST ? "POST" : "GET", count);
}

/* Never "done" for what isn't ours: a false yes is the worse error. A good token from the same network is never held up. */
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
	return token_open_link(settings_of(r)->tokens, r->capture, ret, &err) == 0;
}

enum web_when optout_show(struct web *w, struct web_request *r)
{
	struct token token;
	if (!open_token(r, &token))
		return answer_forged(w, r);
	struct buf nonce;
	buf_init(&nonce, 100);
	nonce_of(r->capture, &nonce);
	show(r, PAGE_ASK, &token, buf_view(&nonce));
	buf_free(&nonce);
	return WEB_NOW;
}

/* ---- POST ---- */

static const struct way *way_of(const struct web_request *r)
{
	if (form_has(&r->form, V("List-Unsubscribe"), V("One-Click")))
		return &one_click;
	if (!form_has(&r->form, V("action"), V("unsubscribe")))
		return NULL;
	struct buf nonce;
	buf_init(&nonce, 100);
	nonce_of(r->capture, &nonce);
	bool ours = form_has(&r->form, V("nonce"), buf_view(&nonce));
	buf_free(&nonce);
	return ours ? &page_button : NULL;
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

static void log_optout(const struct pending *p)
{
	char who[2 * PERSON_SHOWN + 1], safe[200];
	for (int i = 0; i < PERSON_SHOWN; i++)
		snprintf(who + 2 * i, 3, "%02x", p->token.who.b[i]);
	if (p->failed)
		log_event(LOG_LEVEL_ERROR, "web.optout.fail", "source=%s person=%s why=\"%s\"", p->way->source, who,
		    log_safe(safe, sizeof safe, p->err.text, strlen(p->err.text)));
	else
		log_event(LOG_LEVEL_INFO, "web.optout", "source=%s person=%s seq=%llu changed=%d", p->way->source, who,
		    (unsigned long long)p->seq, p->changed);
}

static void answer_busy(struct web_request *r)
{
	page_answer(r, 503, PAGE_BUSY, NULL, 0);
	web_response_header(&r->answer, "Retry-After", WEB_RETRY_AFTER);
}

/* The commit has answered; on the server's thread again. */
static void optout_answer(struct web_request *r)
{
	struct pending *p = r->state;
	log_optout(p);
	if (p->failed) {
		answer_busy(r);
		return;
	}
	counter_add(p->way->count, 1);
	/* The change is on disk: now, and not before, it may be called done. */
	if (p->way == &one_click)
		plain_answer(r, 200, V("Unsubscribed.\n"));
	else
		show(r, PAGE_DONE, &p->token, V(""));
}

/* On the committer's thread: keep it short. */
static void committed(void *arg, const struct change_result *results, size_t n, const struct err *err)
{
	struct pending *p = arg;
	p->failed = err != NULL;
	if (err)
		p->err = *err;
	for (size_t i = 0; !err && i < n; i++) {
		p->changed |= results[i].changed;
		p->seq = p->seq ? p->seq : results[i].seq;
	}
	http_resume(p->request);
}

enum web_when optout_do(struct web *w, struct web_request *r)
{
	struct pending *p = arena_zero(&r->arena, sizeof *p);
	char evidence[NOTE_MAX + 1];
	ALWAYS(p);
	if (!open_token(r, &p->token))
		return answer_forged(w, r);
	p->way = way_of(r);
	p->request = r;
	if (!p->way) {
		page_answer(r, 400, PAGE_UNCLEAR, NULL, 0);
		return WEB_NOW;
	}
	struct optout_request wish = {.token = p->token, .reach = OPTOUT_TOPIC, .source = view_of(p->way->source),
	    .evidence = evidence_of(r, evidence, sizeof evidence), .event_ms = r->at_ms};
	struct change changes[OPTOUT_CHANGES];
	size_t n = optout_changes(settings_of(r)->policy, &wish, changes);
	r->state = p;
	r->later = optout_answer;
	http_wait(r);
	ledger_submit(w->ledger, changes, n, committed, p);
	return WEB_LATER;
}
