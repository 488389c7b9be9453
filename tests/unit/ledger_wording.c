/* Texts of consent: kept for ever under their hash; and what a consent must prove. */
#include "ledger_help.h"

#include "ledger/upkeep.h"
#include "ledger/wording.h"

static struct place place;
static struct ledger *l;

static const struct wording_new first = {V("news"), V("2026-01"), V("en"), V("Yes, send me news."), V("cli"), V("user:test")};
/* printf 'Yes, send me news.' | sha256sum */
#define FIRST_ID "b462b59da1daf2427bd1d13a9f7b7a64e16a9dc2021dc23e098b0ea151753d29"

static int set_up(void **state)
{
	(void)state;
	test_now_ms = 1000000;
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

static void add_ok(const struct wording_new *w, char id[WORDING_ID_TEXT], bool changed)
{
	struct change_result r;
	struct err err = {0};
	if (ledger_wording_add(l, w, id, &r, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(r.changed, changed);
}

static void texts_are_normalised(void **state)
{
	static const struct {
		struct view text;
		const char *normal; /* NULL: refused */
	} rows[] = {
		{V("Yes."), "Yes."},
		{V("\xef\xbb\xbfYes.\r\n"), "Yes."},
		{V(" \n Yes,\r\n  please.\r\n\r\nNo?\n"), "Yes,\n  please.\n\nNo?"},
		{V("a\rb"), "a\rb"},
		{V("Ja, \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"), "Ja, \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
		{V(""), NULL},
		{V(" \r\n\t"), NULL},
		{V("\xef\xbb\xbf"), NULL},
		{V("a\0b"), NULL},
		{V("\xfc"), NULL},
		{V("\xc0\xaf"), NULL},         /* too long for what it says */
		{V("\xed\xa0\x80"), NULL},     /* half of a pair */
		{V("\xf4\x90\x80\x80"), NULL}, /* beyond U+10FFFF */
		{V("\xe2\x82"), NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out;
		struct err err;
		buf_init(&out, WORDING_TEXT_MAX);
		int rc = wording_normalise(rows[i].text, &out, &err);
		assert_int_equal(rc, rows[i].normal ? 0 : -1);
		if (rows[i].normal)
			assert_true(view_eq(buf_view(&out), view_of(rows[i].normal)));
		buf_free(&out);
	}
}

static void a_text_is_found_by_its_hash(void **state)
{
	char id[WORDING_ID_TEXT], again[WORDING_ID_TEXT];
	struct wording_new other = first;
	struct wording got;
	struct buf text;
	struct err err;
	(void)state;
	add_ok(&first, id, true);
	other.text = V("  Yes, send me news.\r\n");
	other.version = V("2");
	add_ok(&other, again, false);
	assert_string_equal(id, FIRST_ID);
	assert_string_equal(id, again);
	assert_true(ledger_wording_is_kept(l, view_of(id)));
	buf_init(&text, WORDING_TEXT_MAX);
	assert_int_equal(ledger_wording(l, view_of(id), &got, &text, &err), 0);
	assert_true(view_eq(buf_view(&text), first.text));
	assert_string_equal(got.name, "news");
	assert_string_equal(got.version, "2026-01");
	assert_string_equal(got.language, "en");
	assert_string_equal(got.actor, "user:test");
	assert_int_equal(got.added_ms, 1000000);
	assert_int_equal(got.seq, 1);
	id[0] = id[0] == '0' ? '1' : '0';
	assert_int_equal(ledger_wording(l, view_of(id), &got, &text, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
	assert_int_equal(ledger_wording(l, V("my-own-1"), &got, &text, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
	buf_free(&text);
}

static void labels_are_words(void **state)
{
	static const struct view wrong[] = {V(""), V("a b"), V("a/b"), V("\xc3\xbc"),
	    V("0123456789012345678901234567890123456789012345678901234567890")};
	char id[WORDING_ID_TEXT];
	struct change_result r;
	struct err err;
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct wording_new w = first;
		w.version = wrong[i];
		assert_int_equal(ledger_wording_add(l, &w, id, &r, &err), -1);
		assert_int_equal(err.kind, ERR_SYNTAX);
	}
	assert_int_equal(ledger_journal_last(l), 0);
}

/* A change that names another hash than its text's never gets in, whoever makes it. */
static void an_id_is_that_of_its_text(void **state)
{
	char id[WORDING_ID_TEXT];
	struct change_result r;
	struct err err;
	(void)state;
	wording_id(V("other words"), id);
	const struct change c = {.kind = CHANGE_WORDING, .wording = view_of(id), .note = V("news 1 en"), .text = V("words")};
	assert_int_equal(ledger_change(l, &c, &r, &err), -1);
	assert_int_equal(err.kind, ERR_SYNTAX);
}

static bool count(void *arg, const struct wording *w)
{
	(void)w;
	++*(unsigned *)arg;
	return true;
}

static bool see_entry(void *arg, const struct journal_entry *e)
{
	if (e->kind == CHANGE_WORDING)
		assert_true(view_str(e->wording, arg, WORDING_ID_TEXT));
	return true;
}

static void it_outlives_erasure_pruning_and_restore(void **state)
{
	char id[WORDING_ID_TEXT], entered[WORDING_ID_TEXT] = "", dir[100];
	unsigned n = 0;
	uint64_t pruned;
	struct place copy = place;
	struct restored done;
	struct err err = {0};
	(void)state;
	add_ok(&first, id, true);
	struct change c = change_on(l, CHANGE_GRANT, "ann@example.com", "acme");
	c.basis = BASIS_CONSENT;
	c.wording = view_of(id);
	change_ok(l, &c);
	c.kind = CHANGE_FORGET;
	change_ok(l, &c);
	assert_int_equal(ledger_journal_prune(l, test_now_ms + 1, NULL, V("user:test"), &pruned, &err), 0);
	assert_int_equal(ledger_journal(l, 1, see_entry, entered, &err), 0);
	assert_string_equal(entered, id);
	snprintf(dir, sizeof dir, "%s/copy", place.dir);
	assert_int_equal(ledger_backup(l, dir, &err), 0);
	ledger_close(&l);
	snprintf(place.data, sizeof place.data, "%s/data2", place.dir);
	place.settings.dir = place.data;
	/* An empty ledger with the same keys. */
	l = place_open(&place);
	copy.settings.dir = dir;
	copy.settings.key_dir = place.keys;
	copy.settings.read_only = true;
	struct ledger *from = place_open(&copy);
	if (ledger_restore(l, from, V("restore"), V("user:test"), &done, &err) < 0)
		fail_msg("%s", err.text);
	ledger_close(&from);
	assert_int_equal(ledger_wordings(l, count, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_true(ledger_wording_is_kept(l, view_of(id)));
}

static void a_demanded_part_is_named_when_it_lacks(void **state)
{
	char id[WORDING_ID_TEXT];
	static const struct {
		enum evidence_part part;
		struct view evidence, source;
		const char *says; /* NULL: it is there */
	} rows[] = {
		{EVIDENCE_HOW, V("ip=192.0.2.1"), V("crm"), "how=WAY"},
		{EVIDENCE_HOW, V("how=telephone"), V("crm"), NULL},
		{EVIDENCE_HOW, V("how=none"), V("crm"), "how=WAY"},
		{EVIDENCE_HOW, V(""), V("form:news"), NULL},
		{EVIDENCE_SOURCE, V(""), V(""), "the source"},
		{EVIDENCE_SOURCE, V(""), V("crm"), NULL},
		{EVIDENCE_IP, V("ipv=1"), V("crm"), "ip=ADDRESS"},
		{EVIDENCE_IP, V("ip="), V("crm"), "ip=ADDRESS"},
		{EVIDENCE_IP, V("how=form ip=192.0.2.1"), V("crm"), NULL},
		{EVIDENCE_AGENT, V("ip=192.0.2.1"), V("crm"), "agent=NAME"},
		{EVIDENCE_AGENT, V("agent=Firefox/140"), V("crm"), NULL},
		{EVIDENCE_WORDING, V("ip=192.0.2.1"), V("crm"), "the wording"},
		{EVIDENCE_STORED, V("ip=192.0.2.1"), V("crm"), "the wording"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct change c = change_on(l, CHANGE_GRANT, "ann@example.com", "acme");
		struct change_result r;
		struct err err = {0};
		c.basis = BASIS_CONSENT;
		c.event_ms = 1 + (int64_t)i;
		c.demands = 1u << rows[i].part;
		c.evidence = rows[i].evidence;
		c.source = rows[i].source;
		assert_int_equal(ledger_change(l, &c, &r, &err), rows[i].says ? -1 : 0);
		if (rows[i].says) {
			assert_int_equal(err.kind, ERR_REFUSED);
			assert_non_null(strstr(err.text, rows[i].says));
		}
		/* Nobody demands it of a contract. */
		c.basis = BASIS_CONTRACT;
		c.event_ms = 0;
		assert_int_equal(ledger_change(l, &c, &r, &err), 0);
	}
	struct change c = change_on(l, CHANGE_GRANT, "bob@example.com", "acme");
	struct change_result r;
	struct err err;
	c.basis = BASIS_CONSENT;
	c.demands = 1u << EVIDENCE_STORED;
	wording_id(first.text, id);
	c.wording = view_of(id);
	assert_int_equal(ledger_change(l, &c, &r, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, id));
	add_ok(&first, id, true);
	assert_int_equal(ledger_change(l, &c, &r, &err), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(texts_are_normalised),
		TEST(a_text_is_found_by_its_hash),
		TEST(labels_are_words),
		TEST(an_id_is_that_of_its_text),
		TEST(it_outlives_erasure_pruning_and_restore),
		TEST(a_demanded_part_is_named_when_it_lacks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
