/* The inbox's thread: takes all that wait, understands each, makes the raw reports and counts durable with one sync, hands
 * the changes to the ledger (whose committer shares one transaction among them), and answers from there. */
#include "inbound/inbox.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/counter.h"
#include "base/file.h"
#include "base/log.h"
#include "inbox_internal.h"
#include "internal.h"

#define BATCH_MAX 64
#define DISABLED_DAYS 2 /* a mailbox that says so on two days is gone (FACTS: 5.2.1 after two in 24 hours) */
#define EXPIRE_EVERY_MS 3600000
#define RESOLVER_TIMEOUT_S 5

COUNTER(reports_bounce, "optgate_reports_total{kind=\"bounce\"}", "Reports taken, by what they are");
COUNTER(reports_complaint, "optgate_reports_total{kind=\"complaint\"}", "Reports taken, by what they are");
COUNTER(reports_autoreply, "optgate_reports_total{kind=\"autoreply\"}", "Reports taken, by what they are");
COUNTER(reports_optout, "optgate_reports_total{kind=\"optout\"}", "Reports taken, by what they are");
COUNTER(reports_other, "optgate_reports_total{kind=\"other\"}", "Reports taken, by what they are");
COUNTER(
    reports_refused, "optgate_reports_refused_total", "Reports refused: too large, too deeply nested, loops, failures");
COUNTER(
    reaction_bounce, "optgate_reports_reactions_total{reaction=\"bounce\"}", "What reports and refusals have caused");
COUNTER(reaction_complaint, "optgate_reports_reactions_total{reaction=\"complaint\"}",
    "What reports and refusals have caused");
COUNTER(
    reaction_optout, "optgate_reports_reactions_total{reaction=\"optout\"}", "What reports and refusals have caused");
COUNTER(reaction_soft, "optgate_reports_reactions_total{reaction=\"soft\"}", "What reports and refusals have caused");
COUNTER(reaction_alert, "optgate_reports_reactions_total{reaction=\"alert\"}", "What reports and refusals have caused");
COUNTER(unverified, "optgate_reports_unverified_total", "Complaints without a valid signature, which changed nothing");

struct job {
	struct job *next;
	struct inbox_report *r;
	struct inbox *inbox;
	struct change changes[INBOX_RECIPIENTS_MAX * OPTOUT_CHANGES];
	size_t change_count;
	char notes[INBOX_RECIPIENTS_MAX][WORDS_MAX + 1];
	struct arena arena; /* the report's views, which changes point into */
	char reference[KEPT_REFERENCE];
	struct reply reply;
};

struct inbox_settings *inbox_settings_hold(struct inbox *in)
{
	return (struct inbox_settings *)shared_acquire(&in->settings);
}

void inbox_use(struct inbox *in, struct inbox_settings *s)
{
	shared_replace(&in->settings, &s->shared, inbox_settings_free);
}

/* ---- one report's meaning ---- */

static struct counter *counter_of_kind(enum report_kind k)
{
	static struct counter *const by_kind[] = {
	    &reports_other, &reports_bounce, &reports_complaint, &reports_autoreply, &reports_optout};
	return by_kind[k];
}

struct counter *counter_of_reaction(enum reaction r)
{
	static struct counter *const by_reaction[] = {
	    NULL, &reaction_alert, &reaction_soft, &reaction_bounce, &reaction_complaint, &reaction_optout};
	return by_reaction[r];
}

static struct scope brand_scope(const struct optout_subject *s, const struct token *t)
{
	if (s->brand)
		return s->brand->scope;
	struct scope unnamed = {.level = t->level};
	memcpy(unnamed.id, t->scope_id, SCOPE_ID_BYTES);
	return unnamed;
}

/* "stream=acme/offers": whoever counts complaints wants to know what was complained about. */
static struct view stream_evidence(struct job *j, const struct stream *s)
{
	struct buf b;
	buf_init(&b, SCOPE_NAME_MAX + 10);
	buf_fmt(&b, "stream=%s", s->scope.name);
	struct view v = arena_view(&j->arena, buf_view(&b));
	buf_free(&b);
	return v;
}

/* A bounce block reaches everything; a complaint is about the brand that sent. */
static void add_suppression(struct job *j, const struct subject *s, enum reason reason, struct view note)
{
	struct change *c = &j->changes[j->change_count++];
	*c = (struct change){.kind = CHANGE_SUPPRESS,
	    .channel = CHANNEL_EMAIL,
	    .who = s->who,
	    .address = s->address,
	    .reason = reason,
	    .source = V("report"),
	    .actor = V("mta"),
	    .note = note};
	if (reason != REASON_COMPLAINT || s->evidence == EVIDENCE_ADDRESS)
		return;
	struct optout_subject sent = optout_subject(j->r->settings->policy, &s->token);
	c->scope = brand_scope(&sent, &s->token);
	if (sent.stream)
		c->evidence = stream_evidence(j, sent.stream);
}

static void add_optout(struct job *j, const struct subject *s, struct view evidence)
{
	struct optout_request request = {
	    .token = s->token, .reach = OPTOUT_TOPIC, .source = V("mailto"), .evidence = evidence};
	j->change_count += optout_changes(j->r->settings->policy, &request, &j->changes[j->change_count]);
}

bool count_soft(
    struct inbox *in, const struct inbox_settings *s, const struct person_key *who, struct view reason)
{
	unsigned disabled = 0;
	enum soft_kind kind = view_eq(reason, V("disabled")) ? SOFT_DISABLED : SOFT_BOUNCE;
	unsigned days = soft_count(in->soft, who, kind, clock_wall(in->clock), &disabled);
	return s->soft_days && (days >= s->soft_days || disabled >= DISABLED_DAYS);
}

struct view write_note(
    char dst[WORDS_MAX + 1], const char *reference, const struct report_recipient *said, enum evidence e)
{
	int n = snprintf(dst, WORDS_MAX + 1, "report=%s evidence=%s", reference, evidence_word(e));
	if (said && n > 0 && n <= WORDS_MAX)
		n += snprintf(dst + n, (size_t)(WORDS_MAX + 1 - n), " status=%s reason=%.*s rule=%s",
		    said->status[0] ? said->status : "-", VFMT(said->reason), said->rule);
	return view_n(dst, n > WORDS_MAX ? WORDS_MAX : (size_t)n);
}

static void apply_reaction(struct job *j, unsigned i, const struct subject *s, enum reaction reaction)
{
	struct inbox *in = j->inbox;
	struct view note = write_note(j->notes[i], j->reference, s->said, s->evidence);
	struct view reason = s->said ? s->said->reason : V("-");
	struct counter *c = counter_of_reaction(reaction);
	if (c)
		counter_add(c, 1);
	if (reaction == REACT_COUNT && count_soft(in, j->r->settings, &s->who, reason))
		reaction = REACT_BOUNCE;
	if (reaction == REACT_BOUNCE)
		add_suppression(j, s, REASON_BOUNCE, note);
	else if (reaction == REACT_COMPLAINT)
		add_suppression(j, s, REASON_COMPLAINT, note);
	else if (reaction == REACT_OPTOUT)
		add_optout(j, s, note);
	log_event(reaction == REACT_ALERT ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "inbound.report",
	    "report=%s evidence=%s reaction=%s reason=%.*s status=%s rule=%s", j->reference, evidence_word(s->evidence),
	    reaction_word(reaction), VFMT(reason), s->said && s->said->status[0] ? s->said->status : "-",
	    s->said ? s->said->rule : "-");
}

static bool complaint_is_signed(struct inbox *in, const struct inbox_settings *s, const struct report *r)
{
	struct address from;
	struct err why;
	const struct field *f = head_find(&r->head, V("From"));
	enum dkim_result result = DKIM_NONE;
	struct dkim_resolver resolver = {s->resolver, RESOLVER_TIMEOUT_S};
	if (f && field_mailbox(f, &from, &why) == 0)
		result = dkim_verify(&r->head, r->head.body, address_domain(&from), clock_wall(in->clock) / 1000,
		    s->lookup ? s->lookup : dkim_lookup_dns, s->lookup ? s->lookup_arg : &resolver, &why);
	else
		err_set(&why, ERR_SYNTAX, "no From");
	if (result == DKIM_PASS)
		return true;
	counter_add(&unverified, 1);
	log_event(LOG_LEVEL_WARNING, "inbound.complaint.unverified", "why=\"%s\"", why.text);
	return false;
}

static void understand_for(struct job *j, unsigned i, const struct report *r)
{
	const struct inbox_settings *s = j->r->settings;
	const struct inbox_rcpt *to = &j->r->rcpts[i];
	struct subject subject;
	bool was_optout = to->kind == INBOX_OPTOUTS;
	subject_find(s->tokens, j->inbox->ledger, to->kind == INBOX_COMPLAINTS ? NULL : &to->token, r, &subject);
	enum reaction reaction = subject_react(&subject, r, was_optout, s->trusts_addresses);
	if ((to->kind == INBOX_COMPLAINTS || to->kind == INBOX_CFBL) && reaction != REACT_COMPLAINT && reaction != REACT_ALERT)
		reaction = REACT_NOTHING;
	if (was_optout && j->r->null_sender)
		reaction = REACT_NOTHING;
	apply_reaction(j, i, &subject, reaction);
}

/* RFC 9477 3.2: an unsigned report on a CFBL address is not processed; elsewhere the settings may say otherwise. */
static bool wants_signature(const struct job *j)
{
	for (unsigned i = 0; i < j->r->rcpt_count; i++)
		if (j->r->rcpts[i].kind == INBOX_CFBL)
			return true;
	return j->r->settings->verifies_complaints;
}

static bool is_loop(const struct inbox_settings *s, const struct report *r)
{
	return head_count(&r->head, V("Received")) > s->max_received;
}

/* Fills the job's changes. Sets its reply when the report is refused. */
static void understand(struct job *j)
{
	struct report r;
	struct err err;
	const struct inbox_settings *s = j->r->settings;
	if (report_classify(s->rules, &j->arena, buf_view(&j->r->message), &r, &err) < 0) {
		reply_set(&j->reply, 552, "5.3.4", "%s", err.text);
		return;
	}
	if (is_loop(s, &r)) {
		reply_set(&j->reply, 554, "5.4.6", "Too many hops: this is a loop");
		return;
	}
	counter_add(counter_of_kind(r.kind), 1);
	if (r.kind == REPORT_COMPLAINT && wants_signature(j) && !complaint_is_signed(j->inbox, s, &r))
		return;
	for (unsigned i = 0; i < j->r->rcpt_count; i++)
		understand_for(j, i, &r);
}

/* ---- the thread ---- */

static void finish(struct job *j)
{
	struct inbox *in = j->inbox;
	size_t bytes = j->r->message.n;
	if (j->reply.code != 250)
		counter_add(&reports_refused, 1);
	j->r->done(j->r->arg, &j->reply);
	shared_release(&j->r->settings->shared);
	buf_free(&j->r->message);
	arena_free(&j->arena);
	free(j->r);
	free(j);
	pthread_mutex_lock(&in->lock);
	in->waiting_bytes -= bytes;
	if (--in->waiting == 0)
		pthread_cond_broadcast(&in->idle);
	pthread_mutex_unlock(&in->lock);
}

/* The report's own commit point: the ledger has it, and the 250 comes after that. */
static void committed(void *arg, const struct change_result *results, size_t n, const struct err *err)
{
	struct job *j = arg;
	(void)results;
	(void)n;
	if (err) {
		log_event(LOG_LEVEL_ERROR, "inbound.report.fail", "report=%s why=\"%s\"", j->reference, err->text);
		reply_set(&j->reply, 451, "4.3.0", "The report could not be recorded; please try again");
	} else {
		reply_set(&j->reply, 250, "2.0.0", "Report taken");
	}
	finish(j);
}

static void keep(struct job *j)
{
	struct err err;
	if (j->reply.code || !j->r->settings->keep_ms)
		return;
	if (kept_add(j->inbox->kept, clock_wall(j->inbox->clock), buf_view(&j->r->message), j->reference, &err) < 0) {
		log_event(LOG_LEVEL_ERROR, "inbound.keep.fail", "why=\"%s\"", err.text);
		reply_set(&j->reply, 452, "4.3.1", "The report could not be kept; please try again");
	}
}

static bool sync_batch(struct inbox *in)
{
	struct err err;
	if (kept_sync(in->kept, &err) == 0 && soft_sync(in->soft, &err) == 0)
		return true;
	log_event(LOG_LEVEL_ERROR, "inbound.keep.fail", "why=\"%s\"", err.text);
	return false;
}

static void hand_over(struct job *j, bool synced)
{
	if (!j->reply.code && !synced)
		reply_set(&j->reply, 452, "4.3.1", "The report could not be kept; please try again");
	if (!j->reply.code && j->change_count == 0)
		reply_set(&j->reply, 250, "2.0.0", "Report taken");
	if (j->reply.code)
		finish(j);
	else
		ledger_submit(j->inbox->ledger, j->changes, j->change_count, committed, j);
}

static void run_batch(struct inbox *in, struct job *jobs)
{
	for (struct job *j = jobs; j; j = j->next) {
		keep(j);
		if (!j->reply.code)
			understand(j);
	}
	bool synced = sync_batch(in);
	for (struct job *j = jobs, *next; j; j = next) {
		next = j->next;
		hand_over(j, synced);
	}
}

static struct job *take_batch(struct inbox *in)
{
	struct job *first = in->first, **end = &in->first;
	for (unsigned n = 0; *end && n < BATCH_MAX; n++)
		end = &(*end)->next;
	in->first = *end;
	*end = NULL;
	if (!in->first)
		in->last = &in->first;
	return first;
}

static void expire(struct inbox *in)
{
	int64_t now = clock_mono(in->clock);
	if (in->expired_ms && now - in->expired_ms < EXPIRE_EVERY_MS)
		return;
	in->expired_ms = now;
	struct inbox_settings *s = inbox_settings_hold(in);
	kept_expire(in->kept, clock_wall(in->clock), s->keep_ms);
	shared_release(&s->shared);
}

static void *run(void *arg)
{
	struct inbox *in = arg;
	pthread_mutex_lock(&in->lock);
	while (!in->stopping || in->first) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 60;
		if (!in->first && !in->stopping)
			pthread_cond_timedwait(&in->wake, &in->lock, &until);
		struct job *jobs = in->first ? take_batch(in) : NULL;
		pthread_mutex_unlock(&in->lock);
		run_batch(in, jobs);
		expire(in);
		pthread_mutex_lock(&in->lock);
	}
	pthread_mutex_unlock(&in->lock);
	return NULL;
}

/* ---- from outside ---- */

static void refuse(struct inbox_report *r)
{
	struct reply reply;
	reply_set(&reply, 451, "4.3.2", "Too many reports are waiting; please try again");
	counter_add(&reports_refused, 1);
	r->done(r->arg, &reply);
	shared_release(&r->settings->shared);
	buf_free(&r->message);
	free(r);
}

void inbox_submit(struct inbox *in, struct inbox_report *r)
{
	pthread_mutex_lock(&in->lock);
	bool full = in->waiting == INBOX_WAITING_MAX || in->waiting_bytes > INBOX_WAITING_BYTES || in->stopping;
	if (!full) {
		struct job *j = mem_zero(sizeof *j);
		j->r = r;
		j->inbox = in;
		memcpy(j->reference, "-", 2);
		arena_init(&j->arena, REPORT_ARENA_BYTES);
		*in->last = j;
		in->last = &j->next;
		in->waiting++;
		in->waiting_bytes += r->message.n;
		pthread_cond_signal(&in->wake);
	}
	pthread_mutex_unlock(&in->lock);
	if (full)
		refuse(r);
}

int inbox_open(struct inbox **ret, const char *dir, unsigned soft_window_days, struct ledger *l,
    const struct clock *clock, struct inbox_settings *settings, struct err *err)
{
	char path[1400];
	struct inbox *in = mem_zero(sizeof *in);
	in->ledger = l;
	in->clock = clock;
	in->last = &in->first;
	pthread_mutex_init(&in->lock, NULL);
	pthread_cond_init(&in->wake, NULL);
	pthread_cond_init(&in->idle, NULL);
	shared_slot_init(&in->settings);
	inbox_use(in, settings);
	if (kept_open(&in->kept, dir, err) == 0 && path_join(path, sizeof path, dir, "soft", err) == 0 &&
	    soft_open(&in->soft, path, soft_window_days, clock_wall(clock), err) == 0) {
		if (pthread_create(&in->thread, NULL, run, in) == 0) {
			*ret = in;
			return 0;
		}
		err_set(err, ERR_SYSTEM, "inbox: no thread");
	}
	soft_close(&in->soft);
	kept_close(&in->kept);
	shared_replace(&in->settings, NULL, NULL);
	free(in);
	return -1;
}

void inbox_close(struct inbox **pin)
{
	struct inbox *in = *pin;
	if (!in)
		return;
	pthread_mutex_lock(&in->lock);
	in->stopping = true;
	pthread_cond_signal(&in->wake);
	pthread_mutex_unlock(&in->lock);
	pthread_join(in->thread, NULL);
	pthread_mutex_lock(&in->lock);
	while (in->waiting)
		pthread_cond_wait(&in->idle, &in->lock);
	pthread_mutex_unlock(&in->lock);
	soft_close(&in->soft);
	kept_close(&in->kept);
	shared_replace(&in->settings, NULL, NULL);
	pthread_mutex_destroy(&in->lock);
	pthread_cond_destroy(&in->wake);
	pthread_cond_destroy(&in->idle);
	free(in);
	*pin = NULL;
}
