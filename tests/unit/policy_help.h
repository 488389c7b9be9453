/* A policy of one brand with a stream of each class, and what asks it. */
#pragma once

#include "ledger_help.h"
#include "policy/policy.h"

static struct policy *test_policy;

static inline void test_stream_make(struct brand *b, const char *name, enum mail_class class, unsigned accepts)
{
	char full[100];
	struct stream *s = &b->streams[b->stream_count++];
	snprintf(full, sizeof full, "acme/%s", name);
	*s = (struct stream){
	    .name = mem_strdup(name), .brand = b, .class = class, .accepts = accepts, .scope = scope_named(full)};
}

static inline void test_topic_make(struct stream *s, const char *name)
{
	char full[100];
	snprintf(full, sizeof full, "acme/%s/%s", s->name, name);
	s->topics[s->topic_count++] = (struct topic){.name = mem_strdup(name), .scope = scope_named(full)};
}

/* Ended by policy_free(&test_policy->shared). */
static inline void test_policy_make(void)
{
	test_policy = mem_zero(sizeof *test_policy);
	struct brand *b = test_policy->brands = mem_zero(sizeof *b);
	test_policy->brand_count = 1;
	b->name = mem_strdup("acme");
	b->scope = scope_named("acme");
	b->from_domains = mem_zero(sizeof *b->from_domains);
	b->from_domains[0] = mem_strdup("acme.example");
	b->from_domain_count = 1;
	b->streams = mem_zero(5 * sizeof *b->streams);
	test_stream_make(b, "offers", CLASS_MARKETING, 0);
	test_stream_make(b, "news", CLASS_MARKETING, 1u << BASIS_CONSENT | 1u << BASIS_SOFT_OPT_IN);
	b->streams[1].corporate_accepts = 1u << BASIS_LEGITIMATE_INTEREST;
	test_stream_make(b, "receipts", CLASS_SERVICE, 0);
	test_stream_make(b, "terms", CLASS_LEGAL, 0);
	test_stream_make(b, "alerts", CLASS_SERVICE, 1u << BASIS_CONTRACT | 1u << BASIS_CONSENT);
	b->streams[0].topics = mem_zero(2 * sizeof *b->streams[0].topics);
	test_topic_make(&b->streams[0], "spring");
	test_topic_make(&b->streams[0], "winter");
}

/* WHERE: "acme/offers" or "acme/offers/spring". */
static inline struct question question_on(const struct ledger *l, const char *address, const char *where)
{
	struct view rest = view_of(where), brand, stream;
	assert_true(view_cut(&rest, '/', &brand) && view_cut(&rest, '/', &stream));
	struct question q = {.channel = CHANNEL_EMAIL, .who = person_of(l, address), .address = view_of(address), .now_ms = test_now_ms};
	q.stream = brand_stream(policy_brand(test_policy, brand), stream);
	assert_non_null(q.stream);
	q.topic = rest.n ? stream_topic(q.stream, rest) : NULL;
	return q;
}
