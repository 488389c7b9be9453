/* Wishes: nothing opens that was not sealed; what was sealed opens as it was. */
#include "base/mem.h"
#include "optout/wish.h"

static struct token_keys *keys(void)
{
	static struct token_keys *k;
	static const uint8_t bytes[1][TOKEN_KEY_BYTES] = {{9}}, id = 1;
	if (!k)
		k = token_keys_new(bytes, &id, 1);
	return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char room[WISH_BYTES];
	struct wish got;
	struct err err;
	struct buf text;
	ALWAYS(wish_open(keys(), view_n(data, size), room, &got, &err) < 0);
	struct view v = view_n(data, size);
	const struct wish w = {.kind = WISH_RIGHT, .asked_ms = 1, .address = view_sub(v, 0, size / 2), .what = view_sub(v, size / 2, size)};
	buf_init(&text, WISH_TEXT);
	if (wish_seal(keys(), &w, &text)) {
		ALWAYS(wish_open(keys(), buf_view(&text), room, &got, &err) == 0);
		ALWAYS(view_eq(got.address, w.address) && view_eq(got.what, w.what));
	}
	buf_free(&text);
	return 0;
}
