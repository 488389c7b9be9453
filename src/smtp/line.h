/* Command lines (RFC 5321 2.4, 4.1.1, 4.5.3.1.4), pure: a line ends with CR LF and with nothing else. */
#pragma once

#include "base/view.h"

#define LINE_MAX_BYTES 2048 /* with CRLF: 512, and room for the parameters of our extensions and for AUTH */

enum line_kind {
	LINE_MORE, /* no whole line yet */
	LINE_GOOD,
	LINE_BARE, /* holds a CR or LF that is not part of a CR LF: what follows can't be trusted */
	LINE_LONG, /* LINE_MAX_BYTES and no end: skip with line_skip */
};

/* Looks at the first line of IN. GOOD: *ret_line without CRLF. *ret_eaten counts the bytes it took (0 for MORE). */
enum line_kind line_take(struct view in, struct view *ret_line, size_t *ret_eaten);
/* The rest of a long line: GOOD when its end was reached, MORE when all was eaten; *AFTER_CR lives between calls. */
enum line_kind line_skip(struct view in, bool *after_cr, size_t *ret_eaten);

/* "MAIL FROM:<a@b> SIZE=1 " -> "MAIL", "FROM:<a@b> SIZE=1". False: control bytes in it. */
bool command_split(struct view line, struct view *ret_verb, struct view *ret_args);
