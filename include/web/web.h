/* The public HTTP listener: one-click opt-out (RFC 8058), the page behind it, preferences, forms, health.
 *
 *   POST /u/TOKEN  List-Unsubscribe=One-Click (urlencoded or multipart) -> suspended
 *                  -> ledger commit -> resumed -> 200
 *   GET  /u/TOKEN  page with the masked address and one button; changes nothing
 *   /p/TOKEN       preferences: topics, channels
 *   /f/FORM        sign-up, confirmed by a mailed link; GET /snippet/FORM: its HTML for another site
 *   /lost/BRAND    an address -> a mail with a link to /p/
 *   /data/BRAND    an address and a right (access, erasure...) -> a mail with a link
 *   /c/WISH        that link: GET shows, POST acts
 *   GET  /style/BRAND  the brand's style sheet
 *   GET  /healthz  200 while the ledger can be read, else 503
 *
 * No GET, HEAD or OPTIONS changes anything. */
#pragma once

#include "base/clock.h"
#include "base/shared.h"
#include "ledger/ledger.h"
#include "net/endpoint.h"
#include "optout/token.h"
#include "policy/policy.h"

struct admin_key;
struct admin_hook;
struct certificate; /* begins with struct shared */
/* Chain and key from PEM files. ERR_SYNTAX says which file is wrong, also when they don't belong together. */
int certificate_load(struct certificate **ret, const char *file, const char *key_file, struct err *err) MUST_CHECK;
void certificate_free(struct certificate **c); /* drops one hold */

/* How a brand's pages look, and as whom they send mail. */
struct web_brand {
	const struct brand *brand;
	char *style;                        /* CSS; NULL = ours only */
	char *before, *after;               /* HTML around the content; NULL = none */
	char *notice_from;                  /* address; NULL = these pages send no mail */
	const struct stream *notice_stream; /* of class service; with notice_from */
};

struct web_purpose {
	const struct stream *stream;
	const struct topic *topic; /* NULL = the stream as a whole */
};

#define WEB_PURPOSES_MAX 20
struct web_form { /* for signing up */
	char *name, *title;
	const struct web_brand *brand;
	struct web_purpose purposes[WEB_PURPOSES_MAX];
	unsigned purpose_count;
	char *wording, *version;   /* what a person reads and agrees to; a new text needs a new version */
	char wording_id[65];       /* SHA-256 of the wording, hex */
	char *privacy_url, *privacy_version;
	int64_t confirm_within_ms;
};

struct web_settings { /* frozen, shared; allocated with mem_zero; owns one reference of each */
	struct shared shared;
	struct policy *policy;
	struct token_keys *tokens;
	struct certificate *certificate; /* HTTPS by itself, when there is one at the start; a new one serves new connections */
	struct network *proxies;         /* whose X-Forwarded-For is believed; a peer on a unix socket always is */
	unsigned proxy_count;
	struct web_brand *brands;        /* one for each of the policy's, in its order */
	unsigned brand_count;
	struct web_form *forms;
	unsigned form_count;
	struct certificate *admin_certificate; /* of the admin listener (web/admin.h), as .certificate */
	struct admin_key *keys;
	unsigned key_count;
	char *decisions_dir; /* where the log of decisions is read for /v1/explain?ref= */
	struct admin_hook *hooks;
	unsigned hook_count;
};
void web_settings_free(struct shared *s);
static inline struct web_settings *web_settings_hold(struct web_settings *s)
{
	shared_hold(&s->shared);
	return s;
}

struct web_limits {
	unsigned threads, max_connections;
	unsigned max_connections_per_ip; /* 0 = no limit, as behind a proxy */
	unsigned timeout_s;    /* 10: for a whole request to arrive, however slowly; also when idle */
	size_t max_body_bytes; /* 8192; more gets 413 */
	size_t max_answer_bytes; /* 0 = 65536, enough for every page */
};

/* A small service message: sent, or not, without waiting. All views for the call only. SUBJECT and TEXT are UTF-8, TEXT with LF. */
struct web_mail {
	const struct web_brand *as;
	struct view to;
	struct view subject, text, language;
};
/* An opt-out that is durable, by a link in which its tool has put one of its own. */
struct web_optout {
	const struct token *token; /* .tool is not empty */
	struct scope reached;      /* of the unsubscribe that was made */
	bool may_be_undone;
};
struct web_mailer {
	void (*send)(void *arg, const struct web_mail *m);           /* NULL: no page sends mail */
	void (*opted_out)(void *arg, const struct web_optout *o);    /* NULL: nobody is told; it must not wait */
	void *arg;
};

struct web;
/* MAILER NULL: no page sends mail, and no tool is told. Takes over SETTINGS, also when it fails. L must outlive the listener: an answer waits for its commit. */
int web_start(struct web **ret, const char *listen, const struct web_limits *limits, struct ledger *l,
    const struct clock *clock, const struct web_mailer *mailer, struct web_settings *settings, struct err *err) MUST_CHECK;
void web_use(struct web *w, struct web_settings *s); /* reload; takes over */
int web_address(const struct web *w, struct endpoint *ret);
/* Takes no new connections, lets running requests end until DEADLINE_MS (monotonic); those that wait for
 * the ledger are always awaited. */
void web_stop(struct web **w, int64_t deadline_ms);
