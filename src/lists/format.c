/* The formats, one row each, most particular first: the first row whose columns are all there is it. */
#include "lists/format.h"

#include "format_own.h"
#include "ledger/blocks.h"

bool list_has(const struct list_row *r, const char *name)
{
	for (unsigned i = 0; i < r->count; i++)
		if (view_ieq(r->names[i], view_of(name)))
			return true;
	return false;
}

struct view list_get(const struct list_row *r, const char *name)
{
	for (unsigned i = 0; i < r->count; i++)
		if (view_ieq(r->names[i], view_of(name)))
			return view_trim(r->values[i]);
	return V("");
}

/* ---- what a vendor's word means ---- */

struct meaning {
	const char *word; /* "" = any other */
	enum reason reason; /* 0 = nothing follows */
	const char *why;
};

static void by_word(struct view word, const struct meaning *m, size_t n, struct list_entry *e)
{
	for (size_t i = 0; i < n; i++)
		if (view_ieq(word, view_of(m[i].word)) || !*m[i].word) {
			e->reason = m[i].reason;
			e->kind = m[i].reason ? ENTRY_SUPPRESS : m[i].why ? ENTRY_SKIP : ENTRY_BAD;
			e->why = m[i].why ? m[i].why : "a known status";
			return;
		}
	e->kind = ENTRY_BAD;
	e->why = "a known status";
}
#define BY_WORD(word, table, e) by_word(word, table, sizeof table / sizeof *table, e)

void list_take(struct list_entry *e, enum reason reason, struct view address, struct view date, struct view note)
{
	e->kind = ENTRY_SUPPRESS;
	e->reason = reason;
	e->address = address;
	e->event_ms = list_date(date);
	e->note = note;
}

/* ---- the vendors ---- */

static const struct meaning ses_words[] = {{"BOUNCE", REASON_BOUNCE, NULL}, {"COMPLAINT", REASON_COMPLAINT, NULL}};

static void map_ses_json(const struct list_row *r, struct list_entry *e)
{
	list_take(e, 0, list_get(r, "emailAddress"), list_get(r, "LastUpdateTime"), V(""));
	BY_WORD(list_get(r, "reason"), ses_words, e);
}

static void map_ses_bare(const struct list_row *r, struct list_entry *e)
{
	list_take(e, 0, list_get(r, "0"), V(""), V(""));
	BY_WORD(list_get(r, "1"), ses_words, e);
}

static unsigned next_opted_out(const struct list_row *r, unsigned from)
{
	while (from < r->count && !(view_istarts(r->names[from], V("topicPreferences.")) && view_ieq(view_trim(r->values[from]), V("OPT_OUT"))))
		from++;
	return from;
}

/* Each topic that was opted out of is an entry of its own. */
static void map_ses_contacts(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_UNSUBSCRIBE, list_get(r, "emailAddress"), V(""), V(""));
	if (view_ieq(list_get(r, "unsubscribeAll"), V("true")))
		return;
	unsigned from = e->next, at = next_opted_out(r, from);
	if (at == r->count) {
		e->kind = ENTRY_SKIP;
		e->why = "no topic is opted out of, and no consent follows from an OPT_IN without time and proof";
		return;
	}
	e->topic = view_sub(r->names[at], 17, r->names[at].n);
	e->next = next_opted_out(r, at + 1) < r->count ? at + 1 : 0;
}

/* Bounces and blocks have the same columns: a block's status is a policy or a passing one, and says nothing of the person. */
static void map_sendgrid_bounce(const struct list_row *r, struct list_entry *e)
{
	struct view status = list_get(r, "status");
	list_take(e, REASON_BOUNCE, list_get(r, "email"), list_get(r, "created"), list_get(r, "reason"));
	if (!view_starts(status, V("5")) || view_starts(status, V("5.7"))) {
		e->kind = ENTRY_SKIP;
		e->why = "a block, not a bounce: the person was not at fault";
	}
}

static void map_sendgrid_block(const struct list_row *r, struct list_entry *e)
{
	e->address = list_get(r, "email");
	e->kind = ENTRY_SKIP;
	e->why = "a block, not a bounce: the person was not at fault";
}

static void map_sendgrid_invalid(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_BOUNCE, list_get(r, "email"), list_get(r, "created"), list_get(r, "reason"));
}

static void map_sendgrid_spam(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_COMPLAINT, list_get(r, "email"), list_get(r, "created"), list_get(r, "ip"));
}

static void map_sendgrid_unsubscribe(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_UNSUBSCRIBE, list_get(r, "email"), list_get(r, "created"), V(""));
}

static void map_mailgun_bounce(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_BOUNCE, list_get(r, "address"), list_get(r, "created_at"), list_get(r, "error"));
}

/* "*" is all; any other tag is a list of theirs. */
static void map_mailgun_unsubscribe(const struct list_row *r, struct list_entry *e)
{
	struct view tag = list_get(r, list_has(r, "tags") ? "tags" : "tag");
	list_take(e, REASON_UNSUBSCRIBE, list_get(r, "address"), list_get(r, "created_at"), V(""));
	if (!view_eq(tag, V("*")) && !view_eq(tag, V("[\"*\"]")))
		e->topic = tag;
}

static void map_mailgun_complaint(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_COMPLAINT, list_get(r, "address"), list_get(r, "created_at"), V(""));
}

static const struct meaning postmark_words[] = {{"HardBounce", REASON_BOUNCE, NULL}, {"SpamComplaint", REASON_COMPLAINT, NULL}, {"ManualSuppression", REASON_MANUAL, NULL}};

static void map_postmark(const struct list_row *r, struct list_entry *e)
{
	list_take(e, 0, list_get(r, "EmailAddress"), list_get(r, "CreatedAt"), list_get(r, "Origin"));
	BY_WORD(list_get(r, "SuppressionReason"), postmark_words, e);
	if (e->reason == REASON_MANUAL && view_ieq(list_get(r, "Origin"), V("Recipient")))
		e->reason = REASON_UNSUBSCRIBE;
}

static const struct meaning sparkpost_words[] = {{"Spam Complaint", REASON_COMPLAINT, NULL}, {"List Unsubscribe", REASON_UNSUBSCRIBE, NULL},
	{"Unsubscribe Link", REASON_UNSUBSCRIBE, NULL}, {"Bounce Rule", REASON_BOUNCE, NULL}, {"Manually Added", REASON_MANUAL, NULL}, {"Compliance", REASON_LEGAL, NULL},
	{"", REASON_MANUAL, NULL}};

static void map_sparkpost(const struct list_row *r, struct list_entry *e)
{
	struct view source = list_get(r, "source");
	list_take(e, 0, list_get(r, "recipient"), list_get(r, "created"), list_get(r, "description"));
	BY_WORD(source.n ? source : list_get(r, "description"), sparkpost_words, e);
	if (list_has(r, "non_transactional") && !view_ieq(list_get(r, "non_transactional"), V("true")) && !view_ieq(list_get(r, "transactional"), V("true"))) {
		e->kind = ENTRY_SKIP;
		e->why = "neither kind of mail is suppressed";
	}
}

static void map_cloudflare(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_MANUAL, list_get(r, "0"), V(""), V(""));
	e->expires_ms = list_date(list_get(r, "1"));
}

static void map_mailchimp_unsubscribed(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_UNSUBSCRIBE, list_get(r, "Email Address"), list_get(r, "UNSUB_TIME"), list_get(r, "UNSUB_REASON"));
}

static void map_mailchimp_cleaned(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_BOUNCE, list_get(r, "Email Address"), list_get(r, "CLEAN_TIME"), list_get(r, "CLEAN_CAMPAIGN_TITLE"));
}

/* Subscribed members carry evidence of their consent; without a time there is none. */
static void map_mailchimp_subscribed(const struct list_row *r, struct list_entry *e)
{
	bool confirmed = list_get(r, "CONFIRM_TIME").n > 0;
	struct view ip = list_get(r, confirmed ? "CONFIRM_IP" : "OPTIN_IP");
	e->kind = ENTRY_GRANT;
	e->basis = BASIS_CONSENT;
	e->address = list_get(r, "Email Address");
	e->event_ms = list_date(list_get(r, confirmed ? "CONFIRM_TIME" : "OPTIN_TIME"));
	e->how = confirmed ? V("mailchimp-confirmed") : V("mailchimp-optin");
	e->ip = ip.n ? ip : list_get(r, "OPTIN_IP");
	if (!e->event_ms || !e->ip.n) {
		e->kind = ENTRY_BAD;
		e->why = !e->event_ms ? "OPTIN_TIME or CONFIRM_TIME: consent without a time is none"
		                      : "OPTIN_IP or CONFIRM_IP: somebody else's list was put in, and nobody's consent";
	}
}

static const struct meaning listmonk_words[] = {{"blocklisted", REASON_UNSUBSCRIBE, NULL}, {"", 0, "enabled: nothing to suppress"}};

static void map_listmonk(const struct list_row *r, struct list_entry *e)
{
	list_take(e, 0, list_get(r, "email"), list_get(r, "updated_at"), V("listmonk blocklist"));
	BY_WORD(list_get(r, "status"), listmonk_words, e);
}

static const struct meaning mautic_words[] = {{"1", REASON_UNSUBSCRIBE, NULL}, {"2", REASON_BOUNCE, NULL}, {"3", REASON_MANUAL, NULL}};

static void map_mautic(const struct list_row *r, struct list_entry *e)
{
	list_take(e, 0, list_get(r, "email"), list_get(r, "date_added"), list_get(r, "comments"));
	BY_WORD(list_get(r, "reason"), mautic_words, e);
	if (e->kind == ENTRY_SUPPRESS && !view_ieq(list_get(r, "channel"), V("email"))) {
		e->kind = ENTRY_SKIP;
		e->why = "another channel";
	}
}

static void map_phplist(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_UNSUBSCRIBE, list_get(r, "email"), list_get(r, "added"), list_get(r, "data"));
}

/* Words of several tools that call a column "status". */
static const struct meaning status_words[] = {{"unsubscribed", REASON_UNSUBSCRIBE, NULL}, {"unreachable", REASON_BOUNCE, NULL}, {"bounced", REASON_BOUNCE, NULL},
	{"cleaned", REASON_BOUNCE, NULL}, {"complained", REASON_COMPLAINT, NULL}, {"2", REASON_UNSUBSCRIBE, NULL}, {"3", REASON_BOUNCE, NULL}, {"4", REASON_COMPLAINT, NULL},
	{"cancelled", REASON_UNSUBSCRIBE, NULL}, {"", 0, "not opted out"}};

static void map_status(const struct list_row *r, struct list_entry *e)
{
	struct view date = list_get(r, "Date Created");
	list_take(e, 0, list_get(r, "email"), date.n ? date : list_get(r, "created_at"), V(""));
	BY_WORD(list_get(r, "status"), status_words, e);
}

static void map_postal(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_BOUNCE, list_get(r, "address"), list_get(r, "timestamp"), list_get(r, "reason"));
	e->expires_ms = list_date(list_get(r, "keep_until"));
}

static void map_zonemta(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_MANUAL, list_get(r, "address"), list_get(r, "created"), V(""));
	e->is_domain = !e->address.n;
	if (e->is_domain)
		e->address = list_get(r, "domain");
}

/* "address,domain": one of them is empty. By the API: "value", and what "type" that is. */
static void map_mailgun_allow(const struct list_row *r, struct list_entry *e)
{
	struct view value = list_get(r, "value");
	e->kind = ENTRY_ALLOW;
	e->address = value.n ? value : list_get(r, "address");
	e->is_domain = value.n ? view_ieq(list_get(r, "type"), V("domain")) : !e->address.n;
	if (!e->address.n)
		e->address = list_get(r, "domain");
	e->note = list_get(r, "reason");
}

static const struct meaning hyvor_words[] = {{"bounce", REASON_BOUNCE, NULL}, {"complaint", REASON_COMPLAINT, NULL}, {"", REASON_MANUAL, NULL}};

static void map_hyvor(const struct list_row *r, struct list_entry *e)
{
	list_take(e, 0, list_get(r, "email"), list_get(r, "created_at"), list_get(r, "description"));
	BY_WORD(list_get(r, "reason"), hyvor_words, e);
}

static void map_salesforce(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_UNSUBSCRIBE, list_get(r, "Email Address"), list_get(r, list_has(r, "Unsubscribe Date") ? "Unsubscribe Date" : "Date Added"), V(""));
}

/* The first of these columns that isn't empty. */
static struct view first_of(const struct list_row *r, const char *const *names)
{
	struct view found = V("");
	for (; *names && !found.n; names++)
		found = list_get(r, *names);
	return found;
}

static void map_address_column(const struct list_row *r, struct list_entry *e)
{
	static const char *const names[] = {"Email Address", "Email", "address", "recipient", "e-mail", "mail", NULL};
	struct view found = first_of(r, names);
	list_take(e, REASON_MANUAL, found, V(""), V(""));
}

static void map_plain(const struct list_row *r, struct list_entry *e)
{
	list_take(e, REASON_MANUAL, list_get(r, "0"), V(""), V(""));
}

static void map_domain(const struct list_row *r, struct list_entry *e)
{
	static const char *const names[] = {"0", "domain", "domains", NULL};
	struct view found = first_of(r, names);
	list_take(e, REASON_MANUAL, found, V(""), V(""));
	e->is_domain = !block_name_is_meant(found) && view_find(found, 0, '@') == found.n;
}

static void map_digest(const struct list_row *r, struct list_entry *e)
{
	static const char *const names[] = {"0", "md5", "sha1", "sha256", "sha512", "hash", "email_hash", NULL};
	struct view found = first_of(r, names);
	list_take(e, REASON_MANUAL, found, V(""), V(""));
	if (view_find(found, 0, '@') < found.n) {
		e->kind = ENTRY_BAD;
		e->why = "a digest: 32, 40, 64 or 128 hex digits";
	}
}

const struct list_format list_formats[] = {
	{"optgate", SHAPE_HEADER, "address channel scope reason event expires", 0, NULL, map_own, "what `optgate export` writes, CSV"},
	{"optgate-ndjson", SHAPE_JSON, "address channel scope reason event", 0, NULL, map_own, "what `optgate export --format ndjson` writes"},
	{"optgate-allow", SHAPE_HEADER, "address channel scope allowed expires", 0, NULL, map_own_allow, "what `optgate export allows` writes, CSV"},
	{"optgate-allow-ndjson", SHAPE_JSON, "address channel scope allowed", 0, NULL, map_own_allow, "what `optgate export --format ndjson allows` writes"},
	{"consent", SHAPE_HEADER, "address purpose basis granted", 0, NULL, map_own_consent, "consents with their evidence: address,purpose,basis,granted,wording,evidence; also channel, withdrawn, expires, how, ip, agent"},
	{"ses", SHAPE_JSON, "emailAddress reason", 0, NULL, map_ses_json, "Amazon SES: bulk NDJSON, or list-suppressed-destinations"},
	{"ses-contacts", SHAPE_HEADER, "emailAddress unsubscribeAll", 0, NULL, map_ses_contacts, "Amazon SES contact list"},
	{"sendgrid-blocks", SHAPE_HEADER, "status reason email created", 0, "block", map_sendgrid_block, "SendGrid blocks: they never suppress"},
	{"sendgrid-bounces", SHAPE_HEADER, "status reason email created", 0, NULL, map_sendgrid_bounce, "SendGrid bounces"},
	{"sendgrid-invalid", SHAPE_HEADER, "reason email created", 0, NULL, map_sendgrid_invalid, "SendGrid invalid addresses"},
	{"sendgrid-spam", SHAPE_HEADER, "ip email created", 0, NULL, map_sendgrid_spam, "SendGrid spam reports"},
	{"mailgun-bounces", SHAPE_HEADER, "address code error", 0, NULL, map_mailgun_bounce, "Mailgun bounces"},
	{"mailgun-bounces-json", SHAPE_JSON, "address code error", 0, NULL, map_mailgun_bounce, "Mailgun bounces, JSON"},
	{"mailgun-unsubscribes", SHAPE_HEADER, "address tag|tags", 0, NULL, map_mailgun_unsubscribe, "Mailgun unsubscribes"},
	{"mailgun-unsubscribes-json", SHAPE_JSON, "address tag|tags", 0, NULL, map_mailgun_unsubscribe, "Mailgun unsubscribes, JSON"},
	{"postal", SHAPE_HEADER, "type address reason timestamp", 0, NULL, map_postal, "Postal's suppressions table"},
	{"mailgun-whitelist", SHAPE_HEADER, "address domain", 4, NULL, map_mailgun_allow, "Mailgun's allowlist: rows that let pass, with --allow only"},
	{"mailgun-whitelist-json", SHAPE_JSON, "value type", 0, NULL, map_mailgun_allow, "Mailgun's allowlist, JSON"},
	{"mailgun-complaints", SHAPE_HEADER, "address created_at", 0, NULL, map_mailgun_complaint, "Mailgun complaints"},
	{"postmark", SHAPE_JSON, "EmailAddress SuppressionReason", 0, NULL, map_postmark, "Postmark's suppression dump"},
	{"sparkpost", SHAPE_JSON, "recipient source|non_transactional", 0, NULL, map_sparkpost, "SparkPost, JSON"},
	{"sparkpost-csv", SHAPE_HEADER, "recipient non_transactional|source", 0, NULL, map_sparkpost, "SparkPost, CSV"},
	{"mailchimp-unsubscribed", SHAPE_HEADER, "Email_Address UNSUB_TIME", 0, NULL, map_mailchimp_unsubscribed, "Mailchimp, unsubscribed members"},
	{"mailchimp-cleaned", SHAPE_HEADER, "Email_Address CLEAN_TIME", 0, NULL, map_mailchimp_cleaned, "Mailchimp, cleaned members"},
	{"mailchimp-subscribed", SHAPE_HEADER, "Email_Address OPTIN_TIME LEID", 0, NULL, map_mailchimp_subscribed, "Mailchimp, subscribed members: evidence of consent"},
	{"listmonk", SHAPE_HEADER, "uuid email status", 0, NULL, map_listmonk, "listmonk's subscribers"},
	{"mautic", SHAPE_HEADER, "email reason channel date_added", 0, NULL, map_mautic, "Mautic's lead_donotcontact, joined with the address"},
	{"phplist", SHAPE_HEADER, "email added", 0, NULL, map_phplist, "phpList's user_blacklist"},
	{"phplist-data", SHAPE_HEADER, "email name data", 0, NULL, map_phplist, "phpList's user_blacklist_data"},
	{"hyvor", SHAPE_JSON, "email reason description", 0, NULL, map_hyvor, "Hyvor Relay"},
	{"zonemta", SHAPE_JSON, "id address|domain created", 0, NULL, map_zonemta, "ZoneMTA"},
	{"status", SHAPE_HEADER, "email status", 0, NULL, map_status, "Keila, Mailtrain, ActiveCampaign, Kit: a column called status"},
	{"salesforce", SHAPE_HEADER, "Email_Address Subscriber_Key", 0, NULL, map_salesforce, "Salesforce Marketing Cloud"},
	{"sendgrid-unsubscribes", SHAPE_HEADER, "email created", 0, NULL, map_sendgrid_unsubscribe, "SendGrid global unsubscribes"},
	{"klaviyo", SHAPE_HEADER, "Email_Address|Email|address|recipient|e-mail|mail", 2, NULL, map_address_column, "Klaviyo, and any CSV of addresses and at most one more column"},
	{"domains-column", SHAPE_HEADER, "domain|domains", 2, NULL, map_domain, "any CSV of domains and at most one more column"},
	{"digests-column", SHAPE_HEADER, "md5|sha1|sha256|sha512|hash|email_hash", 2, NULL, map_digest, "any CSV of digests and at most one more column"},
	{"ses-csv", SHAPE_BARE, "ses", 0, NULL, map_ses_bare, "Amazon SES bulk CSV: no header, address and BOUNCE or COMPLAINT"},
	{"cloudflare", SHAPE_BARE, "date", 0, NULL, map_cloudflare, "Cloudflare: address, expiry"},
	{"plain", SHAPE_BARE, "", 0, NULL, map_plain, "one address a line"},
	{"digests", SHAPE_BARE, "digest", 0, NULL, map_digest, "one digest a line: MD5, SHA-1, SHA-256 or SHA-512, by its length"},
	{"domains", SHAPE_BARE, "domain", 0, NULL, map_domain, "one domain a line; *.DOMAIN for all below it"},
};
const size_t list_format_count = sizeof list_formats / sizeof *list_formats;

const struct list_format *list_format_named(struct view name)
{
	for (size_t i = 0; i < list_format_count; i++)
		if (view_eq(name, view_of(list_formats[i].name)))
			return &list_formats[i];
	return NULL;
}
