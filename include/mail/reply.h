/* SMTP replies: three digits, an enhanced code (RFC 3463, RFC 2034) and a sentence, made together where the reason is known. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct reply {
	int code;          /* 250 */
	char enhanced[12]; /* "2.1.5"; "" when none */
	char text[400];    /* one line without the codes */
};

void reply_set(struct reply *r, int code, const char *enhanced, const char *fmt, ...) PRINTF(4, 5);
/* "250 2.1.5 OK\r\n". */
void reply_write(const struct reply *r, struct buf *out);
/* What a server said, several lines possible: code and enhanced code out, text joined by blanks, control bytes removed. */
bool reply_parse(struct view lines, struct reply *ret);
