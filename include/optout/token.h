/* The unforgeable part of a link or address: who, and for what. No database row is needed to honour it and it never expires.
 *
 *   link     form(1) key-id(1) | nonce(12) AES-256-GCM{ channel(1) brand id(8) stream id(8) [topic id(8)] person key(16) time(6)
 *            message id(8) masked address } tag(16)                            base64url, about 125 digits, at most TOKEN_LINK_TEXT
 *            with a tool's own link (version 3): ... message id(8) length(1) masked address, the tool's link } tag(16)
 *   address  form(1) key-id(1) scope id(8) person key(16) MAC(10)              base32, 58 digits: "u+", "b+" or "c+" before it, 60 of 64 octets
 *
 * form is the version (4 bits) and the scope's level (4 bits); the topic id is there when the level is topic. Form and key-id are authenticated
 * too. The address form is for e-mail only. Its MAC covers the purpose letter, so that a bounce address can't be replayed as an opt-out.
 * Links and addresses use keys of their own, derived from the key file's 32 bytes. Old keys open for ever. A key should mint no more than
 * 2^32 links (random nonces): years of mail for most; `key rotate` before that. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/shared.h"
#include "ledger/ledger.h"

#define TOKEN_LINK_TEXT    760
#define TOKEN_ADDRESS_TEXT 64
#define TOKEN_KEY_BYTES    32
#define TOKEN_KEYS_MAX     255
#define TOKEN_MASK_MAX     63
#define TOKEN_TOOL_MAX     400

enum token_use { TOKEN_OPTOUT = 'u', TOKEN_BOUNCE = 'b', TOKEN_COMPLAINT = 'c' };

struct token {
	enum channel channel;
	enum scope_level level;         /* scope of the mail: stream or topic */
	uint8_t scope_id[SCOPE_ID_BYTES];
	uint8_t brand_id[SCOPE_ID_BYTES];  /* link only; all zero otherwise */
	uint8_t stream_id[SCOPE_ID_BYTES]; /* link, and address when the level is stream; else all zero */
	struct person_key who;
	int64_t minted_ms;              /* link only; 0 otherwise */
	uint64_t message_id;            /* link only */
	char masked[TOKEN_MASK_MAX + 1]; /* link only: what the page may show */
	char tool[TOKEN_TOOL_MAX + 1];   /* link only: where the tool that sent the mail wants to hear of an opt-out; "" = nowhere */
};

/* A key ring: frozen, shared. Files token-NNN.key (32 bytes as hex; NNN is 001 to 255) in a directory; the highest number mints. */
struct token_keys;
/* Makes DIR and the first key when there is none. ERR_CORRUPT for a file that holds no key, ERR_REFUSED when everybody may read it. */
int token_keys_load(struct token_keys **ret, const char *dir, struct err *err) MUST_CHECK;
/* Adds a key file with the next number; rings loaded from then on mint with it. ERR_LIMIT after the last number. */
int token_keys_rotate(const char *dir, unsigned *ret_id, struct err *err) MUST_CHECK;
struct token_keys *token_keys_new(const uint8_t (*keys)[TOKEN_KEY_BYTES], const uint8_t *ids, size_t n); /* tests */
void token_keys_free(struct token_keys **k); /* drops one hold; the last one frees */
struct token_keys *token_keys_hold(struct token_keys *k);
unsigned token_keys_count(const struct token_keys *k);
unsigned token_keys_minting(const struct token_keys *k); /* number of the key that mints */

/* t->stream_id may be left zero when the level is stream. A longer mask than TOKEN_MASK_MAX is a bug. */
void token_mint_link(const struct token_keys *k, const struct token *t, struct buf *out);
void token_mint_address(const struct token_keys *k, enum token_use use, const struct token *t, struct buf *out); /* without "u+" */
/* ERR_SYNTAX (not a token), ERR_REFUSED (forged, or a key that we don't have). Constant time in the secret part. */
int token_open_link(const struct token_keys *k, struct view text, struct token *ret, struct err *err) MUST_CHECK;
int token_open_address(const struct token_keys *k, enum token_use use, struct view text, struct token *ret, struct err *err) MUST_CHECK;
