/* Postal addresses: folded, cut into words, joined again. */
#include "mail/post_address.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/buf.h"

#define WORDS_MOST 64

struct words {
	struct view at[WORDS_MOST];
	unsigned count;
};

static int wrong(struct err *err)
{
	return err_set(err, ERR_SYNTAX, "expected a postal address of two words at least, in UTF-8, such as \"1 High St, London SW1A 1AA\"");
}

/* ---- letters ---- */

static bool is_gap(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == ';' || c == '.';
}

/* Blanks for what stands between words, without apostrophes; false for other control bytes. */
static bool put_plain(struct buf *out, struct view v)
{
	static const struct view curled = V("\xe2\x80\x99");
	for (size_t i = 0; i < v.n; i++) {
		if (view_starts(view_sub(v, i, v.n), curled))
			i += curled.n - 1;
		else if (is_gap(v.p[i]))
			buf_str(out, " ");
		else if ((unsigned char)v.p[i] < ' ' || v.p[i] == 0x7f)
			return false;
		else if (v.p[i] != '\'')
			buf_add(out, view_sub(v, i, i + 1));
	}
	return true;
}

/* Folding may bring apostrophes and dots that compatibility forms held: so they are taken out after it. */
static bool fold(struct view text, struct buf *out)
{
	size_t n;
	if (u8_check((const uint8_t *)text.p, text.n))
		return false;
	uint8_t *folded = u8_casefold((const uint8_t *)text.p, text.n, NULL, UNINORM_NFKC, NULL, &n);
	bool good = folded && put_plain(out, view_n(folded, n));
	free(folded);
	return good && !out->failed;
}

/* ---- words ---- */

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

/* "1aa": how the second half of every British postcode looks. */
static bool is_inward(struct view w)
{
	return w.n == 3 && ascii_is_digit(w.p[0]) && is_letter(w.p[1]) && is_letter(w.p[2]);
}

/* "a9", "a99", "aa9", "aa99", "a9a", "aa9a". */
static bool is_outward(struct view w)
{
	size_t letters = 0;
	while (letters < w.n && is_letter(w.p[letters]))
		letters++;
	struct view rest = view_sub(w, letters, w.n);
	return (letters == 1 || letters == 2) && (rest.n == 1 || rest.n == 2) && ascii_is_digit(rest.p[0]) &&
	       (rest.n == 1 || ascii_is_digit(rest.p[1]) || is_letter(rest.p[1]));
}

static bool add_word(struct words *w, struct view word)
{
	if (w->count == WORDS_MOST)
		return false;
	w->at[w->count++] = word;
	return true;
}

static bool split(struct view text, struct words *ret)
{
	struct view word;
	while (view_word(&text, &word)) {
		struct view out = view_sub(word, 0, word.n > 3 ? word.n - 3 : 0), in = view_sub(word, out.n, word.n);
		bool glued = is_inward(in) && is_outward(out);
		if (!add_word(ret, glued ? out : word) || (glued && !add_word(ret, in)))
			return false;
	}
	return true;
}

static bool ends_with_postcode(const struct words *w, unsigned count)
{
	return count >= 2 && is_outward(w->at[count - 2]) && is_inward(w->at[count - 1]);
}

/* "... sw1a 1aa united kingdom": the postcode says it already. */
static void drop_country(struct words *w)
{
	static const struct {
		struct view words[2];
	} names[] = {{{V("uk"), V("")}}, {{V("gb"), V("")}}, {{V("england"), V("")}}, {{V("scotland"), V("")}}, {{V("wales"), V("")}},
	    {{V("united"), V("kingdom")}}, {{V("great"), V("britain")}}, {{V("northern"), V("ireland")}}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		unsigned n = names[i].words[1].n ? 2 : 1;
		if (w->count < n || !ends_with_postcode(w, w->count - n))
			continue;
		if (view_eq(w->at[w->count - n], names[i].words[0]) && (n == 1 || view_eq(w->at[w->count - 1], names[i].words[1])))
			w->count -= n;
	}
}

static bool has_letter(const struct words *w)
{
	for (unsigned i = 0; i < w->count; i++)
		for (size_t k = 0; k < w->at[i].n; k++)
			if (is_letter(w->at[i].p[k]) || (unsigned char)w->at[i].p[k] >= 0x80)
				return true;
	return false;
}

int post_address_parse(struct view text, char dst[POST_ADDRESS_MAX + 1], struct err *err)
{
	struct buf plain, joined;
	struct words words = {0};
	int rc = 0;
	buf_init(&plain, 4 * POST_ADDRESS_MAX);
	buf_init(&joined, POST_ADDRESS_MAX);
	if (text.n > 4 * POST_ADDRESS_MAX)
		rc = err_set(err, ERR_LIMIT, "a postal address: longer than %d bytes", POST_ADDRESS_MAX);
	else if (!fold(text, &plain) || !split(buf_view(&plain), &words))
		rc = wrong(err);
	drop_country(&words);
	if (rc == 0 && (words.count < 2 || !has_letter(&words)))
		rc = wrong(err);
	for (unsigned i = 0; i < words.count; i++) {
		buf_str(&joined, i ? " " : "");
		buf_add(&joined, words.at[i]);
	}
	if (rc == 0 && !view_str(buf_view(&joined), dst, POST_ADDRESS_MAX + 1))
		rc = wrong(err);
	if (rc == 0 && joined.failed)
		rc = err_set(err, ERR_LIMIT, "a postal address: longer than %d bytes", POST_ADDRESS_MAX);
	buf_free(&plain);
	buf_free(&joined);
	return rc;
}
