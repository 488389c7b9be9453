/* The parts of one ledger, shared by its files.
 *
 *   submit ─▶ commit.c (queue, committer) ─▶ apply.c (one change, by stronger.c's rules) ─▶ journal.c, store.c
 *   look ───▶ read.c, ask.c ─▶ store.c       load.c ─▶ apply.c
 */
#pragma once

#include "crypto/hash.h"
#include "crypto/seal.h"
#include "format.h"
#include "ledger/blocks.h"
#include "ledger/import.h"
#include "store.h"

#define CHANGES_PER_CALL_MOST 1024 /* in one ledger_submit */
#define QUEUE_MOST 65536           /* submits that wait */
#define BATCH_DEFAULT 256
#define MAP_DEFAULT_BYTES (UINT64_C(256) << 30)
#define READERS_DEFAULT 1024
#define LOAD_ROWS_DEFAULT 1000000
#define REAP_EVERY_S 60

struct committer;

struct ledger {
	struct store *store;
	const struct clock *clock;
	char *dir;
	struct mac_key *key;                /* turns addresses into person keys */
	uint8_t person_key[SEAL_KEY_BYTES]; /* seals person records */
	unsigned batch;
	size_t load_rows;
	bool read_only;
	struct committer *committer; /* NULL when read_only */
	_Atomic uint64_t kinds_known; /* kinds.c: of the commit that was looked at last */
};

/* ---- keys.c ---- */
struct ledger_keys {
	uint8_t ledger[MAC_KEY_BYTES], person[SEAL_KEY_BYTES];
};
/* From files of 64 hex digits. Made when missing and MAY_CREATE. */
int keys_load(struct ledger_keys *ret, const char *key_dir, bool may_create, struct err *err) MUST_CHECK;
/* Compares them with the marks that the store has kept, or leaves those. ERR_REFUSED for other keys than the data's. */
int keys_check(struct store *store, const struct ledger_keys *keys, bool read_only, struct err *err) MUST_CHECK;

/* ---- person.c ---- */
void person_seal(
    const struct ledger *l, const struct person_key *who, enum channel c, struct view address, struct buf *out);
bool person_unseal(const struct ledger *l, const struct person_key *who, struct view value, struct buf *ret_address);

/* ---- stronger.c: pure ---- */
/* What stands after C happened to ROW (a row all zero: there was none). Both return true when the row is another one now. */
bool suppression_merge(struct suppression *row, const struct change *c, int64_t event_ms, int64_t now_ms);
/* *RET_COUNTS: the verdicts can be other ones now. */
bool consent_merge(struct consent *row, const struct change *c, int64_t event_ms, bool *ret_counts);
/* May this suppression be taken away? ERR_REFUSED with the rule in the text. */
int removal_check(const struct change *c, struct err *err) MUST_CHECK;
/* Does this reason ask for more than one word of one person? */
bool removal_needs_consent(const struct change *c);
/* May C remove ROW on the strength of its request (NULL: there is no such entry)? */
int removal_approved(const struct change *c, const struct suppression *row, const struct journal_entry *request, int64_t now_ms,
    struct err *err) MUST_CHECK;
/* Has the recipient signed up again, confirmed by mail, since ROW? CONSENT is the row of the same scope. */
bool removal_agreed(const struct suppression *row, const struct consent *consent, int64_t now_ms);
/* Fields in range, strings within their limits, what its kind asks for: everything that needs no look at the store. */
int change_check(const struct change *c, struct err *err) MUST_CHECK;

/* ---- journal.c ---- */
struct journal_tail {
	uint64_t seq;
	uint8_t hash[HASH_BYTES];
};
void journal_tail_read(struct txn *t, struct journal_tail *ret);
/* Appends C's entry and moves the tail. Returns its sequence number. */
uint64_t journal_append(
    struct txn *t, struct journal_tail *tail, const struct change *c, int64_t event_ms, int64_t now_ms, bool kept_only);

/* ---- kinds.c: what blocks, allows and families have ever held, so that nobody looks for the rest ---- */
#define KIND_OF(channel) (1u << ((channel) - CHANNEL_DOMAIN))
#define KIND_ALLOW       (1u << 6)
#define KIND_FAMILY      (1u << 7)
#define KINDS_OF_NAMES   0xffu /* those that are found by an address's name */
#define KIND_SUBSCRIBER  (1u << 8)
#define KIND_LINK        (1u << 9)
#define KIND_CAP         (1u << 10)
unsigned kinds_read(struct txn *t);
/* The same for a read transaction of L, without a look when nothing was committed since the last. */
unsigned kinds_of(struct ledger *l, struct txn *t);
/* Within a write transaction. */
void kinds_add(struct txn *t, unsigned kind);
/* Where rows of that channel are, and where it is written whose they are. */
enum table rows_table(enum channel c);
enum table names_table(enum channel c);

/* ---- block_name.c ---- */
/* ADDRESS by its digest. */
void block_digest_key(const struct ledger *l, enum channel c, struct view address, struct person_key *ret);

/* ---- family.c ---- */
/* Of the plain form of ADDRESS: its own key, and that of its family. */
void family_keys(const struct ledger *l, struct view address, struct person_key *ret_plain, struct person_key *ret_family);
/* Within a write transaction: WHO, of this address, belongs to its family. */
void family_keep(const struct ledger *l, struct txn *t, const struct person_key *who, struct view address);
/* INTO knows every family of FROM then. */
int families_copy(struct ledger *into, struct ledger *from, struct err *err) MUST_CHECK;

/* ---- apply.c ---- */
struct bulk;
struct apply {
	const struct ledger *ledger;
	struct txn *txn;
	int64_t now_ms;
	int64_t event_ms; /* of the change in hand */
	struct journal_tail tail;
	struct scope named; /* the scope whose name was looked after last */
	struct bulk *bulk;  /* NULL: each change has its own entry */
	bool entered;       /* the change in hand has its entry: it has begun to write */
	const struct import_record *import; /* whose rows these are; NULL: no import's */
	struct {
		uint64_t seq;
		bool anothers;
	} seen;             /* before.c: the entry that was looked at last */
};
void apply_begin(struct apply *a, const struct ledger *l, struct txn *txn);
/* On refusal .entered says whether it has written already: then the transaction must not be committed. Failures of the store stick to the transaction. */
int apply_change(struct apply *a, const struct change *c, struct change_result *ret, struct err *err) MUST_CHECK;

/* The number of the entry that this change has, or shares. */
uint64_t apply_enter(struct apply *a, const struct change *c, int64_t event_ms, bool kept_only);
/* The row of C's own key alone. */
int suppress_one(struct apply *a, const struct change *c, struct change_result *ret, struct err *err) MUST_CHECK;
void suppression_put(struct apply *a, struct view key, const struct suppression *row);
void apply_put(struct apply *a, enum table table, struct view key, const struct buf *value);
/* Beside a change, or (entered) beside one that changed nothing: who it is about is written down, if that is new. */
bool apply_person(struct apply *a, const struct change *c);
void apply_person_entered(struct apply *a, const struct change *c);

/* ---- allow.c ---- */
int apply_allow(struct apply *a, const struct change *c, struct change_result *ret, struct err *err) MUST_CHECK;
int apply_disallow(struct apply *a, const struct change *c, struct change_result *ret, struct err *err) MUST_CHECK;
/* The last row about a subject has gone: so does its text. */
void block_name_drop(struct apply *a, const struct change *c);
/* An erased person's allow rows. */
void allows_drop(struct apply *a, const struct person_key *who);

/* ---- wording.c ---- */
int wording_check(const struct change *c, struct err *err) MUST_CHECK;
int apply_wording(struct apply *a, const struct change *c, struct change_result *ret, struct err *err) MUST_CHECK;
bool wording_is_kept(struct txn *t, struct view id);
/* INTO keeps every wording of FROM then. */
int wordings_copy(struct ledger *into, struct ledger *from, struct err *err) MUST_CHECK;

/* ---- subscriber.c ---- */
bool subscriber_read(struct txn *t, const struct person_key *who, struct subscriber *ret);
int apply_subscriber(struct apply *a, const struct change *c, struct change_result *ret, struct err *err) MUST_CHECK;

/* ---- link.c ---- */
int link_check(const struct change *c, struct err *err) MUST_CHECK;
int apply_link(struct apply *a, const struct change *c, struct change_result *ret, struct err *err) MUST_CHECK;
int apply_unlink(struct apply *a, const struct change *c, struct change_result *ret, struct err *err) MUST_CHECK;
/* The objection C, of entry SEQ, reaches the person's other addresses. */
int links_spread(struct apply *a, const struct change *c, uint64_t seq, struct err *err) MUST_CHECK;
/* An erased person's links. */
void links_drop(struct apply *a, const struct person_key *who);

/* ---- cap.c ---- */
int cap_check(const struct change *c, struct err *err) MUST_CHECK;
int apply_cap(struct apply *a, const struct change *c, struct change_result *ret, struct err *err) MUST_CHECK;
void cap_bare(struct apply *a, struct view key);
/* INTO knows every limit of FROM then that its person has not taken back since. */
int caps_copy(struct ledger *into, struct ledger *from, struct view source, struct view actor, uint64_t *ret_changed, struct err *err) MUST_CHECK;

/* ---- forget.c ---- */
int apply_forget(struct apply *a, const struct change *c, struct change_result *ret, struct err *err) MUST_CHECK;

/* ---- transact.c ---- */
typedef int transaction(struct apply *a, void *arg, struct err *err);
/* Durable when it returns 0. WORK is done again when the store was cured; what it refuses is dropped whole. */
int ledger_transact(struct ledger *l, transaction *work, void *arg, struct err *err) MUST_CHECK;

/* ---- import.c ---- */
bool import_read(struct txn *t, uint64_t id, struct import_record *ret);
void import_put(struct apply *a, struct import_record *im);
/* May this process go on with it? */
int import_is_ours(struct apply *a, const struct import_record *im, struct err *err) MUST_CHECK;
/* An entry that is about no person. */
uint64_t import_enter(struct apply *a, enum change_kind kind, struct view source, struct view actor, struct view note, struct view evidence);

/* ---- before.c ---- */
/* The import of that CHANGE_LOAD entry. */
bool load_import(struct txn *t, uint64_t seq, uint64_t *ret_id);
void load_put(struct apply *a, uint64_t seq, uint64_t id);
/* The row of TABLE under KEY stands already and has the entry SEQ: if an import has made it, it is now more than that import's. */
void said_again(struct apply *a, enum table table, struct view key, uint64_t seq);
/* ROW, of entry SEQ, is about to be written over. */
void before_keep(struct apply *a, enum table table, struct view key, struct view row, uint64_t seq);
void before_drop(struct apply *a, enum table table, struct view key, uint64_t seq);
void before_forget(struct apply *a, const struct person_key *who);
struct before {
	bool again;
	struct view row; /* empty: there was none */
};
/* False: the row was new with entry SEQ, and nobody has said it since. */
bool before_read(struct txn *t, enum table table, struct view key, uint64_t seq, struct before *ret);

/* A set of rows under one entry: keys come in order, so that rows beyond the table's last go to its end. */
struct bulk {
	struct hasher *hasher;
	uint64_t rows;
	uint8_t last[TABLE_COUNT][SUPPRESSION_KEY];
	size_t last_n[TABLE_COUNT];
};
void bulk_begin(struct bulk *b, struct txn *txn, struct hasher *hasher);

/* ---- commit.c ---- */
int committer_start(struct ledger *l, struct err *err) MUST_CHECK;
void committer_stop(struct ledger *l); /* commits what waits */

/* ---- read.c ---- */
void scope_name_read(struct txn *t, struct scope *scope);
struct visit {
	const struct ledger_visitor *visitor;
	void *arg;
	bool bad; /* a row that can't be read */
};
void visit_suppressions(struct txn *t, enum table table, const struct person_key *who, struct visit *v);
void visit_allows(struct txn *t, const struct person_key *who, struct visit *v);
void visit_caps(struct txn *t, const struct person_key *who, struct visit *v);
void visit_subscriber(struct txn *t, const struct person_key *who, struct visit *v);
void visit_person(struct txn *t, const struct person_key *who, struct visit *v);
int visit_end(struct txn **t, const struct visit *v, struct err *err) MUST_CHECK;
/* The readable name of WHO within T, a person's or a subject's. 1; 0: there is none; -1: it doesn't open. */
int name_read(const struct ledger *l, struct txn *t, const struct person_key *who, struct buf *ret);
int look_record(struct txn *t, const struct person_key *who, struct arena *arena, struct record *ret, struct err *err) MUST_CHECK;
