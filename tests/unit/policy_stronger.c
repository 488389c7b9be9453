/* Promise 4 as a property: whoever was blocked stays blocked, over random sequences of all operations.
 *
 * The model is a list of acts as they were answered, and knows nothing of rows or merging: a suppression act blocks what it reaches until it
 * ends or its like is removed with a reason; a withdrawal act blocks until the person consents anew. An act may be about a person, their
 * domain, all below the domain above it, a digest of theirs or another form of their address (the brand folds the domain). An allow row is as
 * much of an audited act as a removal is: while one may reach a question, stops by hand and bounces need not block it. An
 * objection is one of all linked people, whether the link or the objection was first; unlinking takes nothing back. The ledger may block
 * more than the model, never less. OPTGATE_STEPS sets the number of steps, OPTGATE_SEED the sequence; a failure is shrunk to a short script and printed. */
#include "policy_help.h"

#include <sys/wait.h>

#include "crypto/hash.h"
#include "ledger/blocks.h"
#include "ledger/upkeep.h"
#include "ledger/wording.h"

#define PEOPLE 4 /* of one group; after GROUP steps come others, else everybody would soon be blocked by everything */
#define GROUP 120
#define STEPS 5000
#define SCOPES (sizeof scopes / sizeof *scopes)
#define QUESTIONS (sizeof questions / sizeof *questions)
#define FIRST_MS INT64_C(100000000)

static const char *const scopes[] = {
    "", "acme", "acme/offers", "acme/offers/spring", "acme/news", "acme/alerts", "other"};
static const char *const questions[] = {"acme/offers", "acme/offers/spring", "acme/offers/winter", "acme/news",
    "acme/receipts", "acme/alerts", "acme/terms"};

/* Whom an act is about: ABOUT_SELF is the one that consents and withdraws. */
enum whom { ABOUT_SELF, ABOUT_DOMAIN, ABOUT_BELOW, ABOUT_DIGEST, ABOUT_FORM, ABOUTS };

enum deed { DO_CHANGE, DO_PAIR, DO_LOAD, DO_REPLAY, DO_REOPEN, DO_ELSEWHERE, DO_CLOCK, DO_BACKUP, DO_RESTORE, DO_PRUNE, DEEDS };

struct op {
	bool off; /* taken out by shrinking */
	enum deed deed;
	enum change_kind kind;
	enum whom about;
	int person, scope;
	int other;       /* of a link */
	enum reason reason;
	enum basis basis;
	int64_t ago_ms;  /* event before now; 0 = now, negative: dated in the future */
	int64_t life_ms; /* 0 = for ever */
	bool noted;      /* a removal with a reason */
	enum { ALONE, APPROVED, OWN_REQUEST, BY_RECIPIENT } removal;
	int64_t jump_ms; /* DO_CLOCK */
	unsigned again;  /* DO_REPLAY: which one */
};

/* What was answered with yes. */
struct act {
	enum change_kind kind;
	enum whom about;
	int person, scope;
	enum reason reason;
	enum basis basis;
	int64_t event_ms, expires_ms;
	bool live, removed;
};

static struct place place;
static struct ledger *l;
static struct op *ops;
static struct change *done; /* as first sent, for replays; kind 0: never */
static struct act *acts;
static unsigned step_count, act_count, act_first; /* acts before act_first are about other groups */

/* ---- chance ---- */

static uint64_t chance_state;
static unsigned chance(unsigned below)
{
	chance_state ^= chance_state << 13;
	chance_state ^= chance_state >> 7;
	chance_state ^= chance_state << 17;
	return (unsigned)(chance_state >> 20) % below;
}

/* Whatever asks for a person is about one. */
static enum whom about_draw(enum change_kind kind)
{
	enum whom about = chance(3) ? ABOUT_SELF : (enum whom)chance(ABOUTS);
	bool allows = kind == CHANGE_ALLOW || kind == CHANGE_DISALLOW;
	bool any = kind == CHANGE_SUPPRESS || kind == CHANGE_UNSUPPRESS || (allows && about != ABOUT_DIGEST);
	return any ? about : ABOUT_SELF;
}

static struct op op_draw(unsigned i)
{
	static const enum change_kind kinds[] = {CHANGE_SUPPRESS, CHANGE_SUPPRESS, CHANGE_SUPPRESS, CHANGE_UNSUPPRESS,
	    CHANGE_GRANT, CHANGE_GRANT, CHANGE_GRANT, CHANGE_WITHDRAW, CHANGE_WITHDRAW, CHANGE_PERSON};
	static const enum deed rare[] = {
	    DO_PAIR, DO_PAIR, DO_LOAD, DO_REPLAY, DO_REPLAY, DO_REPLAY, DO_CLOCK, DO_CLOCK};
	static const enum deed keeping[] = {DO_BACKUP, DO_RESTORE, DO_PRUNE};
	unsigned dice = chance(1000);
	struct op o = {
	    .deed = DO_CHANGE, .kind = kinds[chance(10)], .person = (int)chance(PEOPLE), .scope = (int)chance(SCOPES)};
	o.deed = dice < 4 ? DO_ELSEWHERE : dice < 12 ? DO_REOPEN : dice < 300 ? rare[chance(8)] : dice < 312 ? keeping[chance(3)] : DO_CHANGE;
	if (chance(60) == 0)
		o.kind = CHANGE_FORGET;
	if (chance(12) == 0)
		o.kind = chance(2) ? CHANGE_ALLOW : CHANGE_DISALLOW;
	static const enum change_kind knowing[] = {CHANGE_LINK, CHANGE_LINK, CHANGE_UNLINK, CHANGE_CORPORATE, CHANGE_INDIVIDUAL, CHANGE_WORDING};
	if (chance(12) == 0) {
		o.kind = knowing[chance(6)];
		o.deed = DO_CHANGE;
	}
	o.other = (o.person + 1 + (int)chance(PEOPLE - 1)) % PEOPLE;
	o.about = about_draw(o.kind);
	o.reason = (enum reason)(1 + chance(8));
	o.basis = chance(2) ? BASIS_CONSENT : (enum basis)(1 + chance(5));
	o.ago_ms = chance(3) ? 0 : (int64_t)chance(100000) - 20000;
	o.life_ms = chance(3) ? 0 : 1 + (int64_t)chance(50000);
	o.noted = chance(4) != 0;
	o.removal = chance(4);
	o.jump_ms = (int64_t)chance(60000) - 25000;
	o.again = i - chance(i % GROUP + 1);
	return o;
}

/* ---- the model ---- */

static bool below(const char *question, int scope)
{
	struct view q = view_of(question), s = view_of(scopes[scope]);
	return s.n == 0 || view_eq(q, s) || (view_starts(q, s) && q.p[s.n] == '/');
}

static bool is_marketing(const char *question)
{
	return view_starts(view_of(question), V("acme/offers")) || view_eq(view_of(question), V("acme/news"));
}

static bool reaches(const struct act *a, const char *question)
{
	if (a->reason == REASON_BOUNCE)
		return true;
	if (a->reason == REASON_LEGAL)
		return !view_eq(view_of(question), V("acme/terms"));
	return is_marketing(question);
}

/* Domains are shared by two people each: p0 and p1, p2 and p3. */
static bool speaks_of(const struct act *a, int person)
{
	bool shared = a->about == ABOUT_DOMAIN || a->about == ABOUT_BELOW;
	return shared ? a->person / 2 == person / 2 : a->person == person;
}

static bool consented_since(unsigned w, const char *question)
{
	for (unsigned i = act_first; i < act_count; i++) {
		const struct act *g = &acts[i], *wd = &acts[w];
		if (g->kind == CHANGE_GRANT && g->person == wd->person && g->basis == BASIS_CONSENT &&
		    below(question, g->scope) && strlen(scopes[g->scope]) >= strlen(scopes[wd->scope]) &&
		    g->event_ms > wd->event_ms && !(wd->live && i < w) &&
		    (g->expires_ms == 0 || g->expires_ms > test_now_ms))
			return true;
	}
	return false;
}

/* Could an allow row reach? Those that have ended still count here: the model may always expect less. */
static bool may_be_allowed(const struct act *a, int person, const char *question)
{
	if (a->reason != REASON_BOUNCE && a->reason != REASON_MANUAL)
		return false;
	for (unsigned i = act_first; i < act_count; i++)
		if (acts[i].kind == CHANGE_ALLOW && !acts[i].removed && speaks_of(&acts[i], person) && below(question, acts[i].scope))
			return true;
	return false;
}

/* The number of an act that must block, or -1. */
static int must_block(int person, const char *question)
{
	for (unsigned i = act_first; i < act_count; i++) {
		const struct act *a = &acts[i];
		if (!speaks_of(a, person) || a->removed || !below(question, a->scope))
			continue;
		if (a->kind == CHANGE_SUPPRESS && reaches(a, question) && !may_be_allowed(a, person, question) &&
		    (a->expires_ms == 0 || a->expires_ms > test_now_ms))
			return (int)i;
		if (a->kind == CHANGE_WITHDRAW && is_marketing(question) && !consented_since(i, question))
			return (int)i;
	}
	return -1;
}

static void model_remove(const struct op *o, enum change_kind kind, enum reason reason)
{
	for (unsigned i = act_first; i < act_count; i++)
		if (acts[i].kind == kind && acts[i].about == o->about && speaks_of(&acts[i], o->person) && acts[i].scope == o->scope &&
		    acts[i].reason == reason)
			acts[i].removed = true;
}

/* Whose addresses are one person's. */
static bool linked[PEOPLE][PEOPLE];

static void mark_linked(int person, bool ret[PEOPLE])
{
	ret[person] = true;
	for (int p = 0; p < PEOPLE; p++)
		if (linked[person][p] && !ret[p])
			mark_linked(p, ret);
}

static bool is_shared(const struct act *a)
{
	return a->kind == CHANGE_SUPPRESS && a->reason == REASON_OBJECTION && a->about == ABOUT_SELF && !a->removed;
}

static bool is_learnt(const struct act *a, int person)
{
	for (unsigned i = act_first; i < act_count; i++)
		if (is_shared(&acts[i]) && acts[i].person == person && acts[i].scope == a->scope && acts[i].expires_ms == a->expires_ms)
			return true;
	return false;
}

/* An objection of one is one of all others. */
static void model_share(const struct act *a)
{
	bool same[PEOPLE] = {false};
	const struct act objection = *a;
	mark_linked(a->person, same);
	for (int p = 0; p < PEOPLE; p++)
		if (same[p] && p != objection.person && !is_learnt(&objection, p)) {
			acts[act_count] = objection;
			acts[act_count++].person = p;
		}
}

static void model_link(const struct op *o, enum change_kind kind)
{
	bool same[PEOPLE] = {false};
	linked[o->person][o->other] = linked[o->other][o->person] = kind == CHANGE_LINK;
	if (kind != CHANGE_LINK)
		return;
	mark_linked(o->person, same);
	for (unsigned i = act_first, n = act_count; i < n; i++)
		if (is_shared(&acts[i]) && same[acts[i].person])
			model_share(&acts[i]);
}

static void model_learn(const struct op *o, const struct change *c)
{
	if (c->kind == CHANGE_LINK || c->kind == CHANGE_UNLINK) {
		model_link(o, c->kind);
		return;
	}
	int64_t event_ms = c->event_ms && c->event_ms < test_now_ms ? c->event_ms : test_now_ms;
	struct act a = {.kind = c->kind,
	    .about = o->about,
	    .person = o->person,
	    .scope = o->scope,
	    .reason = c->reason,
	    .basis = c->basis,
	    .event_ms = event_ms,
	    .expires_ms = c->expires_ms,
	    .live = c->event_ms == 0};
	if (c->kind == CHANGE_UNSUPPRESS)
		model_remove(o, CHANGE_SUPPRESS, o->reason);
	if (c->kind == CHANGE_DISALLOW)
		model_remove(o, CHANGE_ALLOW, 0);
	if (c->kind == CHANGE_FORGET)
		a = (struct act){.kind = CHANGE_SUPPRESS, .person = o->person, .scope = 0, .reason = REASON_ERASURE};
	for (int p = 0; p < PEOPLE && c->kind == CHANGE_FORGET; p++)
		linked[o->person][p] = linked[p][o->person] = false;
	acts[act_count++] = a;
	if (is_shared(&a))
		model_share(&a);
}

/* ---- doing ---- */

static char address_text[PEOPLE][60], form_text[PEOPLE][60];
static struct block_name names[PEOPLE][ABOUTS];
static char domain_text[PEOPLE][60];
static char *folded[PEOPLE];

static void name_person(int p)
{
	char text[BLOCK_TEXT];
	uint8_t bytes[SHA256_BYTES];
	snprintf(text, sizeof text, "@%s", domain_text[p]);
	assert_int_equal(block_name_parse(view_of(text), &names[p][ABOUT_DOMAIN], NULL), 0);
	snprintf(text, sizeof text, "*%s", strchr(domain_text[p], '.'));
	assert_int_equal(block_name_parse(view_of(text), &names[p][ABOUT_BELOW], NULL), 0);
	sha256(view_of(address_text[p]), bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	assert_int_equal(block_name_parse(view_of(text), &names[p][ABOUT_DIGEST], NULL), 0);
}

static void group_begin(unsigned number)
{
	act_first = act_count;
	memset(linked, 0, sizeof linked);
	for (int p = 0; p < PEOPLE; p++) {
		snprintf(domain_text[p], sizeof domain_text[p], "mail.g%u-%d.example", number, p / 2);
		snprintf(address_text[p], sizeof address_text[p], "p%d@%s", p, domain_text[p]);
		snprintf(form_text[p], sizeof form_text[p], "p%d+form@%s", p, domain_text[p]);
		name_person(p);
		folded[p] = domain_text[p];
	}
	test_policy->brands[0].folding = folded;
	test_policy->brands[0].folding_count = PEOPLE;
}

static void set_about(const struct op *o, struct change *c)
{
	if (o->about == ABOUT_FORM) {
		c->address = view_of(form_text[o->person]);
		c->who = person_of(l, form_text[o->person]);
	} else if (o->about != ABOUT_SELF) {
		change_about(l, &names[o->person][o->about], c);
	}
}

static void set_words(struct change *c, int which)
{
	static char ids[SCOPES][WORDING_ID_TEXT];
	c->text = view_of(which ? scopes[which] : "yes");
	c->note = V("words 1 en");
	wording_id(c->text, ids[which]);
	c->wording = view_of(ids[which]);
}

static struct change change_of(const struct op *o)
{
	struct change c = change_on(l, o->kind, address_text[o->person], scopes[o->scope]);
	set_about(o, &c);
	c.reason = o->reason;
	c.basis = o->basis;
	c.event_ms = o->ago_ms ? test_now_ms - o->ago_ms : 0;
	c.expires_ms = o->life_ms && o->kind != CHANGE_FORGET ? test_now_ms + o->life_ms : 0;
	c.evidence = o->removal ? V(SOFT_EVIDENCE) : V("");
	c.note = o->noted ? V("asked for in writing") : V("");
	if (o->kind == CHANGE_ALLOW || o->kind == CHANGE_DISALLOW)
		c.reason = 0;
	c.other = person_of(l, address_text[o->other]);
	c.other_channel = CHANNEL_EMAIL;
	if (o->kind == CHANGE_WORDING)
		set_words(&c, o->scope);
	return c;
}

static struct change asked_for(const struct op *o, const struct change *c)
{
	struct change mine = *c, request = *c;
	struct change_result r = {0};
	request.kind = CHANGE_REQUEST;
	request.actor = o->removal == APPROVED ? V("user:other") : c->actor;
	if (o->removal == BY_RECIPIENT)
		mine.actor = V(ACTOR_RECIPIENT);
	else if (o->removal != ALONE && ledger_change(l, &request, &r, NULL) == 0)
		mine.request = r.seq;
	return mine;
}

/* What one person alone may take away. */
static bool alone_may(const struct op *o)
{
	return o->removal == APPROVED || (o->reason == REASON_UNSUBSCRIBE && o->removal == BY_RECIPIENT) ||
	       (o->reason != REASON_OBJECTION && o->reason != REASON_UNSUBSCRIBE && o->reason != REASON_COMPLAINT);
}

static void change_and_learn(const struct op *o, const struct change *c)
{
	struct change_result r;
	struct err err = {0};
	const bool removes = c->kind == CHANGE_UNSUPPRESS;
	const struct change wanted = removes ? asked_for(o, c) : *c;
	if (ledger_change(l, &wanted, &r, &err) == 0) {
		if (removes && r.changed)
			assert_true(alone_may(o));
		bool links = c->kind == CHANGE_LINK || c->kind == CHANGE_UNLINK;
		if ((!removes && !links) || r.changed)
			model_learn(o, c);
	} else if (err.kind != ERR_REFUSED)
		fail_msg("%s", err.text);
}

/* A good change and one that is refused, in either order: none of the two happens. Learnt only if answered. */
static void pair_and_learn(const struct op *o, const struct change *c)
{
	struct change two[2] = {*c, *c};
	struct change_result r[2];
	two[o->noted].kind = CHANGE_UNSUPPRESS;
	two[o->noted].note = V("");
	assert_int_equal(ledger_change_all(l, two, 2, r, NULL), -1);
}

struct loading {
	const struct change *c;
	bool given;
};

static bool load_next(void *arg, struct change *c)
{
	struct loading *g = arg;
	if (g->given)
		return false;
	*c = *g->c;
	g->given = true;
	return true;
}

static void load_and_learn(const struct op *o, const struct change *c)
{
	struct loading g = {.c = c};
	uint64_t rows;
	if (ledger_load(l, load_next, &g, V("import:1"), V("user:test"), &rows, NULL) == 0)
		model_learn(o, c);
}

/* By another process, that ends without closing anything. */
static void elsewhere_and_learn(const struct op *o, const struct change *c)
{
	int status;
	ledger_close(&l);
	int pid = fork();
	if (pid == 0) {
		struct change_result r;
		l = place_open(&place);
		_exit(ledger_change(l, c, &r, NULL) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	l = place_open(&place);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		model_learn(o, c);
}

static void reopen(void)
{
	ledger_close(&l);
	l = place_open(&place);
}

static char copy_dir[100];

/* The latest copy; it may be older than many a block. */
static void back_up(void)
{
	char path[120];
	static const char *const files[] = {"data.mdb", "lock.mdb"};
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", copy_dir, files[i]);
		unlink(path);
	}
	struct err err;
	if (ledger_backup(l, copy_dir, &err) < 0)
		fail_msg("%s", err.text);
}

static void restore(void)
{
	struct place copy = place;
	struct restored r;
	struct err err;
	copy.settings.dir = copy_dir;
	copy.settings.key_dir = place.keys;
	copy.settings.read_only = true;
	struct ledger *from = place_open(&copy);
	if (ledger_restore(l, from, V("restore"), V("user:test"), &r, &err) < 0)
		fail_msg("%s", err.text);
	ledger_close(&from);
}

static void prune(const struct op *o)
{
	uint64_t count;
	struct err err;
	struct person_key who = person_of(l, address_text[o->person]);
	if (ledger_journal_prune(l, test_now_ms - o->ago_ms, o->noted ? NULL : &who, V("user:test"), &count, &err) < 0)
		fail_msg("%s", err.text);
}

static void keep(const struct op *o)
{
	if (o->deed == DO_PRUNE)
		prune(o);
	else if (o->deed == DO_BACKUP || access(copy_dir, F_OK) < 0)
		back_up();
	else
		restore();
}

static void step(unsigned i)
{
	const struct op *o = &ops[i];
	static void (*const ways[DEEDS])(const struct op *o, const struct change *c) = {
		[DO_CHANGE] = change_and_learn,
		[DO_PAIR] = pair_and_learn,
		[DO_LOAD] = load_and_learn,
		[DO_ELSEWHERE] = elsewhere_and_learn,
	};
	if (o->deed == DO_CLOCK)
		test_now_ms = test_now_ms + o->jump_ms > FIRST_MS ? test_now_ms + o->jump_ms : FIRST_MS;
	else if (o->deed == DO_REOPEN)
		reopen();
	else if (o->deed >= DO_BACKUP)
		keep(o);
	else if (o->deed == DO_REPLAY && done[o->again].kind && done[o->again].kind != CHANGE_UNSUPPRESS)
		change_and_learn(&ops[o->again], &done[o->again]);
	else if (ways[o->deed]) {
		done[i] = change_of(o);
		ways[o->deed](o, &done[i]);
	}
}

/* ---- a run, and what it shows ---- */

static int unblocked(const char **ret_question, int *ret_act)
{
	for (int p = 0; p < PEOPLE; p++)
		for (size_t k = 0; k < QUESTIONS; k++) {
			struct question q = question_on(l, address_text[p], questions[k]);
			*ret_act = must_block(p, questions[k]);
			*ret_question = questions[k];
			if (*ret_act >= 0 && policy_decide(l, &q).kind == VERDICT_ALLOW)
				return p;
		}
	return -1;
}

/* The step after which somebody was unblocked, or -1. */
static int run(const char **ret_question, int *ret_act)
{
	int failed = -1;
	place_make(&place);
	snprintf(copy_dir, sizeof copy_dir, "%s/copy", place.dir);
	test_now_ms = FIRST_MS;
	act_count = 0;
	memset(done, 0, step_count * sizeof *done);
	l = place_open(&place);
	for (unsigned i = 0; i < step_count && failed < 0; i++) {
		if (i % GROUP == 0)
			group_begin(i / GROUP);
		if (ops[i].off)
			continue;
		step(i);
		if (unblocked(ret_question, ret_act) >= 0)
			failed = (int)i;
	}
	uint64_t good;
	assert_int_equal(ledger_journal_verify(l, &good, NULL), 0);
	ledger_close(&l);
	place_remove(&place);
	return failed;
}

/* Takes out runs of steps, halving their length, as long as it still fails. */
static void shrink(void)
{
	const char *question;
	int act;
	for (unsigned width = step_count / 2; width; width /= 2)
		for (unsigned at = 0; at < step_count; at += width) {
			bool *was = mem_zero(width * sizeof *was);
			unsigned n = 0;
			for (unsigned i = 0; i < width && at + i < step_count; i++, n++) {
				was[i] = ops[at + i].off;
				ops[at + i].off = true;
			}
			bool fails = run(&question, &act) >= 0;
			for (unsigned i = 0; i < n && !fails; i++)
				ops[at + i].off = was[i];
			free(was);
		}
}

static void script_print(void)
{
	static const char *const deeds[DEEDS] = {"change", "pair", "load", "replay", "reopen", "elsewhere", "clock", "backup", "restore", "prune"};
	for (unsigned i = 0; i < step_count; i++) {
		const struct op *o = &ops[i];
		if (!o->off)
			print_error("%u: %s %s about %d person %d scope \"%s\" %s %s ago %lld life %lld jump %lld again %u%s\n",
			    i, deeds[o->deed], change_word(o->kind), (int)o->about, o->person, scopes[o->scope],
			    reason_word(o->reason), basis_word(o->basis), (long long)o->ago_ms, (long long)o->life_ms,
			    (long long)o->jump_ms, o->again, o->noted ? " noted" : "");
	}
}

static unsigned long number_from(const char *variable, unsigned long otherwise)
{
	const char *text = getenv(variable);
	return text ? strtoul(text, NULL, 10) : otherwise;
}

static void whoever_was_blocked_stays_blocked(void **state)
{
	const char *question;
	int act;
	(void)state;
	unsigned long seed = number_from("OPTGATE_SEED", 20241124);
	step_count = (unsigned)number_from("OPTGATE_STEPS", STEPS);
	chance_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	ops = mem_zero(step_count * sizeof *ops);
	done = mem_zero(step_count * sizeof *done);
	acts = mem_zero((step_count + 1) * PEOPLE * PEOPLE * sizeof *acts);
	for (unsigned i = 0; i < step_count; i++)
		ops[i] = op_draw(i);
	test_policy_make();
	int failed = run(&question, &act);
	if (failed >= 0) {
		print_error("seed %lu, step %d: %s is allowed, act %d should block it\n", seed, failed, question, act);
		step_count = (unsigned)failed + 1;
		shrink();
		script_print();
		fail();
	}
	test_policy->brands[0].folding = NULL;
	test_policy->brands[0].folding_count = 0;
	policy_free(&test_policy->shared);
	free(ops);
	free(done);
	free(acts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_was_blocked_stays_blocked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
