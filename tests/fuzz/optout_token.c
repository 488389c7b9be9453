/* Tokens from outside: nothing but what we minted opens. The first byte picks the form. */
#include "base/codec.h"
#include "base/mem.h"
#include "optout/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A second spelling of the same bytes would let one token pass for two. */
static void assert_minted(struct token_keys *k, char form, const struct token *t, struct view text)
{
	char space[TOKEN_ADDRESS_TEXT], lower[TOKEN_ADDRESS_TEXT];
	struct buf again = {.p = space, .cap = sizeof space, .max = sizeof space};
	ALWAYS(form != 'l');
	token_mint_address(k, form == 'u' ? TOKEN_OPTOUT : TOKEN_BOUNCE, t, &again);
	memcpy(lower, text.p, text.n);
	ascii_lower_in_place(lower, text.n);
	ALWAYS(view_eq(buf_view(&again), view_n(lower, text.n)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct token_keys *k;
	static const uint8_t key[1][TOKEN_KEY_BYTES] = {{1}}, id[1] = {1};
	if (!k)
		k = token_keys_new(key, id, 1);
	if (size == 0)
		return 0;
	char form = (char)data[0];
	struct view text = view_n(data + 1, size - 1);
	struct token t;
	int rc = form == 'l' ? token_open_link(k, text, &t, NULL)
			     : token_open_address(k, form == 'u' ? TOKEN_OPTOUT : TOKEN_BOUNCE, text, &t, NULL);
	if (rc == 0 && form != 'l')
		assert_minted(k, form, &t, text);
	else if (rc == 0)
		ALWAYS(memchr(t.masked, 0, sizeof t.masked) && memchr(t.tool, 0, sizeof t.tool) && (t.level == SCOPE_STREAM || t.level == SCOPE_TOPIC));
	return 0;
}
