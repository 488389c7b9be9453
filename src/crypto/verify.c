/* HMAC and ECDSA of others. Keys come as text from a settings file and are used a few times a minute: nothing is kept
 * between two calls. */
#include "crypto/verify.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define GROUP_NAME_BYTES 32

static bool hmac(EVP_MAC_CTX *ctx, struct view key, const struct view *parts, size_t n, uint8_t out[SHA256_BYTES])
{
	char sha256_name[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256_name, 0), OSSL_PARAM_construct_end()};
	size_t size;
	if (!ctx || EVP_MAC_init(ctx, (const uint8_t *)key.p, key.n, params) != 1)
		return false;
	for (size_t i = 0; i < n; i++)
		if (EVP_MAC_update(ctx, (const uint8_t *)parts[i].p, parts[i].n) != 1)
			return false;
	return EVP_MAC_final(ctx, out, &size, SHA256_BYTES) == 1 && size == SHA256_BYTES;
}

bool verify_hmac(struct view key, const struct view *parts, size_t n, struct view proof)
{
	uint8_t out[SHA256_BYTES];
	if (!key.n || proof.n != SHA256_BYTES)
		return false;
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	bool good = hmac(ctx, key, parts, n, out) && equal_in_constant_time(out, proof.p, SHA256_BYTES);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return good;
}

static EVP_PKEY *p256_key(struct view der)
{
	char group[GROUP_NAME_BYTES];
	const unsigned char *p = (const unsigned char *)der.p;
	EVP_PKEY *pkey = der.n && der.n <= LONG_MAX ? d2i_PUBKEY(NULL, &p, (long)der.n) : NULL;
	if (pkey && (const char *)p == der.p + der.n && EVP_PKEY_is_a(pkey, "EC") &&
	    EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 && view_eq(view_of(group), V("prime256v1")))
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}

static bool fits(EVP_MD_CTX *ctx, const EVP_MD *md, EVP_PKEY *pkey, const struct view *parts, size_t n, struct view signature)
{
	if (!ctx || EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey) != 1)
		return false;
	for (size_t i = 0; i < n; i++)
		if (EVP_DigestVerifyUpdate(ctx, parts[i].p, parts[i].n) != 1)
			return false;
	return EVP_DigestVerifyFinal(ctx, (const uint8_t *)signature.p, signature.n) == 1;
}

bool verify_p256(struct view public_der, const struct view *parts, size_t n, struct view signature)
{
	EVP_PKEY *pkey = signature.n ? p256_key(public_der) : NULL;
	if (!pkey)
		return false;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = fits(ctx, EVP_sha256(), pkey, parts, n, signature);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return good;
}

static EVP_PKEY *certificate_key(struct view pem)
{
	BIO *bio = pem.n && pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	EVP_PKEY *pkey = x ? X509_get_pubkey(x) : NULL;
	X509_free(x);
	BIO_free(bio);
	if (pkey && EVP_PKEY_is_a(pkey, "RSA"))
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}

bool verify_certificate(struct view pem, enum digest d, const struct view *parts, size_t n, struct view signature)
{
	const EVP_MD *md = d == DIGEST_SHA1 ? EVP_sha1() : d == DIGEST_SHA256 ? EVP_sha256() : NULL;
	EVP_PKEY *pkey = md && signature.n ? certificate_key(pem) : NULL;
	if (!pkey)
		return false;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = fits(ctx, md, pkey, parts, n, signature);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return good;
}
