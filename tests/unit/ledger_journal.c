/* The journal: order, chain, forgery, bulk sets. */
#include "ledger_help.h"

#include <lmdb.h>

#include "crypto/hash.h"

static struct place place;
static struct ledger *l;

static int set_up(void **state)
{
	(void)state;
	place_make(&place);
	l = place_open(&place);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ledger_close(&l);
	place_remove(&place);
	return 0;
}

struct seen {
	unsigned count, stop_at;
	uint64_t last;
	uint8_t hash[32];
	struct journal_entry first;
	char note[NOTE_MAX + 1], scope[SCOPE_NAME_MAX + 1];
};

static bool see(void *arg, const struct journal_entry *e)
{
	struct seen *s = arg;
	if (s->count++ == 0)
		s->first = *e;
	else
		assert_memory_equal(e->previous, s->hash, 32);
	memcpy(s->hash, e->hash, 32);
	s->last = e->seq;
	view_str(e->note, s->note, sizeof s->note);
	memcpy(s->scope, e->scope.name, sizeof s->scope);
	return s->count != s->stop_at;
}

static struct seen journal(uint64_t from, unsigned stop_at)
{
	struct seen s = {.stop_at = stop_at};
	struct err err = {0};
	if (ledger_journal(l, from, see, &s, &err) < 0)
		fail_msg("ledger_journal: %s", err.text);
	return s;
}

static void entries(unsigned n)
{
	char address[40];
	for (unsigned i = 0; i < n; i++) {
		snprintf(address, sizeof address, "p%u@example.com", i);
		suppress_ok(l, address, "acme/offers", REASON_MANUAL);
	}
}

static void in_order_and_chained(void **state)
{
	uint64_t good = 99;
	struct err err = {0};
	(void)state;
	assert_int_equal(ledger_journal_last(l), 0);
	assert_int_equal(journal(0, 0).count, 0);
	assert_int_equal(ledger_journal_verify(l, &good, &err), 0);
	assert_int_equal(good, 0);
	entries(300); /* more than one page of the walk */
	struct seen s = journal(0, 0);
	assert_int_equal(s.count, 300);
	assert_int_equal(s.last, 300);
	assert_int_equal(s.first.kind, CHANGE_SUPPRESS);
	assert_int_equal(s.first.reason, REASON_MANUAL);
	assert_string_equal(s.scope, "acme/offers");
	s = journal(290, 5);
	assert_int_equal(s.count, 5);
	assert_int_equal(s.last, 294);
	assert_int_equal(ledger_journal_last(l), 300);
	assert_int_equal(ledger_journal_verify(l, &good, &err), 0);
	assert_int_equal(good, 300);
}

static void what_counts_not_is_on_record(void **state)
{
	(void)state;
	struct change c = change_on(l, CHANGE_WITHDRAW, "a@example.com", "acme");
	c.event_ms = 6000;
	change_ok(l, &c);
	c.kind = CHANGE_GRANT;
	c.basis = BASIS_CONSENT;
	c.event_ms = 5000;
	struct change_result r = change_ok(l, &c);
	assert_false(r.changed);
	assert_int_equal(r.seq, 2);
	struct seen s = journal(2, 0);
	assert_int_equal(s.first.kind, CHANGE_GRANT);
	assert_true(s.first.kept_only);
	change_ok(l, &c); /* again: nothing new to record */
	assert_int_equal(ledger_journal_last(l), 2);
}

/* Changes one stored byte behind the ledger's back, or takes an entry out. */
static void forge(uint64_t seq, size_t at, bool take_out)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	uint8_t key[8] = {0, 0, 0, 0, 0, 0, 0, (uint8_t)seq};
	unsigned char copy[2000];
	MDB_val k = {8, key}, v;
	ledger_close(&l);
	assert_int_equal(mdb_env_create(&env), 0);
	mdb_env_set_maxdbs(env, 8);
	assert_int_equal(mdb_env_open(env, place.data, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "journal", 0, &dbi), 0);
	assert_int_equal(mdb_get(txn, dbi, &k, &v), 0);
	assert_true(v.mv_size <= sizeof copy);
	memcpy(copy, v.mv_data, v.mv_size);
	copy[at] ^= 1;
	v.mv_data = copy;
	assert_int_equal(take_out ? mdb_del(txn, dbi, &k, NULL) : mdb_put(txn, dbi, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	l = place_open(&place);
}

static void forgery_is_found(void **state)
{
	/* From the end to the start, so that each forgery is the first one found. */
	static const struct {
		const char *what;
		uint64_t seq;
		size_t at;
		bool take_out;
		uint64_t found_at, good;
	} cases[] = {
		{"the detail", 7, 125, false, 7, 6},
		{"the hash of the entry before", 5, 3, false, 5, 4},
		{"the event time", 3, 40, false, 4, 3},
		{"an entry taken out", 2, 0, true, 3, 1},
	};
	(void)state;
	entries(10);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t good;
		struct err err = {0};
		char text[40];
		forge(cases[i].seq, cases[i].at, cases[i].take_out);
		assert_int_equal(ledger_journal_verify(l, &good, &err), -1);
		assert_int_equal(err.kind, ERR_CORRUPT);
		assert_int_equal(good, cases[i].good);
		snprintf(text, sizeof text, "entry %d:", (int)cases[i].found_at);
		if (!strstr(err.text, text))
			fail_msg("%s: %s", cases[i].what, err.text);
	}
}

/* ---- bulk ---- */

struct rows {
	unsigned next, n;
};

static bool next_row(void *arg, struct change *c)
{
	struct rows *r = arg;
	if (r->next >= r->n)
		return false;
	unsigned i = r->next++;
	*c = (struct change){.kind = i % 3 ? CHANGE_SUPPRESS : CHANGE_GRANT,
	    .channel = CHANNEL_EMAIL,
	    .scope = scope_named("acme"),
	    .reason = REASON_BOUNCE,
	    .basis = BASIS_CONSENT,
	    .event_ms = 5000 + i};
	uint8_t hash[32];
	sha256(view_n(&i, sizeof i), hash);
	memcpy(c->who.b, hash, sizeof c->who.b);
	return true;
}

static uint64_t load(unsigned n)
{
	struct rows r = {.n = n};
	uint64_t rows = 0;
	struct err err = {0};
	if (ledger_load(l, next_row, &r, V("import:1"), V("user:anna"), &rows, &err) < 0)
		fail_msg("ledger_load: %s", err.text);
	return rows;
}

static void a_set_is_one_entry(void **state)
{
	struct ledger_stats s;
	struct err err = {0};
	uint64_t good;
	(void)state;
	suppress_ok(l, "a@example.com", "", REASON_MANUAL);
	assert_int_equal(load(3000), 3000);
	assert_int_equal(ledger_journal_last(l), 2);
	assert_int_equal(journal(2, 0).first.kind, CHANGE_LOAD);
	assert_non_null(strstr(journal(2, 0).note, "rows=3000 sha256="));
	assert_int_equal(load(3000), 0); /* again: nothing */
	assert_int_equal(ledger_journal_last(l), 2);
	assert_int_equal(load(3300), 300); /* between the others */
	assert_int_equal(ledger_stats(l, &s, &err), 0);
	assert_int_equal(s.suppressions, 2201);
	assert_int_equal(s.consents, 1100);
	assert_int_equal(s.journal_entries, 3);
	assert_true(s.used_bytes > 0 && s.map_bytes >= s.used_bytes && s.readers > 0);
	assert_int_equal(ledger_journal_verify(l, &good, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order_and_chained, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_counts_not_is_on_record, set_up, tear_down),
		cmocka_unit_test_setup_teardown(forgery_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_set_is_one_entry, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
