/* optout_tokens KEY_DIR BRAND STREAM N: N one-click tokens, each of another person, one a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "optout/token.h"

static int stop(const struct err *err)
{
	fprintf(stderr, "optout_tokens: %s\n", err->text);
	return 1;
}

int main(int argc, char **argv)
{
	struct token_keys *keys;
	struct scope brand, stream;
	struct err err = {0};
	struct buf text;
	char path[256];
	if (argc != 5)
		return 2;
	snprintf(path, sizeof path, "%s/%s", argv[2], argv[3]);
	if (token_keys_load(&keys, argv[1], &err) < 0 || scope_parse(view_of(argv[2]), &brand, &err) < 0 ||
	    scope_parse(view_of(path), &stream, &err) < 0)
		return stop(&err);
	struct token t = {.channel = CHANNEL_EMAIL, .level = SCOPE_STREAM, .masked = "l***@s***.test"};
	memcpy(t.scope_id, stream.id, SCOPE_ID_BYTES);
	memcpy(t.stream_id, stream.id, SCOPE_ID_BYTES);
	memcpy(t.brand_id, brand.id, SCOPE_ID_BYTES);
	buf_init(&text, TOKEN_LINK_TEXT + 1);
	for (unsigned long n = strtoul(argv[4], NULL, 10); n; n--) {
		random_bytes(&t.who, sizeof t.who);
		buf_clear(&text);
		token_mint_link(keys, &t, &text);
		printf("%.*s\n", (int)text.n, text.p);
	}
	buf_free(&text);
	token_keys_free(&keys);
	return 0;
}
