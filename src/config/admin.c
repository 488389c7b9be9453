/* The admin listener as the web room wants it: its keys, and the webhooks that come in by it. */
#include <netinet/in.h>
#include <stdlib.h>

#include "base/file.h"
#include "config/passwords.h"
#include "inbound/webhook_proof.h"
#include "load.h"
#include "net/endpoint.h"

#define ADMIN_ANSWER_MAX (8u << 20) /* the verdicts of a whole batch, an explanation with all its rows */
#define HOOK_KEY_MAX     4096

void make_admin_plain(struct config *c, const struct raw_admin *r)
{
	c->admin_listen = text_dup(&r->listen);
	c->admin = (struct web_limits){.threads = (unsigned)r->threads,
	    .max_connections = (unsigned)r->max_connections,
	    .timeout_s = (unsigned)((r->timeout_ms + 999) / 1000),
	    .max_body_bytes = (size_t)r->max_body_bytes,
	    .max_answer_bytes = ADMIN_ANSWER_MAX};
}

/* ---- keys ---- */

static int take_keys(struct web_settings *w, const char *file, struct view lines, struct err *err)
{
	struct view line, name;
	unsigned number = 0;
	w->keys = mem_zero((lines.n / 2 + 1) * sizeof *w->keys);
	while (view_cut(&lines, '\n', &line)) {
		number++;
		if (!view_trim(line).n)
			continue;
		if (!view_cut(&line, ':', &name) || !admin_key_read(name, view_trim(line), &w->keys[w->key_count]))
			return err_set(err, ERR_SYNTAX, "%s:%u: expected a line that optgate admin add has written", file, number);
		w->key_count++;
	}
	return 0;
}

static int read_keys(struct config *c, struct web_settings *w, struct err *err)
{
	struct buf lines;
	buf_init(&lines, PASSWORD_FILE_MAX);
	int rc = passwords_read(c->admin_key_file, &lines, err);
	if (rc == 0)
		rc = take_keys(w, c->admin_key_file, buf_view(&lines), err);
	buf_free(&lines);
	return rc;
}

/* ---- webhooks ---- */

static int read_hook_key(const struct config *c, struct admin_hook *h, const struct raw_webhook *r, struct err *err)
{
	struct buf key;
	struct err why;
	if (!r->key_file.s)
		return 0;
	char *path = path_dup(c, &r->key_file);
	buf_init(&key, HOOK_KEY_MAX);
	int rc = private_file_read(path, &key, &why);
	if (rc == 0 && !view_trim(buf_view(&key)).n)
		rc = err_set(&why, ERR_SYNTAX, "%s: empty", path);
	if (rc == 0)
		h->key = view_dup(view_trim(buf_view(&key)));
	free(path);
	if (key.p)
		mem_wipe(key.p, key.n);
	buf_free(&key);
	return rc < 0 ? raw_wrong(err, &r->key_file.at, "webhooks[].key_file", "%s", why.text) : 0;
}

static int make_hook(const struct config *c, struct admin_hook *h, const struct raw_webhook *r, struct err *err)
{
	h->name = text_dup(&r->name);
	h->provider = (enum webhook_provider)r->provider;
	h->certificates = path_dup(c, &r->certificates);
	h->stream = policy_stream(c->policy, view_of(r->stream.s)); /* check_webhooks has found it */
	return read_hook_key(c, h, r, err);
}

int make_admin(struct config *c, const struct raw *raw, struct err *err)
{
	struct web_settings *w = c->web_settings;
	const struct raw_webhook *r = raw->webhooks.at;
	w->hooks = mem_zero((raw->webhooks.count + 1) * sizeof *w->hooks);
	for (; w->hook_count < raw->webhooks.count; w->hook_count++)
		if (make_hook(c, &w->hooks[w->hook_count], &r[w->hook_count], err) < 0) {
			w->hook_count++; /* what it has is freed with the rest */
			return -1;
		}
	if (make_certificate(c, &raw->admin.tls_certificate, &raw->admin.tls_key, "admin.tls_certificate", &w->admin_certificate, err) < 0)
		return -1;
	w->decisions_dir = mem_strdup(c->decisions_dir);
	return read_keys(c, w, err);
}

/* ---- relations ---- */

static bool stays_here(const char *listen)
{
	struct network here[2];
	struct endpoint at;
	struct err err;
	ALWAYS(network_parse("127.0.0.0/8", &here[0], NULL) == 0 && network_parse("::1/128", &here[1], NULL) == 0);
	if (view_starts(view_of(listen), V("unix:")) || view_starts(view_of(listen), V("systemd:")))
		return true;
	return endpoint_parse(listen, &at, &err) == 0 && networks_have(here, 2, &at);
}

static int check_webhook(const struct raw_webhook *r, const struct policy *p, struct err *err)
{
	bool by_certificate = r->provider == WEBHOOK_SES, is_signed = webhook_is_signed((enum webhook_provider)r->provider);
	if (r->key_file.s && (by_certificate || !is_signed))
		return raw_wrong(err, &r->key_file.at, "webhooks[].key_file", "expected with provider mailgun or sendgrid only");
	if (r->certificates.s && !by_certificate)
		return raw_wrong(err, &r->certificates.at, "webhooks[].certificates", "expected with provider ses only");
	if (!policy_stream(p, view_of(r->stream.s)))
		return raw_wrong(err, &r->stream.at, "webhooks[].stream", "expected BRAND/STREAM of these settings, found \"%s\"", r->stream.s);
	return 0;
}

int check_webhooks(const struct raw *raw, const struct policy *p, struct err *err)
{
	const struct raw_webhook *r = raw->webhooks.at;
	for (unsigned i = 0; i < raw->webhooks.count; i++)
		if (check_webhook(&r[i], p, err) < 0)
			return -1;
	return 0;
}

int check_admin(const struct raw *raw, struct err *err)
{
	const struct raw_admin *a = &raw->admin;
	if (a->listen.s && !a->tls_certificate.s && !a->plain && !stays_here(a->listen.s))
		return raw_wrong(err, &a->listen.at, "admin.listen",
		    "expected admin.tls_certificate, 127.0.0.1, [::1] or a unix socket: keys would go over the network in the clear (admin.plain allows it)");
	return 0;
}
