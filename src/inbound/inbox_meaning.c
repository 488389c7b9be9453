/* What one report changes: for each address of ours that it was sent to, whose it is and what is made of it. */
#include <stdio.h>

#include "base/log.h"
#include "inbox_internal.h"
#include "internal.h"

#define DISABLED_DAYS 2 /* a mailbox that says so on two days is gone (FACTS: 5.2.1 after two in 24 hours) */
#define RESOLVER_TIMEOUT_S 5

COUNTER(reports_bounce, "optgate_reports_total{kind=\"bounce\"}", "Reports taken, by what they are");
COUNTER(reports_complaint, "optgate_reports_total{kind=\"complaint\"}", "Reports taken, by what they are");
COUNTER(reports_autoreply, "optgate_reports_total{kind=\"autoreply\"}", "Reports taken, by what they are");
COUNTER(reports_optout, "optgate_reports_total{kind=\"optout\"}", "Reports taken, by what they are");
COUNTER(reports_other, "optgate_reports_total{kind=\"other\"}", "Reports taken, by what they are");
COUNTER(
    reaction_bounce, "optgate_reports_reactions_total{reaction=\"bounce\"}", "What reports and refusals have caused");
COUNTER(reaction_complaint, "optgate_reports_reactions_total{reaction=\"complaint\"}",
    "What reports and refusals have caused");
COUNTER(
    reaction_optout, "optgate_reports_reactions_total{reaction=\"optout\"}", "What reports and refusals have caused");
COUNTER(reaction_soft, "optgate_reports_reactions_total{reaction=\"soft\"}", "What reports and refusals have caused");
COUNTER(reaction_alert, "optgate_reports_reactions_total{reaction=\"alert\"}", "What reports and refusals have caused");
COUNTER(unverified, "optgate_reports_unverified_total", "Complaints without a valid signature, which changed nothing");

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

void understand_job(struct job *j)
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
