/* What the files behind /u/TOKEN share. */
#pragma once

#include "optout/optout.h"
#include "web_internal.h"

#define UNDO_LIMIT_MS (60 * 60 * 1000)
#define REPEAT_MS \
	(60 * 1000) /* the same opt-out again within this is answered, and not journalled once more */

/* A POST on its way through the ledger; lives in the request's arena. */
struct pending {
	struct token token;
	const struct way *way;
	struct web *web;
	struct web_request *request;
	struct scope reached;        /* of the first change */
	bool failed;
	struct change_result result; /* of the first change: the suppression, or its removal */
	struct err err;
};

/* What a POST may ask for; the button's value says which. */
struct way {
	const char *action;       /* NULL: RFC 8058 */
	enum optout_reach reach;
	const char *source;
	struct counter *count;
	bool repeatable;          /* an opt-out: REPEAT_MS holds */
	int days;                 /* of a pause */
	/* Fills CHANGES (OPTOUT_CHANGES of them); 0: it can't be done any more; -1: the ledger can't be
	 * read. */
	int (*changes)(const struct pending *p, const struct optout_request *wish, struct change *changes);
	void (*answer)(const struct pending *p);
};

/* All that CHANGES would do was done within REPEAT_MS, and stands: on disk, since only that can be read. */
bool done_just_now(const struct pending *p, const struct change *changes, size_t n);

/* A ticket proves that its bearer has just seen the page that says "done": a link token sealed with the
 * same ring, whose mask says what it is and whose message id is the journal entry of the opt-out. It is no
 * link. No key, no memory; good on every node. */
void undo_ticket(const struct pending *p, struct buf *out);
bool is_undo_ticket(const struct token *t);
/* The audited removal of exactly that suppression, and the person's fresh consent to that mail, no wider. */
int undo_changes(const struct pending *p, const struct optout_request *wish, struct change *changes);
