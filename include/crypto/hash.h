/* Digests, keyed hashes, constant-time comparison, random bytes. All functions may be called from any thread. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define SHA256_BYTES 32

void sha256(struct view bytes, uint8_t out[SHA256_BYTES]);

/* Streaming SHA-256. */
struct hasher;
struct hasher *hasher_new(void);
void hasher_add(struct hasher *h, struct view bytes);
void hasher_end(struct hasher *h, uint8_t out[SHA256_BYTES]); /* and starts anew */
void hasher_free(struct hasher **h);

/* MD5, SHA-1, SHA-256, SHA-512: only to match the hashed lists that others hand us. */
enum digest { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA512 };
size_t digest_bytes(enum digest d);
void digest(enum digest d, struct view bytes, uint8_t *out);

/* HMAC-SHA-256 (RFC 2104) over the concatenation of PARTS. Keyed once, then cheap (no allocation per call). */
#define MAC_KEY_BYTES 32
struct mac_key;
struct mac_key *mac_key_new(const uint8_t key[MAC_KEY_BYTES]);
void mac_key_free(struct mac_key **k);
void mac(const struct mac_key *k, const struct view *parts, size_t n, uint8_t out[SHA256_BYTES]);

bool equal_in_constant_time(const void *a, const void *b, size_t n);
void random_bytes(void *dst, size_t n); /* fatal when the kernel has none */
uint32_t random_below(uint32_t limit);
