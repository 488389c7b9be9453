/* The unforgeable part of a link or address: who, and for what. No database row is needed to honour it and it never expires.
 *
 *   link     version(1) key-id(1) | nonce(12) AES-256-GCM{ scope level(1) scope id(8) brand id(8) channel(1) person key(16) time(6) message id(8)
 *            mask length(1) masked address } tag(16)                          base64url, at most TOKEN_LINK_TEXT
 *   address  version(1) key-id(1) scope id(8) person key(16) MAC(10)          base32, 58 digits: "u+" or "b+" before it, 60 of 64 octets
 *
 * The address form's MAC covers its purpose letter, so that a bounce address can't be replayed as an opt-out. Old keys open for ever. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/shared.h"
#include "ledger/ledger.h"

#define TOKEN_LINK_TEXT    256
#define TOKEN_ADDRESS_TEXT 64
#define TOKEN_KEY_BYTES    32
#define TOKEN_KEYS_MAX     255

enum token_use { TOKEN_OPTOUT = 'u', TOKEN_BOUNCE = 'b' };

struct token {
	enum channel channel;
	enum scope_level level;         /* scope of the mail: stream or topic */
	uint8_t scope_id[SCOPE_ID_BYTES];
	uint8_t brand_id[SCOPE_ID_BYTES]; /* link only */
	struct person_key who;
	int64_t minted_ms;              /* link only; 0 otherwise */
	uint64_t message_id;            /* link only */
	char masked[64];                /* link only: what the page may show */
};

/* A key ring: frozen, shared. Files token-NNN.key (32 bytes as hex) in a directory; the highest number mints. */
struct token_keys;
int token_keys_load(struct token_keys **ret, const char *dir, struct err *err) MUST_CHECK; /* makes the first when there is none */
struct token_keys *token_keys_new(const uint8_t (*keys)[TOKEN_KEY_BYTES], const uint8_t *ids, size_t n); /* tests */
void token_keys_free(struct token_keys **k);
struct token_keys *token_keys_hold(struct token_keys *k);
unsigned token_keys_count(const struct token_keys *k);

void token_mint_link(const struct token_keys *k, const struct token *t, struct buf *out);
void token_mint_address(const struct token_keys *k, enum token_use use, const struct token *t, struct buf *out); /* without "u+" */
/* ERR_SYNTAX (not a token), ERR_REFUSED (forged, or a key that we don't have). Constant time in the secret part. */
int token_open_link(const struct token_keys *k, struct view text, struct token *ret, struct err *err) MUST_CHECK;
int token_open_address(const struct token_keys *k, enum token_use use, struct view text, struct token *ret, struct err *err) MUST_CHECK;
