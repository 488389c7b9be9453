/* RFC 6376 6.1, for one purpose: to know that a complaint comes from whom it says. l= is refused (what follows is unsigned),
 * a signature must cover From, and rsa-sha1 counts for nothing (RFC 8301). */
#include "inbound/dkim_verify.h"

#include <stdio.h>

#include "base/codec.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "mail/address.h"
#include "mail/dkim.h"

#define KEY_BYTES_MAX 2048
#define FIELD_TEXT_MAX (128 << 10)

struct signature {
	const struct field *field;
	struct view list; /* tags */
	struct view domain, selector, b, bh, h;
	bool ed25519, relaxed_head, relaxed_body;
};

/* base64 with folding white space in it. */
static bool unfold_base64(struct view text, struct buf *out)
{
	struct buf plain;
	buf_init(&plain, FIELD_TEXT_MAX);
	for (size_t i = 0; i < text.n; i++)
		if (!memchr(" \t\r\n", text.p[i], 4))
			buf_byte(&plain, text.p[i]);
	bool good = !plain.failed && base64_decode(buf_view(&plain), out);
	buf_free(&plain);
	return good;
}

static int wrong(struct err *why, const char *what)
{
	return err_set(why, ERR_REFUSED, "DKIM: %s", what);
}

static int read_canonicalisation(struct view c, struct signature *s, struct err *why)
{
	struct view head = c, body = V("simple");
	size_t slash = view_find(c, 0, '/');
	if (slash < c.n) {
		head = view_sub(c, 0, slash);
		body = view_sub(c, slash + 1, c.n);
	}
	s->relaxed_head = view_ieq(head, V("relaxed"));
	s->relaxed_body = view_ieq(body, V("relaxed"));
	if ((c.n && !s->relaxed_head && !view_ieq(head, V("simple"))) ||
	    (!s->relaxed_body && !view_ieq(body, V("simple"))))
		return wrong(why, "unknown canonical form");
	return 0;
}

static bool covers_from(struct view h)
{
	struct view name;
	while (view_cut(&h, ':', &name))
		if (view_ieq(view_trim(name), V("From")))
			return true;
	return false;
}

static int read_signature(const struct field *f, int64_t now_s, struct signature *s, struct err *why)
{
	uint64_t expires;
	*s = (struct signature){.field = f, .list = f->value};
	s->domain = dkim_tag(s->list, V("d"));
	s->selector = dkim_tag(s->list, V("s"));
	s->b = dkim_tag(s->list, V("b"));
	s->bh = dkim_tag(s->list, V("bh"));
	s->h = dkim_tag(s->list, V("h"));
	struct view a = dkim_tag(s->list, V("a")), v = dkim_tag(s->list, V("v")), x = dkim_tag(s->list, V("x"));
	s->ed25519 = view_ieq(a, V("ed25519-sha256"));
	if (!view_eq(v, V("1")) || !s->domain.n || !s->selector.n || !s->b.n || !s->bh.n || !s->h.n)
		return wrong(why, "a tag is missing");
	if (!s->ed25519 && !view_ieq(a, V("rsa-sha256")))
		return wrong(why, "unknown algorithm");
	if (dkim_tag(s->list, V("l")).p)
		return wrong(why, "a part of the body only (l=)");
	if (x.n && view_u64(x, UINT64_MAX, &expires) && (int64_t)expires < now_s)
		return wrong(why, "expired");
	if (!covers_from(s->h))
		return wrong(why, "From is not signed");
	return read_canonicalisation(dkim_tag(s->list, V("c")), s, why);
}

static void feed(void *arg, struct view piece)
{
	hasher_add(arg, piece);
}

static bool body_matches(const struct signature *s, struct view body)
{
	uint8_t now[SHA256_BYTES];
	struct buf said;
	struct hasher *h = hasher_new();
	(s->relaxed_body ? dkim_body_relaxed : dkim_body_simple)(body, feed, h);
	hasher_end(h, now);
	hasher_free(&h);
	buf_init(&said, KEY_BYTES_MAX);
	bool same = unfold_base64(s->bh, &said) && said.n == sizeof now && memcmp(said.p, now, sizeof now) == 0;
	buf_free(&said);
	return same;
}

static void add_field(const struct signature *s, const struct field *f, struct buf *out)
{
	if (s->relaxed_head)
		dkim_field_relaxed(f->name, f->value, out);
	else
		buf_add(out, f->raw);
}

/* The signature's own field with an empty b=, without its last CRLF. */
static void add_own_field(const struct signature *s, struct buf *out)
{
	struct buf plain;
	struct field own = *s->field;
	size_t from = (size_t)(s->b.p - s->field->raw.p), value_at = (size_t)(s->field->value.p - s->field->raw.p);
	while (from > 0 && s->field->raw.p[from - 1] != '=')
		from--;
	buf_init(&plain, FIELD_TEXT_MAX);
	buf_add(&plain, view_sub(s->field->raw, 0, from));
	struct view tail = view_sub(s->field->raw, from, s->field->raw.n);
	buf_add(&plain, view_sub(tail, view_find(tail, 0, ';') < tail.n ? view_find(tail, 0, ';') : s->b.n, tail.n));
	struct view all = buf_view(&plain);
	own.raw = all;
	own.name = view_sub(all, 0, s->field->name.n);
	own.value = view_sub(all, value_at, view_ends(all, V("\r\n")) ? all.n - 2 : all.n);
	add_field(s, &own, out);
	buf_free(&plain);
	if (view_ends(buf_view(out), V("\r\n")))
		out->n -= 2;
}

/* Fields in the order of h=; the same name again means the next one up (5.4.2). */
static void hash_head(const struct head *head, const struct signature *s, uint8_t out[SHA256_BYTES])
{
	struct buf text;
	struct view names = s->h, name;
	bool used[HEAD_MAX_FIELDS] = {false};
	buf_init(&text, FIELD_TEXT_MAX * 4);
	while (view_cut(&names, ':', &name)) {
		name = view_trim(name);
		for (unsigned i = head->count; i-- > 0;)
			if (!used[i] && view_ieq(head->fields[i].name, name)) {
				used[i] = true;
				add_field(s, &head->fields[i], &text);
				break;
			}
	}
	add_own_field(s, &text);
	sha256(buf_view(&text), out);
	buf_free(&text);
}

/* LIST ("sha1 : sha256") has WORD. Absent: it has. */
static bool lists(struct view list, struct view word)
{
	struct view one;
	if (!list.p)
		return true;
	while (view_cut(&list, ':', &one))
		if (view_ieq(view_trim(one), word))
			return true;
	return false;
}

/* What the record allows (3.6.1): its hashes, its services, and with t=s no identity below the domain. */
static bool record_allows(struct view record, const struct signature *s)
{
	struct view services = dkim_tag(record, V("s")), flags = dkim_tag(record, V("t")),
		    i = dkim_tag(s->list, V("i")), g = dkim_tag(record, V("g"));
	struct view identity = view_sub(i, view_find(i, 0, '@') + 1, i.n);
	if (!lists(dkim_tag(record, V("h")), V("sha256")) ||
	    (!lists(services, V("*")) && !lists(services, V("email"))) || (g.p && !view_eq(g, V("*"))))
		return false;
	return !flags.p || !lists(flags, V("s")) || !i.p || view_ieq(identity, s->domain);
}

static int fetch_key(const struct signature *s, dkim_lookup *lookup, void *arg, struct buf *ret, struct err *why)
{
	char name[DOMAIN_MAX + 100];
	struct buf record;
	if (s->selector.n + s->domain.n + 14 > sizeof name || memchr(s->selector.p, 0, s->selector.n))
		return wrong(why, "name too long");
	snprintf(name, sizeof name, "%.*s._domainkey.%.*s", VFMT(s->selector), VFMT(s->domain));
	buf_init(&record, DKIM_RECORD_MAX);
	int rc = lookup(arg, name, &record, why);
	struct view text = buf_view(&record), v = dkim_tag(text, V("v")), k = dkim_tag(text, V("k")),
		    p = dkim_tag(text, V("p"));
	if (rc == 0 && v.p && !view_eq(v, V("DKIM1")))
		rc = wrong(why, "no key record");
	if (rc == 0 && (k.p ? !view_ieq(k, s->ed25519 ? V("ed25519") : V("rsa")) : s->ed25519))
		rc = wrong(why, "a key of another kind");
	if (rc == 0 && !record_allows(text, s))
		rc = wrong(why, "the key is not for this");
	if (rc == 0 && (p.n == 0 || !unfold_base64(p, ret) || ret->n == 0))
		rc = wrong(why, "the key was revoked, or can't be read");
	buf_free(&record);
	return rc;
}

static enum dkim_result verify_one(const struct head *head, struct view body, const struct signature *s,
    dkim_lookup *lookup, void *arg, struct err *why)
{
	uint8_t digest[SHA256_BYTES];
	struct buf key, b;
	if (!body_matches(s, body)) {
		wrong(why, "the body was changed");
		return DKIM_FAIL;
	}
	buf_init(&key, KEY_BYTES_MAX);
	buf_init(&b, KEY_BYTES_MAX);
	enum dkim_result result = DKIM_FAIL;
	if (fetch_key(s, lookup, arg, &key, why) < 0) {
		result = why->kind == ERR_UNAVAILABLE ? DKIM_LATER : DKIM_FAIL;
	} else {
		hash_head(head, s, digest);
		if (unfold_base64(s->b, &b) &&
		    sign_verify(s->ed25519 ? SIGN_ED25519 : SIGN_RSA, buf_view(&key), digest, buf_view(&b)))
			result = DKIM_PASS;
		else
			wrong(why, "the signature does not fit");
	}
	buf_free(&key);
	buf_free(&b);
	return result;
}

static bool signs_for(struct view signing, struct view domain)
{
	char canonical[DOMAIN_MAX + 1];
	struct err ignored;
	if (view_find(signing, 0, '.') == signing.n || domain_canonical(signing, canonical, &ignored) < 0)
		return false;
	return domain_within(domain, view_of(canonical));
}

enum dkim_result dkim_verify(const struct head *head, struct view body, struct view domain, int64_t now_s,
    dkim_lookup *lookup, void *arg, struct err *why)
{
	enum dkim_result best = DKIM_NONE;
	struct signature s;
	unsigned looked = 0;
	err_set(why, ERR_MISSING, "DKIM: no signature");
	for (const struct field *f = head_find(head, V("DKIM-Signature")); f && looked < DKIM_SIGNATURES_MAX;
	     f = head_next(head, f, V("DKIM-Signature")), looked++) {
		enum dkim_result now = DKIM_FAIL;
		struct view d = dkim_tag(f->value, V("d"));
		if (!signs_for(d, domain))
			continue;
		if (read_signature(f, now_s, &s, why) == 0)
			now = verify_one(head, body, &s, lookup, arg, why);
		if (now == DKIM_PASS)
			return now;
		if (best != DKIM_LATER)
			best = now;
	}
	return best;
}
