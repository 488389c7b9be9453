/* A wish, sealed and opened. */
#include "optout/wish.h"

#include "base/be.h"
#include "base/codec.h"
#include "token_internal.h"

#define FORM         0x20
#define PREFIX_BYTES 2

static bool write_inside(const struct wish *w, struct buf *out)
{
	const struct view texts[] = {w->address, w->what, w->words, w->from};
	be_add(out, (uint64_t)w->kind, 1);
	be_add(out, (uint64_t)w->asked_ms, 6);
	be_add(out, w->choices, 4);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		be_add_view(out, texts[i], 1);
	return !out->failed;
}

static bool read_inside(struct view inside, struct wish *w)
{
	struct view *const texts[] = {&w->address, &w->what, &w->words, &w->from};
	struct be_reader r = {inside, false};
	w->kind = (enum wish_kind)be_take_u(&r, 1);
	w->asked_ms = (int64_t)be_take_u(&r, 6);
	w->choices = (uint32_t)be_take_u(&r, 4);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = be_take_view(&r, 1);
	return !r.bad && r.rest.n == 0 && (w->kind == WISH_JOIN || w->kind == WISH_RIGHT);
}

bool wish_seal(const struct token_keys *k, const struct wish *w, struct buf *out)
{
	struct buf sealed, inside;
	uint8_t id;
	const struct token_key *key = token_keys_mint(k, &id);
	buf_init(&inside, WISH_BYTES);
	buf_init(&sealed, WISH_TEXT);
	bool good = write_inside(w, &inside);
	if (good) {
		const uint8_t prefix[PREFIX_BYTES] = {FORM, id};
		buf_add(&sealed, view_n(prefix, sizeof prefix));
		seal(key->link, view_n(prefix, sizeof prefix), buf_view(&inside), &sealed);
		base64url_encode(out, buf_view(&sealed));
	}
	buf_free(&inside);
	buf_free(&sealed);
	return good;
}

static int open_bytes(const struct token_keys *k, struct view bytes, struct buf *inside, struct err *err)
{
	struct be_reader r = {bytes, false};
	unsigned form = (unsigned)be_take_u(&r, 1);
	const struct token_key *key = token_keys_find(k, (uint8_t)be_take_u(&r, 1));
	if (r.bad || form != FORM)
		return err_set(err, ERR_SYNTAX, "not a wish");
	if (!key || !unseal(key->link, view_sub(bytes, 0, PREFIX_BYTES), r.rest, inside))
		return err_set(err, ERR_REFUSED, "the wish is not one of ours");
	return 0;
}

int wish_open(const struct token_keys *k, struct view text, char room[WISH_BYTES], struct wish *ret, struct err *err)
{
	struct buf bytes, inside = {.p = room, .cap = WISH_BYTES, .max = WISH_BYTES};
	struct wish w;
	buf_init(&bytes, WISH_TEXT);
	int rc = text.n <= WISH_TEXT && base64url_decode(text, &bytes) ? open_bytes(k, buf_view(&bytes), &inside, err)
								       : err_set(err, ERR_SYNTAX, "not a wish");
	if (rc == 0 && !read_inside(buf_view(&inside), &w))
		rc = err_set(err, ERR_REFUSED, "the wish is not one of ours");
	buf_free(&bytes);
	if (rc == 0)
		*ret = w;
	return rc;
}
