/* Signatures for DKIM (RFC 6376, RFC 8463) and receipts: RSA PKCS#1 v1.5 with SHA-256, and Ed25519.
 * A key may be used by many threads at once; no context outlives a call, so that no signature is ever made
 * with the key of the call before. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum sign_kind { SIGN_RSA, SIGN_ED25519 };

struct sign_key;

/* PEM (PKCS#1 or PKCS#8). ERR_REFUSED for RSA under 1024 bits and for other kinds of key. */
int sign_key_load(struct sign_key **ret, struct view pem, struct err *err) MUST_CHECK;
int sign_key_new(struct sign_key **ret, enum sign_kind kind, struct err *err) MUST_CHECK; /* RSA: 2048 bits */
void sign_key_free(struct sign_key **k);
enum sign_kind sign_key_kind(const struct sign_key *k);
/* PKCS#8 PEM of the private key: for a file of mode 0600, nowhere else. */
int sign_key_pem(const struct sign_key *k, struct buf *out, struct err *err) MUST_CHECK;
/* The p= value of the DNS record: RSA SubjectPublicKeyInfo in DER, Ed25519 the bare 32 bytes (RFC 8463 4); not yet base64. */
int sign_key_public(const struct sign_key *k, struct buf *out, struct err *err) MUST_CHECK;
/* Signs a SHA-256 digest as DKIM does: RSA wraps it as a DigestInfo, Ed25519 signs the 32 bytes themselves (PureEdDSA). */
int sign_digest(const struct sign_key *k, const uint8_t digest[32], struct buf *out, struct err *err) MUST_CHECK;
/* The inverse, from public bytes as sign_key_public gives them. */
bool sign_verify(enum sign_kind kind, struct view public_bytes, const uint8_t digest[32], struct view signature);
