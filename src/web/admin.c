/* The admin listener: its routes, who may use them, and its start. */
#include "web/admin.h"

#include <stdlib.h>

#include "admin_internal.h"
#include "base/codec.h"
#include "base/log.h"
#include "inbound/webhook_proof.h"

#define ADMIN_COUNTERS(id, name)                                                                                     \
	COUNTER(id##_2xx, "optgate_admin_requests_total{route=\"" name "\",class=\"2xx\"}", "Admin requests answered"); \
	COUNTER(id##_3xx, "optgate_admin_requests_total{route=\"" name "\",class=\"3xx\"}", "Admin requests answered"); \
	COUNTER(id##_4xx, "optgate_admin_requests_total{route=\"" name "\",class=\"4xx\"}", "Admin requests answered"); \
	COUNTER(id##_5xx, "optgate_admin_requests_total{route=\"" name "\",class=\"5xx\"}", "Admin requests answered"); \
	static struct counter *const id##_answers[STATUS_CLASSES] = {&id##_2xx, &id##_3xx, &id##_4xx, &id##_5xx}

ADMIN_COUNTERS(api, "api");
ADMIN_COUNTERS(hook, "hook");
ADMIN_COUNTERS(health, "health");
COUNTER(wrong_keys, "optgate_admin_wrong_keys_total", "Admin requests with a key that is none");

static const struct admin_route {
	struct route way; /* the first member: r->route is one of these */
	unsigned role;    /* enum admin_role; 0 = anybody */
	const char *help;
} routes[] = {
	/* methods    pattern             handler             counters         role */
	{{METHOD_GET, "/healthz", admin_health_show, health_answers}, 0, "200 while the ledger can be read, else 503"},
	{{METHOD_GET, "/readyz", admin_health_show, health_answers}, 0, "the same, for a load balancer"},
	{{METHOD_GET, "/metrics", metrics_show, health_answers}, ADMIN_READ, "counters in the Prometheus text format"},
	{{METHOD_GET, "/v1/", admin_routes_show, api_answers}, 0, "this list"},
	{{METHOD_GET, "/v1/explain", explain_show, api_answers}, ADMIN_READ, "why: ?address=&stream=BRAND/STREAM[/TOPIC]&channel=email, or of a message: ?ref="},
	{{METHOD_POST, "/v1/check", check_do, api_answers}, ADMIN_CHECK,
	    "verdicts: {\"stream\", \"channel\", \"addresses\": [...]}, up to 10,000 addresses"},
	{{METHOD_POST, "/v1/suppressions", suppress_do, api_answers}, ADMIN_LISTS,
	    "block: {\"address\", \"channel\", \"scope\", \"reason\", \"note\", \"when\", \"expires\"}"},
	{{METHOD_POST, "/v1/removals", removal_do, api_answers}, ADMIN_LISTS,
	    "end a block: {\"address\", \"channel\", \"scope\", \"reason\", \"note\"}; 202: somebody else must approve it"},
	{{METHOD_POST, "/v1/approvals", approval_do, api_answers}, ADMIN_APPROVE,
	    "approve what another key asked for: {\"request\": the entry of its answer, \"note\"}"},
	{{METHOD_POST, "/v1/optout", admin_optout_do, api_answers}, ADMIN_OPTOUT,
	    "somebody has said stop: {\"address\", \"channel\", \"scope\", \"keyword\", \"source\", \"evidence\", \"when\"}"},
	{{METHOD_POST, "/hooks/*", hook_do, hook_answers}, 0, "events of a provider (webhooks in the settings)"},
};
#define ROUTES (sizeof routes / sizeof *routes)

enum web_when admin_routes_show(struct web *w, struct web_request *r)
{
	json_t *list = json_array();
	struct buf text;
	(void)w;
	buf_init(&text, 200);
	for (size_t i = 0; i < ROUTES; i++) {
		buf_clear(&text);
		admin_roles_text(routes[i].role, &text);
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "method", routes[i].way.methods == METHOD_GET ? "GET" : "POST", "path",
		    routes[i].way.pattern, "role", buf_cstr(&text), "help", routes[i].help));
	}
	buf_free(&text);
	return json_answer(r, 200, json_pack("{s:o}", "routes", list));
}

enum web_when admin_health_show(struct web *w, struct web_request *r)
{
	return health_show(w, r);
}

enum web_when metrics_show(struct web *w, struct web_request *r)
{
	(void)w;
	plain_answer(r, 200, V(""));
	r->answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
	metrics_write(&r->answer.body);
	return WEB_NOW;
}

/* ---- who is it ---- */

/* The secret of an Authorization field: a bearer token (RFC 6750), or the password of basic authentication (RFC 7617), as some providers can send
 * nothing else; its user name doesn't count. */
static struct view secret_of(struct web_request *r)
{
	struct view field = http_header(r, "Authorization"), scheme, secret = V("");
	struct buf pair;
	if (!field.p || !view_cut(&field, ' ', &scheme))
		return secret;
	if (view_ieq(scheme, V("Bearer")))
		return view_trim(field);
	buf_init(&pair, 1000);
	if (view_ieq(scheme, V("Basic")) && base64_decode(view_trim(field), &pair)) {
		struct view rest = buf_view(&pair), user;
		view_cut(&rest, ':', &user);
		secret = arena_view(&r->arena, rest);
		mem_wipe(pair.p, pair.n);
	}
	buf_free(&pair);
	return secret;
}

/* Every key is looked at, each in constant time. */
static const struct admin_key *key_of(const struct web_settings *s, struct view secret)
{
	const struct admin_key *found = NULL;
	uint8_t hash[SHA256_BYTES];
	sha256(secret, hash);
	for (unsigned i = 0; i < s->key_count; i++)
		if (equal_in_constant_time(hash, s->keys[i].hash, sizeof hash))
			found = &s->keys[i];
	return found;
}

bool admin_admits(struct web *w, struct web_request *r, unsigned role)
{
	struct view secret = secret_of(r);
	r->key = secret.n ? key_of(settings_of(r), secret) : NULL;
	if (r->key && r->key->roles & role)
		return true;
	if (r->key) {
		json_refuse(r, 403, NULL, "this key may not do that");
		return false;
	}
	if (secret.n)
		counter_add(&wrong_keys, 1);
	if (secret.n && throttle_count(&w->forged, &r->peer, clock_mono(w->clock)) > ADMIN_FAILURES_PER_MINUTE) {
		web_response_header(&r->answer, "Retry-After", WEB_RETRY_AFTER);
		json_refuse(r, 429, NULL, "too many wrong keys from this address");
		return false;
	}
	web_response_header(&r->answer, "WWW-Authenticate", "Bearer realm=\"optgate\"");
	json_refuse(r, 401, NULL, secret.n ? "not a key" : "expected Authorization: Bearer KEY");
	return false;
}

/* ---- serving ---- */

static const struct admin_route *route_of(struct web_request *r, unsigned *ret_allowed)
{
	*ret_allowed = 0;
	for (size_t i = 0; i < ROUTES; i++) {
		unsigned allowed;
		r->route = route_find(&routes[i].way, 1, r->method, r->path, &r->capture, &allowed);
		*ret_allowed |= allowed;
		if (r->route)
			return &routes[i];
	}
	return NULL;
}

static enum web_when refuse_method(struct web_request *r, unsigned allowed)
{
	struct buf text;
	buf_init(&text, 100);
	route_allow_text(allowed, &text);
	web_response_header(&r->answer, "Allow", buf_cstr(&text));
	buf_free(&text);
	return json_refuse(r, 405, NULL, "not with this method");
}

/* Who may not ask isn't listened to. */
static bool head(void *arg, struct web_request *r)
{
	struct web *w = arg;
	unsigned allowed;
	r->settings = shared_acquire(&w->settings);
	const struct admin_route *route = route_of(r, &allowed);
	if (route)
		return !route->role || admin_admits(w, r, route->role);
	if (allowed)
		refuse_method(r, allowed);
	else
		json_refuse(r, 404, NULL, "no such path; GET /v1/ lists them");
	return false;
}

static enum web_when serve(void *arg, struct web_request *r)
{
	unsigned allowed;
	return route_of(r, &allowed)->way.handle(arg, r); /* anew: views of the path last for a call only */
}

static void refuse(void *arg, struct web_request *r, unsigned status)
{
	(void)arg;
	json_refuse(r, status, NULL, status == 413 ? "the body is larger than admin.max_body" : "the request can't be read");
}

void admin_settings_free(struct web_settings *s)
{
	for (unsigned i = 0; i < s->hook_count; i++) {
		if (s->hooks[i].key)
			mem_wipe(s->hooks[i].key, strlen(s->hooks[i].key));
		free(s->hooks[i].name);
		free(s->hooks[i].key);
		free(s->hooks[i].certificates);
	}
	free(s->hooks);
	free(s->decisions_dir);
	free(s->keys);
}

int admin_start(struct web **ret, const char *listen, const struct web_limits *limits, struct ledger *l, const struct clock *clock,
    struct inbox *in, struct web_settings *settings, struct err *err)
{
	static const struct web_header headers[] = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
	struct web *w = listener_new(l, clock, settings);
	w->is_admin = true;
	w->inbox = in;
	w->once = once_new(WEBHOOK_MAX_AGE_MS);
	w->service.head = head;
	w->service.serve = serve;
	w->service.refuse = refuse;
	w->service.answered = web_answered;
	w->service.certificate = settings->admin_certificate ? certificate_now : NULL;
	w->service.raw_bodies = true;
	w->service.headers = headers;
	w->service.header_count = sizeof headers / sizeof *headers;
	if (desk_open(&w->desk, err) < 0) {
		web_stop(&w, 0);
		return -1;
	}
	if (listener_start(&w, listen, limits, err) < 0)
		return -1;
	*ret = w;
	return 0;
}
