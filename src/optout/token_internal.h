/* Between token.c (formats) and keys.c (the ring). */
#pragma once

#include "crypto/hash.h"
#include "crypto/seal.h"
#include "optout/token.h"

/* Two keys for two uses, both derived from one key file. */
struct token_key {
	uint8_t link[SEAL_KEY_BYTES];
	struct mac_key *address;
};

const struct token_key *token_keys_find(const struct token_keys *k, uint8_t id); /* NULL when it isn't ours */
const struct token_key *token_keys_mint(const struct token_keys *k, uint8_t *ret_id);
