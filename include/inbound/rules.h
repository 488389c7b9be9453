/* What words in a report mean: a file of rows, read once, asked in its order. Own rows come before the shipped ones, a
 * provider's before everybody's. A pattern is one or more literals in their order with "*" between them, compared in lower
 * case with runs of blanks as one; a literal that begins with a letter is found at the beginning of a word only; "^" ties
 * the first to the text's start, "$" the last to its end. Matching looks at each byte a bounded number of times per row:
 * there is nothing to back-track. conf/bounce.rules is the grammar's example. */
#pragma once

#include "base/err.h"
#include "base/shared.h"
#include "base/view.h"

#define RULES_MAX_BYTES (1 << 20)
#define RULES_MAX_ROWS 5000
#define RULES_MAX_LITERALS 8 /* in one pattern */
#define RULES_MAX_TEXT 8192  /* bytes of a text that are looked at */
#define RULE_NAME 64

enum meaning { MEANING_NONE, MEANING_SOFT, MEANING_POLICY, MEANING_HARD };
const char *meaning_word(enum meaning m); /* "none", "soft", "policy", "hard" */

enum rule_kind {
	RULE_MEANING,   /* CLASS REASON [STATUS] PATTERN: what a diagnostic means */
	RULE_OTHERWISE, /* the same, in the part of the file that is asked only when the status tells nothing exact */
	RULE_CUT,       /* a line after which the returned message stands */
	RULE_NAMES,     /* words that stand right before a recipient */
	RULE_MARKER,    /* words that only a failure report says */
	RULE_SUBJECT,   /* a failure report's subject */
	RULE_DAEMON,    /* what a mail system calls itself in From: local part or display name */
	RULE_AUTO,      /* an automatic reply's subject */
	RULE_WISH,      /* a subject that asks to be left alone */
	RULE_KINDS
};

struct bounce_rules; /* frozen, shared */

/* OWN may be empty; SHIPPED p == NULL: those that the program carries. NAMEs stand before the line number in what a match
 * is called. ERR_SYNTAX names file and line. */
int bounce_rules_new(struct bounce_rules **ret, struct view own, const char *own_name, struct view shipped,
    const char *shipped_name, struct err *err) MUST_CHECK;
struct bounce_rules *bounce_rules_hold(struct bounce_rules *r);
void bounce_rules_free(struct bounce_rules **r); /* drops one hold */

/* Lower case, runs of blanks as one, continuation marks ("550-5.1.1") taken out, cut at SIZE. Returns the length. */
size_t rules_normalise(struct view text, char *dst, size_t size);
/* The same with every word that holds an "@" as a bare "@", and URLs without their path: neither says anything
 * about a refusal. */
size_t rules_normalise_words(struct view text, char *dst, size_t size);

struct rule_question {
	enum rule_kind kind;
	struct view text;         /* normalised */
	struct view status;       /* "5.1.1"; may be empty */
	const struct view *hosts; /* who speaks: Remote-MTA, Reporting-MTA... */
	unsigned host_count;
};
struct rule_match {
	enum meaning meaning;
	bool at_rcpt;       /* "gone": hard only of an address that was refused as such (RCPT, or a status of 5.1.x) */
	bool names_status;  /* the row holds for this very status */
	struct view reason; /* lives as long as the rules */
	char name[RULE_NAME]; /* "bounce.rules:87" */
	size_t end;           /* where the pattern ended in the text */
};
bool bounce_rules_find(const struct bounce_rules *r, const struct rule_question *q, struct rule_match *ret);
/* True when TEXT, normalised, ends with a pattern of this kind. */
bool bounce_rules_ends(const struct bounce_rules *r, enum rule_kind kind, struct view text);
