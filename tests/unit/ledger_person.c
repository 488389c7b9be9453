/* Companies' addresses, and the addresses of one person. */
#include "ledger_help.h"

#include "ledger/person.h"

static struct place place;
static struct ledger *l;

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

static struct change link_of(enum change_kind kind, const char *a, const char *b)
{
	struct change c = change_on(l, kind, a, "");
	c.other = person_of(l, b);
	c.other_channel = CHANNEL_EMAIL;
	c.other_address = view_of(b);
	return c;
}

static struct change_result link_ok(const char *a, const char *b)
{
	const struct change c = link_of(CHANGE_LINK, a, b);
	return change_ok(l, &c);
}

static bool has_row(const char *address, const char *scope, enum reason reason)
{
	struct arena arena;
	struct record rec;
	bool found = false;
	const struct scope s = scope_named(scope);
	const struct person_key who = person_of(l, address);
	arena_init(&arena, 1 << 20);
	assert_int_equal(ledger_look(l, &who, &arena, &rec, NULL), 0);
	for (unsigned i = 0; i < rec.suppression_count; i++)
		found |= rec.suppressions[i].reason == reason && memcmp(rec.suppressions[i].scope.id, s.id, SCOPE_ID_BYTES) == 0;
	arena_free(&arena);
	return found;
}

static unsigned linked_count(const char *address)
{
	struct linked linked[LINKED_MOST];
	unsigned count;
	const struct person_key who = person_of(l, address);
	assert_int_equal(ledger_linked(l, &who, linked, &count, NULL), 0);
	return count;
}

static void an_objection_reaches_the_linked(void **state)
{
	(void)state;
	assert_true(link_ok("ann@example.com", "ann@example.net").changed);
	assert_false(link_ok("ann@example.net", "ann@example.com").changed);
	link_ok("ann@example.net", "a@example.org");
	assert_int_equal(linked_count("a@example.org"), 2);
	suppress_ok(l, "ann@example.com", "acme", REASON_OBJECTION);
	suppress_ok(l, "ann@example.com", "acme", REASON_UNSUBSCRIBE);
	assert_true(has_row("ann@example.net", "acme", REASON_OBJECTION));
	assert_true(has_row("a@example.org", "acme", REASON_OBJECTION));
	assert_false(has_row("a@example.org", "acme", REASON_UNSUBSCRIBE));
	assert_false(has_row("bob@example.org", "acme", REASON_OBJECTION));
}

static void a_later_link_takes_objections_over(void **state)
{
	(void)state;
	suppress_ok(l, "ann@example.com", "", REASON_OBJECTION);
	suppress_ok(l, "a@example.org", "acme", REASON_OBJECTION);
	link_ok("ann@example.net", "a@example.org");
	assert_true(has_row("ann@example.net", "acme", REASON_OBJECTION));
	assert_false(has_row("ann@example.net", "", REASON_OBJECTION));
	link_ok("ann@example.com", "ann@example.net");
	assert_true(has_row("ann@example.net", "", REASON_OBJECTION));
	assert_true(has_row("a@example.org", "", REASON_OBJECTION));
	assert_true(has_row("ann@example.com", "acme", REASON_OBJECTION));
}

static void unlinking_takes_nothing_back(void **state)
{
	(void)state;
	link_ok("ann@example.com", "ann@example.net");
	suppress_ok(l, "ann@example.com", "acme", REASON_OBJECTION);
	const struct change c = link_of(CHANGE_UNLINK, "ann@example.net", "ann@example.com");
	assert_true(change_ok(l, &c).changed);
	assert_false(change_ok(l, &c).changed);
	assert_int_equal(linked_count("ann@example.com"), 0);
	assert_true(has_row("ann@example.net", "acme", REASON_OBJECTION));
	suppress_ok(l, "ann@example.com", "other", REASON_OBJECTION);
	assert_false(has_row("ann@example.net", "other", REASON_OBJECTION));
}

static void an_erased_person_is_linked_no_longer(void **state)
{
	(void)state;
	link_ok("ann@example.com", "ann@example.net");
	link_ok("ann@example.com", "a@example.org");
	suppress_ok(l, "ann@example.net", "acme", REASON_OBJECTION);
	const struct change corporate = change_on(l, CHANGE_CORPORATE, "ann@example.com", ""), c = change_on(l, CHANGE_FORGET, "ann@example.com", "");
	change_ok(l, &corporate);
	change_ok(l, &c);
	assert_int_equal(linked_count("ann@example.com") + linked_count("ann@example.net") + linked_count("a@example.org"), 0);
	assert_true(has_row("ann@example.com", "acme", REASON_OBJECTION));
	assert_true(has_row("ann@example.com", "", REASON_ERASURE));
	struct subscriber s;
	const struct person_key who = person_of(l, "ann@example.com");
	assert_int_equal(ledger_subscriber(l, &who, &s, NULL), 0);
	assert_int_equal(s.seq, 0);
}

struct loading {
	struct change changes[3];
	unsigned at;
};

static bool load_next(void *arg, struct change *c)
{
	struct loading *g = arg;
	if (g->at == 3)
		return false;
	*c = g->changes[g->at++];
	return true;
}

static void a_list_of_objections_reaches_the_linked(void **state)
{
	static const char *const listed[] = {"ann@example.com", "bob@example.com", "eve@example.com"};
	struct loading g = {0};
	uint64_t rows, good;
	(void)state;
	link_ok("ann@example.com", "ann@example.net");
	link_ok("eve@example.com", "eve@example.net");
	for (unsigned i = 0; i < 3; i++) {
		g.changes[i] = change_on(l, CHANGE_SUPPRESS, listed[i], "acme");
		g.changes[i].reason = REASON_OBJECTION;
	}
	assert_int_equal(ledger_load(l, load_next, &g, V("import:1"), V("user:test"), &rows, NULL), 0);
	assert_int_equal(rows, 5);
	assert_true(has_row("ann@example.net", "acme", REASON_OBJECTION) && has_row("eve@example.net", "acme", REASON_OBJECTION));
	assert_true(has_row("bob@example.com", "acme", REASON_OBJECTION) && has_row("eve@example.com", "acme", REASON_OBJECTION));
	assert_int_equal(ledger_journal_verify(l, &good, NULL), 0);
}

static bool next_objection(void *arg, struct change *c)
{
	unsigned *n = arg;
	char scope[20];
	if (*n == 0)
		return false;
	snprintf(scope, sizeof scope, "b%u", --*n);
	*c = change_on(l, CHANGE_SUPPRESS, "ann@example.com", scope);
	c->reason = REASON_OBJECTION;
	return true;
}

/* More objections than can be taken over: the link is not half made. */
static void a_link_that_fails_is_none(void **state)
{
	unsigned n = 1100;
	uint64_t rows;
	struct change_result r;
	struct err err;
	(void)state;
	assert_int_equal(ledger_load(l, next_objection, &n, V("import:1"), V("user:test"), &rows, NULL), 0);
	uint64_t last = ledger_journal_last(l);
	const struct change c = link_of(CHANGE_LINK, "ann@example.com", "ann@example.net");
	assert_int_equal(ledger_change(l, &c, &r, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(linked_count("ann@example.com"), 0);
	assert_int_equal(ledger_journal_last(l), last);
}

static void wrong_links_are_refused(void **state)
{
	struct change_result r;
	struct err err;
	char name[40];
	(void)state;
	struct change c = link_of(CHANGE_LINK, "ann@example.com", "ann@example.com");
	assert_int_equal(ledger_change(l, &c, &r, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	c = link_of(CHANGE_LINK, "ann@example.com", "a@example.org");
	c.other_channel = CHANNEL_DOMAIN;
	assert_int_equal(ledger_change(l, &c, &r, &err), -1);
	c = link_of(CHANGE_LINK, "ann@example.com", "a@example.org");
	c.actor = V(" ");
	assert_int_equal(ledger_change(l, &c, &r, &err), -1);
	assert_int_equal(ledger_journal_last(l), 0);
	for (int i = 0; i < LINKED_MOST - 1; i++) {
		snprintf(name, sizeof name, "p%d@example.com", i);
		link_ok("ann@example.com", name);
	}
	c = link_of(CHANGE_LINK, "one@example.org", "p3@example.com");
	assert_int_equal(ledger_change(l, &c, &r, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(linked_count("ann@example.com"), LINKED_MOST - 1);
}

static void the_latest_word_on_a_company_counts(void **state)
{
	static const struct {
		enum change_kind kind;
		int64_t event_ms;
		bool changes, corporate;
	} rows[] = {
		{CHANGE_CORPORATE, 1000, true, true},
		{CHANGE_CORPORATE, 1000, false, true},
		{CHANGE_INDIVIDUAL, 999, false, true},
		{CHANGE_INDIVIDUAL, 1000, true, false}, /* at the same time the stricter */
		{CHANGE_CORPORATE, 1000, false, false},
		{CHANGE_CORPORATE, 1001, true, true},
		{CHANGE_INDIVIDUAL, 2000, true, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct change c = change_on(l, rows[i].kind, "ann@example.com", "");
		struct subscriber s;
		c.event_ms = rows[i].event_ms;
		assert_int_equal(change_ok(l, &c).changed, rows[i].changes);
		assert_int_equal(ledger_subscriber(l, &c.who, &s, NULL), 0);
		assert_int_equal(s.corporate, rows[i].corporate);
		assert_string_equal(s.actor, "user:test");
	}
	uint64_t good;
	assert_int_equal(ledger_journal_verify(l, &good, NULL), 0);
	assert_int_equal(good, 4);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_objection_reaches_the_linked),
		TEST(a_later_link_takes_objections_over),
		TEST(unlinking_takes_nothing_back),
		TEST(an_erased_person_is_linked_no_longer),
		TEST(a_list_of_objections_reaches_the_linked),
		TEST(a_link_that_fails_is_none),
		TEST(wrong_links_are_refused),
		TEST(the_latest_word_on_a_company_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
