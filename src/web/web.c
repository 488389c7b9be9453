/* The public listener: its routes, the headers of every answer, and its start, reload and stop. */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "proxy.h"
#include "admin_internal.h"
#include "web_internal.h"

#define ROUTE_COUNTERS(id, name)                                                          \
	COUNTER(id##_2xx, "optgate_web_requests_total{route=\"" name "\",class=\"2xx\"}", \
	    "HTTP requests answered");                                                    \
	COUNTER(id##_3xx, "optgate_web_requests_total{route=\"" name "\",class=\"3xx\"}", \
	    "HTTP requests answered");                                                    \
	COUNTER(id##_4xx, "optgate_web_requests_total{route=\"" name "\",class=\"4xx\"}", \
	    "HTTP requests answered");                                                    \
	COUNTER(id##_5xx, "optgate_web_requests_total{route=\"" name "\",class=\"5xx\"}", \
	    "HTTP requests answered");                                                    \
	static struct counter *const id##_answers[STATUS_CLASSES] = {                     \
	    &id##_2xx, &id##_3xx, &id##_4xx, &id##_5xx}

ROUTE_COUNTERS(page, "page");
ROUTE_COUNTERS(optout, "optout");
ROUTE_COUNTERS(preferences, "preferences");
ROUTE_COUNTERS(form, "form");
ROUTE_COUNTERS(confirm, "confirm");
ROUTE_COUNTERS(health, "health");
ROUTE_COUNTERS(other, "other");
COUNTER(busy, "optgate_web_unavailable_total", "Answers with 503: the ledger could not be read or written");

static const struct route routes[] = {
	/* methods    pattern     handler       counters */
	{METHOD_GET, "/u/*", optout_show, page_answers},
	{METHOD_POST, "/u/*", optout_do, optout_answers},
	{METHOD_GET, "/p/*", preferences_show, page_answers},
	{METHOD_POST, "/p/*", preferences_do, preferences_answers},
	{METHOD_GET, "/f/*", join_show, page_answers},
	{METHOD_POST, "/f/*", join_do, form_answers},
	{METHOD_GET, "/snippet/*", join_snippet, page_answers},
	{METHOD_GET, "/lost/*", lost_show, page_answers},
	{METHOD_POST, "/lost/*", lost_do, form_answers},
	{METHOD_GET, "/data/*", data_show, page_answers},
	{METHOD_POST, "/data/*", data_do, form_answers},
	{METHOD_GET, "/c/*", confirm_show, page_answers},
	{METHOD_POST, "/c/*", confirm_do, confirm_answers},
	{METHOD_GET, "/style/*", style_show, page_answers},
	{METHOD_GET, "/healthz", health_show, health_answers},
};
#define ROUTES (sizeof routes / sizeof *routes)

void plain_answer(struct web_request *r, unsigned status, struct view text)
{
	r->answer.status = status;
	r->answer.content_type = "text/plain; charset=utf-8";
	buf_clear(&r->answer.body);
	buf_add(&r->answer.body, text);
}

/* OPTIONS of a path we have: 204. Another method than it knows: 405. */
static enum web_when answer_methods(struct web_request *r, unsigned allowed)
{
	struct buf allow;
	buf_init(&allow, 100);
	route_allow_text(allowed, &allow);
	if (r->method == METHOD_OPTIONS)
		r->answer.status = 204;
	else
		page_answer(r, 405, PAGE_METHOD, NULL, 0);
	web_response_header(&r->answer, "Allow", buf_cstr(&allow));
	buf_free(&allow);
	return WEB_NOW;
}

static enum web_when serve(void *arg, struct web_request *r)
{
	struct web *w = arg;
	unsigned allowed;
	r->route = route_find(routes, ROUTES, r->method, r->path, &r->capture, &allowed);
	r->settings = shared_acquire(&w->settings);
	struct view forwarded = http_header_list(r, "X-Forwarded-For");
	if (forwarded.n)
		r->peer = proxy_client(&r->peer, forwarded, settings_of(r)->proxies, settings_of(r)->proxy_count);
	if (r->route)
		return r->route->handle(w, r);
	if (allowed)
		return answer_methods(r, allowed);
	page_answer(r, 404, PAGE_MISSING, NULL, 0);
	return WEB_NOW;
}

static void refuse(void *arg, struct web_request *r, unsigned status)
{
	(void)arg;
	page_answer(r, status, status == 413 || status == 414 ? PAGE_TOO_LARGE : PAGE_UNCLEAR, NULL, 0);
}

void web_answered(void *arg, const struct web_request *r)
{
	(void)arg;
	unsigned class = r->answer.status / 100 - 2;
	if (class < STATUS_CLASSES)
		counter_add((r->route ? r->route->answers : other_answers)[class], 1);
	if (r->answer.status == 503)
		counter_add(&busy, 1);
}

/* On every answer that is ours. */
static void compose_headers(struct web *w)
{
	struct buf hash;
	buf_init(&hash, 100);
	pages_style_hash(&hash);
	struct web_header *h = w->headers;
	*h++ = (struct web_header){"Cache-Control", "no-store"};
	*h++ = (struct web_header){"Referrer-Policy", "no-referrer"};
	*h++ = (struct web_header){"X-Robots-Tag", "noindex"};
	*h++ = (struct web_header){"X-Content-Type-Options", "nosniff"};
	h->name = "Content-Security-Policy";
	struct buf policy;
	buf_init(&policy, sizeof h->value - 1);
	buf_fmt(&policy, "default-src 'none'; style-src '%s' 'self'; img-src data:; ", buf_cstr(&hash));
	buf_str(&policy, "form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
	ALWAYS(view_str(buf_view(&policy), h->value, sizeof h->value) && !policy.failed);
	w->service.headers = w->headers;
	w->service.header_count = (size_t)(h + 1 - w->headers);
	buf_free(&policy);
	buf_free(&hash);
}

static void free_looks(struct web_settings *s)
{
	for (unsigned i = 0; i < s->brand_count; i++) {
		struct web_brand *b = &s->brands[i];
		char *const texts[] = {b->style, b->before, b->after, b->notice_from};
		for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
			free(texts[t]);
	}
	for (unsigned i = 0; i < s->form_count; i++) {
		struct web_form *f = &s->forms[i];
		char *const texts[] = {f->name, f->title, f->wording, f->version, f->privacy_url, f->privacy_version};
		for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
			free(texts[t]);
	}
	free(s->brands);
	free(s->forms);
}

void web_settings_free(struct shared *shared)
{
	struct web_settings *s = (struct web_settings *)shared;
	if (!s)
		return;
	if (s->policy)
		shared_release(&s->policy->shared);
	token_keys_free(&s->tokens);
	certificate_free(&s->certificate);
	certificate_free(&s->admin_certificate);
	admin_settings_free(s);
	free(s->proxies);
	free_looks(s);
	free(s);
}

/* A reload that takes the certificate away can't make the listener speak HTTP: handshakes fail until it is back. */
struct shared *certificate_now(void *arg)
{
	struct web *w = arg;
	struct shared *settings = shared_acquire(&w->settings);
	const struct web_settings *s = (struct web_settings *)settings;
	struct certificate *c = w->is_admin ? s->admin_certificate : s->certificate;
	struct shared *held = c ? shared_hold((struct shared *)c) : NULL;
	shared_release(settings);
	return held;
}

struct web *listener_new(struct ledger *l, const struct clock *clock, struct web_settings *settings)
{
	struct web *w = mem_zero(sizeof *w);
	w->ledger = l;
	w->clock = clock;
	w->service = (struct http_service){.arg = w};
	throttle_init(&w->forged, THROTTLE_WINDOW_MS);
	throttle_init(&w->asks, WEB_ASK_WINDOW_MS);
	throttle_init(&w->mails, WEB_MAIL_WINDOW_MS);
	throttle_init(&w->acts, WEB_ASK_WINDOW_MS);
	shared_slot_init(&w->settings);
	web_use(w, settings);
	return w;
}

int listener_start(struct web **ww, const char *listen, const struct web_limits *limits, struct err *err)
{
	struct web *w = *ww;
	int fd;
	if (listen_on(listen, WEB_BACKLOG, &fd, err) < 0)
		goto failed;
	if (endpoint_of_fd(fd, &w->address, err) < 0) {
		close(fd);
		goto failed;
	}
	if (http_start(&w->http, fd, limits, w->clock, &w->service, err) == 0)
		return 0;
failed:
	err_prefix(err, "web listener %s", listen);
	web_stop(ww, 0);
	return -1;
}

int web_start(struct web **ret, const char *listen, const struct web_limits *limits, struct ledger *l,
    const struct clock *clock, const struct web_mailer *mailer, struct web_settings *settings, struct err *err)
{
	struct web *w = listener_new(l, clock, settings);
	w->service.serve = serve;
	w->service.refuse = refuse;
	w->service.answered = web_answered;
	w->service.certificate = settings->certificate ? certificate_now : NULL;
	compose_headers(w);
	if (mailer)
		w->mailer = *mailer;
	if (listener_start(&w, listen, limits, err) < 0)
		return -1;
	*ret = w;
	return 0;
}

void web_use(struct web *w, struct web_settings *s)
{
	shared_replace(&w->settings, &s->shared, web_settings_free);
}

int web_address(const struct web *w, struct endpoint *ret)
{
	*ret = w->address;
	return 0;
}

void web_stop(struct web **ww, int64_t deadline_ms)
{
	struct web *w = *ww;
	if (!w)
		return;
	http_stop(&w->http, deadline_ms);
	shared_replace(&w->settings, NULL, NULL);
	pthread_mutex_destroy(&w->settings.lock);
	throttle_end(&w->forged);
	throttle_end(&w->asks);
	throttle_end(&w->mails);
	throttle_end(&w->acts);
	once_free(&w->once);
	desk_close(&w->desk);
	free(w);
	*ww = NULL;
}
