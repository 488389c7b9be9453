/* The parts of a verdict, shared by its files: the matrix says what reaches, the rules judge what was gathered. */
#pragma once

#include "policy/policy.h"

/* ---- reach.c ---- */
/* Does the brand's table differ from the shipped one in this cell? */
bool reach_is_changed(const struct brand *b, enum reason r, enum scope_level level, enum mail_class c);
/* Bigger wins when several reach. */
int reason_strength(enum reason r);
/* Does an allow row lift it? */
bool reason_is_lifted(enum reason r);
const char *reason_why(enum reason r, bool reaches);
/* Is the question asked at this scope or below it? */
bool scope_reaches(const struct question *q, enum scope_level level, const uint8_t id[SCOPE_ID_BYTES]);

/* ---- life.c ---- */
/* How long a grant of this row's basis lasts for the brand; 0 = no end. */
unsigned grant_months(const struct brand *b, const struct consent_row *c);
/* When the row's grant ends: its own end or that of its basis, whichever comes first; 0 = never. */
int64_t grant_ends_ms(const struct brand *b, const struct consent_row *c);

/* ---- rules.c ---- */
#define LEVELS (SCOPE_TOPIC + 1)

/* What one look at the ledger gathers for one question. */
struct facts {
	const struct question *question;
	bool unreadable;
	struct suppression_row strongest[2][2]; /* of those that reach: [is firm: blocks even on trial][is lifted by an allow row]; .reason == 0: none */
	struct suppression_row allow;        /* that reaches, if .allowed */
	bool allowed;
	bool corporate; /* the person is a corporate subscriber */
	struct consent_row consents[LEVELS]; /* that reach, by level; .seq == 0: none */
};
/* The strongest that blocks, of all or of the firm ones; NULL. */
const struct suppression_row *facts_strongest(const struct facts *f, bool only_firm);

/* The bases of which one will do for this person. */
unsigned facts_accepts(const struct facts *f);
void facts_add_suppression(struct facts *f, const struct suppression_row *row);
void facts_add_allow(struct facts *f, const struct suppression_row *row);
void facts_add_consent(struct facts *f, const struct consent_row *row);
struct verdict facts_judge(const struct facts *f);

bool withdrawal_matters(const struct question *q);
/* Does this reason block on a stream that is on trial (shadow), too? */
bool reason_is_firm(enum reason r);
bool suppression_is_live(const struct suppression_row *row, int64_t now_ms);
/* Does a later grant at this level or a narrower one undo the withdrawal at LEVEL? */
bool withdrawal_is_undone(const struct facts *f, enum scope_level level);
