/* Scopes by name: brand, brand/stream, brand/stream/topic. */
#include "ledger/ledger.h"

#include "crypto/hash.h"

/* Allowed: [a-z0-9._-] */
static bool part_is_sound(struct view part)
{
	for (size_t i = 0; i < part.n; i++) {
		char c = part.p[i];
		if (!(c >= 'a' && c <= 'z') && !ascii_is_digit(c) && c != '.' && c != '_' && c != '-')
			return false;
	}
	return part.n > 0;
}

int scope_parse(struct view name, struct scope *ret, struct err *err)
{
	struct scope s = {.level = SCOPE_GLOBAL};
	struct view rest = name, part;
	if (name.n > SCOPE_NAME_MAX)
		return err_set(err, ERR_SYNTAX, "scope: longer than %d bytes", SCOPE_NAME_MAX);
	while (view_cut(&rest, '/', &part)) {
		if (s.level == SCOPE_TOPIC || !part_is_sound(part))
			return err_set(err, ERR_SYNTAX,
			    "scope \"%.*s\": expected brand, brand/stream or brand/stream/topic, of a-z 0-9 . _ -",
			    VFMT(name));
		s.level++;
	}
	if (name.n && name.p[name.n - 1] == '/')
		return err_set(err, ERR_SYNTAX, "scope \"%.*s\": ends in a slash", VFMT(name));
	if (s.level != SCOPE_GLOBAL) {
		uint8_t hash[SHA256_BYTES];
		sha256(name, hash);
		memcpy(s.id, hash, SCOPE_ID_BYTES);
		memcpy(s.name, name.p, name.n);
	}
	*ret = s;
	return 0;
}
