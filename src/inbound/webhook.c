/* Providers' events by two tables: where each provider writes things, and what its words mean. */
#include "inbound/webhook.h"

#include <jansson.h>
#include <stdio.h>

#include "internal.h"

#define JUDGE -1 /* the rules decide, by status and words */

static const struct shape {
	const char *name;
	const char *inner; /* path to the event in the body, or in each element when the body is a list; "" = itself */
	const char *event, *class; /* paths to the event's word and its class; "a|b": the first that is there */
} shapes[WEBHOOK_PROVIDERS] = {
    [WEBHOOK_SES] = {"ses", "", "notificationType|eventType", "bounce.bounceType|complaint.complaintFeedbackType"},
    [WEBHOOK_SENDGRID] = {"sendgrid", "", "event", "type|reason"},
    [WEBHOOK_POSTMARK] = {"postmark", "", "RecordType", "Type|SuppressionReason"},
    [WEBHOOK_MAILGUN] = {"mailgun", "event-data", "event", "severity"},
    [WEBHOOK_SPARKPOST] = {"sparkpost", "msys.message_event|msys.unsubscribe_event|msys", "type", "bounce_class"},
};

static const struct event_row {
	enum webhook_provider provider;
	const char *event, *class;            /* class NULL = any */
	const char *people;                   /* path to the list of people; NULL = the event names one */
	const char *address, *status, *words; /* paths in a person, or in the event; NULL = none */
	enum report_kind kind;
	int meaning; /* enum meaning, or JUDGE */
	const char *reason;
} event_rows[] = {
    {WEBHOOK_SES, "Bounce", "Permanent", "bounce.bouncedRecipients", "emailAddress", "status", "diagnosticCode",
	REPORT_BOUNCE, JUDGE, NULL},
    {WEBHOOK_SES, "Bounce", NULL, "bounce.bouncedRecipients", "emailAddress", "status", "diagnosticCode", REPORT_BOUNCE,
	MEANING_SOFT, "temporary"},
    {WEBHOOK_SES, "Complaint", "not-spam", "complaint.complainedRecipients", "emailAddress", NULL, NULL, REPORT_OTHER,
	MEANING_NONE, "not-spam"},
    {WEBHOOK_SES, "Complaint", "fraud", "complaint.complainedRecipients", "emailAddress", NULL, NULL, REPORT_COMPLAINT,
	MEANING_POLICY, "fraud"},
    {WEBHOOK_SES, "Complaint", "virus", "complaint.complainedRecipients", "emailAddress", NULL, NULL, REPORT_COMPLAINT,
	MEANING_POLICY, "virus"},
    {WEBHOOK_SES, "Complaint", NULL, "complaint.complainedRecipients", "emailAddress", NULL, NULL, REPORT_COMPLAINT,
	MEANING_HARD, "abuse"},
    {WEBHOOK_SES, "Delivery", NULL, "delivery.recipients", "", NULL, "delivery.smtpResponse", REPORT_BOUNCE,
	MEANING_NONE, "delivered"},
    {WEBHOOK_SENDGRID, "bounce", "blocked", NULL, "email", "status", "reason", REPORT_BOUNCE, MEANING_POLICY,
	"rejected"},
    {WEBHOOK_SENDGRID, "bounce", NULL, NULL, "email", "status", "reason", REPORT_BOUNCE, JUDGE, NULL},
    {WEBHOOK_SENDGRID, "blocked", NULL, NULL, "email", "status", "reason", REPORT_BOUNCE, MEANING_POLICY, "rejected"},
    {WEBHOOK_SENDGRID, "deferred", NULL, NULL, "email", "status", "response", REPORT_BOUNCE, MEANING_SOFT, "temporary"},
    {WEBHOOK_SENDGRID, "dropped", "Bounced Address", NULL, "email", "status", "reason", REPORT_BOUNCE, MEANING_HARD,
	"unknown-user"},
    {WEBHOOK_SENDGRID, "dropped", "Invalid", NULL, "email", "status", "reason", REPORT_BOUNCE, MEANING_HARD,
	"bad-address"},
    {WEBHOOK_SENDGRID, "dropped", "Unsubscribed Address", NULL, "email", NULL, NULL, REPORT_OPTOUT, MEANING_NONE,
	"unsubscribe"},
    {WEBHOOK_SENDGRID, "dropped", "Spam Reporting Address", NULL, "email", NULL, NULL, REPORT_COMPLAINT, MEANING_HARD,
	"abuse"},
    {WEBHOOK_SENDGRID, "spamreport", NULL, NULL, "email", NULL, NULL, REPORT_COMPLAINT, MEANING_HARD, "abuse"},
    {WEBHOOK_SENDGRID, "unsubscribe", NULL, NULL, "email", NULL, NULL, REPORT_OPTOUT, MEANING_NONE, "unsubscribe"},
    {WEBHOOK_SENDGRID, "group_unsubscribe", NULL, NULL, "email", NULL, NULL, REPORT_OPTOUT, MEANING_NONE,
	"unsubscribe"},
    {WEBHOOK_SENDGRID, "delivered", NULL, NULL, "email", NULL, "response", REPORT_BOUNCE, MEANING_NONE, "delivered"},
    {WEBHOOK_POSTMARK, "Bounce", "HardBounce", NULL, "Email", NULL, "Details", REPORT_BOUNCE, MEANING_HARD,
	"unknown-user"},
    {WEBHOOK_POSTMARK, "Bounce", "BadEmailAddress", NULL, "Email", NULL, "Details", REPORT_BOUNCE, MEANING_HARD,
	"bad-address"},
    {WEBHOOK_POSTMARK, "Bounce", "SpamComplaint", NULL, "Email", NULL, NULL, REPORT_COMPLAINT, MEANING_HARD, "abuse"},
    {WEBHOOK_POSTMARK, "Bounce", "Unsubscribe", NULL, "Email", NULL, NULL, REPORT_OPTOUT, MEANING_NONE, "unsubscribe"},
    {WEBHOOK_POSTMARK, "Bounce", "Subscribe", NULL, "Email", NULL, NULL, REPORT_OTHER, MEANING_NONE, "subscribe"},
    {WEBHOOK_POSTMARK, "Bounce", "AutoResponder", NULL, "Email", NULL, NULL, REPORT_AUTOREPLY, MEANING_NONE,
	"automatic"},
    {WEBHOOK_POSTMARK, "Bounce", "OpenRelayTest", NULL, "Email", NULL, NULL, REPORT_OTHER, MEANING_NONE, "other"},
    {WEBHOOK_POSTMARK, "Bounce", "Blocked", NULL, "Email", NULL, "Details", REPORT_BOUNCE, MEANING_POLICY, "rejected"},
    {WEBHOOK_POSTMARK, "Bounce", "SpamNotification", NULL, "Email", NULL, "Details", REPORT_BOUNCE, MEANING_POLICY,
	"spam"},
    {WEBHOOK_POSTMARK, "Bounce", "VirusNotification", NULL, "Email", NULL, "Details", REPORT_BOUNCE, MEANING_POLICY,
	"virus"},
    {WEBHOOK_POSTMARK, "Bounce", "DMARCPolicy", NULL, "Email", NULL, "Details", REPORT_BOUNCE, MEANING_POLICY,
	"authentication"},
    {WEBHOOK_POSTMARK, "Bounce", NULL, NULL, "Email", NULL, "Details", REPORT_BOUNCE, MEANING_SOFT, "temporary"},
    {WEBHOOK_POSTMARK, "SpamComplaint", NULL, NULL, "Email", NULL, NULL, REPORT_COMPLAINT, MEANING_HARD, "abuse"},
    {WEBHOOK_POSTMARK, "SubscriptionChange", "ManualSuppression", NULL, "Recipient", NULL, NULL, REPORT_OPTOUT,
	MEANING_NONE, "unsubscribe"},
    {WEBHOOK_POSTMARK, "SubscriptionChange", "SpamComplaint", NULL, "Recipient", NULL, NULL, REPORT_COMPLAINT,
	MEANING_HARD, "abuse"},
    {WEBHOOK_POSTMARK, "SubscriptionChange", "HardBounce", NULL, "Recipient", NULL, NULL, REPORT_BOUNCE, MEANING_HARD,
	"unknown-user"},
    {WEBHOOK_POSTMARK, "Delivery", NULL, NULL, "Recipient", NULL, "Details", REPORT_BOUNCE, MEANING_NONE, "delivered"},
    {WEBHOOK_MAILGUN, "failed", "permanent", NULL, "recipient", "delivery-status.enhanced-code",
	"delivery-status.message", REPORT_BOUNCE, JUDGE, NULL},
    {WEBHOOK_MAILGUN, "failed", NULL, NULL, "recipient", "delivery-status.enhanced-code", "delivery-status.message",
	REPORT_BOUNCE, MEANING_SOFT, "temporary"},
    {WEBHOOK_MAILGUN, "complained", NULL, NULL, "recipient", NULL, NULL, REPORT_COMPLAINT, MEANING_HARD, "abuse"},
    {WEBHOOK_MAILGUN, "unsubscribed", NULL, NULL, "recipient", NULL, NULL, REPORT_OPTOUT, MEANING_NONE, "unsubscribe"},
    {WEBHOOK_MAILGUN, "delivered", NULL, NULL, "recipient", NULL, "delivery-status.message", REPORT_BOUNCE,
	MEANING_NONE, "delivered"},
    {WEBHOOK_SPARKPOST, "bounce", "10", NULL, "rcpt_to", NULL, "raw_reason", REPORT_BOUNCE, MEANING_HARD,
	"unknown-user"},
    {WEBHOOK_SPARKPOST, "bounce", "30", NULL, "rcpt_to", NULL, "raw_reason", REPORT_BOUNCE, MEANING_HARD,
	"unknown-user"},
    {WEBHOOK_SPARKPOST, "bounce", "90", NULL, "rcpt_to", NULL, "raw_reason", REPORT_OPTOUT, MEANING_NONE,
	"unsubscribe"},
    {WEBHOOK_SPARKPOST, "bounce", "80", NULL, "rcpt_to", NULL, "raw_reason", REPORT_OTHER, MEANING_NONE, "subscribe"},
    {WEBHOOK_SPARKPOST, "bounce", "25", NULL, "rcpt_to", NULL, "raw_reason", REPORT_BOUNCE, MEANING_POLICY, "rejected"},
    {WEBHOOK_SPARKPOST, "bounce", "50", NULL, "rcpt_to", NULL, "raw_reason", REPORT_BOUNCE, MEANING_POLICY, "rejected"},
    {WEBHOOK_SPARKPOST, "bounce", "51", NULL, "rcpt_to", NULL, "raw_reason", REPORT_BOUNCE, MEANING_POLICY,
	"reputation"},
    {WEBHOOK_SPARKPOST, "bounce", "52", NULL, "rcpt_to", NULL, "raw_reason", REPORT_BOUNCE, MEANING_POLICY, "spam"},
    {WEBHOOK_SPARKPOST, "bounce", "53", NULL, "rcpt_to", NULL, "raw_reason", REPORT_BOUNCE, MEANING_POLICY, "content"},
    {WEBHOOK_SPARKPOST, "bounce", "54", NULL, "rcpt_to", NULL, "raw_reason", REPORT_BOUNCE, MEANING_POLICY, "relay"},
    {WEBHOOK_SPARKPOST, "bounce", "60", NULL, "rcpt_to", NULL, "raw_reason", REPORT_AUTOREPLY, MEANING_NONE,
	"automatic"},
    {WEBHOOK_SPARKPOST, "bounce", NULL, NULL, "rcpt_to", NULL, "raw_reason", REPORT_BOUNCE, MEANING_SOFT, "temporary"},
    {WEBHOOK_SPARKPOST, "delay", NULL, NULL, "rcpt_to", NULL, "raw_reason", REPORT_BOUNCE, MEANING_SOFT, "temporary"},
    {WEBHOOK_SPARKPOST, "spam_complaint", NULL, NULL, "rcpt_to", NULL, NULL, REPORT_COMPLAINT, MEANING_HARD, "abuse"},
    {WEBHOOK_SPARKPOST, "list_unsubscribe", NULL, NULL, "rcpt_to", NULL, NULL, REPORT_OPTOUT, MEANING_NONE,
	"unsubscribe"},
    {WEBHOOK_SPARKPOST, "link_unsubscribe", NULL, NULL, "rcpt_to", NULL, NULL, REPORT_OPTOUT, MEANING_NONE,
	"unsubscribe"},
    {WEBHOOK_SPARKPOST, "delivery", NULL, NULL, "rcpt_to", NULL, NULL, REPORT_BOUNCE, MEANING_NONE, "delivered"},
};

const char *webhook_provider_word(enum webhook_provider p)
{
	return shapes[p].name;
}

/* "a.b.c" below O. */
static const json_t *at_path(const json_t *o, struct view path)
{
	struct view part;
	while (o && view_cut(&path, '.', &part)) {
		char name[64];
		o = view_str(part, name, sizeof name) ? json_object_get(o, name) : NULL;
	}
	return o;
}

/* The first of "a.b|c" that is there. */
static const json_t *at(const json_t *o, const char *paths)
{
	struct view rest = view_of(paths), path;
	if (!rest.n)
		return o;
	while (view_cut(&rest, '|', &path)) {
		const json_t *v = at_path(o, path);
		if (v && !json_is_null(v))
			return v;
	}
	return NULL;
}

static struct view text_of(struct arena *a, const json_t *v)
{
	char number[32];
	if (json_is_string(v))
		return arena_view(a, view_n(json_string_value(v), json_string_length(v)));
	if (!json_is_integer(v))
		return (struct view){0};
	snprintf(number, sizeof number, "%lld", (long long)json_integer_value(v));
	return arena_view(a, view_of(number));
}

static const struct event_row *find_row(enum webhook_provider p, struct view event, struct view class)
{
	for (size_t i = 0; i < sizeof event_rows / sizeof *event_rows; i++) {
		const struct event_row *r = &event_rows[i];
		if (r->provider == p && view_eq(event, view_of(r->event)) &&
		    (!r->class || view_ieq(class, view_of(r->class))))
			return r;
	}
	return NULL;
}

struct reading {
	const struct bounce_rules *rules;
	struct arena *a;
	enum webhook_provider provider;
	struct webhook *ret;
	struct err *err;
};

static struct view member_of(struct arena *a, const json_t *person, const json_t *event, const char *path)
{
	if (!path)
		return (struct view){0};
	const json_t *v = at(person, path);
	return text_of(a, v ? v : at(event, path));
}

/* What the provider's class says stands, unless it leaves that to status and words, and gives some. */
static void judge_event(const struct reading *in, const struct event_row *row, struct view status, struct view words,
    struct report_recipient *ret)
{
	struct refusal refusal = {
	    row->meaning == MEANING_NONE ? DSN_DELIVERED : DSN_FAILED, status, words, V(""), NULL, 0};
	refusal_judge(in->rules, &refusal, ret);
	if (row->meaning == JUDGE && (status.n || words.n))
		return;
	ret->meaning = row->meaning == JUDGE ? MEANING_HARD : (enum meaning)row->meaning;
	ret->reason = row->reason ? view_of(row->reason) : V("unknown-user");
	snprintf(ret->rule, sizeof ret->rule, "%s:%s", shapes[row->provider].name, row->event);
}

static enum arf_type feedback_of(const struct event_row *row)
{
	if (row->kind != REPORT_COMPLAINT)
		return ARF_OTHER;
	return row->meaning == MEANING_HARD ? ARF_ABUSE : strcmp(row->reason, "fraud") == 0 ? ARF_FRAUD : ARF_VIRUS;
}

static int add_person(const struct reading *in, const struct event_row *row, const json_t *event, const json_t *person)
{
	struct view written = *row->address ? member_of(in->a, person, event, row->address) : text_of(in->a, person);
	struct view address = written.p ? canonical_address(in->a, written) : written;
	if (!address.p)
		return 0;
	if (in->ret->count == WEBHOOK_MAX_EVENTS)
		return err_set(in->err, ERR_LIMIT, "webhook: more than %d events", WEBHOOK_MAX_EVENTS);
	struct webhook_event *e = &in->ret->events[in->ret->count++];
	*e = (struct webhook_event){.kind = row->kind, .feedback = feedback_of(row), .recipient.address = address};
	judge_event(in, row, member_of(in->a, person, event, row->status), member_of(in->a, person, event, row->words),
	    &e->recipient);
	return 0;
}

static int add_event(const struct reading *in, const json_t *outer)
{
	const struct shape *s = &shapes[in->provider];
	const json_t *event = at(outer, s->inner);
	const struct event_row *row =
	    find_row(in->provider, text_of(in->a, at(event, s->event)), text_of(in->a, at(event, s->class)));
	if (!row)
		return 0;
	if (!row->people)
		return add_person(in, row, event, event);
	const json_t *people = at(event, row->people);
	size_t i;
	json_t *person;
	json_array_foreach(people, i, person) if (add_person(in, row, event, person) < 0) return -1;
	return 0;
}

static int add_events(const struct reading *in, const json_t *body)
{
	size_t i;
	json_t *one;
	if (!json_is_array(body))
		return add_event(in, body);
	json_array_foreach(body, i, one) if (add_event(in, one) < 0) return -1;
	return 0;
}

int webhook_parse(const struct bounce_rules *rules, struct arena *a, enum webhook_provider provider, struct view body,
    struct webhook *ret, struct err *err)
{
	json_error_t why;
	*ret = (struct webhook){0};
	if (body.n > WEBHOOK_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "webhook: larger than %d bytes", WEBHOOK_MAX_BYTES);
	ret->events = arena_alloc(a, WEBHOOK_MAX_EVENTS * sizeof *ret->events);
	if (!ret->events)
		return err_set(err, ERR_LIMIT, "webhook: too large to be looked at");
	json_t *json = json_loadb(body.p, body.n, JSON_DISABLE_EOF_CHECK, &why);
	if (!json)
		return err_set(err, ERR_SYNTAX, "webhook: no JSON: %.100s", why.text);
	/* Amazon's notification service wraps the event in a text. */
	const json_t *wrapped = provider == WEBHOOK_SES ? json_object_get(json, "Message") : NULL;
	if (json_is_string(wrapped)) {
		json_t *inner = json_loadb(json_string_value(wrapped), json_string_length(wrapped), 0, &why);
		json_decref(json);
		json = inner;
	}
	struct reading in = {rules, a, provider, ret, err};
	int rc = json ? add_events(&in, json) : err_set(err, ERR_SYNTAX, "webhook: no event");
	json_decref(json);
	return rc;
}
