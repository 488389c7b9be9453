/* RSA and Ed25519 signatures. The key object is made once and only read afterwards. A thread keeps the context of
 * its last RSA signature, which saves 10 us of 275, but for the same key object only: a used context that is given another
 * key may go on with the old one, and with many tenants that would be a signature in another one's name. */
#include "crypto/sign.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "crypto/hash.h"

#define RSA_MIN_BITS      1024
#define RSA_NEW_BITS      2048
#define ED25519_PUB_BYTES 32

struct sign_key {
	EVP_PKEY *pkey;
	enum sign_kind kind;
};

/* An encrypted key must not make OpenSSL ask on the terminal. */
static int no_password(char *buffer, int size, int writing, void *arg)
{
	(void)buffer, (void)size, (void)writing, (void)arg;
	return -1;
}

static int adopt(EVP_PKEY *pkey, struct sign_key **ret, struct err *err)
{
	bool rsa = EVP_PKEY_is_a(pkey, "RSA");
	int rc = 0;
	if (!rsa && !EVP_PKEY_is_a(pkey, "ED25519"))
		rc = err_set(err, ERR_REFUSED, "expected an RSA or Ed25519 key");
	else if (rsa && EVP_PKEY_get_bits(pkey) < RSA_MIN_BITS)
		rc = err_set(err, ERR_REFUSED, "an RSA key needs %d bits, this one has %d", RSA_MIN_BITS,
		    EVP_PKEY_get_bits(pkey));
	if (rc) {
		EVP_PKEY_free(pkey);
		return rc;
	}
	struct sign_key *k = mem_zero(sizeof *k);
	k->pkey = pkey;
	k->kind = rsa ? SIGN_RSA : SIGN_ED25519;
	*ret = k;
	return 0;
}

int sign_key_load(struct sign_key **ret, struct view pem, struct err *err)
{
	if (pem.n > INT_MAX)
		return err_set(err, ERR_SYNTAX, "expected a private key in PEM");
	BIO *bio = BIO_new_mem_buf(pem.n ? pem.p : "", (int)pem.n);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	BIO_free(bio);
	if (!pkey)
		return err_set(err, ERR_SYNTAX, "expected a private key in PEM, not encrypted");
	return adopt(pkey, ret, err);
}

int sign_key_new(struct sign_key **ret, enum sign_kind kind, struct err *err)
{
	EVP_PKEY *pkey = kind == SIGN_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_NEW_BITS)
					  : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!pkey)
		return err_set(err, ERR_UNAVAILABLE, "OpenSSL made no key");
	return adopt(pkey, ret, err);
}

void sign_key_free(struct sign_key **k)
{
	if (!*k)
		return;
	EVP_PKEY_free((*k)->pkey);
	free(*k);
	*k = NULL;
}

enum sign_kind sign_key_kind(const struct sign_key *k)
{
	return k->kind;
}

int sign_key_pem(const struct sign_key *k, struct buf *out, struct err *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *p = NULL;
	int rc = 0;
	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) != 1) {
		rc = err_set(err, ERR_UNAVAILABLE, "OpenSSL wrote no PEM");
	} else {
		long n = BIO_get_mem_data(bio, &p);
		buf_add(out, view_n(p, (size_t)n));
	}
	BIO_free(bio);
	return rc;
}

static int public_rsa(const struct sign_key *k, struct buf *out, struct err *err)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(k->pkey, &der);
	if (n <= 0)
		return err_set(err, ERR_UNAVAILABLE, "OpenSSL wrote no public key");
	buf_add(out, view_n(der, (size_t)n));
	OPENSSL_free(der);
	return 0;
}

static int public_ed25519(const struct sign_key *k, struct buf *out, struct err *err)
{
	uint8_t raw[ED25519_PUB_BYTES];
	size_t n = sizeof raw;
	if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &n) != 1)
		return err_set(err, ERR_UNAVAILABLE, "OpenSSL wrote no public key");
	buf_add(out, view_n(raw, n));
	return 0;
}

int sign_key_public(const struct sign_key *k, struct buf *out, struct err *err)
{
	return k->kind == SIGN_RSA ? public_rsa(k, out, err) : public_ed25519(k, out, err);
}

/* PKCS#1 v1.5 around a SHA-256 DigestInfo, to sign or to verify. */
static bool rsa_set_up(EVP_PKEY_CTX *ctx, int (*init)(EVP_PKEY_CTX *))
{
	return ctx && init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;

static void end_thread(void *ctx)
{
	EVP_PKEY_CTX_free(ctx);
}

static void prepare(void)
{
	ALWAYS(pthread_key_create(&at_thread_end, end_thread) == 0);
}

/* This thread's, set up to sign with PKEY. It holds PKEY: no other key can have its address meanwhile. */
static EVP_PKEY_CTX *rsa_context(EVP_PKEY *pkey)
{
	pthread_once(&once, prepare);
	EVP_PKEY_CTX *ctx = pthread_getspecific(at_thread_end);
	if (ctx && EVP_PKEY_CTX_get0_pkey(ctx) == pkey)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	ctx = EVP_PKEY_CTX_new(pkey, NULL);
	if (!rsa_set_up(ctx, EVP_PKEY_sign_init)) {
		EVP_PKEY_CTX_free(ctx);
		ctx = NULL;
	}
	ALWAYS(pthread_setspecific(at_thread_end, ctx) == 0);
	return ctx;
}

static bool sign_rsa(EVP_PKEY *pkey, const uint8_t digest[32], uint8_t *to, size_t *n)
{
	EVP_PKEY_CTX *ctx = rsa_context(pkey);
	return ctx && EVP_PKEY_sign(ctx, to, n, digest, SHA256_BYTES) == 1;
}

static bool sign_ed25519(EVP_PKEY *pkey, const uint8_t digest[32], uint8_t *to, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestSign(ctx, to, n, digest, SHA256_BYTES) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

int sign_digest(const struct sign_key *k, const uint8_t digest[32], struct buf *out, struct err *err)
{
	size_t n = (size_t)EVP_PKEY_get_size(k->pkey);
	uint8_t *to = (uint8_t *)buf_reserve(out, n);
	if (!to)
		return err_set(err, ERR_LIMIT, "no room for a signature of %zu bytes", n);
	bool good = k->kind == SIGN_RSA ? sign_rsa(k->pkey, digest, to, &n)
					: sign_ed25519(k->pkey, digest, to, &n);
	if (!good)
		return err_set(err, ERR_UNAVAILABLE, "OpenSSL made no signature");
	buf_advance(out, n);
	return 0;
}

static bool verify_rsa(struct view public_bytes, const uint8_t digest[32], struct view signature)
{
	const unsigned char *p = (const unsigned char *)public_bytes.p;
	EVP_PKEY *pkey = public_bytes.n <= LONG_MAX ? d2i_PUBKEY(NULL, &p, (long)public_bytes.n) : NULL;
	EVP_PKEY_CTX *ctx = pkey && EVP_PKEY_is_a(pkey, "RSA") ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;
	bool good = rsa_set_up(ctx, EVP_PKEY_verify_init) &&
	    EVP_PKEY_verify(ctx, (const uint8_t *)signature.p, signature.n, digest, SHA256_BYTES) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return good;
}

static bool verify_ed25519(struct view public_bytes, const uint8_t digest[32], struct view signature)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, (const uint8_t *)public_bytes.p, public_bytes.n);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = pkey && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestVerify(ctx, (const uint8_t *)signature.p, signature.n, digest, SHA256_BYTES) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return good;
}

bool sign_verify(enum sign_kind kind, struct view public_bytes, const uint8_t digest[32], struct view signature)
{
	return kind == SIGN_RSA ? verify_rsa(public_bytes, digest, signature)
				: verify_ed25519(public_bytes, digest, signature);
}
