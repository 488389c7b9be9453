/* Proofs that others make for us, over the concatenation of PARTS. All functions may be called from any thread. */
#pragma once

#include "base/view.h"
#include "crypto/hash.h"

/* HMAC-SHA-256 (RFC 2104) with a key of any length; compared in constant time. An empty key proves nothing. */
bool verify_hmac(struct view key, const struct view *parts, size_t n, struct view proof);

/* ECDSA over P-256 with SHA-256. PUBLIC_DER: SubjectPublicKeyInfo and nothing behind it; SIGNATURE: DER. Another kind of
 * key or another curve proves nothing. */
/* RSA (PKCS #1 v1.5) by the key of an X.509 certificate in PEM, with SHA-1 or SHA-256. Whose certificate it is was asked before. */
bool verify_certificate(struct view pem, enum digest d, const struct view *parts, size_t n, struct view signature);
bool verify_p256(struct view public_der, const struct view *parts, size_t n, struct view signature);
