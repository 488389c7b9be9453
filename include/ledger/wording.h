/* The words that people agreed to, kept for ever: nothing removes one, not even an erasure, since the words are nobody's.
 *
 * A wording is known by its id, the SHA-256 of its normalised text in hex, which a grant names (struct consent, .wording). Normalised: UTF-8
 * without a byte order mark, line ends LF alone, no white space at either end; nothing else is changed. Name, version and language say which
 * text this is; the same text given again under another name stays under the first. */
#pragma once

#include "ledger/ledger.h"

#define WORDING_ID_TEXT   65 /* with the NUL */
#define WORDING_TEXT_MAX  16384
#define WORDING_LABEL_MAX 60

struct wording {
	char id[WORDING_ID_TEXT];
	char name[WORDING_LABEL_MAX + 1], version[WORDING_LABEL_MAX + 1], language[WORDING_LABEL_MAX + 1];
	char source[SOURCE_MAX + 1], actor[ACTOR_MAX + 1];
	int64_t added_ms;
	uint64_t seq;
};

/* ERR_SYNTAX: empty, not UTF-8 or with a NUL in it; ERR_LIMIT: longer than WORDING_TEXT_MAX. */
int wording_normalise(struct view text, struct buf *out, struct err *err) MUST_CHECK;
void wording_id(struct view normalised, char ret[WORDING_ID_TEXT]);

/* What is to be kept. The labels hold 1 to WORDING_LABEL_MAX of [A-Za-z0-9._-]. */
struct wording_new {
	struct view name, version, language, text, source, actor;
};
/* *RET_ID is set when it returns 0. .changed is false when the very text was there. */
int ledger_wording_add(struct ledger *l, const struct wording_new *w, char ret_id[WORDING_ID_TEXT], struct change_result *ret,
    struct err *err) MUST_CHECK;
/* TEXT is appended to OUT. ERR_MISSING: no such wording. ERR_CORRUPT: the text is no longer that of its id. */
int ledger_wording(struct ledger *l, struct view id, struct wording *ret, struct buf *out, struct err *err) MUST_CHECK;
/* Is there such a wording? False when that can't be known. */
bool ledger_wording_is_kept(struct ledger *l, struct view id);
/* All of them, in order of their ids, until EACH returns false. EACH must not call the ledger. */
int ledger_wordings(struct ledger *l, bool (*each)(void *arg, const struct wording *w), void *arg, struct err *err) MUST_CHECK;
