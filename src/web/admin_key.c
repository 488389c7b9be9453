/* Keys of the admin listener: who holds one, and what it is good for. Pure. */
#include <stdio.h>

#include "base/codec.h"
#include "web/admin.h"

#define SECRET_BYTES 32

static const struct {
	struct view word;
	enum admin_role role;
} roles[] = {
    {V("read"), ADMIN_READ}, {V("check"), ADMIN_CHECK}, {V("optout"), ADMIN_OPTOUT}, {V("lists"), ADMIN_LISTS}, {V("hooks"), ADMIN_HOOKS},
    {V("approve"), ADMIN_APPROVE}};
#define ROLES (sizeof roles / sizeof *roles)

unsigned admin_roles_of(struct view words)
{
	unsigned bits = 0;
	struct view word;
	while (view_cut(&words, ',', &word)) {
		size_t i = 0;
		while (i < ROLES && !view_eq(roles[i].word, word))
			i++;
		if (i == ROLES)
			return 0;
		bits |= roles[i].role;
	}
	return bits;
}

void admin_roles_text(unsigned bits, struct buf *out)
{
	const char *comma = "";
	for (size_t i = 0; i < ROLES; i++) {
		if (!(bits & roles[i].role))
			continue;
		buf_fmt(out, "%s%s", comma, roles[i].word.p);
		comma = ",";
	}
}

static bool is_name(struct view name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_is_alnum(name.p[i]) && name.p[i] != '-')
			return false;
	return name.n > 0 && name.n <= ADMIN_NAME_MAX;
}

int admin_key_make(struct view name, unsigned bits, char secret[ADMIN_SECRET_TEXT], char stored[ADMIN_STORED_TEXT], struct err *err)
{
	uint8_t random[SECRET_BYTES], hash[SHA256_BYTES];
	struct buf text, kept;
	if (!is_name(name))
		return err_set(err, ERR_SYNTAX, "expected a name of at most %d letters, digits and hyphens", ADMIN_NAME_MAX);
	random_bytes(random, sizeof random);
	buf_init(&text, ADMIN_SECRET_TEXT - 1);
	buf_init(&kept, ADMIN_STORED_TEXT - 1);
	buf_fmt(&text, "%.*s.", VFMT(name));
	base64url_encode(&text, view_n(random, sizeof random));
	sha256(buf_view(&text), hash);
	admin_roles_text(bits, &kept);
	buf_byte(&kept, ' ');
	hex_encode(&kept, view_n(hash, sizeof hash));
	ALWAYS(view_str(buf_view(&text), secret, ADMIN_SECRET_TEXT) && view_str(buf_view(&kept), stored, ADMIN_STORED_TEXT));
	mem_wipe(random, sizeof random);
	mem_wipe(text.p, text.n);
	buf_free(&text);
	buf_free(&kept);
	return 0;
}

bool admin_key_read(struct view name, struct view stored, struct admin_key *ret)
{
	struct view words;
	*ret = (struct admin_key){0};
	return is_name(name) && view_str(name, ret->name, sizeof ret->name) && view_cut(&stored, ' ', &words) &&
	       (ret->roles = admin_roles_of(words)) != 0 && hex_decode(stored, ret->hash, sizeof ret->hash);
}
