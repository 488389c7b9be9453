/* scrypt password hashes. The text form is the one that passlib writes and reads. */
#include "crypto/password.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/mem.h"
#include "crypto/hash.h"

#define COST_LOG2       15
#define BLOCK_SIZE      8
#define PARALLEL        1
#define SALT_BYTES      16
#define HASH_BYTES      32
#define MAX_BYTES       64                  /* of a salt or hash in a text that somebody else wrote */
#define MAX_MEMORY      (256u * 1024 * 1024) /* a settings file can't make one check take more */
#define MAX_COST_LOG2   20
#define MAX_BLOCK_SIZE  32
#define MAX_PARALLEL    16

struct scrypt {
	uint64_t cost_log2, block_size, parallel;
	struct buf salt, hash;
};

static bool derive(const struct scrypt *s, struct view password, uint8_t *to, size_t n)
{
	return EVP_PBE_scrypt(password.n ? password.p : "", password.n, (const uint8_t *)s->salt.p, s->salt.n,
		   1ull << s->cost_log2, s->block_size, s->parallel, MAX_MEMORY, to, n) == 1;
}

static void put_unpadded(struct buf *out, struct view bytes)
{
	base64_encode(out, bytes);
	while (out->n && out->p[out->n - 1] == '=')
		out->n--;
}

static bool take_unpadded(struct view text, struct buf *out)
{
	char padded[MAX_BYTES * 2];
	int n = snprintf(padded, sizeof padded, "%.*s%.*s", VFMT(text), (int)(3 - (text.n + 3) % 4), "===");
	return n >= 0 && (size_t)n < sizeof padded && base64_decode(view_n(padded, (size_t)n), out) &&
	    out->n > 0;
}

int password_hash(struct view password, char dst[PASSWORD_TEXT], struct err *err)
{
	uint8_t salt[SALT_BYTES], hash[HASH_BYTES];
	random_bytes(salt, sizeof salt);
	struct scrypt s = {COST_LOG2, BLOCK_SIZE, PARALLEL, {.p = (char *)salt, .n = sizeof salt}, {0}};
	if (!derive(&s, password, hash, sizeof hash))
		return err_set(err, ERR_UNAVAILABLE, "scrypt could not be computed (memory?)");
	struct buf text;
	buf_init(&text, PASSWORD_TEXT - 1);
	buf_fmt(&text, "$scrypt$ln=%d,r=%d,p=%d$", COST_LOG2, BLOCK_SIZE, PARALLEL);
	put_unpadded(&text, view_n(salt, sizeof salt));
	buf_byte(&text, '$');
	put_unpadded(&text, view_n(hash, sizeof hash));
	bool fits = view_str(buf_view(&text), dst, PASSWORD_TEXT);
	buf_free(&text);
	ALWAYS(fits);
	return 0;
}

static bool number(struct view *rest, char sep, struct view name, uint64_t max, uint64_t *ret)
{
	struct view part;
	return view_cut(rest, sep, &part) && view_starts(part, name) &&
	    view_u64(view_sub(part, name.n, part.n), max, ret) && *ret > 0;
}

static bool parse(const char *text, struct scrypt *s)
{
	struct view rest = view_of(text), salt, head = V("$scrypt$");
	if (!view_starts(rest, head))
		return false;
	rest = view_sub(rest, head.n, rest.n);
	return number(&rest, ',', V("ln="), MAX_COST_LOG2, &s->cost_log2) &&
	    number(&rest, ',', V("r="), MAX_BLOCK_SIZE, &s->block_size) &&
	    number(&rest, '$', V("p="), MAX_PARALLEL, &s->parallel) && view_cut(&rest, '$', &salt) &&
	    take_unpadded(salt, &s->salt) && take_unpadded(rest, &s->hash);
}

bool password_matches(const char *hash, struct view password)
{
	struct scrypt s = {0};
	uint8_t mine[MAX_BYTES];
	buf_init(&s.salt, MAX_BYTES);
	buf_init(&s.hash, MAX_BYTES);
	bool good = hash && parse(hash, &s) && derive(&s, password, mine, s.hash.n) &&
	    equal_in_constant_time(mine, s.hash.p, s.hash.n);
	mem_wipe(mine, sizeof mine);
	buf_free(&s.salt);
	buf_free(&s.hash);
	return good;
}
