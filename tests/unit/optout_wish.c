/* optout: wishes, sealed and opened; what is no wish; limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/mem.h"
#include "optout/wish.h"

static const uint8_t bytes[2][TOKEN_KEY_BYTES] = {{1, 2}, {3, 4}};
static const uint8_t ids[2] = {1, 2};

static struct wish sample(void)
{
	return (struct wish){.kind = WISH_JOIN, .asked_ms = 1764000000123, .choices = 0x80000001u, .address = V("Ann@example.com"),
	    .what = V("newsletter"), .words = V("3"), .from = V("2001:db8::1")};
}

static void what_is_sealed_opens(void **state)
{
	(void)state;
	struct token_keys *both = token_keys_new(bytes, ids, 2), *old = token_keys_new(bytes, ids, 1);
	struct wish w = sample(), got;
	char room[WISH_BYTES];
	struct buf text;
	struct err err;
	buf_init(&text, WISH_TEXT);
	assert_true(wish_seal(old, &w, &text));
	assert_int_equal(wish_open(both, buf_view(&text), room, &got, &err), 0); /* after a rotation too */
	assert_int_equal(got.kind, w.kind);
	assert_int_equal(got.asked_ms, w.asked_ms);
	assert_int_equal(got.choices, w.choices);
	assert_true(view_eq(got.address, w.address) && view_eq(got.what, w.what));
	assert_true(view_eq(got.words, w.words) && view_eq(got.from, w.from));
	buf_clear(&text);
	assert_true(wish_seal(both, &w, &text));
	assert_int_equal(wish_open(old, buf_view(&text), room, &got, &err), -1); /* a key that isn't there */
	assert_int_equal(err.kind, ERR_REFUSED);
	buf_free(&text);
	token_keys_free(&both);
	token_keys_free(&old);
}

static void every_change_is_refused(void **state)
{
	(void)state;
	struct token_keys *k = token_keys_new(bytes, ids, 2);
	struct wish w = sample(), got;
	char room[WISH_BYTES];
	struct buf text;
	struct err err;
	buf_init(&text, WISH_TEXT);
	assert_true(wish_seal(k, &w, &text));
	for (size_t i = 0; i < text.n; i++) {
		char was = text.p[i];
		text.p[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(wish_open(k, buf_view(&text), room, &got, &err), -1);
		text.p[i] = was;
		assert_int_equal(wish_open(k, view_n(text.p, i), room, &got, &err), -1);
	}
	buf_free(&text);
	token_keys_free(&k);
}

static void wishes_and_tokens_are_not_mixed(void **state)
{
	(void)state;
	struct token_keys *k = token_keys_new(bytes, ids, 2);
	struct token t = {.channel = CHANNEL_EMAIL, .level = SCOPE_STREAM}, got_token;
	struct wish w = sample(), got;
	char room[WISH_BYTES];
	struct buf text;
	struct err err;
	buf_init(&text, WISH_TEXT);
	token_mint_link(k, &t, &text);
	assert_int_equal(wish_open(k, buf_view(&text), room, &got, &err), -1);
	buf_clear(&text);
	w.address = w.what = w.words = w.from = V("");
	assert_true(wish_seal(k, &w, &text));
	assert_int_equal(token_open_link(k, buf_view(&text), &got_token, &err), -1);
	buf_free(&text);
	token_keys_free(&k);
}

static void long_parts_have_a_limit(void **state)
{
	(void)state;
	struct token_keys *k = token_keys_new(bytes, ids, 2);
	struct wish w = sample(), got;
	char room[WISH_BYTES], many[300];
	struct buf text;
	struct err err;
	memset(many, 'x', sizeof many);
	buf_init(&text, WISH_TEXT);
	w.address = view_n(many, 254);
	w.what = w.words = view_n(many, 150);
	assert_true(wish_seal(k, &w, &text));
	assert_int_equal(wish_open(k, buf_view(&text), room, &got, &err), 0);
	assert_int_equal(got.address.n, 254);
	buf_clear(&text);
	w.address = view_n(many, 256);
	assert_false(wish_seal(k, &w, &text));
	w.address = w.what = w.words = view_n(many, 250);
	assert_false(wish_seal(k, &w, &text));
	assert_int_equal(text.n, 0);
	buf_free(&text);
	token_keys_free(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_opens), cmocka_unit_test(every_change_is_refused),
		cmocka_unit_test(wishes_and_tokens_are_not_mixed), cmocka_unit_test(long_parts_have_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
