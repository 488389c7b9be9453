/* Every stored format of the ledger. All numbers big-endian, times in milliseconds since 1970 (two's complement, 8 bytes),
 * str = one byte of length and that many bytes. Keys sort so that all rows of a person lie side by side. Each value begins with a
 * version byte (now 1): a later version adds fields, reads the old ones, and writes the new form when a row is next changed.
 *
 * table         key                                        value
 * suppressions  person 16, level 1, scope id 8, reason 1   1, channel 1, event 8, arrived 8, expires 8, seq 8,
 *                                                          str source, str actor, str note
 * consents      person 16, level 1, scope id 8             1, channel 1, basis 1, granted 8, withdrawn 8, expires 8, seq 8,
 *                                                          str wording, str source, str actor, str evidence
 * persons       person 16                                  1, channel 1, sealed(length 2, address) with context person 16, channel 1
 * names         scope id 8                                 1, level 1, str name
 * journal       seq 8                                      core 119, then the detail or nothing
 *               core:   1, previous hash 32, event 8, arrived 8, kind 1, channel 1, person 16, level 1, scope id 8, reason 1,
 *                       basis 1, expires 8, flags 1, SHA-256 of the detail 32
 *               detail: salt 16, str actor, str source, str note, str wording, str evidence
 *               The hash of an entry is SHA-256(seq 8, core). The detail hangs on it by its own salted hash, so that it can be
 *               dropped one day (retention, erasure) and the chain still be proved.
 * blocks        as suppressions, of what is no person: the key is that of a domain or a digest (ledger/blocks.h)
 * block-names   as persons, for blocks and for allow rows of a domain: what their key stands for
 * allows        person 16, level 1, scope id 8             as suppressions
 * families      family 16, person 16                       1: another form of whose address this person's is
 * wordings      SHA-256 of the text 32                     1, added 8, seq 8, str name, str version, str language, str source, str actor,
 *                                                          length 2 and the text (ledger/wording.h)
 * subscribers   person 16                                  1, corporate 1, event 8, seq 8, str source, str actor
 * links         person 16, person 16                       1, channel of the second 1, event 8, seq 8, str source, str actor; a link is two rows
 * caps          person 16, level 1, scope id 8             1, channel 1, week 4, month 4, event 8, own word 8, seq 8, str source, str actor
 * imports       the entry that began it 8               1, state 1, began 8, ended 8, run 8, list 32, terms 32, counts 7 x 8, reasons 9 x 8, place 3 x 8,
 *                                                          request 8, its time 8, str name, str source, str actor, str requester, str undoer
 * loads         a CHANGE_LOAD entry 8                      the import that it belongs to 8
 * before        a row's key, its table 1 and seq 8         1, flags 1, and the row's value before an import made it stronger, or nothing
 * meta          "blocks"                                   2: bits of what blocks, allows, families, subscribers, links and caps have ever held
 * meta          "version", "ledger-key", "person-key"      1, and the first 16 bytes of HMAC-SHA-256(key, "optgate key check") */
#pragma once

#include "ledger/ledger.h"

#define FORMAT_VERSION 1

#define SUPPRESSION_KEY  26
#define CONSENT_KEY      25
#define SUPPRESSION_MOST (34 + 3 + SOURCE_MAX + ACTOR_MAX + NOTE_MAX)
#define CONSENT_MOST     (35 + 4 + 64 + SOURCE_MAX + ACTOR_MAX + NOTE_MAX)
#define NAME_MOST        (3 + SCOPE_NAME_MAX)
#define JOURNAL_CORE     119
#define JOURNAL_SALT     16
#define JOURNAL_MOST     (JOURNAL_CORE + JOURNAL_SALT + 5 * 256)
#define HASH_BYTES       32
#define FAMILY_KEY       32 /* the family, then the member */

#define BEFORE_AGAIN 1 /* flag: somebody else has said it again since */

#define ENTRY_KEPT_ONLY 1 /* journal flag: on record, but older than what stands */

/* Encoders append to OUT; decoders are strict (no byte too many, every value in range) and return false for what was never written. */
void suppression_key(uint8_t dst[SUPPRESSION_KEY], const struct person_key *who, const struct scope *scope, enum reason reason);
void suppression_encode(struct buf *out, const struct suppression *s);
bool suppression_row_decode(struct view key, struct view value, struct suppression_row *ret);
bool suppression_decode(struct view key, struct view value, struct suppression *ret); /* scope.name stays "" */

void consent_key(uint8_t dst[CONSENT_KEY], const struct person_key *who, const struct scope *scope);
void consent_encode(struct buf *out, const struct consent *c);
bool consent_row_decode(struct view key, struct view value, struct consent_row *ret);
bool consent_decode(struct view key, struct view value, struct consent *ret);

/* Key and length as a consent's; the value is encoded as a suppression's. */
bool allow_row_decode(struct view key, struct view value, struct suppression_row *ret);
bool allow_decode(struct view key, struct view value, struct suppression *ret);

void name_encode(struct buf *out, const struct scope *scope);
bool name_decode(struct view value, struct scope *scope); /* fills .name if it is of this level */

/* A journal entry as stored, taken apart. */
struct journal_record {
	struct journal_entry entry; /* strings point into the value */
	uint8_t salt[JOURNAL_SALT];
	uint8_t detail_hash[HASH_BYTES];
	struct view detail; /* empty once dropped */
};
/* entry.previous, .seq and all the rest are given; fills in the detail's hash and entry.hash. */
void journal_encode(struct buf *out, struct journal_record *r);
/* Sets entry.hash. Does not compare the detail with its hash: see journal_detail_matches. */
bool journal_decode(struct view key, struct view value, struct journal_record *ret);
bool journal_detail_matches(const struct journal_record *r);
