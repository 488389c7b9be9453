/* Digests and keyed hashes. SHA-256 goes through OpenSSL's low-level functions on purpose: their state is a
 * plain struct, so that a keyed hash is two copied midstates and no allocation (150 ns), where EVP contexts
 * cost an allocation or a cache per thread and key. */
#define OPENSSL_API_COMPAT 0x10101000L /* the low-level functions are declared without a deprecation mark */

#include "crypto/hash.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/mem.h"

#define BLOCK_BYTES 64

void sha256(struct view bytes, uint8_t out[SHA256_BYTES])
{
	SHA256_CTX c;
	SHA256_Init(&c);
	SHA256_Update(&c, bytes.p, bytes.n);
	SHA256_Final(out, &c);
}

struct hasher {
	SHA256_CTX c;
};

struct hasher *hasher_new(void)
{
	struct hasher *h = mem_alloc(sizeof *h);
	SHA256_Init(&h->c);
	return h;
}

void hasher_add(struct hasher *h, struct view bytes)
{
	SHA256_Update(&h->c, bytes.p, bytes.n);
}

void hasher_end(struct hasher *h, uint8_t out[SHA256_BYTES])
{
	SHA256_Final(out, &h->c);
	SHA256_Init(&h->c);
}

void hasher_free(struct hasher **h)
{
	free(*h);
	*h = NULL;
}

static const struct {
	const EVP_MD *(*md)(void);
	size_t bytes;
} digests[] = {
    [DIGEST_MD5] = {EVP_md5, 16},
    [DIGEST_SHA1] = {EVP_sha1, 20},
    [DIGEST_SHA256] = {EVP_sha256, SHA256_BYTES},
    [DIGEST_SHA512] = {EVP_sha512, 64},
};

size_t digest_bytes(enum digest d)
{
	return digests[d].bytes;
}

void digest(enum digest d, struct view bytes, uint8_t *out)
{
	ALWAYS(EVP_Digest(bytes.p, bytes.n, out, NULL, digests[d].md(), NULL) == 1);
}

/* The states after the block that holds the key: every call starts from a copy of them (RFC 2104 4). */
struct mac_key {
	SHA256_CTX inner, outer;
};

static void keyed(SHA256_CTX *c, const uint8_t key[MAC_KEY_BYTES], uint8_t pad)
{
	uint8_t block[BLOCK_BYTES];
	for (size_t i = 0; i < BLOCK_BYTES; i++)
		block[i] = (i < MAC_KEY_BYTES ? key[i] : 0) ^ pad;
	SHA256_Init(c);
	SHA256_Update(c, block, sizeof block);
	mem_wipe(block, sizeof block);
}

struct mac_key *mac_key_new(const uint8_t key[MAC_KEY_BYTES])
{
	struct mac_key *k = mem_alloc(sizeof *k);
	keyed(&k->inner, key, 0x36);
	keyed(&k->outer, key, 0x5c);
	return k;
}

void mac_key_free(struct mac_key **k)
{
	if (!*k)
		return;
	mem_wipe(*k, sizeof **k);
	free(*k);
	*k = NULL;
}

void mac(const struct mac_key *k, const struct view *parts, size_t n, uint8_t out[SHA256_BYTES])
{
	SHA256_CTX c = k->inner;
	for (size_t i = 0; i < n; i++)
		SHA256_Update(&c, parts[i].p, parts[i].n);
	SHA256_Final(out, &c);
	c = k->outer;
	SHA256_Update(&c, out, SHA256_BYTES);
	SHA256_Final(out, &c);
}

bool equal_in_constant_time(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void random_bytes(void *dst, size_t n)
{
	char *p = dst;
	while (n) {
		ssize_t got = getrandom(p, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			fatal("getrandom: the kernel gives no random bytes");
		p += got;
		n -= (size_t)got;
	}
}

uint32_t random_below(uint32_t limit)
{
	if (limit < 2)
		return 0;
	/* Values under 2^32 mod limit would make the small results likelier. */
	uint32_t biased = -limit % limit, r;
	do
		random_bytes(&r, sizeof r);
	while (r < biased);
	return r % limit;
}
