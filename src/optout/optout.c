/* Token and reach -> suppression and withdrawals. */
#include "optout/optout.h"

static bool same_id(const uint8_t a[SCOPE_ID_BYTES], const uint8_t b[SCOPE_ID_BYTES])
{
	return memcmp(a, b, SCOPE_ID_BYTES) == 0;
}

static bool known(const uint8_t id[SCOPE_ID_BYTES])
{
	static const uint8_t none[SCOPE_ID_BYTES];
	return !same_id(id, none);
}

static const struct topic *topic_in(const struct stream *s, const uint8_t id[SCOPE_ID_BYTES])
{
	for (unsigned i = 0; i < s->topic_count; i++)
		if (same_id(s->topics[i].scope.id, id))
			return &s->topics[i];
	return NULL;
}

/* An address token of a topic doesn't say whose topic it is. */
static struct optout_subject by_topic(const struct policy *p, const uint8_t id[SCOPE_ID_BYTES])
{
	for (unsigned b = 0; b < p->brand_count; b++)
		for (unsigned s = 0; s < p->brands[b].stream_count; s++) {
			const struct stream *stream = &p->brands[b].streams[s];
			const struct topic *topic = topic_in(stream, id);
			if (topic)
				return (struct optout_subject){&p->brands[b], stream, topic};
		}
	return (struct optout_subject){0};
}

static const struct brand *brand_by_id(const struct policy *p, const uint8_t id[SCOPE_ID_BYTES])
{
	for (unsigned b = 0; b < p->brand_count; b++)
		if (same_id(p->brands[b].scope.id, id))
			return &p->brands[b];
	return NULL;
}

struct optout_subject optout_subject(const struct policy *p, const struct token *t)
{
	if (t->level == SCOPE_TOPIC && !known(t->stream_id))
		return by_topic(p, t->scope_id);
	struct optout_subject s = {.stream = policy_stream_by_id(p, t->stream_id)};
	if (s.stream && t->level == SCOPE_TOPIC)
		s.topic = topic_in(s.stream, t->scope_id);
	s.brand = s.stream ? s.stream->brand : brand_by_id(p, t->brand_id);
	return s;
}

/* The policy's scope, or one made from the id alone: without a name, so that the ledger keeps the one that
 * it may know. */
static struct scope scope_of(
    const struct scope *of_policy, enum scope_level level, const uint8_t id[SCOPE_ID_BYTES])
{
	if (of_policy)
		return *of_policy;
	struct scope s = {.level = level};
	memcpy(s.id, id, SCOPE_ID_BYTES);
	return s;
}

static struct scope scope_of_mail(const struct optout_subject *s, const struct token *t)
{
	if (t->level == SCOPE_TOPIC)
		return scope_of(s->topic ? &s->topic->scope : NULL, SCOPE_TOPIC, t->scope_id);
	return scope_of(s->stream ? &s->stream->scope : NULL, SCOPE_STREAM, t->scope_id);
}

static struct scope scope_reached(const struct optout_subject *s, const struct optout_request *r)
{
	const struct token *t = &r->token;
	if (r->reach >= OPTOUT_BRAND && (s->brand || known(t->brand_id)))
		return scope_of(s->brand ? &s->brand->scope : NULL, SCOPE_BRAND, t->brand_id);
	if (r->reach >= OPTOUT_STREAM && (s->stream || known(t->stream_id)))
		return scope_of(s->stream ? &s->stream->scope : NULL, SCOPE_STREAM, t->stream_id);
	return scope_of_mail(s, t);
}

static struct change change_of(const struct optout_request *r, enum change_kind kind, const struct scope *scope)
{
	return (struct change){
	    .kind = kind,
	    .channel = r->token.channel,
	    .who = r->token.who,
	    .scope = *scope,
	    .reason = kind == CHANGE_SUPPRESS ? REASON_UNSUBSCRIBE : 0,
	    .event_ms = r->event_ms,
	    .source = r->source,
	    .actor = V("recipient"),
	    .evidence = r->evidence,
	};
}

size_t optout_changes(const struct policy *policy, const struct optout_request *r, struct change *changes)
{
	struct optout_subject s = optout_subject(policy, &r->token);
	struct scope reached = scope_reached(&s, r), mail = scope_of_mail(&s, &r->token);
	size_t n = 0;
	changes[n++] = change_of(r, CHANGE_SUPPRESS, &reached);
	changes[n++] = change_of(r, CHANGE_WITHDRAW, &reached);
	if (reached.level != mail.level)
		changes[n++] = change_of(r, CHANGE_WITHDRAW, &mail);
	return n;
}
