/* What a row that is no person's stands for: its text, both ways, and its key. */
#include "ledger_internal.h"

#include <stdio.h>

#include "base/codec.h"
#include "ledger/blocks.h"
#include "mail/address.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define DIGEST_MOST 64

static const struct kind {
	enum channel channel;
	struct view prefix;
	enum digest digest;
} kinds[] = { /* in the channels' order */
    {CHANNEL_DOMAIN, V("@"), 0},
    {CHANNEL_BELOW, V("*."), 0},
    {CHANNEL_MD5, V("md5:"), DIGEST_MD5},
    {CHANNEL_SHA1, V("sha1:"), DIGEST_SHA1},
    {CHANNEL_SHA256, V("sha256:"), DIGEST_SHA256},
    {CHANNEL_SHA512, V("sha512:"), DIGEST_SHA512},
};

bool channel_is_block(enum channel c)
{
	return c >= CHANNEL_DOMAIN && c <= CHANNEL_SHA512;
}

static bool is_digest(const struct kind *k)
{
	return k->channel >= CHANNEL_MD5;
}

static bool is_hex(struct view v)
{
	uint8_t bytes[DIGEST_MOST];
	return v.n / 2 <= sizeof bytes && hex_decode(v, bytes, v.n / 2);
}

/* By its prefix, or by the number of hex digits; *REST is what comes after the prefix. */
static const struct kind *kind_of(struct view text, struct view *rest)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		*rest = text;
		if (view_istarts(text, kinds[i].prefix)) {
			*rest = view_sub(text, kinds[i].prefix.n, text.n);
			return &kinds[i];
		}
		if (is_digest(&kinds[i]) && text.n == 2 * digest_bytes(kinds[i].digest) && is_hex(text))
			return &kinds[i];
	}
	return NULL;
}

bool block_name_is_meant(struct view text)
{
	struct view rest;
	return kind_of(view_trim(text), &rest) != NULL;
}

static int parse_digest(const struct kind *k, struct view hex, struct block_name *ret, struct err *err)
{
	size_t n = 2 * digest_bytes(k->digest);
	if (hex.n != n || !is_hex(hex))
		return err_set(err, ERR_SYNTAX, "%s: expected %zu hex digits", channel_word(k->channel), n);
	snprintf(ret->text, sizeof ret->text, "%s%.*s", k->prefix.p, VFMT(hex));
	ascii_lower_in_place(ret->text, k->prefix.n + n);
	return 0;
}

int block_name_parse(struct view text, struct block_name *ret, struct err *err)
{
	struct view rest;
	char domain[DOMAIN_MAX + 1];
	const struct kind *k = kind_of(view_trim(text), &rest);
	if (!k)
		return err_set(err, ERR_SYNTAX, "expected @DOMAIN, *.DOMAIN, md5:HEX, sha1:HEX, sha256:HEX or sha512:HEX");
	*ret = (struct block_name){.channel = k->channel};
	if (is_digest(k))
		return parse_digest(k, rest, ret, err);
	if (domain_canonical(rest, domain, err) < 0)
		return -1;
	snprintf(ret->text, sizeof ret->text, "%s%s", k->prefix.p, domain);
	return 0;
}

/* Digests are keyed as bytes, the way they come out of a hash. */
void ledger_block_key(const struct ledger *l, const struct block_name *s, struct person_key *ret)
{
	const struct kind *k = &kinds[s->channel - CHANNEL_DOMAIN];
	struct view name = view_sub(view_of(s->text), k->prefix.n, BLOCK_TEXT);
	uint8_t bytes[DIGEST_MOST];
	if (is_digest(k)) {
		ALWAYS(hex_decode(name, bytes, digest_bytes(k->digest)));
		name = view_n(bytes, digest_bytes(k->digest));
	}
	ledger_person_key(l, s->channel, name, ret);
}

void block_digest_key(const struct ledger *l, enum channel c, struct view address, struct person_key *ret)
{
	const struct kind *k = &kinds[c - CHANNEL_DOMAIN];
	uint8_t bytes[DIGEST_MOST];
	digest(k->digest, address, bytes);
	ledger_person_key(l, c, view_n(bytes, digest_bytes(k->digest)), ret);
}

void change_about(const struct ledger *l, const struct block_name *s, struct change *c)
{
	c->channel = s->channel;
	c->address = view_of(s->text);
	ledger_block_key(l, s, &c->who);
}
