/* Clients: their brand and streams looked up by name, their networks parsed, their password hashes put beside them. */
#include <stdio.h>

#include "config/passwords.h"
#include "load.h"

static const struct brand *find_brand(const struct policy *p, const struct raw_text *name, struct err *err)
{
	char known[120] = "";
	const struct brand *b = policy_brand(p, view_of(name->s));
	if (b)
		return b;
	for (unsigned i = 0; i < p->brand_count; i++) {
		size_t n = strlen(known);
		snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", p->brands[i].name);
	}
	raw_wrong(err, &name->at, "clients[].brand", "there is no brand \"%s\": expected one of %s", name->s, known);
	return NULL;
}

static const struct stream *find_stream(
    const struct brand *b, const struct raw_text *name, const char *path, struct err *err)
{
	char known[120] = "";
	const struct stream *s = brand_stream(b, view_of(name->s));
	if (s)
		return s;
	for (unsigned i = 0; i < b->stream_count; i++) {
		size_t n = strlen(known);
		snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", b->streams[i].name);
	}
	raw_wrong(err, &name->at, path, "brand %s has no stream \"%s\": expected one of %s", b->name, name->s, known);
	return NULL;
}

static bool has_stream(const struct client *c, const struct stream *s)
{
	for (unsigned i = 0; i < c->stream_count; i++)
		if (c->streams[i] == s)
			return true;
	return false;
}

static int take_streams(struct client *c, const struct raw_client *r, struct err *err)
{
	c->streams = mem_zero((r->streams.count + 1) * sizeof *c->streams);
	c->streams[c->stream_count++] = c->default_stream;
	for (unsigned i = 0; i < r->streams.count; i++) {
		const struct stream *s = find_stream(c->brand, text_at(&r->streams, i), "clients[].streams", err);
		if (!s)
			return -1;
		if (!has_stream(c, s))
			c->streams[c->stream_count++] = s;
	}
	return 0;
}

static int take_networks(struct client *c, const struct raw_client *r, struct err *err)
{
	c->networks = mem_zero(r->networks.count * sizeof *c->networks);
	for (; c->network_count < r->networks.count; c->network_count++) {
		const struct raw_text *t = text_at(&r->networks, c->network_count);
		struct err why;
		if (network_parse(t->s, &c->networks[c->network_count], &why) < 0)
			return raw_wrong(err, &t->at, "clients[].networks", "%s", why.text);
	}
	return 0;
}

static int make_client(
    struct client *c, const struct raw_client *r, const struct policy *p, struct view hashes, struct err *err)
{
	c->name = text_dup(&r->name);
	c->plain_auth = r->plain_auth;
	c->max_connections = (unsigned)r->max_connections;
	c->max_messages_per_minute = (unsigned)r->max_messages_per_minute;
	c->max_recipients_per_minute = (unsigned)r->max_recipients_per_minute;
	c->refusal = (enum refusal_way)r->refusal;
	c->brand = find_brand(p, &r->brand, err);
	if (!c->brand)
		return -1;
	c->default_stream = find_stream(c->brand, &r->stream, "clients[].stream", err);
	if (!c->default_stream)
		return -1;
	struct view hash = passwords_find(hashes, view_of(c->name));
	if (hash.n)
		c->password = view_dup(hash);
	return take_streams(c, r, err) < 0 || take_networks(c, r, err) < 0 ? -1 : 0;
}

int make_intake(struct config *c, const struct raw *raw, struct view hashes, struct err *err)
{
	const struct raw_client *clients = raw->clients.at;
	struct intake_settings *s = mem_zero(sizeof *s);
	shared_begin(&s->shared, intake_settings_free);
	c->intake = s;
	s->policy = c->policy;
	shared_hold(&c->policy->shared);
	s->hostname = mem_strdup(c->hostname);
	s->max_message_bytes = (uint64_t)raw->submission.max_message_bytes;
	s->max_recipients = (unsigned)raw->submission.max_recipients;
	s->max_received = (unsigned)raw->submission.max_received;
	s->memory_bytes = (uint64_t)raw->submission.memory_bytes;
	s->tripwire_recipients = (unsigned)raw->tripwire.recipients;
	s->tripwire_window_ms = raw->tripwire.window_ms;
	s->clients = mem_zero(raw->clients.count * sizeof *s->clients);
	for (unsigned i = 0; i < raw->clients.count; i++) {
		s->client_count = i + 1;
		if (make_client(&s->clients[i], &clients[i], c->policy, hashes, err) < 0)
			return -1;
	}
	return 0;
}
