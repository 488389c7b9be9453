/* crypto: proofs that others make, by vectors of RFC 4231 and of openssl(1). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/codec.h"
#include "base/mem.h"
#include "crypto/verify.h"

static void hmac_takes_keys_of_any_length(void **state)
{
	(void)state;
	char aa[131];
	memset(aa, 0xaa, sizeof aa);
	const struct {
		struct view key, a, b;
		const char *hex;
	} rows[] = {
	    /* RFC 4231 4.3 and 4.7 */
	    {V("Jefe"), V("what do ya want "), V("for nothing?"),
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	    {view_n(aa, sizeof aa), V("Test Using Larger Than Block-Size Key"), V(" - Hash Key First"),
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t proof[32];
		const struct view parts[] = {rows[i].a, rows[i].b};
		assert_true(hex_decode(view_of(rows[i].hex), proof, sizeof proof));
		assert_true(verify_hmac(rows[i].key, parts, 2, view_n(proof, sizeof proof)));
		assert_false(verify_hmac(rows[i].key, parts, 1, view_n(proof, sizeof proof)));
		assert_false(verify_hmac(V("Jeff"), parts, 2, view_n(proof, sizeof proof)));
		assert_false(verify_hmac(V(""), parts, 2, view_n(proof, sizeof proof)));
		assert_false(verify_hmac(rows[i].key, parts, 2, view_n(proof, 31)));
		assert_false(verify_hmac(rows[i].key, parts, 2, V("")));
		proof[31] ^= 1;
		assert_false(verify_hmac(rows[i].key, parts, 2, view_n(proof, sizeof proof)));
	}
}

/* openssl ecparam -name prime256v1 -genkey; openssl dgst -sha256 -sign */
#define P256_KEY                                                                                                       \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGqIve9cVGf5MPu6R9j9AWP+0AHfPdNFNJWVYVNszlcqMXYzaBxUtRHfw1z/vze28SwtO9y" \
	"sdxVwB4QrWgF+X9g=="
#define P384_KEY                                                                                                       \
	"MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE/2uMohjIlOrXIMbJDUP/YTnrV4ADS/lm8LPRPQLHLq9FNKkIHmONYDkHvr4ifPHTMXEXBqxl59" \
	"VkD9mWOPuUxQd37HAYBu5wCJBSkBisMAGxv0X2pJAYXnKZkOB04elo"
#define SIGNATURE                                                                                                      \
	"MEYCIQCymwXcvTlH3/cXJbDPl7/T+eDnIXToUc9hTKKhezTZEQIhAIMLmMwHQHCGZZIlgoEmTNFC2lModKGzqwYHj8p4l5/6"
#define BODY V("[{\"event\":\"spamreport\",\"email\":\"a@example.net\"}]\r\n")

static void p256_signs_time_and_body(void **state)
{
	(void)state;
	const struct view parts[] = {V("1700000000"), BODY}, later[] = {V("1700000001"), BODY};
	struct buf key, other, signature;
	buf_init(&key, 200);
	buf_init(&other, 200);
	buf_init(&signature, 200);
	assert_true(base64_decode(V(P256_KEY), &key));
	assert_true(base64_decode(V(P384_KEY), &other));
	assert_true(base64_decode(V(SIGNATURE), &signature));
	assert_true(verify_p256(buf_view(&key), parts, 2, buf_view(&signature)));
	assert_false(verify_p256(buf_view(&key), later, 2, buf_view(&signature)));
	assert_false(verify_p256(buf_view(&key), parts, 1, buf_view(&signature)));
	assert_false(verify_p256(buf_view(&other), parts, 2, buf_view(&signature)));
	assert_false(verify_p256(buf_view(&key), parts, 2, V("")));
	assert_false(verify_p256(V(""), parts, 2, buf_view(&signature)));
	for (size_t n = 0; n < key.n; n++)
		assert_false(verify_p256(view_sub(buf_view(&key), 0, n), parts, 2, buf_view(&signature)));
	for (size_t n = 0; n < signature.n; n++)
		assert_false(verify_p256(buf_view(&key), parts, 2, view_sub(buf_view(&signature), 0, n)));
	buf_byte(&key, 0);
	assert_false(verify_p256(buf_view(&key), parts, 2, buf_view(&signature)));
	buf_free(&key);
	buf_free(&other);
	buf_free(&signature);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hmac_takes_keys_of_any_length),
	    cmocka_unit_test(p256_signs_time_and_body),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
