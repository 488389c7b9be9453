/* What the way out needs: signing keys and next hops. */
#include <stdlib.h>

#include "config/passwords.h"
#include "load.h"
#include "mail/address.h"

#define KEY_FILE_MAX 65536

static int load_key(const char *path, struct sign_key **ret, struct err *err)
{
	struct buf pem;
	buf_init(&pem, KEY_FILE_MAX);
	int rc = private_file_read(path, &pem, err);
	if (rc == 0 && sign_key_load(ret, buf_view(&pem), err) < 0)
		rc = err_prefix(err, "%s", path);
	if (pem.p)
		mem_wipe(pem.p, pem.n);
	buf_free(&pem);
	return rc;
}

static int take_key(const struct config *c, struct compose_settings *s, const struct raw_brand *brand,
    const struct raw_dkim *r, struct err *err)
{
	char domain[DOMAIN_MAX + 1], path[CONFIG_PATH_MAX];
	struct err why;
	struct sign_key *key;
	if (domain_canonical(view_of(r->domain.s), domain, &why) < 0)
		return raw_wrong(err, &r->domain.at, "brands[].dkim[].domain", "%s", why.text);
	if (!r->key_file.s && config_dkim_path(c, domain, r->selector.s, path, err) < 0)
		return -1;
	char *given = path_dup(c, &r->key_file);
	int rc = load_key(given ? given : path, &key, &why);
	free(given);
	if (rc < 0)
		return raw_wrong(err, &r->domain.at, "brands[].dkim[].key_file", "%s%s", why.text,
		    why.kind == ERR_MISSING ? " (optgate key new dkim makes one)" : "");
	s->keys[s->key_count++] = (struct dkim_key){.brand = text_dup(&brand->name),
	    .domain = mem_strdup(domain),
	    .selector = text_dup(&r->selector),
	    .key = key};
	return 0;
}

int make_compose(struct config *c, const struct raw *raw, struct token_keys *tokens, struct err *err)
{
	const struct raw_brand *brands = raw->brands.at;
	size_t most = 0;
	for (unsigned i = 0; i < raw->brands.count; i++)
		most += brands[i].dkim.count;
	struct compose_settings *s = mem_zero(sizeof *s);
	shared_begin(&s->shared, compose_settings_free);
	c->compose = s;
	s->hostname = mem_strdup(c->hostname);
	s->tokens = token_keys_hold(tokens);
	s->tool_hosts = copy_texts(&raw->tool_links.hosts, &s->tool_host_count);
	s->keys = mem_zero(most * sizeof *s->keys);
	for (unsigned i = 0; i < raw->brands.count; i++) {
		const struct raw_dkim *keys = brands[i].dkim.at;
		for (unsigned j = 0; j < brands[i].dkim.count; j++)
			if (take_key(c, s, &brands[i], &keys[j], err) < 0)
				return -1;
	}
	return 0;
}

static void take_hop(const struct config *c, struct next_hop *h, const struct raw_hop *r)
{
	*h = (struct next_hop){.name = text_dup(&r->name),
	    .host = text_dup(&r->host),
	    .port = (uint16_t)r->port,
	    .tls = (enum hop_tls)r->tls,
	    .tls_name = text_dup(&r->tls_name),
	    .tls_from_start = r->tls_from_start,
	    .source = text_dup(&r->source),
	    .ca_file = path_dup(c, &r->ca_file),
	    .user = text_dup(&r->user),
	    .password_file = path_dup(c, &r->password_file),
	    .connections = (unsigned)r->connections,
	    .messages_per_connection = (unsigned)r->messages_per_connection,
	    .idle_ms = r->idle_ms,
	    .connect_timeout_ms = r->connect_timeout_ms,
	    .attempt_timeout_ms = r->attempt_timeout_ms};
}

void make_delivery(struct config *c, const struct raw *raw)
{
	const struct raw_hop *hops = raw->delivery.next_hops.at;
	struct delivery_settings *s = mem_zero(sizeof *s);
	shared_begin(&s->shared, delivery_settings_free);
	c->delivery = s;
	s->hostname = mem_strdup(c->hostname);
	s->retry_first_ms = raw->delivery.retry_first_ms;
	s->retry_max_ms = raw->delivery.retry_max_ms;
	s->expire_ms = raw->delivery.expire_ms;
	memcpy(s->expire_class_ms, raw->delivery.expire_class_ms, sizeof s->expire_class_ms);
	s->pass_timeout_ms = raw->delivery.pass_timeout_ms;
	s->breaker = (struct breaker_settings){.pause = (uint32_t)raw->delivery.breaker.pause, .stop = (uint32_t)raw->delivery.breaker.stop,
	    .minimum = (uint32_t)raw->delivery.breaker.minimum, .window_ms = raw->delivery.breaker.window_ms,
	    .pause_ms = raw->delivery.breaker.pause_ms};
	s->breaker_file = path_below(c->data_dir, "complaints");
	s->policy = c->policy;
	shared_hold(&s->policy->shared);
	s->compose = c->compose;
	shared_hold(&s->compose->shared);
	s->hops = mem_zero(raw->delivery.next_hops.count * sizeof *s->hops);
	for (; s->hop_count < raw->delivery.next_hops.count; s->hop_count++)
		take_hop(c, &s->hops[s->hop_count], &hops[s->hop_count]);
}
