/* crypto: published test vectors, what must be refused, many threads with one key. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/password.h"
#include "crypto/seal.h"
#include "crypto/sign.h"

static void assert_hex(const void *bytes, size_t n, const char *hex)
{
	struct buf b;
	buf_init(&b, 1000);
	hex_encode(&b, view_n(bytes, n));
	assert_string_equal(buf_cstr(&b), hex);
	buf_free(&b);
}

static void digests_match_their_vectors(void **state)
{
	(void)state;
	static const struct {
		enum digest d;
		const char *abc;
	} rows[] = {
	    {DIGEST_MD5, "900150983cd24fb0d6963f7d28e17f72"},
	    {DIGEST_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
	    {DIGEST_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {DIGEST_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
			    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
	};
	uint8_t out[64];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		digest(rows[i].d, V("abc"), out);
		assert_hex(out, digest_bytes(rows[i].d), rows[i].abc);
	}
	sha256(V("abc"), out);
	assert_hex(out, SHA256_BYTES, rows[2].abc);
	struct hasher *h = hasher_new();
	for (int round = 0; round < 2; round++) {
		hasher_add(h, V("a"));
		hasher_add(h, V(""));
		hasher_add(h, V("bc"));
		hasher_end(h, out);
		assert_hex(out, SHA256_BYTES, rows[2].abc);
	}
	hasher_free(&h);
	assert_null(h);
}

/* RFC 4231 test case 1, its 20-byte key padded with zeros to our 32 (which HMAC does itself). */
static void mac_is_hmac_sha256(void **state)
{
	(void)state;
	uint8_t key[MAC_KEY_BYTES] = {0}, out[SHA256_BYTES];
	memset(key, 0x0b, 20);
	struct mac_key *k = mac_key_new(key);
	struct view whole = V("Hi There"), parts[] = {V("Hi"), V(""), V(" There")};
	for (int round = 0; round < 2; round++) {
		mac(k, round ? parts : &whole, round ? 3 : 1, out);
		assert_hex(out, sizeof out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	}
	mac_key_free(&k);
	assert_null(k);
	mac_key_free(&k);
}

static void randoms_stay_below(void **state)
{
	(void)state;
	bool seen[7] = {0};
	for (int i = 0; i < 1000; i++) {
		uint32_t r = random_below(7);
		assert_true(r < 7);
		seen[r] = true;
	}
	for (int i = 0; i < 7; i++)
		assert_true(seen[i]);
	assert_int_equal(random_below(0), 0);
	assert_int_equal(random_below(1), 0);
	assert_true(equal_in_constant_time("ab", "ab", 2));
	assert_false(equal_in_constant_time("ab", "ac", 2));
}

static void a_seal_opens_only_unaltered(void **state)
{
	(void)state;
	uint8_t key[SEAL_KEY_BYTES] = {1}, other[SEAL_KEY_BYTES] = {2};
	struct buf sealed, plain;
	buf_init(&sealed, 1000);
	buf_init(&plain, 1000);
	seal(key, V("ctx"), V("secret"), &sealed);
	assert_int_equal(sealed.n, 6 + SEAL_OVERHEAD);
	buf_str(&plain, "before ");
	for (size_t i = 0; i < sealed.n; i++) {
		sealed.p[i] ^= 1;
		assert_false(unseal(key, V("ctx"), buf_view(&sealed), &plain));
		sealed.p[i] ^= 1;
		assert_false(unseal(key, V("ctx"), view_n(sealed.p, i), &plain));
	}
	assert_false(unseal(other, V("ctx"), buf_view(&sealed), &plain));
	assert_false(unseal(key, V("ctX"), buf_view(&sealed), &plain));
	assert_string_equal(buf_cstr(&plain), "before ");
	assert_true(unseal(key, V("ctx"), buf_view(&sealed), &plain));
	assert_string_equal(buf_cstr(&plain), "before secret");
	buf_clear(&sealed);
	buf_clear(&plain);
	seal(key, V(""), V(""), &sealed);
	assert_true(unseal(key, V(""), buf_view(&sealed), &plain));
	assert_int_equal(plain.n, 0);
	buf_free(&sealed);
	buf_free(&plain);
}

/* Test case 15 of the GCM specification (McGrew and Viega), 64 bytes with an empty context. */
static void unseal_is_aes_256_gcm(void **state)
{
	(void)state;
	uint8_t key[SEAL_KEY_BYTES], sealed[12 + 64 + 16];
	assert_true(hex_decode(V("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"), key, sizeof key));
	assert_true(hex_decode(V("cafebabefacedbaddecaf888"
				 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
				 "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
				 "b094dac5d93471bdec1a502270e3cc6c"),
	    sealed, sizeof sealed));
	struct buf plain;
	buf_init(&plain, 100);
	assert_true(unseal(key, V(""), view_n(sealed, sizeof sealed), &plain));
	assert_hex(plain.p, plain.n, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
				     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255");
	buf_free(&plain);
}

static void signatures_verify_with_their_key_only(void **state)
{
	(void)state;
	uint8_t one[32] = {1}, two[32] = {2};
	for (int kind = SIGN_RSA; kind <= SIGN_ED25519; kind++) {
		struct sign_key *a, *b, *again;
		struct err err;
		assert_int_equal(sign_key_new(&a, kind, &err), 0);
		assert_int_equal(sign_key_new(&b, kind, &err), 0);
		struct buf pem, pa, pb, sig, sig2;
		buf_init(&pem, 5000), buf_init(&pa, 1000), buf_init(&pb, 1000), buf_init(&sig, 1000), buf_init(&sig2, 1000);
		assert_int_equal(sign_key_public(a, &pa, &err), 0);
		assert_int_equal(sign_key_public(b, &pb, &err), 0);
		assert_int_equal(sign_digest(a, one, &sig, &err), 0);
		assert_true(sign_verify(kind, buf_view(&pa), one, buf_view(&sig)));
		assert_false(sign_verify(kind, buf_view(&pa), two, buf_view(&sig)));
		assert_false(sign_verify(kind, buf_view(&pb), one, buf_view(&sig)));
		assert_false(sign_verify(!kind, buf_view(&pa), one, buf_view(&sig)));
		assert_int_equal(sign_key_pem(a, &pem, &err), 0);
		assert_int_equal(sign_key_load(&again, buf_view(&pem), &err), 0);
		assert_int_equal(sign_key_kind(again), kind);
		assert_int_equal(sign_digest(again, one, &sig2, &err), 0);
		assert_true(view_eq(buf_view(&sig), buf_view(&sig2))); /* both kinds are deterministic */
		buf_clear(&sig2);
		assert_int_equal(sign_digest(b, one, &sig2, &err), 0); /* on the same thread, with the key of its own */
		assert_true(sign_verify(kind, buf_view(&pb), one, buf_view(&sig2)));
		buf_free(&pem), buf_free(&pa), buf_free(&pb), buf_free(&sig), buf_free(&sig2);
		sign_key_free(&a), sign_key_free(&b), sign_key_free(&again);
		assert_null(a);
	}
}

/* RFC 8032 7.1, test 1, as PKCS#8: the key of RFC 8463 A.2. */
static void ed25519_public_key_is_bare(void **state)
{
	(void)state;
	struct view pem = V("-----BEGIN PRIVATE KEY-----\n"
			    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
			    "-----END PRIVATE KEY-----\n");
	struct sign_key *k;
	struct err err;
	struct buf pub;
	buf_init(&pub, 100);
	assert_int_equal(sign_key_load(&k, pem, &err), 0);
	assert_int_equal(sign_key_public(k, &pub, &err), 0);
	assert_hex(pub.p, pub.n, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
	buf_free(&pub);
	sign_key_free(&k);
}

static void other_keys_are_refused(void **state)
{
	(void)state;
	struct sign_key *k = NULL;
	struct err err;
	assert_int_equal(sign_key_load(&k, V(""), &err), -1);
	assert_int_equal(err.kind, ERR_SYNTAX);
	assert_int_equal(sign_key_load(&k, V("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), &err), -1);
	/* An X25519 key: a key indeed, but none that signs. */
	assert_int_equal(sign_key_load(&k, V("-----BEGIN PRIVATE KEY-----\n"
					     "MC4CAQAwBQYDK2VuBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
					     "-----END PRIVATE KEY-----\n"),
			     &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_null(k);
}

struct signing {
	struct sign_key *key;
	struct view pub;
	bool good;
};

static void *sign_many(void *arg)
{
	struct signing *s = arg;
	s->good = true;
	uint8_t key[SEAL_KEY_BYTES] = {9};
	struct buf sig;
	buf_init(&sig, 1000);
	for (unsigned i = 0; i < 40 && s->good; i++) {
		uint8_t d[32] = {(uint8_t)i};
		buf_clear(&sig);
		s->good = sign_digest(s->key, d, &sig, NULL) == 0 && sign_verify(sign_key_kind(s->key), s->pub, d, buf_view(&sig));
		struct view plain = buf_view(&sig);
		struct buf sealed, back;
		buf_init(&sealed, 1000), buf_init(&back, 1000);
		seal(key, V("t"), plain, &sealed);
		s->good = s->good && unseal(key, V("t"), buf_view(&sealed), &back) && view_eq(buf_view(&back), plain);
		buf_free(&sealed), buf_free(&back);
	}
	buf_free(&sig);
	return NULL;
}

static void one_key_serves_many_threads(void **state)
{
	(void)state;
	struct sign_key *keys[2];
	struct buf pubs[2];
	struct signing jobs[6];
	pthread_t threads[6];
	for (int kind = 0; kind < 2; kind++) {
		assert_int_equal(sign_key_new(&keys[kind], kind, NULL), 0);
		buf_init(&pubs[kind], 1000);
		assert_int_equal(sign_key_public(keys[kind], &pubs[kind], NULL), 0);
	}
	for (int i = 0; i < 6; i++) {
		jobs[i] = (struct signing){keys[i % 2], buf_view(&pubs[i % 2]), false};
		assert_int_equal(pthread_create(&threads[i], NULL, sign_many, &jobs[i]), 0);
	}
	for (int i = 0; i < 6; i++) {
		pthread_join(threads[i], NULL);
		assert_true(jobs[i].good);
	}
	for (int kind = 0; kind < 2; kind++) {
		sign_key_free(&keys[kind]);
		buf_free(&pubs[kind]);
	}
}

static void passwords_match_their_hash(void **state)
{
	(void)state;
	char text[PASSWORD_TEXT], again[PASSWORD_TEXT];
	assert_int_equal(password_hash(V("hunter2"), text, NULL), 0);
	assert_int_equal(password_hash(V("hunter2"), again, NULL), 0);
	assert_string_not_equal(text, again);
	assert_true(password_matches(text, V("hunter2")));
	assert_false(password_matches(text, V("hunter3")));
	assert_false(password_matches(text, V("")));
	/* RFC 7914 12: password "password", salt "NaCl", N=1024, r=8, p=16 (64 bytes). */
	const char *rfc = "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/"
			  "xCSedmDDaxyevuUqD7m2DYMvfoswGQA";
	assert_true(password_matches(rfc, V("password")));
	assert_false(password_matches(rfc, V("Password")));
}

static void broken_hashes_match_nothing(void **state)
{
	(void)state;
	static const char *const rows[] = {"", "x", "$scrypt$", "$scrypt$ln=15,r=8,p=1$", "$scrypt$ln=15,r=8,p=1$AAAA$",
	    "$scrypt$ln=0,r=8,p=1$TmFDbA$AAAA", "$scrypt$ln=63,r=8,p=1$TmFDbA$AAAA", "$scrypt$ln=10,r=8$TmFDbA$AAAA",
	    "$scrypt$ln=10,r=8,p=1$TmFDbA==$AAAA", "$scrypt$ln=20,r=32,p=1$TmFDbA$AAAA", "$2b$12$abc",
	    "$scrypt$ln=10,r=8,p=1$TmFDbA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_false(password_matches(rows[i], V("")));
	assert_false(password_matches(NULL, V("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(digests_match_their_vectors),
	    cmocka_unit_test(mac_is_hmac_sha256),
	    cmocka_unit_test(randoms_stay_below),
	    cmocka_unit_test(a_seal_opens_only_unaltered),
	    cmocka_unit_test(unseal_is_aes_256_gcm),
	    cmocka_unit_test(signatures_verify_with_their_key_only),
	    cmocka_unit_test(ed25519_public_key_is_bare),
	    cmocka_unit_test(other_keys_are_refused),
	    cmocka_unit_test(one_key_serves_many_threads),
	    cmocka_unit_test(passwords_match_their_hash),
	    cmocka_unit_test(broken_hashes_match_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
