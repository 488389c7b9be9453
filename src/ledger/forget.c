/* Erasure: what stays is a keyed hash, scope, reason and the times that keep it blocking. */
#include "ledger_internal.h"

#define FORGET_ROWS_MOST 4096

static struct view bytes_of(const void *p, size_t n)
{
	return view_n(p, n);
}

/* Erased for good? One may also be recorded with an end, as any suppression. */
static bool is_erased_for_ever(struct apply *a, const struct person_key *who)
{
	static const struct scope global = {.level = SCOPE_GLOBAL};
	uint8_t key[SUPPRESSION_KEY];
	struct view value;
	struct suppression row;
	suppression_key(key, who, &global, REASON_ERASURE);
	return txn_get(a->txn, TABLE_SUPPRESSIONS, bytes_of(key, sizeof key), &value) &&
	       suppression_decode(bytes_of(key, sizeof key), value, &row) && row.expires_ms == 0;
}

static bool keep_key(void *arg, struct view key, struct view value)
{
	(void)value;
	buf_add(arg, key);
	return true;
}

static int person_rows(
    struct apply *a, enum table table, const struct person_key *who, struct buf *keys, struct err *err)
{
	buf_clear(keys);
	txn_each(a->txn, table, bytes_of(who->b, PERSON_KEY_BYTES), PERSON_KEY_BYTES, keep_key, keys);
	return keys->failed ? err_set(err, ERR_LIMIT, "more than %d rows on one person", FORGET_ROWS_MOST) : 0;
}

static void suppression_bare(struct apply *a, struct view key)
{
	struct suppression row;
	struct view value;
	if (!txn_get(a->txn, TABLE_SUPPRESSIONS, key, &value) || !suppression_decode(key, value, &row))
		return; /* a row that can't be read blocks as it is */
	row.source[0] = row.actor[0] = row.note[0] = '\0';
	suppression_put(a, key, &row);
}

/* Grants go; a withdrawal stays, so that no old grant that comes again counts. */
static void consent_bare(struct apply *a, struct view key)
{
	struct consent row, bare;
	struct view value;
	if (!txn_get(a->txn, TABLE_CONSENTS, key, &value))
		return;
	if (!consent_decode(key, value, &row) || row.withdrawn_ms == 0) {
		txn_delete(a->txn, TABLE_CONSENTS, key);
		return;
	}
	bare = (struct consent){.channel = row.channel, .withdrawn_ms = row.withdrawn_ms, .seq = row.seq};
	if (consent_stands(row.basis, row.granted_ms, row.withdrawn_ms, 0, 0))
		bare.withdrawn_ms = row.granted_ms;
	struct buf b;
	buf_init(&b, CONSENT_MOST);
	consent_encode(&b, &bare);
	apply_put(a, TABLE_CONSENTS, key, &b);
	buf_free(&b);
}

int apply_forget(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	static const struct {
		enum table table;
		size_t key_bytes;
		void (*bare)(struct apply *, struct view key);
	} kinds[] = {
		{TABLE_SUPPRESSIONS, SUPPRESSION_KEY, suppression_bare},
		{TABLE_CONSENTS, CONSENT_KEY, consent_bare},
		{TABLE_CAPS, CONSENT_KEY, cap_bare},
	};
	struct view old, person = bytes_of(c->who.b, PERSON_KEY_BYTES);
	struct change tombstone = *c;
	struct buf keys;
	if (!txn_get(a->txn, TABLE_PERSONS, person, &old) && is_erased_for_ever(a, &c->who))
		return 0;
	buf_init(&keys, FORGET_ROWS_MOST * SUPPRESSION_KEY);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof kinds / sizeof *kinds; i++) {
		rc = person_rows(a, kinds[i].table, &c->who, &keys, err);
		for (size_t at = 0; rc == 0 && at < keys.n; at += kinds[i].key_bytes)
			kinds[i].bare(a, bytes_of(keys.p + at, kinds[i].key_bytes));
	}
	buf_free(&keys);
	if (rc < 0)
		return -1;
	ret->changed = true;
	ret->seq = apply_enter(a, c, a->event_ms, false);
	txn_delete(a->txn, TABLE_PERSONS, person);
	allows_drop(a, &c->who);
	links_drop(a, &c->who);
	before_forget(a, &c->who);
	txn_delete(a->txn, TABLE_SUBSCRIBERS, person);
	struct suppression row = {.seq = ret->seq};
	uint8_t key[SUPPRESSION_KEY];
	tombstone.reason = REASON_ERASURE;
	tombstone.scope = (struct scope){.level = SCOPE_GLOBAL};
	tombstone.expires_ms = 0;
	tombstone.source = tombstone.actor = tombstone.note = V("");
	suppression_merge(&row, &tombstone, a->event_ms, a->now_ms);
	suppression_key(key, &c->who, &tombstone.scope, REASON_ERASURE);
	suppression_put(a, bytes_of(key, sizeof key), &row);
	return 0;
}
