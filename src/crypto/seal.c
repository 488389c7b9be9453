/* AES-256-GCM. A thread keeps one cipher context for its life: setting a key in it is much cheaper than
 * making one. The key is set by every call, never taken over from the call before. */
#include "crypto/seal.h"

#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "base/mem.h"
#include "crypto/hash.h"

#define NONCE_BYTES 12
#define TAG_BYTES   16

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static EVP_CIPHER *aes;

static void end_thread(void *ctx)
{
	EVP_CIPHER_CTX_free(ctx);
}

static void prepare(void)
{
	aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	ALWAYS(aes && pthread_key_create(&at_thread_end, end_thread) == 0);
}

static EVP_CIPHER_CTX *context(void)
{
	pthread_once(&once, prepare);
	EVP_CIPHER_CTX *ctx = pthread_getspecific(at_thread_end);
	if (ctx)
		return ctx;
	ctx = EVP_CIPHER_CTX_new();
	ALWAYS(ctx && pthread_setspecific(at_thread_end, ctx) == 0);
	return ctx;
}

void seal(const uint8_t key[SEAL_KEY_BYTES], struct view aad, struct view plain, struct buf *out)
{
	ALWAYS(plain.n < INT_MAX - SEAL_OVERHEAD && aad.n < INT_MAX);
	uint8_t *p = (uint8_t *)buf_reserve(out, plain.n + SEAL_OVERHEAD);
	if (!p)
		return;
	random_bytes(p, NONCE_BYTES);
	uint8_t *text = p + NONCE_BYTES, *tag = text + plain.n;
	EVP_CIPHER_CTX *ctx = context();
	int n = 0;
	ALWAYS(EVP_EncryptInit_ex2(ctx, aes, key, p, NULL) == 1);
	ALWAYS(EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)aad.p, (int)aad.n) == 1);
	ALWAYS(EVP_EncryptUpdate(ctx, text, &n, (const uint8_t *)plain.p, (int)plain.n) == 1);
	ALWAYS(EVP_EncryptFinal_ex(ctx, tag, &n) == 1);
	ALWAYS(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1);
	buf_advance(out, plain.n + SEAL_OVERHEAD);
}

bool unseal(const uint8_t key[SEAL_KEY_BYTES], struct view aad, struct view sealed, struct buf *out)
{
	if (sealed.n < SEAL_OVERHEAD || sealed.n > INT_MAX || aad.n > INT_MAX)
		return false;
	const uint8_t *nonce = (const uint8_t *)sealed.p, *text = nonce + NONCE_BYTES;
	size_t plain_n = sealed.n - SEAL_OVERHEAD;
	uint8_t tag[TAG_BYTES];
	memcpy(tag, text + plain_n, TAG_BYTES);
	char nothing = 0;
	uint8_t *p = (uint8_t *)(plain_n ? buf_reserve(out, plain_n) : &nothing);
	if (!p)
		return false;
	EVP_CIPHER_CTX *ctx = context();
	int n = 0;
	bool good = EVP_DecryptInit_ex2(ctx, aes, key, nonce, NULL) == 1 &&
	    EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)aad.p, (int)aad.n) == 1 &&
	    EVP_DecryptUpdate(ctx, p, &n, text, (int)plain_n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
	    EVP_DecryptFinal_ex(ctx, p + plain_n, &n) == 1;
	if (good)
		buf_advance(out, plain_n);
	else
		mem_wipe(p, plain_n);
	return good;
}
