/* Allow rows, and the texts of subjects: they go with the last row. */
#include "ledger_internal.h"

#include "ledger/blocks.h"

static struct view allow_key(uint8_t dst[CONSENT_KEY], const struct change *c)
{
	consent_key(dst, &c->who, &c->scope);
	return view_n(dst, CONSENT_KEY);
}

static struct suppression row_of(const struct change *c, int64_t event_ms, int64_t now_ms)
{
	struct suppression row = {
	    .channel = c->channel, .scope = c->scope, .event_ms = event_ms, .arrived_ms = now_ms, .expires_ms = c->expires_ms};
	ALWAYS(view_str(c->source, row.source, sizeof row.source) && view_str(c->actor, row.actor, sizeof row.actor) &&
	    view_str(c->note, row.note, sizeof row.note));
	return row;
}

/* The latest word counts: one that allows for longer, or for less long. */
int apply_allow(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	uint8_t key_bytes[CONSENT_KEY];
	struct suppression old;
	struct view value, key = allow_key(key_bytes, c);
	if (txn_get(a->txn, TABLE_ALLOWS, key, &value)) {
		if (!allow_decode(key, value, &old))
			return err_set(err, ERR_CORRUPT, "ledger: an allow row can't be read; nothing is written over it");
		ret->seq = old.seq;
		if (old.expires_ms == c->expires_ms) {
			said_again(a, TABLE_ALLOWS, key, old.seq);
			apply_person_entered(a, c);
			return 0;
		}
		before_keep(a, TABLE_ALLOWS, key, value, old.seq);
	}
	struct suppression row = row_of(c, a->event_ms, a->now_ms);
	struct buf b;
	ret->changed = true;
	ret->seq = row.seq = apply_enter(a, c, a->event_ms, false);
	buf_init(&b, SUPPRESSION_MOST);
	suppression_encode(&b, &row);
	apply_put(a, TABLE_ALLOWS, key, &b);
	buf_free(&b);
	kinds_add(a->txn, KIND_ALLOW);
	apply_person(a, c);
	return 0;
}

int apply_disallow(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	uint8_t key_bytes[CONSENT_KEY];
	struct view value, key = allow_key(key_bytes, c);
	(void)err;
	if (!txn_get(a->txn, TABLE_ALLOWS, key, &value))
		return 0;
	ret->changed = true;
	ret->seq = apply_enter(a, c, a->event_ms, false);
	txn_delete(a->txn, TABLE_ALLOWS, key);
	block_name_drop(a, c);
	return 0;
}

static bool keep_first(void *arg, struct view key, struct view value)
{
	(void)value;
	buf_add(arg, key);
	return false;
}

static bool first_row(struct apply *a, enum table table, const struct person_key *who, struct buf *ret_key)
{
	buf_clear(ret_key);
	txn_each(a->txn, table, view_n(who->b, PERSON_KEY_BYTES), PERSON_KEY_BYTES, keep_first, ret_key);
	return ret_key->n > 0;
}

void allows_drop(struct apply *a, const struct person_key *who)
{
	struct buf key;
	buf_init(&key, SUPPRESSION_KEY);
	while (first_row(a, TABLE_ALLOWS, who, &key))
		txn_delete(a->txn, TABLE_ALLOWS, buf_view(&key));
	buf_free(&key);
}

void block_name_drop(struct apply *a, const struct change *c)
{
	struct buf key;
	if (!channel_is_block(c->channel))
		return;
	buf_init(&key, SUPPRESSION_KEY);
	if (!first_row(a, TABLE_BLOCKS, &c->who, &key) && !first_row(a, TABLE_ALLOWS, &c->who, &key))
		txn_delete(a->txn, TABLE_BLOCK_NAMES, view_n(c->who.b, PERSON_KEY_BYTES));
	buf_free(&key);
}
