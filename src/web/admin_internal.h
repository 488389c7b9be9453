/* The admin listener, as its handlers see it. */
#pragma once

#include "answers/answers.h"
#include "desk.h"
#include "once.h"
#include "web/admin.h"
#include "web_internal.h"

#define ADMIN_FAILURES_PER_MINUTE 10  /* wrong keys from one network; then 429 */
#define ADMIN_CHECK_MOST          10000 /* addresses of one call */

void admin_settings_free(struct web_settings *s);

/* ---- admin_json.c ---- */

/* Takes over O. */
enum web_when json_answer(struct web_request *r, unsigned status, json_t *o);
/* {"error": "...", "field": "address"}; FIELD NULL = none. */
enum web_when json_refuse(struct web_request *r, unsigned status, const char *field, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* A failure of the ledger: 409 for what only-stronger forbids, else 503. */
enum web_when json_failed(struct web_request *r, const struct err *err);
/* The body as an object; NULL: it has been answered. */
json_t *json_body(struct web_request *r);
/* A member's text; empty when it isn't there or no string. */
struct view json_text_of(const json_t *o, const char *name);
/* "key:NAME"; DST has ACTOR_MAX + 1 bytes. */
struct view actor_of(const struct web_request *r, char *dst);

struct party { /* whom a request is about */
	enum channel channel;
	struct address address;
	struct person_key who;
};
/* CHANNEL empty: e-mail. SCOPE says whose national telephone numbers are meant. False: it has been answered. */
bool party_of(struct web *w, struct web_request *r, struct view channel, struct view address, struct view scope, struct party *ret);
/* "acme/offers", "acme/offers/spring". NULL: it has been answered. */
const struct stream *stream_of(struct web_request *r, struct view name, const struct topic **ret_topic);

/* ---- admin.c ---- */

/* Has the request a key of that role? False: it has been answered. Sets r->key. */
bool admin_admits(struct web *w, struct web_request *r, unsigned role);

route_handler admin_routes_show, admin_health_show, metrics_show, explain_show, check_do, suppress_do, removal_do, approval_do, admin_optout_do, hook_do;
