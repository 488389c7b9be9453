/* What is known of people beside what they have said: companies' addresses, and the other addresses of one person.
 *
 * A corporate subscriber is told by CHANGE_CORPORATE; everybody else is an individual, which is the stricter side. The latest word counts, at
 * the same time that for an individual.
 *
 * A link (CHANGE_LINK) says that two addresses, of any channels, are one person's. What an objection says of one it says of all of them: a row
 * is written for each linked key in the same transaction, and when a link is made for the objections that stand. So a verdict looks at one
 * key as ever, and an unlinking takes nothing back. */
#pragma once

#include "ledger/ledger.h"

#define LINKED_MOST 16 /* addresses of one person, each reached through any number of links */

/* RET is all zero when nothing was said. */
int ledger_subscriber(struct ledger *l, const struct person_key *who, struct subscriber *ret, struct err *err) MUST_CHECK;

struct linked {
	enum channel channel;
	struct person_key who;
};
/* The other addresses of WHO's, also over several links. */
int ledger_linked(struct ledger *l, const struct person_key *who, struct linked ret[LINKED_MOST], unsigned *ret_count, struct err *err) MUST_CHECK;
