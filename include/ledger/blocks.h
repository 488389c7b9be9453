/* Rows that are not one person's: what is said of a domain, of all below a domain, or of the digest of an address; and allow rows, which let
 * seed and test addresses pass where nobody has said no.
 *
 *   "@example.com"      every mailbox of exactly this domain
 *   "*.example.com"     every mailbox of the domains below it, at any depth; not those of example.com itself
 *   "md5:HEX" "sha1:HEX" "sha256:HEX" "sha512:HEX"
 *                       whoever's canonical address (trimmed, lower case, A-labels) has this digest. A list that was hashed without
 *                       lower-casing names those only whose addresses are written in lower case: no other spelling can be guessed
 *
 * Such a row is a suppression like a person's: made by CHANGE_SUPPRESS, taken away by CHANGE_UNSUPPRESS (under the same rules), with scope,
 * reason, source, actor, note, times and journal entry. The change's .channel is the kind of subject, .address its text and .who its key; all
 * rows speak of e-mail.
 *
 * An allow row (CHANGE_ALLOW: who and why must be given) is a person's or a domain's, at a scope, perhaps with an end. What it lifts, and
 * what it never does, policy says. CHANGE_DISALLOW takes it away.
 *
 * A family is all forms of an address that reach one mailbox (mail/fold.h). Whenever a change names an address that is not the plain form,
 * the ledger remembers that its key belongs to the family, so that somebody who asks for the family finds every member's suppressions. */
#pragma once

#include "ledger/ledger.h"

#define BLOCK_TEXT 264

struct block_name {
	enum channel channel;    /* CHANNEL_DOMAIN ... CHANNEL_SHA512 */
	char text[BLOCK_TEXT]; /* canonical, as above */
};
/* One of the forms above; digests also as bare hex digits (32, 40, 64 or 128 of them). ERR_SYNTAX says what was expected. */
int block_name_parse(struct view text, struct block_name *ret, struct err *err) MUST_CHECK;
/* Does it look like one? Then an address is not what was meant. */
bool block_name_is_meant(struct view text);
/* False for a person's channel. */
bool channel_is_block(enum channel c);
void ledger_block_key(const struct ledger *l, const struct block_name *s, struct person_key *ret);
/* The change is about S: sets .channel, .address (a view of S) and .who. */
void change_about(const struct ledger *l, const struct block_name *s, struct change *c);

/* Whom is asked about. */
struct asked {
	struct person_key who;
	struct view address; /* canonical, of e-mail. Empty: that of the person's record, if there is one */
	bool family;         /* suppressions of the other forms of the address count too */
};

/* Like ledger_visit, and also every row about the address's domain, the domains above it, its digests and, if asked, its family; and allow
 * rows. Only kinds of rows that the ledger has ever held are looked for: with none, it is ledger_visit. */
int ledger_ask(struct ledger *l, const struct asked *who, const struct ledger_visitor *v, void *arg, struct err *err) MUST_CHECK;

/* Calls EACH with every key under which such rows may stand, the person's own first. */
int ledger_ask_names(struct ledger *l, const struct asked *who, void (*each)(void *arg, const struct person_key *key), void *arg,
    struct err *err) MUST_CHECK;

/* The same rows in full, for people to read. */
struct about {
	struct record own;                /* the person's */
	struct suppression *suppressions; /* of subjects and of the family */
	struct view *subjects;            /* for each, its text; of the family, the other address; empty when not on record */
	unsigned suppression_count;
	struct suppression *allows;       /* .reason is 0 */
	unsigned allow_count;
};
int ledger_look_about(struct ledger *l, const struct asked *who, struct arena *arena, struct about *ret, struct err *err) MUST_CHECK;

/* Remembers WHO's family, durably, if ADDRESS is not its plain form; a look only when it is known already. For mail that is about to go out:
 * the token in it names a key alone, and who clicks must be found by every other form. */
int ledger_know_family(struct ledger *l, const struct person_key *who, struct view address, struct err *err) MUST_CHECK;

/* The same without waiting. DONE is called as by ledger_submit, if there is anything to write. */
void ledger_submit_family(struct ledger *l, const struct person_key *who, struct view address, ledger_done *done, void *arg);

/* Remembers the families of all addresses on record: for those that were written down by a version that kept none. *RET_COUNT = addresses
 * that are not the plain form. */
int ledger_families(struct ledger *l, uint64_t *ret_count, struct err *err) MUST_CHECK;
