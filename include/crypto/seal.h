/* Authenticated encryption: AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces.
 * A sealed text is nonce(12) || ciphertext || tag(16). CONTEXT is authenticated, not stored. */
#pragma once

#include "base/buf.h"

#define SEAL_KEY_BYTES 32
#define SEAL_OVERHEAD  28

void seal(const uint8_t key[SEAL_KEY_BYTES], struct view context, struct view plain, struct buf *out);
/* False when it was not sealed with this key and context, or was altered; OUT is then unchanged. */
bool unseal(const uint8_t key[SEAL_KEY_BYTES], struct view context, struct view sealed, struct buf *out);
