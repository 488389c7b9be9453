/* Anchors, and dropping words that are no longer needed. */
#include "ledger_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/codec.h"
#include "ledger/upkeep.h"

#define PRUNE_SET 1000 /* entries of one transaction */

/* ---- anchors ---- */

static bool take_anchor(void *arg, const struct journal_entry *e)
{
	struct journal_anchor *a = arg;
	a->seq = e->seq;
	a->arrived_ms = e->arrived_ms;
	memcpy(a->hash, e->hash, sizeof a->hash);
	return false;
}

int ledger_journal_anchor(struct ledger *l, struct journal_anchor *ret, struct err *err)
{
	struct journal_anchor a = {0};
	uint64_t last = ledger_journal_last(l);
	if (last == 0)
		return err_set(err, ERR_MISSING, "the journal has no entry yet");
	if (ledger_journal(l, last, take_anchor, &a, err) < 0)
		return -1;
	if (a.seq < last)
		return err_set(err, ERR_CORRUPT, "journal: entry %llu has gone", (unsigned long long)last);
	*ret = a;
	return 0;
}

int ledger_journal_has(struct ledger *l, const struct journal_anchor *a, struct err *err)
{
	struct journal_anchor found = {0};
	if (ledger_journal(l, a->seq, take_anchor, &found, err) < 0)
		return -1;
	if (found.seq != a->seq)
		return err_set(err, ERR_CORRUPT, "journal: entry %llu is missing", (unsigned long long)a->seq);
	if (memcmp(found.hash, a->hash, sizeof a->hash) != 0)
		return err_set(err, ERR_CORRUPT, "journal: entry %llu is another one than was anchored: what stands before it was written anew",
		    (unsigned long long)a->seq);
	return 0;
}

void journal_anchor_text(const struct journal_anchor *a, char dst[ANCHOR_LINE])
{
	char at[TIME_TEXT];
	struct buf hex;
	time_text(a->arrived_ms, at);
	buf_init(&hex, 2 * HASH_BYTES + 1);
	hex_encode(&hex, view_n(a->hash, HASH_BYTES));
	snprintf(dst, ANCHOR_LINE, "optgate-journal 1 %llu %s %s", (unsigned long long)a->seq, at, buf_cstr(&hex));
	buf_free(&hex);
}

bool journal_anchor_parse(struct view line, struct journal_anchor *ret)
{
	struct view rest = view_trim(line), mark, version, seq, at, hash;
	struct journal_anchor a = {0};
	bool good = view_word(&rest, &mark) && view_eq(mark, V("optgate-journal")) && view_word(&rest, &version) && view_eq(version, V("1")) &&
		    view_word(&rest, &seq) && view_u64(seq, UINT64_MAX, &a.seq) && a.seq && view_word(&rest, &at) &&
		    time_parse(at.p, at.n, &a.arrived_ms) && view_word(&rest, &hash) && hex_decode(hash, a.hash, sizeof a.hash) &&
		    view_trim(rest).n == 0;
	char text[TIME_TEXT] = "-";
	if (good)
		time_text(a.arrived_ms, text); /* a leap second may lie beyond what can be written */
	good = good && text[0] != '-';
	if (good)
		*ret = a;
	return good;
}

/* ---- dropping words ---- */

struct prune {
	int64_t before_ms;
	const struct person_key *who;
	uint64_t seqs[PRUNE_SET];
	unsigned count;
	uint64_t next;
};

static bool is_about_a_person(enum change_kind k)
{
	return k == CHANGE_SUPPRESS || k == CHANGE_UNSUPPRESS || k == CHANGE_GRANT || k == CHANGE_WITHDRAW || k == CHANGE_PERSON ||
	       k == CHANGE_FORGET || k == CHANGE_REQUEST || k == CHANGE_ALLOW || k == CHANGE_DISALLOW ||
	       k == CHANGE_CAP || k == CHANGE_UNCAP || (k >= CHANGE_CORPORATE && k <= CHANGE_UNLINK);
}

static bool choose(void *arg, const struct journal_entry *e)
{
	struct prune *p = arg;
	p->next = e->seq + 1;
	bool has_words = e->actor.n || e->source.n || e->note.n || e->wording.n || e->evidence.n;
	if (has_words && is_about_a_person(e->kind) && e->arrived_ms < p->before_ms &&
	    (!p->who || memcmp(p->who->b, e->who.b, PERSON_KEY_BYTES) == 0))
		p->seqs[p->count++] = e->seq;
	return p->count < PRUNE_SET;
}

/* Within T: the core alone is put back. */
static void drop_words(struct txn *t, const struct prune *p)
{
	for (unsigned i = 0; i < p->count; i++) {
		char core[JOURNAL_CORE];
		uint8_t key[8];
		struct view value;
		be_put(key, p->seqs[i], 8);
		if (!txn_get(t, TABLE_JOURNAL, view_n(key, sizeof key), &value) || value.n <= JOURNAL_CORE)
			continue;
		memcpy(core, value.p, JOURNAL_CORE);
		txn_put(t, TABLE_JOURNAL, view_n(key, sizeof key), view_n(core, sizeof core));
	}
}

static int drop_set(struct ledger *l, const struct prune *p, struct err *err)
{
	bool again;
	int rc;
	do {
		struct txn *t = NULL;
		again = false;
		if (store_write(l->store, &t, err) < 0)
			return -1;
		drop_words(t, p);
		rc = txn_commit(&t, &again, err);
	} while (rc < 0 && again);
	return rc;
}

static int note_prune(struct ledger *l, uint64_t count, const struct person_key *who, struct view actor, struct err *err)
{
	char text[NOTE_MAX + 1];
	struct change_result r;
	snprintf(text, sizeof text, "words of %llu older entries dropped%s", (unsigned long long)count, who ? ", of one person" : "");
	const struct change c = {.kind = CHANGE_NOTE, .note = view_of(text), .actor = actor, .source = V("prune")};
	return ledger_change(l, &c, &r, err);
}

int ledger_journal_prune(struct ledger *l, int64_t before_ms, const struct person_key *who, struct view actor, uint64_t *ret_count, struct err *err)
{
	struct prune *p = mem_zero(sizeof *p);
	*p = (struct prune){.before_ms = before_ms, .who = who, .next = 1};
	uint64_t total = 0;
	int rc;
	do {
		p->count = 0;
		rc = ledger_journal(l, p->next, choose, p, err);
		if (rc == 0 && p->count)
			rc = drop_set(l, p, err);
		total += rc == 0 ? p->count : 0;
	} while (rc == 0 && p->count == PRUNE_SET);
	free(p);
	if (rc == 0 && total)
		rc = note_prune(l, total, who, actor, err);
	*ret_count = total;
	return rc;
}
