/* POST /hooks/NAME: a provider's events. Believed by its signature where it signs, else by a key of role "hooks"; told once only where the
 * proof doesn't cover the event; answered when they are in the ledger. */
#include <stdio.h>
#include <stdlib.h>

#include "admin_internal.h"
#include "base/file.h"
#include "base/log.h"
#include "inbound/webhook_proof.h"

#define HOOK_ARENA_BYTES (16u << 20)
#define CERTIFICATE_MAX  (64u << 10)
#define PATH_BYTES       1500

COUNTER(unproved, "optgate_hooks_refused_total", "Provider events whose proof was missing, wrong, too old or seen before");

static const struct admin_hook *hook_named(const struct web_settings *s, struct view name)
{
	for (unsigned i = 0; i < s->hook_count; i++)
		if (view_eq(view_of(s->hooks[i].name), name))
			return &s->hooks[i];
	return NULL;
}

/* SNS: the certificate that the message names, from the operator's directory. The name holds no slash. */
static int read_certificate(const struct admin_hook *h, struct view body, struct buf *out, struct err *err)
{
	char name[WEBHOOK_CERTIFICATE_NAME], path[PATH_BYTES];
	if (!webhook_certificate(body, name))
		return err_set(err, ERR_REFUSED, "webhook: its SigningCertURL is not one of Amazon's");
	snprintf(path, sizeof path, "%s/%s", h->certificates, name);
	return file_read(path, out, err);
}

static int verify(struct web *w, struct web_request *r, const struct admin_hook *h, struct arena *a, struct view *ret_once, struct err *err)
{
	struct buf pem;
	const struct webhook_request q = {r->body, http_header(r, "X-Twilio-Email-Event-Webhook-Timestamp"),
	    http_header(r, "X-Twilio-Email-Event-Webhook-Signature")};
	buf_init(&pem, CERTIFICATE_MAX);
	int rc = h->certificates ? read_certificate(h, r->body, &pem, err) : 0;
	struct view key = h->certificates ? buf_view(&pem) : view_of(h->key);
	if (rc == 0)
		rc = webhook_verify(h->provider, key, &q, r->at_ms, a, ret_once, err);
	if (rc == 0 && ret_once->n && once_has(w->once, *ret_once, clock_mono(w->clock)))
		rc = err_set(err, ERR_REFUSED, "webhook: this was sent before");
	buf_free(&pem);
	return rc;
}

static enum web_when refuse_proof(struct web_request *r, const struct admin_hook *h, const struct err *err)
{
	char why[200];
	counter_add(&unproved, 1);
	log_event(LOG_LEVEL_WARNING, "web.hook.refuse", "name=%s provider=%s why=\"%s\"", h->name, webhook_provider_word(h->provider),
	    log_safe(why, sizeof why, err->text, strlen(err->text)));
	return json_refuse(r, 403, NULL, "%s", err->text);
}

/* Whoever has subscribed visits it; nothing is fetched from here. */
static bool told_subscription(struct web_request *r, const struct admin_hook *h, struct arena *a)
{
	char safe[700];
	struct view url = webhook_subscription(r->body, a);
	if (!url.n)
		return false;
	log_event(LOG_LEVEL_WARNING, "web.hook.subscribe", "name=%s visit=\"%s\"", h->name, log_safe(safe, sizeof safe, url.p, url.n));
	json_answer(r, 200, json_pack("{s:i, s:s}", "events", 0, "visit", "the SubscribeURL is in the log"));
	return true;
}

static enum web_when take(struct web *w, struct web_request *r, const struct admin_hook *h, struct arena *a)
{
	char source[SOURCE_MAX + 1], actor[ACTOR_MAX + 1];
	struct view once = V("");
	struct err err;
	unsigned events;
	if ((h->key || h->certificates) && verify(w, r, h, a, &once, &err) < 0)
		return refuse_proof(r, h, &err);
	if (told_subscription(r, h, a))
		return WEB_NOW;
	snprintf(source, sizeof source, "webhook:%s", h->name);
	snprintf(actor, sizeof actor, "provider:%s", webhook_provider_word(h->provider));
	const struct inbox_events ev = {.provider = h->provider, .body = r->body, .stream = h->stream, .source = view_of(source), .actor = view_of(actor)};
	if (inbox_events(w->inbox, &ev, a, &events, &err) < 0)
		return err.kind == ERR_SYNTAX || err.kind == ERR_LIMIT ? json_refuse(r, 400, NULL, "%s", err.text) : json_failed(r, &err);
	if (once.n)
		once_add(w->once, once, clock_mono(w->clock));
	/* In the ledger: now the provider need not send it again. */
	return json_answer(r, 200, json_pack("{s:I}", "events", (json_int_t)events));
}

enum web_when hook_do(struct web *w, struct web_request *r)
{
	struct arena a;
	const struct admin_hook *h = hook_named(settings_of(r), r->capture);
	if (!h)
		return json_refuse(r, 404, NULL, "the settings have no webhook of that name");
	if (!h->key && !h->certificates && !admin_admits(w, r, ADMIN_HOOKS))
		return WEB_NOW;
	arena_init(&a, HOOK_ARENA_BYTES);
	enum web_when when = take(w, r, h, &a);
	arena_free(&a);
	return when;
}
