/* Imports: taken back exactly, and only by those who may; interrupted and gone on with.
 *
 * The property: over random statements by imports and by others, and random undoings, a row stands for as long as the strongest of those who still
 * say it, and what a single import alone has said, or made stronger, is as if it had never been once that import is undone. */
#include "ledger_help.h"

#include "ledger/import.h"
#include "ledger/walk.h"

static struct place place;
static struct ledger *l;

static int setup(void **state)
{
	(void)state;
	place_make(&place);
	place.settings.load_rows = 3;
	l = place_open(&place);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ledger_close(&l);
	place_remove(&place);
	return 0;
}

/* ---- a list in memory ---- */

struct row {
	char address[40];
	enum change_kind kind;
	enum reason reason;
	int64_t expires_ms;
};

struct list {
	const struct row *rows;
	unsigned count, at, stop; /* fails at STOP, if that is not 0 */
	unsigned begun;           /* row of the first call */
};

static bool next(void *arg, struct change *c)
{
	struct list *list = arg;
	if (list->at == list->count)
		return false;
	const struct row *r = &list->rows[list->at++];
	*c = change_on(l, r->kind, r->address, r->kind == CHANGE_GRANT ? "acme/news" : "acme");
	c->reason = r->reason;
	c->basis = BASIS_LEGITIMATE_INTEREST;
	c->expires_ms = r->expires_ms;
	if (list->stop && list->at > list->stop)
		c->reason = (enum reason)99; /* refused: the import breaks off */
	return true;
}

static bool mark(void *arg, struct import_record *im)
{
	const struct list *list = arg;
	im->place = (struct import_place){list->at, list->at + 1, list->at};
	im->counts.rows = list->at;
	return true;
}

static struct import_record record_of(char name, const char *actor)
{
	struct import_record im = {.source = "import:test"};
	memset(im.list, name, sizeof im.list);
	im.name[0] = name;
	assert_true(view_str(view_of(actor), im.actor, sizeof im.actor));
	return im;
}

/* The whole of LIST, as NAME: whatever of it an interrupted run has left. */
static struct import_record import_as(char name, const char *actor, struct list *list, bool breaks)
{
	const struct import_load load = {.next = next, .mark = mark, .arg = list};
	struct import_record im = record_of(name, actor);
	struct err err = {0};
	assert_int_equal(ledger_import_begin(l, &im, &err), 0);
	list->at = list->begun = (unsigned)im.place.offset;
	int rc = ledger_import_load(l, &im, &load, &err);
	if (rc < 0 && !breaks)
		fail_msg("import: %s", err.text);
	if (rc == 0)
		assert_int_equal(ledger_import_end(l, &im, &err), 0);
	return im;
}

static struct import_record import_ok(char name, const struct row *rows, unsigned n)
{
	struct list list = {.rows = rows, .count = n};
	return import_as(name, "user:anna", &list, false);
}

static struct undone undo_as(uint64_t id, const char *actor, bool approves)
{
	struct undone told;
	struct err err = {0};
	const struct undo u = {.id = id, .actor = view_of(actor), .note = V("wrong file"), .approves = approves};
	if (ledger_import_undo(l, &u, &told, &err) < 0)
		fail_msg("undo: %s", err.text);
	return told;
}

static struct undone undo_ok(uint64_t id)
{
	struct undone told = undo_as(id, "user:anna", false);
	return told.asked ? undo_as(id, "user:bob", true) : told;
}

static void refused(uint64_t id, const char *actor, bool approves)
{
	struct undone told;
	struct err err = {0};
	const struct undo u = {.id = id, .actor = view_of(actor), .note = V("wrong file"), .approves = approves};
	assert_int_equal(ledger_import_undo(l, &u, &told, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
}

static struct record look(const char *address, struct arena *arena)
{
	struct record rec;
	const struct person_key who = person_of(l, address);
	arena_free(arena);
	arena_init(arena, 1u << 20);
	assert_int_equal(ledger_look(l, &who, arena, &rec, NULL), 0);
	return rec;
}

/* ---- the property ---- */

#define PEOPLE  3
#define IMPORTS 5
#define RUNS    60
#define STEPS   16
#define NEVER   INT64_MAX

static const enum reason reasons[] = {REASON_BOUNCE, REASON_UNSUBSCRIBE};
#define REASONS 2

struct model {
	int64_t others;           /* the longest life that somebody else has given the row; 0 = none has */
	int64_t imports[IMPORTS]; /* each import's; 0 = it has not said it */
};

static uint64_t chance_state = 88172645463325252u;
static unsigned chance(unsigned below)
{
	chance_state ^= chance_state << 13;
	chance_state ^= chance_state >> 7;
	chance_state ^= chance_state << 17;
	return (unsigned)(chance_state >> 20) % below;
}

static int64_t life(int64_t expires_ms)
{
	return expires_ms ? expires_ms : NEVER;
}

static int64_t longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t draw_expiry(void)
{
	static const int64_t ends[] = {0, 90000000, 80000000};
	return ends[chance(3)];
}

static void name_of(char dst[40], unsigned run, unsigned person)
{
	snprintf(dst, 40, "p%u.%u@example.com", run, person);
}

static int64_t life_of(unsigned run, unsigned person, unsigned reason)
{
	static struct arena arena;
	char address[40];
	name_of(address, run, person);
	struct record rec = look(address, &arena);
	for (unsigned i = 0; i < rec.suppression_count; i++)
		if (rec.suppressions[i].reason == reasons[reason])
			return life(rec.suppressions[i].expires_ms);
	return 0;
}

static void check_row(const struct model *m, unsigned run, unsigned person, unsigned reason, const bool undone[IMPORTS])
{
	int64_t least = m->others, found = life_of(run, person, reason);
	unsigned sayers = 0;
	bool only_undone = true;
	for (unsigned i = 0; i < IMPORTS; i++) {
		if (!m->imports[i])
			continue;
		sayers++;
		only_undone &= undone[i];
		if (!undone[i])
			least = longer(least, m->imports[i]);
	}
	if (found < least)
		fail_msg("run %u person %u reason %u: stands until %lld, somebody has said %lld", run, person, reason, (long long)found, (long long)least);
	bool alone = sayers == 1 && only_undone;
	if (alone && m->others == 0 && found != 0)
		fail_msg("run %u person %u reason %u: only an undone import has said it", run, person, reason);
}

struct world {
	struct model rows[PEOPLE][REASONS];
	uint64_t ids[IMPORTS];
	bool undone[IMPORTS];
};

static void step_import(struct world *w, unsigned run)
{
	static struct row rows[8];
	unsigned i = chance(IMPORTS), n = 1 + chance(8);
	if (w->ids[i])
		return;
	for (unsigned k = 0; k < n; k++) {
		unsigned p = chance(PEOPLE), r = chance(REASONS);
		rows[k] = (struct row){.kind = CHANGE_SUPPRESS, .reason = reasons[r], .expires_ms = draw_expiry()};
		name_of(rows[k].address, run, p);
		w->rows[p][r].imports[i] = longer(w->rows[p][r].imports[i], life(rows[k].expires_ms));
	}
	struct import_record im = record_of((char)('a' + i), "user:anna");
	struct list list = {.rows = rows, .count = n};
	const struct import_load load = {.next = next, .mark = mark, .arg = &list};
	memcpy(im.list, &run, sizeof run); /* a list of its own */
	assert_int_equal(ledger_import_begin(l, &im, NULL), 0);
	assert_int_equal(ledger_import_load(l, &im, &load, NULL), 0);
	assert_int_equal(ledger_import_end(l, &im, NULL), 0);
	w->ids[i] = im.id;
}

static void step_other(struct world *w, unsigned run)
{
	char address[40];
	unsigned p = chance(PEOPLE), r = chance(REASONS);
	name_of(address, run, p);
	struct change c = change_on(l, CHANGE_SUPPRESS, address, "acme");
	c.reason = reasons[r];
	c.expires_ms = draw_expiry();
	change_ok(l, &c);
	w->rows[p][r].others = longer(w->rows[p][r].others, life(c.expires_ms));
}

static void step_undo(struct world *w)
{
	unsigned i = chance(IMPORTS);
	if (!w->ids[i])
		return;
	undo_ok(w->ids[i]);
	w->undone[i] = true;
}

static void only_what_the_import_added_goes(void **state)
{
	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		struct world w = {0};
		for (unsigned s = 0; s < STEPS; s++) {
			unsigned dice = chance(10);
			if (dice < 4)
				step_import(&w, run);
			else if (dice < 7)
				step_other(&w, run);
			else
				step_undo(&w);
			for (unsigned p = 0; p < PEOPLE; p++)
				for (unsigned r = 0; r < REASONS; r++)
					check_row(&w.rows[p][r], run, p, r, w.undone);
		}
	}
}

/* ---- cases ---- */

static void what_was_made_stronger_is_as_before(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct change c = change_on(l, CHANGE_SUPPRESS, "s@example.com", "acme");
	c.reason = REASON_MANUAL;
	c.expires_ms = 90000000;
	c.note = V("my own words");
	change_ok(l, &c);
	const struct row rows[] = {{"s@example.com", CHANGE_SUPPRESS, REASON_MANUAL, 0}};
	struct import_record im = import_ok('s', rows, 1);
	assert_int_equal(look("s@example.com", &arena).suppressions[0].expires_ms, 0);
	struct undone told = undo_as(im.id, "user:anna", false);
	assert_int_equal(told.removed, 1);
	struct record rec = look("s@example.com", &arena);
	assert_int_equal(rec.suppressions[0].expires_ms, 90000000);
	assert_string_equal(rec.suppressions[0].note, "my own words");
	arena_free(&arena);
}

static void said_again_by_another_stays(void **state)
{
	(void)state;
	struct arena arena = {0};
	const struct row rows[] = {{"t1@example.com", CHANGE_SUPPRESS, REASON_BOUNCE, 0}, {"t2@example.com", CHANGE_SUPPRESS, REASON_BOUNCE, 0}};
	struct import_record im = import_ok('t', rows, 2);
	struct change_result r = suppress_ok(l, "t1@example.com", "acme", REASON_BOUNCE);
	assert_false(r.changed);
	struct undone told = undo_as(im.id, "user:anna", false);
	assert_int_equal(told.removed, 1);
	assert_int_equal(told.kept, 1);
	assert_int_equal(look("t1@example.com", &arena).suppression_count, 1);
	struct record rec = look("t2@example.com", &arena);
	assert_int_equal(rec.suppression_count, 0);
	assert_false(rec.known); /* the address is no longer kept */
	assert_true(look("t1@example.com", &arena).known);
	arena_free(&arena);
}

static void the_same_list_twice_is_one_word(void **state)
{
	(void)state;
	const struct row rows[] = {{"u@example.com", CHANGE_SUPPRESS, REASON_BOUNCE, 0}};
	struct import_record one = import_ok('u', rows, 1), two = import_ok('u', rows, 1);
	assert_int_not_equal(one.id, two.id);
	assert_int_equal(two.counts.changed, 0);
	assert_int_equal(undo_as(one.id, "user:anna", false).removed, 1);
	struct import_record three = import_ok('v', rows, 1), four;
	struct list list = {.rows = rows, .count = 1};
	four = import_as('v', "user:bob", &list, false); /* somebody else's word */
	assert_int_equal(four.counts.changed, 0);
	assert_int_equal(undo_as(three.id, "user:anna", false).kept, 1);
}

static void complaints_need_a_second_person(void **state)
{
	(void)state;
	struct arena arena = {0};
	const struct row rows[] = {{"w@example.com", CHANGE_SUPPRESS, REASON_COMPLAINT, 0}, {"w@example.com", CHANGE_SUPPRESS, REASON_BOUNCE, 0}};
	struct import_record im = import_ok('w', rows, 2);
	refused(im.id, "user:bob", true); /* nobody has asked */
	struct undone told = undo_as(im.id, "user:anna", false);
	assert_true(told.asked);
	assert_int_equal(told.removed, 2);
	assert_int_equal(look("w@example.com", &arena).suppression_count, 2);
	refused(im.id, "user:anna", true);
	int64_t now = test_now_ms;
	test_now_ms += INT64_C(31) * 86400000;
	refused(im.id, "user:bob", true);
	test_now_ms = now;
	told = undo_as(im.id, "user:bob", true);
	assert_false(told.asked);
	assert_int_equal(told.removed, 2);
	assert_int_equal(look("w@example.com", &arena).suppression_count, 0);
	assert_int_equal(undo_as(im.id, "user:bob", true).removed, 0);
	refused(im.id, "", false);
	arena_free(&arena);
}

static void consents_go_and_withdrawals_ask(void **state)
{
	(void)state;
	struct arena arena = {0};
	const struct row grants[] = {{"x@example.com", CHANGE_GRANT, 0, 0}}, stops[] = {{"y@example.com", CHANGE_WITHDRAW, 0, 0}};
	struct undone told = undo_as(import_ok('x', grants, 1).id, "user:anna", false);
	assert_int_equal(told.grants, 1);
	assert_int_equal(look("x@example.com", &arena).consent_count, 0);
	struct import_record im = import_ok('y', stops, 1);
	assert_true(undo_as(im.id, "user:anna", false).asked);
	assert_int_equal(look("y@example.com", &arena).consent_count, 1);
	assert_int_equal(undo_as(im.id, "user:bob", true).withdrawals, 1);
	assert_int_equal(look("y@example.com", &arena).consent_count, 0);
	arena_free(&arena);
}

/* What the erased person's row was before went with the words: the stronger one stays. */
static void an_erased_persons_row_stays(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct change c = change_on(l, CHANGE_SUPPRESS, "z@example.com", "acme");
	c.reason = REASON_MANUAL;
	c.expires_ms = 90000000;
	change_ok(l, &c);
	const struct row rows[] = {{"z@example.com", CHANGE_SUPPRESS, REASON_MANUAL, 0}};
	struct import_record im = import_ok('z', rows, 1);
	c = change_on(l, CHANGE_FORGET, "z@example.com", "");
	change_ok(l, &c);
	assert_int_equal(undo_as(im.id, "user:anna", false).kept, 1);
	assert_int_equal(look("z@example.com", &arena).suppression_count, 2);
	arena_free(&arena);
}

static void an_interrupted_import_goes_on(void **state)
{
	(void)state;
	static struct row rows[10];
	struct arena arena = {0};
	for (unsigned i = 0; i < 10; i++) {
		rows[i] = (struct row){.kind = CHANGE_SUPPRESS, .reason = REASON_BOUNCE};
		snprintf(rows[i].address, sizeof rows[i].address, "go%u@example.com", i);
	}
	struct list list = {.rows = rows, .count = 10, .stop = 7}; /* sets of 3: the third breaks off */
	struct import_record first = import_as('A', "user:anna", &list, true), other;
	assert_int_equal(first.counts.changed, 6);
	struct list again = {.rows = rows, .count = 10};
	other = import_as('A', "user:bob", &again, false); /* somebody else's is an import of its own */
	assert_int_not_equal(other.id, first.id);
	assert_int_equal(again.begun, 0);
	struct list rest = {.rows = rows, .count = 10};
	struct import_record second = import_as('A', "user:anna", &rest, false);
	assert_int_equal(second.id, first.id);
	assert_int_equal(rest.begun, 6);
	assert_int_equal(second.state, IMPORT_DONE);
	struct undone told = undo_as(second.id, "user:anna", false);
	assert_int_equal(told.removed, 0);
	assert_int_equal(told.kept, 6); /* bob has said them, too */
	assert_int_equal(undo_as(other.id, "user:bob", false).kept, 4); /* and anna these */
	assert_int_equal(look("go9@example.com", &arena).suppression_count, 1);
	arena_free(&arena);
}

static void who_was_taken_over_stops(void **state)
{
	(void)state;
	const struct row rows[] = {{"over@example.com", CHANGE_SUPPRESS, REASON_BOUNCE, 0}};
	struct list list = {.rows = rows, .count = 1};
	const struct import_load load = {.next = next, .arg = &list};
	struct import_record one = record_of('B', "user:anna"), two = one;
	struct err err = {0};
	assert_int_equal(ledger_import_begin(l, &one, NULL), 0);
	assert_int_equal(ledger_import_begin(l, &two, NULL), 0);
	assert_int_equal(one.id, two.id);
	assert_int_equal(ledger_import_load(l, &one, &load, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	list.at = 0;
	assert_int_equal(ledger_import_load(l, &two, &load, NULL), 0);
	undo_ok(two.id);
	assert_int_equal(ledger_import_end(l, &two, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_int_equal(ledger_import(l, two.id + 1000, &two, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
}

static void the_journal_is_whole(void **state)
{
	(void)state;
	uint64_t count;
	struct err err = {0};
	assert_int_equal(ledger_journal_verify(l, &count, &err), 0);
	assert_int_equal(count, ledger_journal_last(l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_what_the_import_added_goes),
	    cmocka_unit_test(what_was_made_stronger_is_as_before),
	    cmocka_unit_test(said_again_by_another_stays),
	    cmocka_unit_test(the_same_list_twice_is_one_word),
	    cmocka_unit_test(complaints_need_a_second_person),
	    cmocka_unit_test(consents_go_and_withdrawals_ask),
	    cmocka_unit_test(an_erased_persons_row_stays),
	    cmocka_unit_test(an_interrupted_import_goes_on),
	    cmocka_unit_test(who_was_taken_over_stops),
	    cmocka_unit_test(the_journal_is_whole),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
