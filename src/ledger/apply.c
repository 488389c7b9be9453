/* One change within a write transaction: look, merge, journal, write. Refusals come before the first write of a change; what the store
 * itself fails at sticks to the transaction and is found at commit. */
#include "ledger_internal.h"

#include "base/be.h"
#include "ledger/blocks.h"

static struct view bytes_of(const void *p, size_t n)
{
	return view_n(p, n);
}

void apply_begin(struct apply *a, const struct ledger *l, struct txn *txn)
{
	int64_t now = clock_wall(l->clock);
	*a = (struct apply){.ledger = l, .txn = txn, .now_ms = now > 0 ? now : 1};
	journal_tail_read(txn, &a->tail);
}

/* ---- writing ---- */

void bulk_begin(struct bulk *b, struct txn *txn, struct hasher *hasher)
{
	*b = (struct bulk){.hasher = hasher};
	for (enum table t = 0; t < TABLE_COUNT; t++) {
		struct view key, value;
		if (txn_last(txn, t, &key, &value) && key.n <= SUPPRESSION_KEY) {
			memcpy(b->last[t], key.p, key.n);
			b->last_n[t] = key.n;
		}
	}
}

static void bulk_put(struct apply *a, enum table table, struct view key, struct view value)
{
	struct bulk *b = a->bulk;
	hasher_add(b->hasher, key);
	hasher_add(b->hasher, value);
	if (view_cmp(key, bytes_of(b->last[table], b->last_n[table])) <= 0) {
		txn_put(a->txn, table, key, value);
		return;
	}
	txn_put_last(a->txn, table, key, value);
	memcpy(b->last[table], key.p, key.n);
	b->last_n[table] = key.n;
}

void apply_put(struct apply *a, enum table table, struct view key, const struct buf *value)
{
	ALWAYS(!value->failed);
	if (a->bulk)
		bulk_put(a, table, key, buf_view(value));
	else
		txn_put(a->txn, table, key, buf_view(value));
}

uint64_t apply_enter(struct apply *a, const struct change *c, int64_t event_ms, bool kept_only)
{
	a->entered = true;
	if (!a->bulk)
		return journal_append(a->txn, &a->tail, c, event_ms, a->now_ms, kept_only);
	a->bulk->rows++;
	return a->tail.seq + 1;
}

/* Keeps the scope's name for those who read. Two names with one id would make one block for the other. */
static int name_keep(struct apply *a, const struct scope *scope, struct err *err)
{
	struct scope stored = *scope;
	struct view value;
	if (scope->level == SCOPE_GLOBAL || !scope->name[0])
		return 0;
	if (memcmp(a->named.id, scope->id, SCOPE_ID_BYTES) == 0 && strcmp(a->named.name, scope->name) == 0)
		return 0;
	struct view key = bytes_of(scope->id, SCOPE_ID_BYTES);
	if (txn_get(a->txn, TABLE_NAMES, key, &value)) {
		if (!name_decode(value, &stored) || strcmp(stored.name, scope->name) != 0)
			return err_set(err, ERR_CONFLICT, "scope \"%s\": its id is taken by another name", scope->name);
	} else {
		struct buf b;
		buf_init(&b, NAME_MOST);
		name_encode(&b, scope);
		txn_put(a->txn, TABLE_NAMES, key, buf_view(&b));
		buf_free(&b);
	}
	a->named = *scope;
	return 0;
}

/* ---- the person record ---- */

static bool is_erased(struct apply *a, const struct person_key *who)
{
	static const struct scope global = {.level = SCOPE_GLOBAL};
	uint8_t key[SUPPRESSION_KEY];
	struct view value;
	suppression_key(key, who, &global, REASON_ERASURE);
	return txn_get(a->txn, TABLE_SUPPRESSIONS, bytes_of(key, sizeof key), &value);
}

/* True when the record is new. An erased person's address is not written down again. */
bool apply_person(struct apply *a, const struct change *c)
{
	struct view old, key = bytes_of(c->who.b, PERSON_KEY_BYTES);
	enum table table = names_table(c->channel);
	if (c->address.n == 0 || txn_get(a->txn, table, key, &old) || is_erased(a, &c->who))
		return false;
	struct buf b;
	buf_init(&b, 1024);
	person_seal(a->ledger, &c->who, c->channel, c->address, &b);
	apply_put(a, table, key, &b);
	buf_free(&b);
	return true;
}

/* Beside a change that changed nothing: a new record is a change of its own. */
void apply_person_entered(struct apply *a, const struct change *c)
{
	struct change p = {
	    .kind = CHANGE_PERSON, .channel = c->channel, .who = c->who, .source = c->source, .actor = c->actor};
	if (apply_person(a, c))
		apply_enter(a, &p, a->now_ms, false);
}

static int remember(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	(void)err;
	ret->changed = apply_person(a, c);
	if (ret->changed)
		ret->seq = apply_enter(a, c, a->event_ms, false);
	return 0;
}

/* ---- suppressions ---- */

static int corrupt_row(const char *what, struct err *err)
{
	return err_set(err, ERR_CORRUPT, "ledger: a %s row can't be read; nothing is written over it", what);
}

void suppression_put(struct apply *a, struct view key, const struct suppression *row)
{
	struct buf b;
	buf_init(&b, SUPPRESSION_MOST);
	suppression_encode(&b, row);
	apply_put(a, rows_table(row->channel), key, &b);
	if (channel_is_block(row->channel))
		kinds_add(a->txn, KIND_OF(row->channel));
	buf_free(&b);
}

int suppress_one(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	uint8_t key_bytes[SUPPRESSION_KEY];
	struct suppression row = {0};
	struct view value, key = bytes_of(key_bytes, sizeof key_bytes);
	suppression_key(key_bytes, &c->who, &c->scope, c->reason);
	bool stood = txn_get(a->txn, rows_table(c->channel), key, &value);
	if (stood && !suppression_decode(key, value, &row))
		return corrupt_row("suppression", err);
	ret->seq = row.seq;
	ret->changed = suppression_merge(&row, c, a->event_ms, a->now_ms);
	if (!ret->changed) {
		said_again(a, rows_table(c->channel), key, row.seq);
		apply_person_entered(a, c);
		return 0;
	}
	if (stood)
		before_keep(a, rows_table(c->channel), key, value, row.seq);
	ret->seq = row.seq = apply_enter(a, c, a->event_ms, false);
	suppression_put(a, key, &row);
	apply_person(a, c);
	return 0;
}

static int suppress(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	return suppress_one(a, c, ret, err) < 0 ? -1 : links_spread(a, c, ret->seq, err);
}

static bool consent_at(struct apply *a, const struct change *c, struct consent *ret)
{
	uint8_t key_bytes[CONSENT_KEY];
	struct view value, key = bytes_of(key_bytes, sizeof key_bytes);
	consent_key(key_bytes, &c->who, &c->scope);
	return txn_get(a->txn, TABLE_CONSENTS, key, &value) && consent_decode(key, value, ret);
}

/* What only the store knows of whether ROW may go: the request, or the consent given since. */
static int removal_allowed(struct apply *a, const struct change *c, const struct suppression *row, struct err *err)
{
	struct journal_record request;
	struct consent consent;
	struct view value;
	uint8_t seq[8];
	if (!removal_needs_consent(c) || (consent_at(a, c, &consent) && removal_agreed(row, &consent, a->now_ms)))
		return 0;
	if (!c->request)
		return err_set(err, ERR_REFUSED, "removing a suppression of reason %s needs a second person's approval, or a "
		    "confirmed sign-up of the recipient since", reason_word(c->reason));
	be_put(seq, c->request, 8);
	bool there = txn_get(a->txn, TABLE_JOURNAL, bytes_of(seq, 8), &value) && journal_decode(bytes_of(seq, 8), value, &request);
	return removal_approved(c, row, there ? &request.entry : NULL, a->now_ms, err);
}

/* False: there is no such row, or it is not the one of C's entry. */
static bool row_of(struct apply *a, const struct change *c, uint8_t key_bytes[SUPPRESSION_KEY], struct suppression *ret)
{
	struct view value, key = bytes_of(key_bytes, SUPPRESSION_KEY);
	*ret = (struct suppression){0};
	suppression_key(key_bytes, &c->who, &c->scope, c->reason);
	if (!txn_get(a->txn, rows_table(c->channel), key, &value))
		return false;
	bool readable = suppression_decode(key, value, ret);
	return !c->row || (readable && ret->seq == c->row);
}

/* Exactly the row named by scope and reason; no other. */
static int unsuppress(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	uint8_t key_bytes[SUPPRESSION_KEY];
	struct view key = bytes_of(key_bytes, sizeof key_bytes);
	struct suppression row;
	if (!row_of(a, c, key_bytes, &row))
		return c->row ? err_set(err, ERR_CONFLICT, "the suppression of entry %llu stands no longer", (unsigned long long)c->row)
			      : 0;
	if (removal_allowed(a, c, &row, err) < 0)
		return -1;
	ret->seq = apply_enter(a, c, a->event_ms, false);
	ret->changed = true;
	txn_delete(a->txn, rows_table(c->channel), key);
	before_drop(a, rows_table(c->channel), key, row.seq);
	block_name_drop(a, c);
	return 0;
}

/* ---- consents ---- */

static bool latest_grant(void *arg, struct view key, struct view value)
{
	int64_t *latest = arg;
	struct consent_row row;
	if (consent_row_decode(key, value, &row) && row.granted_ms > *latest)
		*latest = row.granted_ms;
	return true;
}

/* Who withdraws now withdraws every grant made up to now, also one that a clock running ahead has dated later. */
static int64_t withdrawal_time(struct apply *a, const struct change *c)
{
	int64_t latest = 0;
	txn_each(a->txn, TABLE_CONSENTS, bytes_of(c->who.b, PERSON_KEY_BYTES), PERSON_KEY_BYTES, latest_grant, &latest);
	bool now = c->event_ms == 0 || c->event_ms >= a->now_ms || latest > a->now_ms;
	return now && latest > a->event_ms ? latest : a->event_ms;
}

static int agree(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	uint8_t key_bytes[CONSENT_KEY];
	struct consent row = {0};
	struct view value, key = bytes_of(key_bytes, sizeof key_bytes);
	if (c->kind == CHANGE_GRANT && c->basis == BASIS_CONSENT && c->demands & 1u << EVIDENCE_STORED && !wording_is_kept(a->txn, c->wording))
		return err_set(err, ERR_REFUSED, "the brand asks for a wording whose text is kept: there is none of the id \"%.*s\"", VFMT(c->wording));
	consent_key(key_bytes, &c->who, &c->scope);
	bool stood = txn_get(a->txn, TABLE_CONSENTS, key, &value);
	if (stood && !consent_decode(key, value, &row))
		return corrupt_row("consent", err);
	int64_t event_ms = c->kind == CHANGE_WITHDRAW ? withdrawal_time(a, c) : a->event_ms;
	ret->seq = row.seq;
	if (!consent_merge(&row, c, event_ms, &ret->changed)) {
		said_again(a, TABLE_CONSENTS, key, row.seq);
		apply_person_entered(a, c);
		return 0;
	}
	if (stood)
		before_keep(a, TABLE_CONSENTS, key, value, row.seq);
	ret->seq = row.seq = apply_enter(a, c, event_ms, !ret->changed);
	struct buf b;
	buf_init(&b, CONSENT_MOST);
	consent_encode(&b, &row);
	apply_put(a, TABLE_CONSENTS, key, &b);
	buf_free(&b);
	apply_person(a, c);
	return 0;
}

/* Nothing to remove, nothing to ask for. */
static int request(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	uint8_t key[SUPPRESSION_KEY];
	struct suppression row;
	(void)err;
	if (!row_of(a, c, key, &row))
		return 0;
	ret->changed = true;
	ret->seq = apply_enter(a, c, a->event_ms, false);
	return 0;
}

static int note(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	(void)err;
	ret->changed = true;
	ret->seq = apply_enter(a, c, a->event_ms, false);
	return 0;
}

/* apply_change sees to the family of every address. */
static int name_only(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	(void)a;
	(void)c;
	(void)ret;
	(void)err;
	return 0;
}

/* ---- the table of operations ---- */

static const struct operation {
	int (*apply)(struct apply *a, const struct change *c, struct change_result *ret, struct err *err);
	bool in_bulk;
} operations[] = {
	[CHANGE_SUPPRESS] = {suppress, true},
	[CHANGE_UNSUPPRESS] = {unsuppress, false},
	[CHANGE_GRANT] = {agree, true},
	[CHANGE_WITHDRAW] = {agree, true},
	[CHANGE_PERSON] = {remember, true},
	[CHANGE_FORGET] = {apply_forget, false},
	[CHANGE_NOTE] = {note, false},
	[CHANGE_REQUEST] = {request, false},
	[CHANGE_ALLOW] = {apply_allow, true},
	[CHANGE_DISALLOW] = {apply_disallow, false},
	[CHANGE_FAMILY] = {name_only, false},
	[CHANGE_CAP] = {apply_cap, true},
	[CHANGE_UNCAP] = {apply_cap, false},
	[CHANGE_WORDING] = {apply_wording, false},
	[CHANGE_CORPORATE] = {apply_subscriber, false},
	[CHANGE_INDIVIDUAL] = {apply_subscriber, false},
	[CHANGE_LINK] = {apply_link, false},
	[CHANGE_UNLINK] = {apply_unlink, false},
};

int apply_change(struct apply *a, const struct change *c, struct change_result *ret, struct err *err)
{
	const struct operation *op = &operations[c->kind];
	/* Nothing happened in the future: a grant dated there would outlive the withdrawals of today. */
	a->event_ms = c->event_ms && c->event_ms < a->now_ms ? c->event_ms : a->now_ms;
	a->entered = false;
	*ret = (struct change_result){0};
	if (a->bulk && !op->in_bulk)
		return err_set(err, ERR_REFUSED, "%s is not for bulk loading", change_word(c->kind));
	if (name_keep(a, &c->scope, err) < 0)
		return -1;
	if (op->apply(a, c, ret, err) < 0)
		return -1;
	if (c->channel == CHANNEL_EMAIL && c->address.n)
		family_keep(a->ledger, a->txn, &c->who, c->address);
	return 0;
}
