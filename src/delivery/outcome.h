/* Where in the dialogue an attempt was decided, and what that means for the item. */
#pragma once

#include "delivery/delivery.h"

enum session_stage {
	STAGE_CONNECT,
	STAGE_HELLO,     /* greeting, EHLO */
	STAGE_TLS,
	STAGE_AUTH,
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_DATA,      /* asked for 354 */
	STAGE_FINAL,     /* bytes went out */
	STAGE_GATE,      /* we said no, the instant before bytes went out */
	STAGE_NOT_TRIED, /* the session ended before this one's turn */
};
const char *session_stage_word(enum session_stage s);

/* Pure: what a reply means at a stage. COMPLETE: the hop took responsibility for the recipient. */
enum delivery_outcome outcome_of(enum session_stage stage, const struct reply *reply, bool complete);
/* Pure: the hop says that this destination gets too much (421 or 4.7.x behind MAIL). */
bool outcome_slows(enum session_stage stage, const struct reply *reply);
