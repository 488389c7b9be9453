/* Names to brands, streams and topics. Few of each: a walk is quicker than a hash. */
#include "policy/policy.h"

#include <stdlib.h>

static void stream_free(struct stream *s)
{
	for (unsigned i = 0; i < s->topic_count; i++) {
		free(s->topics[i].name);
		free(s->topics[i].title);
	}
	free(s->topics);
	free(s->name);
	free(s->title);
	free(s->list_id);
}

static void texts_free(char **texts, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void brand_free(struct brand *b)
{
	for (unsigned i = 0; i < b->stream_count; i++)
		stream_free(&b->streams[i]);
	texts_free(b->folding, b->folding_count);
	texts_free(b->role_names, b->role_name_count);
	texts_free(b->from_domains, b->from_domain_count);
	free(b->streams);
	free(b->name);
	free(b->title);
	free(b->bounce_domain);
	free(b->public_url);
	free(b->country);
}

void policy_free(struct shared *p)
{
	struct policy *policy = (struct policy *)p; /* .shared is its first member */
	if (!policy)
		return;
	for (unsigned i = 0; i < policy->brand_count; i++)
		brand_free(&policy->brands[i]);
	free(policy->brands);
	free(policy);
}

const struct brand *policy_brand(const struct policy *p, struct view name)
{
	for (unsigned i = 0; i < p->brand_count; i++)
		if (view_eq(view_of(p->brands[i].name), name))
			return &p->brands[i];
	return NULL;
}

const struct stream *brand_stream(const struct brand *b, struct view name)
{
	for (unsigned i = 0; i < b->stream_count; i++)
		if (view_eq(view_of(b->streams[i].name), name))
			return &b->streams[i];
	return NULL;
}

const struct topic *stream_topic(const struct stream *s, struct view name)
{
	for (unsigned i = 0; i < s->topic_count; i++)
		if (view_eq(view_of(s->topics[i].name), name))
			return &s->topics[i];
	return NULL;
}

const struct stream *policy_stream(const struct policy *p, struct view brand_slash_stream)
{
	struct view rest = brand_slash_stream, name;
	if (!view_cut(&rest, '/', &name))
		return NULL;
	const struct brand *b = policy_brand(p, name);
	return b ? brand_stream(b, rest) : NULL;
}

const struct stream *policy_stream_by_id(const struct policy *p, const uint8_t id[SCOPE_ID_BYTES])
{
	for (unsigned i = 0; i < p->brand_count; i++)
		for (unsigned k = 0; k < p->brands[i].stream_count; k++)
			if (memcmp(p->brands[i].streams[k].scope.id, id, SCOPE_ID_BYTES) == 0)
				return &p->brands[i].streams[k];
	return NULL;
}

static const struct brand *brand_of(const struct policy *p, const struct scope *scope)
{
	struct view rest = view_of(scope->name), name = {0};
	view_cut(&rest, '/', &name);
	return policy_brand(p, name);
}

unsigned policy_demands(const struct policy *p, const struct scope *purpose)
{
	const struct brand *b = brand_of(p, purpose);
	return b ? b->evidence : 0;
}

struct view policy_country(const struct policy *p, const struct scope *scope)
{
	const struct brand *b = brand_of(p, scope);
	if (b)
		return view_of(b->country);
	for (unsigned i = 1; i < p->brand_count; i++)
		if (!view_eq(view_of(p->brands[i].country), view_of(p->brands[0].country)))
			return V("");
	return p->brand_count ? view_of(p->brands[0].country) : V("");
}

bool brand_owns_domain(const struct brand *b, struct view domain)
{
	for (unsigned i = 0; i < b->from_domain_count; i++) {
		struct view own = view_of(b->from_domains[i]);
		bool below = domain.n > own.n && view_ends(domain, own) && domain.p[domain.n - own.n - 1] == '.';
		if (own.n && (below || view_eq(domain, own)))
			return true;
	}
	return false;
}
