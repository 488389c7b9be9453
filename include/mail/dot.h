/* The DATA byte machine (RFC 5321 4.1.1.4, 4.5.2): removes dot stuffing, finds the end, refuses bare CR and bare LF.
 * Feed it any cuts of the stream: the result is the same. */
#pragma once

#include "base/buf.h"

enum dot_state { DOT_LINE_START, DOT_TEXT, DOT_CR, DOT_DOT, DOT_DOT_CR, DOT_END };

struct dot {
	enum dot_state state;
	bool bare_cr_or_lf; /* seen one: the message must be refused once its end has come */
	bool nul;           /* a NUL octet was seen */
};

void dot_init(struct dot *d);
/* Eats bytes of IN, appends message bytes to OUT. Returns how many were eaten: fewer than in.n only when the end
 * (CRLF . CRLF) was reached, d->state == DOT_END. When OUT is full the rest is eaten and dropped; OUT->failed tells. */
size_t dot_eat(struct dot *d, struct view in, struct buf *out);

/* The other direction: MESSAGE (CRLF lines) stuffed and with its end. */
void dot_stuff(struct view message, struct buf *out);
