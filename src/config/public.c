/* The public listener as the web room wants it. */
#include <stdlib.h>

#include "load.h"

/* Each was checked as it was read. */
static void copy_proxies(struct web_settings *w, const struct raw_list *l)
{
	w->proxies = mem_zero((l->count + 1) * sizeof *w->proxies);
	for (; w->proxy_count < l->count; w->proxy_count++)
		ALWAYS(network_parse(text_at(l, w->proxy_count)->s, &w->proxies[w->proxy_count], NULL) == 0);
}

static int load_certificate(struct config *c, struct web_settings *w, const struct raw_public *r, struct err *err)
{
	if (!r->tls_certificate.s)
		return 0;
	struct err why;
	char *file = path_dup(c, &r->tls_certificate), *key_file = path_dup(c, &r->tls_key);
	int rc = certificate_load(&w->certificate, file, key_file, &why);
	free(file);
	free(key_file);
	return rc < 0 ? raw_wrong(err, &r->tls_certificate.at, "public.tls_certificate", "%s", why.text) : 0;
}

int make_web(struct config *c, const struct raw *raw, struct token_keys *tokens, struct err *err)
{
	struct web_settings *w = mem_zero(sizeof *w);
	shared_begin(&w->shared, web_settings_free);
	c->web_settings = w;
	w->policy = c->policy;
	shared_hold(&w->policy->shared);
	w->tokens = token_keys_hold(tokens);
	copy_proxies(w, &raw->public.trusted_proxies);
	return load_certificate(c, w, &raw->public, err);
}
