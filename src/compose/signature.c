/* DKIM signatures over the final fields (RFC 6376 3.5, 3.7): relaxed/relaxed, signed from the last
 * occurrence of a name to the first, then once more for the occurrence that isn't there: nobody can add
 * one. All keys sign the same fields, so their canonical form is made once. */
#include "internal.h"

#include <stdio.h>

#include "base/codec.h"
#include "mail/dkim.h"

#define LINE_MAX_BYTES 76 /* where h= and b= are folded */

static const struct {
	struct view name;
	bool over; /* sign its absence too */
} signed_names[] = {
    {V("From"), true},
    {V("Sender"), false}, /* honest forwarders add one */
    {V("Reply-To"), true},
    {V("To"), true},
    {V("Cc"), true},
    {V("Subject"), true},
    {V("Date"), true},
    {V("Message-ID"), true},
    {V("In-Reply-To"), false},
    {V("References"), false},
    {V("MIME-Version"), true},
    {V("Content-Type"), true},
    {V("Content-Transfer-Encoding"), true},
    {V("List-Id"), true},
    {V("List-Unsubscribe"), true},
    {V("List-Unsubscribe-Post"), true},
    {V("List-Help"), false},
    {V("List-Archive"), false},
    {V("Feedback-ID"), true},
    {V("CFBL-Address"), true},
    {V("CFBL-Feedback-ID"), true},
};
#define SIGNED_NAMES (sizeof signed_names / sizeof *signed_names)

static const struct {
	const char *algorithm;
	enum sign_kind kind;
} algorithms[] = {{"rsa-sha256", SIGN_RSA}, {"ed25519-sha256", SIGN_ED25519}};

static bool may_sign(const struct dkim_key *k, const struct compose_job *job)
{
	return !k->brand || strcmp(k->brand, job->stream->brand->name) == 0;
}

const char *signing_domain(const struct compose_job *job, struct view domain)
{
	const char *best = NULL;
	for (unsigned i = 0; i < job->settings->key_count; i++) {
		const struct dkim_key *k = &job->settings->keys[i];
		if (may_sign(k, job) && domain_within(domain, view_of(k->domain)) && (!best || strlen(k->domain) > strlen(best)))
			best = k->domain;
	}
	return best;
}

static void hash_piece(void *hasher, struct view piece)
{
	hasher_add(hasher, piece);
}

static const uint8_t *body_hash(const struct signing *s)
{
	struct body_hash *h = s->body_hash;
	if (!h->known || h->message_id == 0 || h->message_id != s->job->message_id || h->body_n != s->body.n) {
		dkim_body_relaxed(s->body, hash_piece, s->hasher);
		hasher_end(s->hasher, h->bytes);
		h->message_id = s->job->message_id;
		h->body_n = s->body.n;
		h->known = true;
	}
	return h->bytes;
}

/* "name:" to h=, on a new line when this one is full. */
static void add_name(struct buf *h, size_t *column, struct view name)
{
	if (*column + name.n + 1 > LINE_MAX_BYTES) {
		buf_str(h, "\r\n\t");
		*column = 8;
	}
	buf_add(h, name);
	buf_byte(h, ':');
	*column += name.n + 1;
}

/* Fills CANON with the signed fields' canonical form and H with the names, in the same order. */
static void collect(const struct edited *e, struct buf *canon, struct buf *h)
{
	size_t column = 24; /* a tab, "t=1795000000; h=" */
	for (size_t row = 0; row < SIGNED_NAMES; row++) {
		struct view name = signed_names[row].name;
		for (unsigned i = e->count; i-- > 0;) {
			const struct field *f = &e->fields[i];
			if (!view_ieq(f->name, name))
				continue;
			dkim_field_relaxed(f->name, f->value, canon);
			add_name(h, &column, name);
		}
		if (signed_names[row].over)
			add_name(h, &column, name);
	}
	h->n--; /* the last colon; From is always there */
}

static void add_base64_folded(struct view bytes, struct buf *out)
{
	char space[2048]; /* RSA up to 8192 bits: 1,368 digits */
	struct buf text = {.p = space, .cap = sizeof space, .max = sizeof space};
	base64_encode(&text, bytes);
	out->failed |= text.failed;
	for (size_t at = 0; at < text.n; at += LINE_MAX_BYTES - 8) {
		if (at)
			buf_str(out, "\r\n\t");
		buf_add(out, view_sub(buf_view(&text), at, at + LINE_MAX_BYTES - 8));
	}
}

/* CANON holds the fields; the signature field itself comes behind them, with an empty b= and without its
 * line end. */
static int add_signature(const struct signing *s, const struct dkim_key *key, const char *algorithm,
    struct view h, struct buf *out, struct err *err)
{
	size_t start = out->n, fields_n = s->canon->n;
	buf_fmt(out,
	    "DKIM-Signature: v=1; a=%s; c=relaxed/relaxed;\r\n\td=%s; s=%s;\r\n\tt=%lld; h=", algorithm,
	    key->domain, key->selector, (long long)(s->job->now_ms / 1000));
	buf_add(out, h);
	buf_str(out, ";\r\n\tbh=");
	base64_encode(out, view_n(body_hash(s), SHA256_BYTES));
	buf_str(out, ";\r\n\tb=");
	if (out->failed)
		return err_set(err, ERR_LIMIT, "the head is larger than %zu bytes", out->max);
	struct view field = view_sub(buf_view(out), start, out->n), name = V("DKIM-Signature");
	dkim_field_relaxed(name, view_sub(field, name.n + 1, field.n), s->canon);
	uint8_t hash[SHA256_BYTES];
	char space[2048];
	struct buf signature = {.p = space, .cap = sizeof space, .max = sizeof space};
	sha256(view_n(s->canon->p, s->canon->n - 2), hash);
	if (s->canon->failed)
		return err_set(err, ERR_LIMIT, "the signed fields take more than %zu bytes", s->canon->max);
	if (sign_digest(key->key, hash, &signature, err))
		return err_prefix(err, "DKIM key %s._domainkey.%s", key->selector, key->domain);
	s->canon->n = fields_n;
	add_base64_folded(buf_view(&signature), out);
	buf_str(out, "\r\n");
	return 0;
}

/* All keys of DOMAIN, RSA first: some receivers look at the first signature only. */
static int sign_for(const struct signing *s, const char *domain, struct view h, struct buf *out, bool *ret_signed,
    struct err *err)
{
	const struct compose_settings *set = s->job->settings;
	for (size_t a = 0; a < sizeof algorithms / sizeof *algorithms; a++)
		for (unsigned i = 0; i < set->key_count; i++) {
			const struct dkim_key *key = &set->keys[i];
			if (!may_sign(key, s->job) || strcmp(key->domain, domain) != 0 || sign_key_kind(key->key) != algorithms[a].kind)
				continue;
			if (add_signature(s, key, algorithms[a].algorithm, h, out, err))
				return -1;
			*ret_signed = true;
		}
	return 0;
}

int add_signatures(const struct signing *s, struct buf *out, bool *ret_signed, struct err *err)
{
	const char *author = signing_domain(s->job, s->from_domain), *complaints = NULL;
	if (!author)
		return 0;
	char space[16384];
	struct buf h = {.p = space, .cap = sizeof space, .max = sizeof space};
	collect(s->edited, s->canon, &h);
	if (h.failed || s->canon->failed)
		return err_set(err, ERR_LIMIT, "too many or too large fields to sign");
	struct view bounces = view_of(s->job->stream->brand->bounce_domain);
	if (says_where_to_complain(s->job, s->from_domain) && !domain_within(bounces, s->from_domain))
		complaints = signing_domain(s->job, bounces);
	if (sign_for(s, author, buf_view(&h), out, ret_signed, err))
		return -1;
	if (!complaints || strcmp(complaints, author) == 0)
		return 0;
	return sign_for(s, complaints, buf_view(&h), out, ret_signed, err);
}
