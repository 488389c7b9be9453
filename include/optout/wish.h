/* What somebody has asked for on a page and has yet to confirm out of their mailbox. Sealed with the ring of the tokens, it is the last
 * part of the link that is mailed: until the confirmation nothing of it is stored anywhere.
 *
 *   form(1) key-id(1) | nonce(12) AES-256-GCM{ kind(1) asked(6) choices(4) address, what, words, from: length(1) bytes } tag(16)  base64url
 *
 * form is 0x20: no wish is ever taken for a token, nor a token for a wish. */
#pragma once

#include "optout/token.h"

#define WISH_TEXT  900
#define WISH_BYTES 640

enum wish_kind { WISH_JOIN = 'j', WISH_RIGHT = 'r' };

struct wish {
	enum wish_kind kind;
	int64_t asked_ms;
	uint32_t choices;    /* of a form: a bit for each purpose that was ticked */
	struct view address; /* exact form; where the link is mailed to */
	struct view what;    /* name of the form, or of the right */
	struct view words;   /* version of the words that were read, or of what was written */
	struct view from;    /* address of the network that asked */
};

/* Each view at most 254 bytes, all of them WISH_BYTES together; false (and OUT untouched) beyond. */
bool wish_seal(const struct token_keys *k, const struct wish *w, struct buf *out);
/* The views of *RET point into ROOM. ERR_SYNTAX (not a wish), ERR_REFUSED (forged). Its age is the caller's to judge. */
int wish_open(const struct token_keys *k, struct view text, char room[WISH_BYTES], struct wish *ret, struct err *err) MUST_CHECK;
