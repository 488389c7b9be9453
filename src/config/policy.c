/* Brands, streams and topics as the policy room wants them: canonical domains, scopes, and nothing that refers to nothing. */
#include <stdio.h>

#include "load.h"
#include "mail/address.h"

/* The scope named A, A/B or A/B/C. */
static int scope_of(struct scope *ret, struct err *err, const struct place *at, const char *path, const char *a,
    const char *b, const char *c)
{
	char name[SCOPE_NAME_MAX + 1];
	struct err why;
	int n = snprintf(name, sizeof name, "%s%s%s%s%s", a, b ? "/" : "", b ? b : "", c ? "/" : "", c ? c : "");
	if (n < 0 || (size_t)n >= sizeof name)
		return raw_wrong(err, at, path, "expected a shorter name");
	return scope_parse(view_of(name), ret, &why) < 0 ? raw_wrong(err, at, path, "%s", why.text) : 0;
}

static char *domain_dup(const struct raw_text *t)
{
	char canonical[DOMAIN_MAX + 1];
	if (!t->s || domain_canonical(view_of(t->s), canonical, NULL) < 0)
		return NULL;
	return mem_strdup(canonical);
}

static char *title_or_name(const struct raw_text *title, const struct raw_text *name)
{
	return text_dup(title->s ? title : name);
}

static int make_topics(struct stream *s, const struct raw_stream *raw, struct err *err)
{
	const struct raw_topic *r = raw->topics.at;
	s->topics = mem_zero(raw->topics.count * sizeof *s->topics);
	for (; s->topic_count < raw->topics.count; s->topic_count++, r++) {
		struct topic *t = &s->topics[s->topic_count];
		if (scope_of(&t->scope, err, &r->name.at, "brands[].streams[].topics[].name", s->brand->name, s->name,
			r->name.s) < 0)
			return -1;
		t->name = text_dup(&r->name);
		t->title = title_or_name(&r->title, &r->name);
		t->hidden = r->hidden;
	}
	return 0;
}

static int make_stream(struct stream *s, const struct brand *b, const struct raw_stream *r, struct err *err)
{
	s->brand = b;
	s->name = text_dup(&r->name);
	s->title = title_or_name(&r->title, &r->name);
	s->class = (enum mail_class)r->class;
	s->accepts = (unsigned)r->accepts;
	s->corporate_accepts = (unsigned)r->corporate_accepts;
	s->list_id = domain_dup(&r->list_id);
	s->pass_through = r->pass_through;
	s->cfbl = r->cfbl;
	s->keep_unsubscribe = r->keep_unsubscribe;
	s->refusal = (enum refusal_way)r->refusal;
	s->tripwire = (enum tripwire)r->tripwire;
	s->shadow = r->shadow;
	if (s->keep_unsubscribe && s->class != CLASS_SERVICE)
		return raw_wrong(
		    err, &r->name.at, "brands[].streams[].keep_unsubscribe", "expected with class \"service\" only");
	if (scope_of(&s->scope, err, &r->name.at, "brands[].streams[].name", b->name, s->name, NULL) < 0)
		return -1;
	return make_topics(s, r, err);
}

static void take_domains(struct brand *b, const struct raw_brand *r)
{
	b->from_domains = mem_zero(r->from_domains.count * sizeof *b->from_domains);
	for (; b->from_domain_count < r->from_domains.count; b->from_domain_count++)
		b->from_domains[b->from_domain_count] = domain_dup(text_at(&r->from_domains, b->from_domain_count));
	b->bounce_domain = domain_dup(&r->bounce_domain);
	b->cfbl = r->cfbl;
	b->folding = mem_zero(r->folding.count * sizeof *b->folding);
	for (; b->folding_count < r->folding.count; b->folding_count++)
		b->folding[b->folding_count] = domain_dup(text_at(&r->folding, b->folding_count));
}

static void take_roles(struct brand *b, const struct raw_brand *r)
{
	b->mails_roles = r->mails_roles;
	b->refuses_typos = r->refuses_typos;
	b->role_names = mem_zero(r->role_names.count * sizeof *b->role_names);
	for (; b->role_name_count < r->role_names.count; b->role_name_count++)
		b->role_names[b->role_name_count] = text_dup(text_at(&r->role_names, b->role_name_count));
}

static void take_lives(struct brand *b, const struct raw_brand *r)
{
	for (enum basis k = BASIS_CONSENT; k <= BASIS_LEGAL_OBLIGATION; k++)
		b->life_months[k] = (unsigned)r->life_months[k];
	b->evidence = (unsigned)r->evidence;
	b->enquiry_months = (unsigned)r->enquiry_months;
}

/* One cell; those that may not pass are a sentence. */
static int change_cell(struct brand *b, const struct raw_reach *r, enum reason reason, enum mail_class c, struct err *err)
{
	const char *firm = r->blocks ? NULL : reach_firm_why(reason, c);
	if (firm)
		return raw_wrong(err, &r->note.at, "brands[].reach[].blocks", "%s mail can't be let pass in spite of \"%s\": %s", mail_class_word(c),
		    reason_word(reason), firm);
	for (enum scope_level level = SCOPE_GLOBAL; level <= SCOPE_TOPIC; level++) {
		struct reach_change *change = &b->reach[reason][level];
		if (r->scopes && !(r->scopes & 1 << level))
			continue;
		change->wider = (uint8_t)(r->blocks ? change->wider | 1u << c : change->wider & ~(1u << c));
		change->narrower = (uint8_t)(r->blocks ? change->narrower & ~(1u << c) : change->narrower | 1u << c);
	}
	return 0;
}

static int make_reach(struct brand *b, const struct raw_brand *raw, struct err *err)
{
	const struct raw_reach *r = raw->reach.at;
	for (unsigned i = 0; i < raw->reach.count; i++, r++)
		for (enum reason reason = REASON_OBJECTION; reason <= REASON_ERASURE; reason++)
			for (enum mail_class c = CLASS_MARKETING; c <= CLASS_LEGAL; c++)
				if (r->reasons & 1 << reason && r->classes & 1 << c && change_cell(b, r, reason, c, err) < 0)
					return -1;
	return 0;
}

static int make_brand(struct brand *b, const struct raw_brand *r, const struct raw_text *default_url, struct err *err)
{
	const struct raw_stream *streams = r->streams.at;
	b->name = text_dup(&r->name);
	b->title = text_dup(&r->title);
	b->country = text_dup(&r->country);
	b->public_url = text_dup(r->public_url.s ? &r->public_url : default_url);
	take_domains(b, r);
	take_roles(b, r);
	take_lives(b, r);
	if (make_reach(b, r, err) < 0)
		return -1;
	if (!b->public_url)
		return raw_wrong(err, &r->name.at, "brands[].public_url",
		    "required and not given: expected a URL here or in public.url");
	if (scope_of(&b->scope, err, &r->name.at, "brands[].name", b->name, NULL, NULL) < 0)
		return -1;
	b->streams = mem_zero(r->streams.count * sizeof *b->streams);
	for (unsigned i = 0; i < r->streams.count; i++) {
		b->stream_count = i + 1; /* a half-built one is freed too */
		if (make_stream(&b->streams[i], b, &streams[i], err) < 0)
			return -1;
	}
	return 0;
}

int make_policy(const struct raw *raw, struct policy **ret, struct err *err)
{
	const struct raw_brand *brands = raw->brands.at;
	struct policy *p = mem_zero(sizeof *p);
	shared_begin(&p->shared, policy_free);
	p->brands = mem_zero(raw->brands.count * sizeof *p->brands);
	for (unsigned i = 0; i < raw->brands.count; i++) {
		p->brand_count = i + 1;
		if (make_brand(&p->brands[i], &brands[i], &raw->public.url, err) < 0) {
			shared_release(&p->shared);
			return -1;
		}
	}
	*ret = p;
	return 0;
}
