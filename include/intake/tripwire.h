/* The tripwire: does this look like marketing, whatever it calls itself? Pure but for the count of bodies; which signals there are and what
 * each weighs is one table (src/intake/tripwire.c). */
#pragma once

#include "mail/header.h"

#define TRIPWIRE_POINTS    2            /* from here on it looks like marketing */
#define TRIPWIRE_TEXT_MAX  (256u << 10) /* of decoded text that is looked at */
#define TRIPWIRE_BODY_MAX  (1u << 20)   /* of the body that is hashed */

enum tripwire_signal { /* stored as bits of a mask: never renumber */
	SIGNAL_LIST_UNSUBSCRIBE = 0,
	SIGNAL_LIST_ID,
	SIGNAL_PRECEDENCE,
	SIGNAL_CAMPAIGN_FIELD,
	SIGNAL_CAMPAIGN_TOOL,
	SIGNAL_FEEDBACK_ID,
	SIGNAL_OPT_OUT_LINK,
	SIGNAL_SAME_BODY,
	SIGNAL_COUNT
};
#define SIGNAL(s) (1u << (s))

const char *tripwire_word(enum tripwire_signal s); /* "list-unsubscribe" */
/* What the head and the text say. A is for the walk through the parts; without room the text is not looked at. */
uint32_t tripwire_signals(struct arena *a, struct view message, const struct head *h);
/* Do these together look like marketing? */
bool tripwire_trips(uint32_t signals);
/* "precedence,opt-out-link" */
void tripwire_text(uint32_t signals, char *dst, size_t size);

/* How many recipients the same body had of late. Any thread; what it remembers is bounded, and rare bodies are forgotten first. */
struct body_count;
struct body_count *body_count_new(void);
void body_count_free(struct body_count **c);
/* First bytes of the SHA-256 of the body and of what it is counted under; never 0. */
uint64_t body_hash(struct view body, struct view under);
/* Counts RECIPIENTS more; the sum within the window. */
uint64_t body_count_add(struct body_count *c, uint64_t hash, unsigned recipients, int64_t now_ms, int64_t window_ms);
