/* Runs policy_cases.txt: each case on a person of its own, decided and explained, with the same answer. */
#include "policy_help.h"

#include "base/file.h"
#include "crypto/hash.h"
#include "ledger/blocks.h"

#define DAY_MS INT64_C(86400000)
#define TODAY 1000
#define CASES_BYTES (1u << 20)
#define PERSON_TEXT 100

static struct place place;
static struct ledger *l;

static char *terminated(char *dst, size_t size, struct view v)
{
	assert_true(view_str(v, dst, size));
	return dst;
}

static struct change scoped(enum change_kind kind, const char *person, struct view scope)
{
	char name[SCOPE_NAME_MAX + 1];
	return change_on(l, kind, person, view_eq(scope, V("all")) ? "" : terminated(name, sizeof name, scope));
}

static int64_t day(struct view v)
{
	uint64_t n;
	assert_true(view_u64(v, TODAY, &n));
	return (int64_t)n * DAY_MS;
}

/* ---- rows that are not the person's own ---- */

static void name_domain(const char *person, char dst[BLOCK_TEXT])
{
	snprintf(dst, BLOCK_TEXT, "%s", strchr(person, '@'));
}

static void name_below(const char *person, char dst[BLOCK_TEXT])
{
	snprintf(dst, BLOCK_TEXT, "*%s", strchr(strchr(person, '@'), '.'));
}

static void name_parent(const char *person, char dst[BLOCK_TEXT])
{
	snprintf(dst, BLOCK_TEXT, "@%s", strchr(strchr(person, '@'), '.') + 1);
}

static void name_digest(const char *person, char dst[BLOCK_TEXT], enum digest kind)
{
	uint8_t bytes[64];
	digest(kind, view_of(person), bytes);
	for (size_t i = 0; i < digest_bytes(kind); i++)
		snprintf(dst + 2 * i, BLOCK_TEXT - 2 * i, "%02x", bytes[i]);
}

static void name_md5(const char *person, char dst[BLOCK_TEXT])
{
	name_digest(person, dst, DIGEST_MD5);
}

static void name_sha1(const char *person, char dst[BLOCK_TEXT])
{
	name_digest(person, dst, DIGEST_SHA1);
}

static void name_sha256(const char *person, char dst[BLOCK_TEXT])
{
	name_digest(person, dst, DIGEST_SHA256);
}

static void name_sha512(const char *person, char dst[BLOCK_TEXT])
{
	name_digest(person, dst, DIGEST_SHA512);
}

static const struct naming {
	const char *word;
	void (*name)(const char *person, char dst[BLOCK_TEXT]);
} namings[] = {
    {"domain", name_domain},
    {"below", name_below},
    {"parent", name_parent},
    {"md5", name_md5},
    {"sha1", name_sha1},
    {"sha256", name_sha256},
    {"sha512", name_sha512},
};

static bool is_expired(struct view word)
{
	return view_eq(word, V("expired"));
}

/* "REASON SCOPE [expired]" or "allow SCOPE [expired]" about what NAME says. */
static void record_about(struct view name, struct view rest)
{
	struct view reason = {0}, scope = {0}, end = {0};
	struct block_name block;
	(void)(view_word(&rest, &reason) && view_word(&rest, &scope) && view_word(&rest, &end));
	struct change ch = scoped(CHANGE_SUPPRESS, "", scope);
	if (block_name_is_meant(name)) {
		assert_int_equal(block_name_parse(name, &block, NULL), 0);
		change_about(l, &block, &ch);
	} else {
		ch.address = name;
		ledger_person_key(l, CHANNEL_EMAIL, name, &ch.who);
	}
	ch.reason = reason_of(reason);
	ch.kind = ch.reason ? CHANGE_SUPPRESS : CHANGE_ALLOW;
	assert_true(ch.reason || view_eq(reason, V("allow")));
	ch.note = V("for a case");
	ch.expires_ms = is_expired(end) ? (TODAY - 1) * DAY_MS : 0;
	change_ok(l, &ch);
}

/* False: ENTRY is not about others. */
static bool record_other(const char *person, struct view verb, struct view rest)
{
	char name[BLOCK_TEXT];
	bool known = view_eq(verb, V("form"));
	snprintf(name, sizeof name, "%.*s+other%s", (int)(strchr(person, '@') - person), person, strchr(person, '@'));
	for (size_t i = 0; !known && i < sizeof namings / sizeof *namings; i++) {
		known = view_eq(view_of(namings[i].word), verb);
		if (known)
			namings[i].name(person, name);
	}
	if (known)
		record_about(view_of(name), rest);
	return known;
}

/* ---- what the brand is like, and what the address ---- */

static bool has_word(struct view records, struct view word)
{
	struct view one;
	while (view_cut(&records, '+', &one))
		if (view_eq(view_trim(one), word))
			return true;
	return false;
}

/* "reach REASON CLASS blocks|passes [LEVEL]": as settings say it that were not looked at. */
static void set_reach(struct brand *b, struct view entry)
{
	struct view verb, reason = {0}, class = {0}, way = {0}, level = {0};
	if (!view_word(&entry, &verb) || !view_eq(verb, V("reach")))
		return;
	(void)(view_word(&entry, &reason) && view_word(&entry, &class) && view_word(&entry, &way) && view_word(&entry, &level));
	assert_true(reason_of(reason) && mail_class_of(class));
	for (enum scope_level l2 = SCOPE_GLOBAL; l2 <= SCOPE_TOPIC; l2++) {
		struct reach_change *change = &b->reach[reason_of(reason)][l2];
		if (level.n && !view_eq(level, view_of(scope_word(l2))))
			continue;
		*(view_eq(way, V("blocks")) ? &change->wider : &change->narrower) = (uint8_t)(1u << mail_class_of(class));
	}
}

static void set_reaches(struct brand *b, struct view records)
{
	struct view one;
	memset(b->reach, 0, sizeof b->reach);
	while (view_cut(&records, '+', &one))
		set_reach(b, one);
}

static void set_the_scene(struct view records, unsigned number, char person[PERSON_TEXT])
{
	static char *folded[1];
	static char domain[64];
	struct brand *b = &test_policy->brands[0];
	snprintf(domain, sizeof domain, "mail.case-%u.example", number);
	folded[0] = domain;
	b->folding = has_word(records, V("folds")) ? folded : NULL;
	b->folding_count = b->folding ? 1 : 0;
	set_reaches(b, records);
	b->refuses_typos = has_word(records, V("typo"));
	b->mails_roles = has_word(records, V("mails-roles"));
	bool lives = has_word(records, V("lives"));
	b->life_months[BASIS_SOFT_OPT_IN] = lives ? 24 : 0;
	b->enquiry_months = lives ? 6 : 0;
	snprintf(person, PERSON_TEXT, "%s%u@%s", has_word(records, V("role")) ? "abuse+" : "ann", number, has_word(records, V("typo")) ? "gmial.com" : domain);
}

/* One entry of the left column. */
static void record(const char *person, struct view entry)
{
	struct view verb, a = {0}, b = {0}, c = {0}, d = {0};
	struct change ch;
	const struct view whole = entry;
	assert_true(view_word(&entry, &verb));
	static const char *const scenes[] = {"nothing", "folds", "role", "typo", "mails-roles", "lives", "reach"};
	for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
		if (view_eq(verb, view_of(scenes[i])))
			return;
	if (record_other(person, verb, entry))
		return;
	if (view_eq(verb, V("allow"))) {
		record_about(view_of(person), whole);
		return;
	}
	if (view_eq(verb, V("corporate")) || view_eq(verb, V("individual"))) {
		ch = scoped(view_eq(verb, V("corporate")) ? CHANGE_CORPORATE : CHANGE_INDIVIDUAL, person, V("all"));
		change_ok(l, &ch);
		return;
	}
	(void)(view_word(&entry, &a) && view_word(&entry, &b) && view_word(&entry, &c) && view_word(&entry, &d));
	if (view_eq(verb, V("grant"))) {
		ch = scoped(CHANGE_GRANT, person, b);
		bool enquiry = view_eq(a, V("enquiry"));
		ch.basis = enquiry ? BASIS_SOFT_OPT_IN : basis_of(a);
		ch.evidence = enquiry ? V("negotiation=N-3 product=shoes refusal=box") : V(SOFT_EVIDENCE);
		ch.event_ms = day(c);
		ch.expires_ms = view_eq(d, V("expired")) ? (TODAY - 1) * DAY_MS : 0;
	} else if (view_eq(verb, V("withdraw"))) {
		ch = scoped(CHANGE_WITHDRAW, person, a);
		ch.event_ms = day(b);
	} else {
		ch = scoped(CHANGE_SUPPRESS, person, a);
		ch.reason = reason_of(verb);
		ch.expires_ms = view_eq(b, V("expired")) ? (TODAY - 1) * DAY_MS : 0;
	}
	change_ok(l, &ch);
}

static void explanation_agrees(const struct question *q, const struct verdict *v)
{
	struct arena arena;
	struct explanation e;
	struct err err = {0};
	unsigned deciding = 0;
	arena_init(&arena, 1 << 20);
	assert_int_equal(policy_explain(l, q, &arena, &e, &err), 0);
	assert_int_equal(e.verdict.kind, v->kind);
	assert_int_equal(e.verdict.rule, v->rule);
	assert_int_equal(e.verdict.reason, v->reason);
	assert_int_equal(e.verdict.seq, v->seq);
	for (unsigned i = 0; i < e.count; i++) {
		deciding += e.findings[i].decides;
		assert_true(e.findings[i].why && e.findings[i].why[0]);
		if (e.findings[i].decides)
			assert_int_equal(e.findings[i].blocks, v->kind != VERDICT_ALLOW);
	}
	assert_int_equal(deciding, 1);
	arena_free(&arena);
}

static void run_case(struct view line, unsigned number)
{
	struct view rest = line, records, where, wanted, entry;
	char person[PERSON_TEXT], stream[SCOPE_NAME_MAX + 1];
	assert_true(view_cut(&rest, '|', &records) && view_cut(&rest, '|', &where));
	wanted = view_trim(rest);
	set_the_scene(records, number, person);
	while (view_cut(&records, '+', &entry))
		record(person, entry);
	struct question q = question_on(l, person, terminated(stream, sizeof stream, view_trim(where)));
	struct verdict v = policy_decide(l, &q);
	const char *got = v.kind == VERDICT_ALLOW ? "allow" : verdict_reason_word(&v);
	if (!view_eq(view_of(got), wanted))
		fail_msg("policy_cases.txt:%u: %.*s: the verdict is %s", number, VFMT(line), got);
	explanation_agrees(&q, &v);
}

static void every_case(void **state)
{
	struct buf text;
	struct err err = {0};
	unsigned number = 0, cases = 0;
	struct view rest, line;
	(void)state;
	buf_init(&text, CASES_BYTES);
	if (file_read("tests/unit/policy_cases.txt", &text, &err) < 0)
		fail_msg("%s", err.text);
	rest = buf_view(&text);
	while (view_cut(&rest, '\n', &line)) {
		number++;
		line = view_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		run_case(line, number);
		cases++;
	}
	assert_true(cases > 80);
	buf_free(&text);
}

static int set_up(void **state)
{
	(void)state;
	test_now_ms = TODAY * DAY_MS;
	test_policy_make();
	place_make(&place);
	l = place_open(&place);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_policy->brands[0].folding = NULL;
	test_policy->brands[0].folding_count = 0;
	ledger_close(&l);
	policy_free(&test_policy->shared);
	place_remove(&place);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_case, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
