/* Postal addresses in canonical form: the only form that is compared, keyed and stored.
 *
 *   "1 High St.,\nLondon\nsw1a1aa"  ─▶  "1 high st london sw1a 1aa"
 *
 * Case-folded (Unicode, NFKC); line ends, blanks, commas, semicolons and full stops become one blank between words; apostrophes go. A British
 * postcode (BS 7666) that is written without its blank gets it, and the country's name behind a postcode at the end goes. Nothing is guessed:
 * "St" and "Street" are two addresses, and so are the same lines in another order. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define POST_ADDRESS_MAX 250

/* ERR_SYNTAX: not UTF-8, a control byte, fewer than two words, or none with a letter; ERR_LIMIT: too long. */
int post_address_parse(struct view text, char dst[POST_ADDRESS_MAX + 1], struct err *err) MUST_CHECK;
