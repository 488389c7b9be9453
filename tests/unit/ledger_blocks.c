/* Rows of domains and digests, allow rows, families. */
#include "ledger_help.h"

#include <lmdb.h>

#include "crypto/hash.h"
#include "ledger/blocks.h"
#include "ledger/person.h"
#include "ledger/wording.h"
#include "ledger/upkeep.h"
#include "ledger/walk.h"

static struct place place;
static struct ledger *l;

static int begin(void **state)
{
	(void)state;
	test_now_ms = 1000000;
	place_make(&place);
	l = place_open(&place);
	return 0;
}

static int end(void **state)
{
	(void)state;
	ledger_close(&l);
	place_remove(&place);
	return 0;
}

/* ---- names ---- */

static void names_are_parsed(void **state)
{
	static const struct {
		const char *text, *canonical; /* NULL: refused */
		enum channel channel;
	} cases[] = {
	    {"@Example.COM", "@example.com", CHANNEL_DOMAIN},
	    {" @example.com ", "@example.com", CHANNEL_DOMAIN},
	    {"@b\xc3\xbc" "cher.example", "@xn--bcher-kva.example", CHANNEL_DOMAIN},
	    {"*.example.com", "*.example.com", CHANNEL_BELOW},
	    {"*.com", "*.com", CHANNEL_BELOW},
	    {"md5:D41D8CD98F00B204E9800998ECF8427E", "md5:d41d8cd98f00b204e9800998ecf8427e", CHANNEL_MD5},
	    {"d41d8cd98f00b204e9800998ecf8427e", "md5:d41d8cd98f00b204e9800998ecf8427e", CHANNEL_MD5},
	    {"da39a3ee5e6b4b0d3255bfef95601890afd80709", "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", CHANNEL_SHA1},
	    {"SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", CHANNEL_SHA256},
	    {"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
	    "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
	    CHANNEL_SHA512},
	    {"", NULL, 0},
	    {"@", NULL, 0},
	    {"*.", NULL, 0},
	    {"*", NULL, 0},
	    {"example.com", NULL, 0},
	    {"ann@example.com", NULL, 0},
	    {"@exa mple.com", NULL, 0},
	    {"*.*.example.com", NULL, 0},
	    {"md5:", NULL, 0},
	    {"md5:d41d8cd98f00b204e9800998ecf8427", NULL, 0},
	    {"sha1:d41d8cd98f00b204e9800998ecf8427e", NULL, 0},
	    {"g41d8cd98f00b204e9800998ecf8427e", NULL, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct block_name n;
		struct err err = {0};
		int rc = block_name_parse(view_of(cases[i].text), &n, &err);
		if ((rc == 0) != (cases[i].canonical != NULL))
			fail_msg("\"%s\": %s", cases[i].text, rc ? err.text : n.text);
		if (rc < 0) {
			assert_int_equal(err.kind, ERR_SYNTAX);
			continue;
		}
		assert_string_equal(n.text, cases[i].canonical);
		assert_int_equal(n.channel, cases[i].channel);
		assert_true(block_name_is_meant(view_of(cases[i].text)));
		struct block_name again;
		assert_int_equal(block_name_parse(view_of(n.text), &again, NULL), 0);
		assert_string_equal(again.text, n.text);
	}
	assert_false(block_name_is_meant(V("ann@example.com")));
}

/* ---- rows ---- */

static struct change about(enum change_kind kind, const char *name, const char *scope)
{
	static struct block_name kept[8];
	static unsigned at;
	struct block_name *n = &kept[at++ % 8];
	struct change c = change_on(l, kind, "", scope);
	assert_int_equal(block_name_parse(view_of(name), n, NULL), 0);
	change_about(l, n, &c);
	c.reason = REASON_MANUAL;
	c.note = V("for a test");
	return c;
}

static struct change_result block(const char *name, const char *scope)
{
	struct change c = about(CHANGE_SUPPRESS, name, scope);
	return change_ok(l, &c);
}

struct seen {
	unsigned suppressions, consents, allows;
	uint64_t seq;
};

static void see_suppression(void *arg, const struct suppression_row *row)
{
	struct seen *s = arg;
	s->suppressions++;
	s->seq = row->seq;
}

static void see_consent(void *arg, const struct consent_row *row)
{
	struct seen *s = arg;
	(void)row;
	s->consents++;
}

static void see_allow(void *arg, const struct suppression_row *row)
{
	struct seen *s = arg;
	assert_int_equal(row->reason, 0);
	s->allows++;
}

static struct seen seen_by(const struct asked *a)
{
	static const struct ledger_visitor visitor = {.suppression = see_suppression, .consent = see_consent, .allow = see_allow};
	struct seen s = {0};
	struct err err = {0};
	if (ledger_ask(l, a, &visitor, &s, &err) < 0)
		fail_msg("%s", err.text);
	return s;
}

static struct seen seen_of(const char *address, bool family)
{
	const struct asked a = {.who = person_of(l, address), .address = view_of(address), .family = family};
	return seen_by(&a);
}

static unsigned blocks(const char *address)
{
	return seen_of(address, false).suppressions;
}

static void a_domain_row_is_of_the_domain_alone(void **state)
{
	(void)state;
	assert_int_equal(blocks("ann@example.com"), 0);
	uint64_t seq = block("@example.com", "").seq;
	assert_int_equal(seen_of("ann@example.com", false).seq, seq);
	assert_int_equal(blocks("bob@example.com"), 1);
	assert_int_equal(blocks("ann@sub.example.com"), 0);
	assert_int_equal(blocks("ann@example.org"), 0);
	assert_int_equal(blocks("ann@notexample.com"), 0);
}

static void a_row_below_a_domain_is_not_of_itself(void **state)
{
	(void)state;
	block("*.example.com", "acme");
	assert_int_equal(blocks("ann@example.com"), 0);
	assert_int_equal(blocks("ann@a.example.com"), 1);
	assert_int_equal(blocks("ann@b.a.example.com"), 1);
	assert_int_equal(blocks("ann@badexample.com"), 0);
	block("*.a.example.com", "acme");
	assert_int_equal(blocks("ann@b.a.example.com"), 2);
	assert_int_equal(blocks("ann@a.example.com"), 1);
}

static void digest_name(enum digest d, const char *word, const char *address, char dst[BLOCK_TEXT])
{
	uint8_t bytes[64];
	digest(d, view_of(address), bytes);
	int n = snprintf(dst, BLOCK_TEXT, "%s:", word);
	for (size_t i = 0; i < digest_bytes(d); i++)
		n += snprintf(dst + n, BLOCK_TEXT - (size_t)n, "%02x", bytes[i]);
}

static void digests_are_matched_one_kind_at_a_time(void **state)
{
	static const struct {
		enum digest digest;
		const char *word;
	} kinds[] = {{DIGEST_MD5, "md5"}, {DIGEST_SHA1, "sha1"}, {DIGEST_SHA256, "sha256"}, {DIGEST_SHA512, "sha512"}};
	char name[BLOCK_TEXT];
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		digest_name(kinds[i].digest, kinds[i].word, "ann@example.com", name);
		block(name, "");
		assert_int_equal(blocks("ann@example.com"), i + 1);
		assert_int_equal(blocks("bob@example.com"), 0);
	}
}

/* What others can compute, too: the digest is of the bare canonical address. */
static void a_digest_is_the_one_that_others_make(void **state)
{
	(void)state;
	block("257c57037d384ae37ea27a07e8a01665", ""); /* printf ann@example.com | md5sum */
	assert_int_equal(blocks("ann@example.com"), 1);
	block("85e20fa15f500fa17c1b6975c6647445094c26d9", ""); /* sha1sum */
	assert_int_equal(blocks("ann@example.com"), 2);
}

static void a_row_goes_with_a_reason_and_so_does_its_name(void **state)
{
	struct change_result r;
	struct err err = {0};
	(void)state;
	block("@example.com", "");
	block("@example.com", "acme");
	struct change c = about(CHANGE_UNSUPPRESS, "@example.com", "");
	c.note = V("");
	assert_int_equal(ledger_change(l, &c, &r, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	c.note = V("a mistake");
	assert_true(change_ok(l, &c).changed);
	assert_int_equal(blocks("ann@example.com"), 1);
	struct buf name;
	buf_init(&name, BLOCK_TEXT);
	assert_int_equal(ledger_person(l, &c.who, &name, &err), 0);
	assert_string_equal(buf_cstr(&name), "@example.com");
	c.scope = scope_named("acme");
	assert_true(change_ok(l, &c).changed);
	buf_clear(&name);
	assert_int_equal(ledger_person(l, &c.who, &name, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
	buf_free(&name);
}

static void an_objection_of_a_domain_needs_a_second_person(void **state)
{
	struct change_result r;
	struct err err = {0};
	(void)state;
	struct change c = about(CHANGE_SUPPRESS, "@example.com", "");
	c.reason = REASON_OBJECTION;
	change_ok(l, &c);
	c.kind = CHANGE_UNSUPPRESS;
	assert_int_equal(ledger_change(l, &c, &r, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	c.kind = CHANGE_REQUEST;
	c.request = change_ok(l, &c).seq;
	c.kind = CHANGE_UNSUPPRESS;
	c.actor = V("user:other");
	assert_true(change_ok(l, &c).changed);
	assert_int_equal(blocks("ann@example.com"), 0);
}

static void only_people_consent(void **state)
{
	static const enum change_kind kinds[] = {CHANGE_GRANT, CHANGE_WITHDRAW, CHANGE_PERSON, CHANGE_FORGET};
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct change c = about(kinds[i], "@example.com", "acme");
		struct change_result r;
		struct err err = {0};
		c.basis = BASIS_CONSENT;
		assert_int_equal(ledger_change(l, &c, &r, &err), -1);
		assert_int_equal(err.kind, ERR_REFUSED);
	}
}

/* A token names only a key: the person's record has the address. */
static void a_key_alone_is_asked_by_its_record(void **state)
{
	(void)state;
	struct change c = change_on(l, CHANGE_PERSON, "ann@example.com", "");
	change_ok(l, &c);
	block("@example.com", "");
	const struct asked known = {.who = person_of(l, "ann@example.com")}, unknown = {.who = person_of(l, "bob@example.com")};
	assert_int_equal(seen_by(&known).suppressions, 1);
	assert_int_equal(seen_by(&unknown).suppressions, 0);
}

/* ---- allow rows ---- */

static void an_allow_row_comes_with_a_reason_and_goes(void **state)
{
	struct change c = change_on(l, CHANGE_ALLOW, "seed@example.com", "acme");
	struct change_result r;
	struct err err = {0};
	(void)state;
	assert_int_equal(ledger_change(l, &c, &r, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	c.note = V("our seed");
	c.actor = V("");
	assert_int_equal(ledger_change(l, &c, &r, &err), -1);
	c.actor = V("user:test");
	assert_true(change_ok(l, &c).changed);
	assert_false(change_ok(l, &c).changed);
	c.expires_ms = test_now_ms + 1000;
	assert_true(change_ok(l, &c).changed);
	assert_int_equal(seen_of("seed@example.com", false).allows, 1);
	assert_int_equal(seen_of("other@example.com", false).allows, 0);
	struct change domain = about(CHANGE_ALLOW, "*.test.example", "");
	change_ok(l, &domain);
	assert_int_equal(seen_of("any@in.test.example", false).allows, 1);
	assert_int_equal(seen_of("any@test.example", false).allows, 0);
	c.kind = CHANGE_DISALLOW;
	assert_true(change_ok(l, &c).changed);
	assert_false(change_ok(l, &c).changed);
	assert_int_equal(seen_of("seed@example.com", false).allows, 0);
	struct change digest = about(CHANGE_ALLOW, "md5:d41d8cd98f00b204e9800998ecf8427e", "");
	assert_int_equal(ledger_change(l, &digest, &r, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
}

static void an_erased_person_is_allowed_no_longer(void **state)
{
	struct change c = change_on(l, CHANGE_ALLOW, "seed@example.com", "");
	(void)state;
	c.note = V("our seed");
	change_ok(l, &c);
	c.scope = scope_named("acme");
	change_ok(l, &c);
	assert_int_equal(seen_of("seed@example.com", false).allows, 2);
	struct change forget = change_on(l, CHANGE_FORGET, "seed@example.com", "");
	change_ok(l, &forget);
	assert_int_equal(seen_of("seed@example.com", false).allows, 0);
}

/* ---- families ---- */

static void suppress(const char *address)
{
	struct change c = change_on(l, CHANGE_SUPPRESS, address, "");
	c.reason = REASON_UNSUBSCRIBE;
	change_ok(l, &c);
}

static void every_form_is_found_by_its_family(void **state)
{
	(void)state;
	suppress("a.nn+shop@gmail.com");
	assert_int_equal(seen_of("ann@gmail.com", true).suppressions, 1);
	assert_int_equal(seen_of("a.n.n+x@googlemail.com", true).suppressions, 1);
	assert_int_equal(seen_of("a.nn+shop@gmail.com", true).suppressions, 1);
	assert_int_equal(seen_of("ann@gmail.com", false).suppressions, 0);
	assert_int_equal(seen_of("bob@gmail.com", true).suppressions, 0);
	suppress("ann@gmail.com");
	assert_int_equal(seen_of("a.nn@gmail.com", true).suppressions, 2);
	suppress("eve@example.com");
	assert_int_equal(seen_of("eve+1@example.com", true).suppressions, 1);
	assert_int_equal(seen_of("e.ve@example.com", true).suppressions, 0);
}

static void a_removed_row_is_gone_from_the_family(void **state)
{
	struct change c = change_on(l, CHANGE_UNSUPPRESS, "ann+1@example.com", "");
	(void)state;
	suppress("ann+1@example.com");
	suppress("ann+2@example.com");
	assert_int_equal(seen_of("ann@example.com", true).suppressions, 2);
	c.reason = REASON_UNSUBSCRIBE;
	c.actor = V(ACTOR_RECIPIENT);
	c.note = V("changed my mind");
	change_ok(l, &c);
	assert_int_equal(seen_of("ann@example.com", true).suppressions, 1);
}

/* An opt-out by a token names no address: the one that was written down before has made the link. */
static void a_token_blocks_the_family_too(void **state)
{
	struct change c = change_on(l, CHANGE_PERSON, "ann+1@example.com", "");
	(void)state;
	change_ok(l, &c);
	c.kind = CHANGE_SUPPRESS;
	c.reason = REASON_UNSUBSCRIBE;
	c.address = V("");
	change_ok(l, &c);
	assert_int_equal(seen_of("ann@example.com", true).suppressions, 1);
}

/* Nobody has written the address down, only its family. */
static void mail_on_its_way_makes_the_family_known(void **state)
{
	struct change c = change_on(l, CHANGE_SUPPRESS, "ann+1@example.com", "");
	struct err err = {0};
	struct buf name;
	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(ledger_know_family(l, &c.who, c.address, &err), 0);
	assert_int_equal(ledger_know_family(l, &c.who, V("ann@example.com"), &err), 0);
	assert_int_equal(ledger_journal_last(l), 0);
	c.reason = REASON_UNSUBSCRIBE;
	c.address = V("");
	change_ok(l, &c);
	assert_int_equal(seen_of("ann+2@example.com", true).suppressions, 1);
	buf_init(&name, 100);
	assert_int_equal(ledger_person(l, &c.who, &name, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
	buf_free(&name);
}

static void consent_is_nobody_elses(void **state)
{
	struct change c = change_on(l, CHANGE_GRANT, "ann+1@example.com", "acme/news");
	(void)state;
	c.basis = BASIS_CONSENT;
	change_ok(l, &c);
	assert_int_equal(seen_of("ann@example.com", true).consents, 0);
	assert_int_equal(seen_of("ann+1@example.com", true).consents, 1);
}

/* ---- what this version would not have written: with LMDB itself ---- */

static MDB_txn *lmdb_begin(MDB_env **env)
{
	MDB_txn *txn;
	ledger_close(&l);
	assert_int_equal(mdb_env_create(env), 0);
	assert_int_equal(mdb_env_set_maxdbs(*env, 32), 0);
	assert_int_equal(mdb_env_open(*env, place.data, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(*env, NULL, 0, &txn), 0);
	return txn;
}

static void lmdb_end(MDB_env *env, MDB_txn *txn)
{
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	l = place_open(&place);
}

/* Makes the table's first row one of another version; done again, as it was. */
static void spoil(const char *name)
{
	MDB_env *env;
	MDB_dbi table;
	MDB_cursor *cursor;
	MDB_val key, value;
	char key_bytes[100], bytes[400];
	MDB_txn *txn = lmdb_begin(&env);
	assert_int_equal(mdb_dbi_open(txn, name, 0, &table), 0);
	assert_int_equal(mdb_cursor_open(txn, table, &cursor), 0);
	assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), 0);
	mdb_cursor_close(cursor);
	assert_true(key.mv_size <= sizeof key_bytes && value.mv_size <= sizeof bytes);
	key.mv_data = memcpy(key_bytes, key.mv_data, key.mv_size);
	value.mv_data = memcpy(bytes, value.mv_data, value.mv_size);
	bytes[0] ^= 8;
	assert_int_equal(mdb_put(txn, table, &key, &value, 0), 0);
	lmdb_end(env, txn);
}

/* A row that can't be read may be the one that blocks: nobody is told that nothing does. */
static void a_damaged_row_is_no_yes(void **state)
{
	static const char *const tables[] = {"blocks", "allows"};
	static const struct ledger_visitor visitor = {.suppression = see_suppression, .consent = see_consent, .allow = see_allow};
	const struct asked a = {.who = person_of(l, "ann@example.com"), .address = V("ann@example.com")};
	struct change c = about(CHANGE_ALLOW, "@example.com", "acme");
	struct seen s = {0};
	struct err err = {0};
	(void)state;
	change_ok(l, &c);
	block("@example.com", "acme");
	for (int i = 0; i < 2; i++) {
		spoil(tables[i]);
		assert_int_equal(ledger_ask(l, &a, &visitor, &s, &err), -1);
		assert_int_equal(err.kind, ERR_CORRUPT);
		spoil(tables[i]);
		assert_int_equal(seen_by(&a).allows, 1);
	}
}

static void drop_tables(const char *const *names)
{
	MDB_env *env;
	MDB_dbi table;
	MDB_txn *txn = lmdb_begin(&env);
	for (; *names; names++) {
		assert_int_equal(mdb_dbi_open(txn, *names, 0, &table), 0);
		assert_int_equal(mdb_drop(txn, table, 1), 0);
	}
	lmdb_end(env, txn);
}

static bool never(void *arg, const struct wording *w)
{
	(void)arg;
	fail_msg("%s", w->id);
	return false;
}

static void an_older_ledger_is_read_and_grows(void **state)
{
	static const char *const newer[] = {"blocks", "block-names", "allows", "families", "wordings", "subscribers", "links", NULL};
	struct err err = {0};
	uint64_t count;
	(void)state;
	suppress("ann+1@example.com");
	place.settings.read_only = true;
	drop_tables(newer);
	assert_int_equal(seen_of("ann+1@example.com", true).suppressions, 1);
	assert_int_equal(seen_of("ann@example.com", true).suppressions, 0);
	struct ledger_stats stats;
	assert_int_equal(ledger_stats(l, &stats, &err), 0);
	assert_int_equal(stats.suppressions, 1);
	assert_int_equal(stats.blocks, 0);
	assert_int_equal(ledger_families(l, &count, &err), -1);
	struct linked linked[LINKED_MOST];
	struct subscriber subscriber;
	unsigned linked_count;
	const struct person_key who = person_of(l, "ann+1@example.com");
	assert_int_equal(ledger_linked(l, &who, linked, &linked_count, &err), 0);
	assert_int_equal(linked_count, 0);
	assert_int_equal(ledger_subscriber(l, &who, &subscriber, &err), 0);
	assert_false(subscriber.corporate);
	assert_int_equal(ledger_wordings(l, never, NULL, &err), 0);
	ledger_close(&l);
	place.settings.read_only = false;
	l = place_open(&place);
	assert_int_equal(ledger_families(l, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(seen_of("ann@example.com", true).suppressions, 1);
	block("@example.com", "");
	assert_int_equal(blocks("bob@example.com"), 1);
}

/* ---- copies, walks ---- */

static bool walked(void *arg, const struct suppression *s, struct view address)
{
	struct buf *text = arg;
	buf_fmt(text, "%s %s %.*s;", channel_word(s->channel), s->reason ? reason_word(s->reason) : "allow", VFMT(address));
	return true;
}

static void rows_are_walked_with_their_names(void **state)
{
	struct change c = about(CHANGE_ALLOW, "@test.example", "");
	const struct ledger_walk walk = {.suppression = walked, .block = walked, .allow = walked};
	struct buf text;
	struct err err;
	(void)state;
	suppress("ann@example.com");
	block("@example.com", "");
	change_ok(l, &c);
	buf_init(&text, 1000);
	assert_int_equal(ledger_walk(l, &walk, &text, &err), 0);
	assert_string_equal(buf_cstr(&text), "email unsubscribe ann@example.com;domain manual @example.com;domain allow @test.example;");
	buf_free(&text);
}

static void a_copy_adds_blocks_and_families_but_allows_nobody(void **state)
{
	char dir[100];
	struct restored r;
	struct err err = {0};
	struct change c = change_on(l, CHANGE_ALLOW, "seed@example.org", "");
	struct place copy = place;
	(void)state;
	c.note = V("our seed");
	change_ok(l, &c);
	block("@example.com", "");
	block("md5:d41d8cd98f00b204e9800998ecf8427e", "acme");
	suppress("ann+1@example.org");
	snprintf(dir, sizeof dir, "%s/copy", place.dir);
	assert_int_equal(ledger_backup(l, dir, &err), 0);
	ledger_close(&l);
	snprintf(copy.data, sizeof copy.data, "%s/other", place.dir);
	copy.settings.dir = copy.data;
	l = place_open(&copy);
	copy.settings.dir = dir;
	copy.settings.read_only = true;
	struct ledger *from = place_open(&copy);
	if (ledger_restore(l, from, V("restore"), V("user:test"), &r, &err) < 0)
		fail_msg("%s", err.text);
	ledger_close(&from);
	assert_int_equal(r.blocks, 3);
	assert_int_equal(r.changed, 3);
	assert_int_equal(blocks("bob@example.com"), 1);
	assert_int_equal(seen_of("ann@example.org", true).suppressions, 1);
	assert_int_equal(seen_of("seed@example.org", false).allows, 0);
	struct change gone = about(CHANGE_UNSUPPRESS, "@example.com", "");
	struct buf name;
	buf_init(&name, BLOCK_TEXT);
	assert_int_equal(ledger_person(l, &gone.who, &name, &err), 0);
	assert_string_equal(buf_cstr(&name), "@example.com");
	buf_free(&name);
}

/* ---- many ---- */

#define MANY 3000

struct loading {
	unsigned at;
	struct block_name name;
};

static bool load_next(void *arg, struct change *c)
{
	struct loading *g = arg;
	char address[40];
	if (g->at == MANY)
		return false;
	snprintf(address, sizeof address, "p%u@example.com", g->at++);
	digest_name(DIGEST_SHA256, "sha256", address, g->name.text);
	g->name.channel = CHANNEL_SHA256;
	*c = (struct change){.kind = CHANGE_SUPPRESS, .reason = REASON_UNSUBSCRIBE};
	change_about(l, &g->name, c);
	return true;
}

static void many_are_loaded_at_once(void **state)
{
	struct loading g = {0};
	uint64_t rows;
	struct err err = {0};
	struct ledger_stats stats;
	(void)state;
	assert_int_equal(ledger_load(l, load_next, &g, V("import:1"), V("user:test"), &rows, &err), 0);
	assert_int_equal(rows, MANY);
	g.at = 0;
	assert_int_equal(ledger_load(l, load_next, &g, V("import:1"), V("user:test"), &rows, &err), 0);
	assert_int_equal(rows, 0);
	assert_int_equal(ledger_stats(l, &stats, &err), 0);
	assert_int_equal(stats.blocks, MANY);
	assert_int_equal(stats.persons, 0);
	assert_int_equal(blocks("p0@example.com"), 1);
	assert_int_equal(blocks("p2999@example.com"), 1);
	assert_int_equal(blocks("p3000@example.com"), 0);
}

static void count_name(void *arg, const struct person_key *key)
{
	(void)key;
	++*(unsigned *)arg;
}

static void keys_are_those_of_kinds_that_there_are(void **state)
{
	const struct asked a = {.who = person_of(l, "ann+1@a.example.com"), .address = V("ann+1@a.example.com"), .family = true};
	unsigned n = 0;
	struct err err;
	(void)state;
	assert_int_equal(ledger_ask_names(l, &a, count_name, &n, &err), 0);
	assert_int_equal(n, 2); /* itself, the plain form */
	block("*.example.com", "");
	block("md5:d41d8cd98f00b204e9800998ecf8427e", "");
	suppress("ann+2@a.example.com");
	n = 0;
	assert_int_equal(ledger_ask_names(l, &a, count_name, &n, &err), 0);
	assert_int_equal(n, 6); /* and *.example.com, *.com, its MD5, ann+2 */
}

static void everything_is_shown(void **state)
{
	struct arena arena;
	struct about found;
	struct err err = {0};
	struct change c = change_on(l, CHANGE_ALLOW, "ann+1@example.com", "acme");
	const struct asked a = {.who = c.who, .address = V("ann+1@example.com"), .family = true};
	(void)state;
	c.note = V("our seed");
	change_ok(l, &c);
	suppress("ann@example.com");
	suppress("ann+1@example.com");
	block("@example.com", "acme");
	arena_init(&arena, 1 << 20);
	assert_int_equal(ledger_look_about(l, &a, &arena, &found, &err), 0);
	assert_int_equal(found.own.suppression_count, 1);
	assert_int_equal(found.suppression_count, 2);
	assert_true(view_eq(found.subjects[0], V("@example.com")));
	assert_string_equal(found.suppressions[0].scope.name, "acme");
	assert_int_equal(found.suppressions[0].channel, CHANNEL_DOMAIN);
	assert_true(view_eq(found.subjects[1], V("ann@example.com")));
	assert_int_equal(found.allow_count, 1);
	assert_string_equal(found.allows[0].note, "our seed");
	arena_free(&arena);
	arena_init(&arena, 600);
	assert_int_equal(ledger_look_about(l, &a, &arena, &found, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_parsed),
	    cmocka_unit_test_setup_teardown(a_domain_row_is_of_the_domain_alone, begin, end),
	    cmocka_unit_test_setup_teardown(a_row_below_a_domain_is_not_of_itself, begin, end),
	    cmocka_unit_test_setup_teardown(digests_are_matched_one_kind_at_a_time, begin, end),
	    cmocka_unit_test_setup_teardown(a_digest_is_the_one_that_others_make, begin, end),
	    cmocka_unit_test_setup_teardown(a_row_goes_with_a_reason_and_so_does_its_name, begin, end),
	    cmocka_unit_test_setup_teardown(an_objection_of_a_domain_needs_a_second_person, begin, end),
	    cmocka_unit_test_setup_teardown(only_people_consent, begin, end),
	    cmocka_unit_test_setup_teardown(a_key_alone_is_asked_by_its_record, begin, end),
	    cmocka_unit_test_setup_teardown(an_allow_row_comes_with_a_reason_and_goes, begin, end),
	    cmocka_unit_test_setup_teardown(an_erased_person_is_allowed_no_longer, begin, end),
	    cmocka_unit_test_setup_teardown(every_form_is_found_by_its_family, begin, end),
	    cmocka_unit_test_setup_teardown(a_removed_row_is_gone_from_the_family, begin, end),
	    cmocka_unit_test_setup_teardown(a_token_blocks_the_family_too, begin, end),
	    cmocka_unit_test_setup_teardown(mail_on_its_way_makes_the_family_known, begin, end),
	    cmocka_unit_test_setup_teardown(consent_is_nobody_elses, begin, end),
	    cmocka_unit_test_setup_teardown(a_damaged_row_is_no_yes, begin, end),
	    cmocka_unit_test_setup_teardown(an_older_ledger_is_read_and_grows, begin, end),
	    cmocka_unit_test_setup_teardown(rows_are_walked_with_their_names, begin, end),
	    cmocka_unit_test_setup_teardown(a_copy_adds_blocks_and_families_but_allows_nobody, begin, end),
	    cmocka_unit_test_setup_teardown(many_are_loaded_at_once, begin, end),
	    cmocka_unit_test_setup_teardown(keys_are_those_of_kinds_that_there_are, begin, end),
	    cmocka_unit_test_setup_teardown(everything_is_shown, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
