/* One web listener, as its handlers see it. */
#pragma once

#include "mail/address.h"
#include "optout/wish.h"
#include "pages.h"
#include "router.h"
#include "throttle.h"
#include "web/web.h"

#define WEB_FORGED_PER_MINUTE 30  /* wrong tokens from one address; then 429 */
#define WEB_ASKS_PER_TIME     10  /* requests for a mail from one network in WEB_ASK_WINDOW_MS */
#define WEB_MAILS_PER_TIME    2   /* mails to one address in WEB_MAIL_WINDOW_MS */
#define WEB_ACTS_PER_TIME     20  /* entries in the journal, other than opt-outs, for one person in WEB_ASK_WINDOW_MS */
#define WEB_ASK_WINDOW_MS     (10 * 60 * 1000)
#define WEB_MAIL_WINDOW_MS    (60 * 60 * 1000)
#define WEB_RETRY_AFTER       "60"
#define WEB_BACKLOG           1024

struct web {
	struct http *http;
	struct http_service service;
	struct web_header headers[8];
	struct ledger *ledger;
	const struct clock *clock;
	struct shared_slot settings;
	struct endpoint address;
	struct throttle forged;  /* wrong tokens, by network */
	struct throttle asks;    /* requests for a mail, by network */
	struct throttle mails;   /* mails to an address */
	struct throttle acts;    /* what the bearer of a token does besides opting out */
	struct web_mailer mailer; /* .send NULL = none */
	/* of the admin listener */
	bool is_admin;
	struct inbox *inbox;
	struct once *once;
	struct desk *desk;
};

static inline const struct web_settings *settings_of(const struct web_request *r)
{
	return (const struct web_settings *)r->settings;
}

/* ---- web.c: what both listeners share ---- */

struct web *listener_new(struct ledger *l, const struct clock *clock, struct web_settings *settings); /* takes over SETTINGS */
/* Listens and serves; frees W on failure. */
int listener_start(struct web **w, const char *listen, const struct web_limits *limits, struct err *err) MUST_CHECK;
struct shared *certificate_now(void *web); /* http_service.certificate */
void web_answered(void *web, const struct web_request *r);

/* A short plain answer, for machines. */
void plain_answer(struct web_request *r, unsigned status, struct view text);

/* Of the settings of now; NULL for none. */
const struct web_brand *brand_page(const struct web_request *r, const struct brand *b);
const struct web_brand *brand_named(const struct web_request *r, struct view name);
/* Whose name the Host field has; else the only one that sends mail, or NULL. */
const struct web_brand *brand_by_host(const struct web_request *r);
/* The name under which /lost/ and /data/ find a brand that can send mail, else empty. */
struct view brand_mails(const struct web *w, const struct web_brand *b);
const char *titled(const char *title, const char *name);

/* True: the person behind a token has done enough for now, and that has been answered. Opt-outs are never asked. */
bool answered_too_often(struct web *w, struct web_request *r, const struct person_key *who);
/* A 503 that may be tried again. */
void answer_busy(struct web_request *r);
/* "ip=... agent=..." with what MORE says before the agent, which comes last, printable ASCII only, cut. */
struct view evidence_of(struct web_request *r, const char *more, char *dst, size_t size);
/* "2026-11-24". */
void date_text(int64_t wall_ms, char dst[TIME_TEXT]);

/* ---- token_page.c: what pages behind a token share ---- */

bool page_token(const struct web_request *r, struct token *ret);
enum web_when answer_forged(struct web *w, struct web_request *r);
/* The digest of the last part of the path that a page's form carries. */
void nonce_of(struct view token, struct buf *out);
bool has_our_nonce(const struct web_request *r);

/* ---- changes.c: changes on their way through the ledger ---- */

#define SUBMIT_MAX 128
struct submission {
	struct web *web;
	struct web_request *request;
	struct change changes[SUBMIT_MAX];
	unsigned count;
	void (*answer)(struct submission *s); /* all durable */
	void (*refuse)(struct submission *s); /* none is: .err says why; NULL: a page with 503 */
	void *arg;
	bool failed;
	struct change_result first;
	struct err err;
};
/* In the request's arena. */
struct submission *submission_new(struct web *w, struct web_request *r);
/* The next change, cleared; NULL when there are SUBMIT_MAX. */
struct change *submission_add(struct submission *s);
/* Hands the changes over; none: answers at once. A failure is answered by .refuse, or with 503. */
enum web_when submit_changes(struct submission *s);

/* ---- ask.c: forms that end in a mail ---- */

struct ask {
	struct address address;
	bool held; /* a machine's, or too often: it is answered like any other, and no mail goes out */
};
/* False: it has been answered. */
bool ask_read(struct web *w, struct web_request *r, struct ask *ret);
/* The mail KEY ("lost") with the link PATH ("p/...") of the brand's public URL; and the answer, the same for everybody. */
void ask_answer(struct web *w, struct web_request *r, const struct ask *a, const char *key, const char *path, struct view last);

route_handler optout_show, optout_do, health_show, preferences_show, preferences_do, lost_show, lost_do, data_show, data_do,
    join_show, join_do, join_snippet, confirm_show, confirm_do, style_show;
