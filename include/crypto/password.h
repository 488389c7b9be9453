/* Password hashes: scrypt (RFC 7914) as "$scrypt$ln=15,r=8,p=1$SALT$HASH" (base64 without padding).
 * Checking costs about 50 ms of CPU by design: never call it on an event loop. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define PASSWORD_TEXT 160

int password_hash(struct view password, char dst[PASSWORD_TEXT], struct err *err) MUST_CHECK;
/* False for a wrong password and for a hash that can't be read. */
bool password_matches(const char *hash, struct view password);
