/* A brand, a stream of each class, keys and an envelope: what compose's tests start from. */
#pragma once

#include <stdlib.h>

#include "compose/compose.h"

struct sample {
	struct brand brand;
	struct stream marketing, service;
	struct topic topic;
	struct compose_settings *settings;
	struct envelope envelope;
	struct address rcpt;
	struct composer *composer;
	struct buf rsa_public, ed25519_public;
};

static inline char *sample_text(const char *s)
{
	return mem_strdup(s);
}

static inline void sample_key(struct sample *s, unsigned i, const char *domain, const char *selector, enum sign_kind kind)
{
	struct sign_key *key = NULL;
	ALWAYS(sign_key_new(&key, kind, NULL) == 0);
	s->settings->keys[i] = (struct dkim_key){.domain = sample_text(domain), .selector = sample_text(selector), .key = key};
}

static inline void sample_scopes(struct sample *s)
{
	s->brand.scope = (struct scope){SCOPE_BRAND, {2, 2}, "acme"};
	s->marketing.scope = (struct scope){SCOPE_STREAM, {3, 3}, "acme/offers"};
	s->service.scope = (struct scope){SCOPE_STREAM, {4, 4}, "acme/receipts"};
	s->topic.scope = (struct scope){SCOPE_TOPIC, {5, 5}, "acme/offers/spring"};
}

static inline void sample_policy(struct sample *s)
{
	static char acme[] = "acme", offers[] = "offers", receipts[] = "receipts", spring[] = "spring", bounce[] = "bounce.example.com",
		    url[] = "https://u.example.com", list_id[] = "offers.lists.example.com", title[] = "Example Offers";
	s->brand = (struct brand){.name = acme, .bounce_domain = bounce, .public_url = url};
	s->topic = (struct topic){.name = spring};
	s->marketing = (struct stream){.name = offers, .title = title, .brand = &s->brand, .class = CLASS_MARKETING, .list_id = list_id,
	    .topics = &s->topic, .topic_count = 1};
	s->service = (struct stream){.name = receipts, .brand = &s->brand, .class = CLASS_SERVICE};
	sample_scopes(s);
}

static inline void sample_envelope(struct sample *s)
{
	s->envelope = (struct envelope){.client = V("mautic"), .client_ip = V("192.0.2.7"), .helo = V("tool.example.com"),
	    .brand = V("acme"), .stream = V("offers"), .campaign = V("spring sale"), .return_path = V("news@example.com"), .protocol = 4, .named = 1,
	    .arrived_ms = 1795485960000};
	ALWAYS(address_parse(V("jane.Doe@example.org"), &s->rcpt, NULL) == 0);
}

/* KEYS: 0 none, 1 RSA, 2 Ed25519, 3 both (and one of another domain, which must not sign). */
static inline void sample_begin(struct sample *s, unsigned keys)
{
	static const uint8_t token_key[1][TOKEN_KEY_BYTES] = {{1}}, token_id[1] = {1};
	*s = (struct sample){0};
	sample_policy(s);
	sample_envelope(s);
	s->settings = mem_zero(sizeof *s->settings);
	s->settings->hostname = sample_text("gate.example.com");
	s->settings->tokens = token_keys_new(token_key, token_id, 1);
	s->settings->keys = mem_zero(4 * sizeof *s->settings->keys);
	buf_init(&s->rsa_public, 2000), buf_init(&s->ed25519_public, 100);
	if (keys & 2)
		sample_key(s, s->settings->key_count++, "example.com", "e1", SIGN_ED25519);
	if (keys & 1)
		sample_key(s, s->settings->key_count++, "example.com", "r1", SIGN_RSA);
	if (keys == 3)
		sample_key(s, s->settings->key_count++, "example.net", "x1", SIGN_ED25519);
	for (unsigned i = 0; i < s->settings->key_count && i < 2; i++)
		ALWAYS(sign_key_public(s->settings->keys[i].key,
			   sign_key_kind(s->settings->keys[i].key) == SIGN_RSA ? &s->rsa_public : &s->ed25519_public, NULL) == 0);
	s->composer = composer_new();
}

static inline struct compose_job sample_job(struct sample *s, const struct stream *stream, struct view message)
{
	return (struct compose_job){.settings = s->settings, .stream = stream, .envelope = &s->envelope, .rcpt = &s->rcpt, .who = {{9, 9}},
	    .message_id = 0x123456789abcdef0, .item = 3, .message = message, .now_ms = 1795485961234};
}

static inline void sample_end(struct sample *s)
{
	composer_free(&s->composer);
	compose_settings_free(&s->settings->shared);
	buf_free(&s->rsa_public), buf_free(&s->ed25519_public);
}
