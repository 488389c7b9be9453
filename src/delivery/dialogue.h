/* Watches what is said on the wire before mail flows, and judges it. Pure: fed with the bytes, answers with a reason to cut. */
#pragma once

#include "outcome.h"
#include "wire.h"

enum dialogue_verb { VERB_OTHER, VERB_EHLO, VERB_STARTTLS, VERB_AUTH, VERB_MAIL }; /* in the order of a session */

enum dialogue_offer { OFFER_DSN = 1, OFFER_8BITMIME = 2, OFFER_STARTTLS = 4 };

struct dialogue {
	bool needs_auth, needs_tls;
	bool tls;                 /* set by the caller when the handshake has succeeded */
	bool authenticated;
	bool hello;               /* EHLO or HELO was accepted */
	unsigned offers;          /* bits of dialogue_offer in the reply to the last EHLO */
	enum dialogue_verb last;  /* of what we sent */
	enum dialogue_verb reached; /* the furthest of them */
	int code;                 /* of the last whole reply */
	unsigned owed;            /* replies to what we sent that have not come yet; the greeting is one */
	bool dot_open;            /* the last of them is the reply to the end of a message */
	unsigned dots_answered;   /* messages whose end had a reply of its own */
	bool astray;              /* a reply came that nobody had asked for: whose the later ones are can't be told */
	int auth_code;            /* of the last reply to AUTH; 0 = AUTH was never sent */
	int no_code;              /* of the last refusal, 4xx or 5xx; a goodbye may follow it */
	char no_text[200];        /* its last line, as it came */
	char line[200];           /* the line that is coming in */
	size_t line_n;
};

void dialogue_start(struct dialogue *d, bool needs_auth, bool needs_tls);
/* WIRE_WHOLE: go on. Anything else: cut, for that reason, before the bytes go out. */
enum wire_cut dialogue_sends(struct dialogue *d, struct view bytes);
/* Spoils the word CHUNKING in place: see dialogue.c. */
enum wire_cut dialogue_receives(struct dialogue *d, char *p, size_t n);
/* The end of a message's data is going out. */
void dialogue_ends_data(struct dialogue *d);
/* How far a session got in which no MAIL was answered. */
enum session_stage dialogue_stage(const struct dialogue *d, bool connected, enum wire_cut cut);
