/* Signals of marketing. Head fields first: they are cheap and seldom wrong; then links in the text that offer to leave something. */
#include "intake/tripwire.h"

#include <stdio.h>

#include "mail/mime.h"

/* ---- the head ---- */

static bool any(struct view text)
{
	(void)text;
	return true;
}

static bool is_bulk(struct view text)
{
	return view_ieq(text, V("bulk")) || view_ieq(text, V("list")) || view_ieq(text, V("junk"));
}

/* Programs that send campaigns and nothing else. */
static bool is_campaign_tool(struct view text)
{
	static const char *const tools[] = {"mailchimp", "phplist", "listmonk", "mautic", "acymailing", "sendy", "civimail", "mailpoet",
	    "interspire", "campaign monitor", "constant contact", "roving", "emarsys", "mailerlite", "brevo", "sendinblue", "getresponse",
	    "activecampaign", "klaviyo", "hubspot", "exacttarget", "responsys", "silverpop", "inxmail", "cleverreach", "newsletter2go",
	    "newsletter", "dada mail", "lyris", "strongmail", "bulk", "campaigner", "vertical response", "icontact", "aweber", "sarbacane"};
	for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
		if (view_ifind(text, view_of(tools[i])) < text.n)
			return true;
	return false;
}

static const struct field_row {
	const char *name;
	bool (*is)(struct view text);
	enum tripwire_signal signal;
} field_rows[] = {
    {"List-Unsubscribe", any, SIGNAL_LIST_UNSUBSCRIBE},
    {"List-Unsubscribe-Post", any, SIGNAL_LIST_UNSUBSCRIBE},
    {"List-Id", any, SIGNAL_LIST_ID},
    {"Precedence", is_bulk, SIGNAL_PRECEDENCE},
    {"X-Campaign", any, SIGNAL_CAMPAIGN_FIELD},          /* Mailchimp, Exponea */
    {"X-CampaignId", any, SIGNAL_CAMPAIGN_FIELD},
    {"X-Campaign-Id", any, SIGNAL_CAMPAIGN_FIELD},
    {"X-MC-User", any, SIGNAL_CAMPAIGN_FIELD},           /* Mailchimp */
    {"X-Listmonk-Campaign", any, SIGNAL_CAMPAIGN_FIELD},
    {"X-Listmonk-Subscriber", any, SIGNAL_CAMPAIGN_FIELD},
    {"X-ListMember", any, SIGNAL_CAMPAIGN_FIELD},        /* phpList */
    {"X-EMAIL-ID", any, SIGNAL_CAMPAIGN_FIELD},          /* Mautic */
    {"X-Roving-Id", any, SIGNAL_CAMPAIGN_FIELD},         /* Constant Contact */
    {"X-Mailjet-Campaign", any, SIGNAL_CAMPAIGN_FIELD},
    {"X-Job", any, SIGNAL_CAMPAIGN_FIELD},               /* Salesforce Marketing Cloud */
    {"X-EMarSys-Identify", any, SIGNAL_CAMPAIGN_FIELD},
    {"X-EMarSys-Environment", any, SIGNAL_CAMPAIGN_FIELD},
    {"X-CSA-Complaints", any, SIGNAL_CAMPAIGN_FIELD},    /* certified mass senders */
    {"X-CiviMail-Bounce", any, SIGNAL_CAMPAIGN_FIELD},
    {"X-AWeber-Rep-Id", any, SIGNAL_CAMPAIGN_FIELD},
    {"X-Newsletter", any, SIGNAL_CAMPAIGN_FIELD},
    {"X-Mailing-Id", any, SIGNAL_CAMPAIGN_FIELD},
    {"X-Mailingid", any, SIGNAL_CAMPAIGN_FIELD},
    {"X-Mailer", is_campaign_tool, SIGNAL_CAMPAIGN_TOOL},
    {"User-Agent", is_campaign_tool, SIGNAL_CAMPAIGN_TOOL},
    {"Feedback-ID", any, SIGNAL_FEEDBACK_ID},
};

static uint32_t head_signals(struct arena *a, const struct head *h)
{
	uint32_t signals = 0;
	for (size_t i = 0; i < sizeof field_rows / sizeof *field_rows; i++) {
		const struct field_row *row = &field_rows[i];
		const struct field *f = head_find(h, view_of(row->name));
		struct view text = f ? field_unfolded(a, f) : (struct view){0};
		if (text.p && row->is(text))
			signals |= SIGNAL(row->signal);
	}
	return signals;
}

/* ---- the text ---- */

#define HITS_MAX 100 /* of one word */

/* Parts of words, as links and the words around them have them. */
static const char *const leave_words[] = {"unsubscri", "opt-out", "optout", "opt_out", "opt out", "subscription", "preference cent",
    "emailpreference", "email preference", "abmelde", "abbestell", "austrag", "desabonn", "d\xc3\xa9sabonn", "desinscri",
    "d\xc3\xa9sinscri", "darse de baja", "cancelar suscrip", "disiscri", "cancella iscri", "uitschrij", "afmeld", "avregistr", "avmeld",
    "frameld", "peruuta tilaus", "wypis", "odhlas", "leiratkoz", "dezabon", "remove me", "removal", "remove yourself"};

#define BEFORE_LINK 120
#define BEHIND_LINK 240

static bool is_near_a_link(struct view text, size_t at)
{
	static const char *const schemes[] = {"http://", "https://", "mailto:", "www."};
	struct view around = view_sub(text, at > BEHIND_LINK ? at - BEHIND_LINK : 0, at + BEFORE_LINK);
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (memmem(around.p, around.n, schemes[i], strlen(schemes[i])))
			return true;
	return false;
}

/* A link, or an address to write to, with such a word in it or close by. TEXT is in lower case: whole words are looked for by memmem, which
 * is quick where they are not, as in nearly all mail that is looked at. */
static bool has_opt_out_link(struct view text)
{
	for (size_t i = 0; i < sizeof leave_words / sizeof *leave_words; i++) {
		struct view rest = text, word = view_of(leave_words[i]);
		const char *hit;
		for (unsigned tries = 0; tries < HITS_MAX && (hit = memmem(rest.p, rest.n, word.p, word.n)); tries++) {
			if (is_near_a_link(text, (size_t)(hit - text.p)))
				return true;
			rest = view_n(hit + 1, (size_t)(rest.p + rest.n - hit - 1));
		}
	}
	return false;
}

static uint32_t text_signals(struct arena *a, struct view message)
{
	struct mime m = {0};
	struct buf text;
	struct err err;
	bool found = false;
	/* Parts that were read before a limit was passed are there. */
	(void)!mime_walk(a, message, &m, &err);
	buf_init(&text, TRIPWIRE_TEXT_MAX);
	for (unsigned i = 0; !found && i < m.count; i++) {
		const struct mime_part *p = &m.parts[i];
		if (p->has_children || p->level || !mime_is(p, V("text"), V("")))
			continue;
		buf_clear(&text);
		mime_decode(p->encoding, p->body, &text); /* past its room the beginning stands */
		ascii_lower_in_place(text.p, text.n);
		found = text.n && has_opt_out_link(buf_view(&text));
	}
	buf_free(&text);
	return found ? SIGNAL(SIGNAL_OPT_OUT_LINK) : 0;
}

uint32_t tripwire_signals(struct arena *a, struct view message, const struct head *h)
{
	return head_signals(a, h) | text_signals(a, message);
}

/* ---- what they weigh ---- */

static const struct weight {
	const char *word;
	unsigned points;
} weights[SIGNAL_COUNT] = {
    [SIGNAL_LIST_UNSUBSCRIBE] = {"list-unsubscribe", 2},
    [SIGNAL_LIST_ID] = {"list-id", 1},
    [SIGNAL_PRECEDENCE] = {"precedence", 2},
    [SIGNAL_CAMPAIGN_FIELD] = {"campaign-field", 2},
    [SIGNAL_CAMPAIGN_TOOL] = {"campaign-tool", 1}, /* such tools send receipts, too */
    [SIGNAL_FEEDBACK_ID] = {"feedback-id", 1},
    [SIGNAL_OPT_OUT_LINK] = {"opt-out-link", 2},
    [SIGNAL_SAME_BODY] = {"same-body", 2},
};

const char *tripwire_word(enum tripwire_signal s)
{
	return s < SIGNAL_COUNT ? weights[s].word : NULL;
}

bool tripwire_trips(uint32_t signals)
{
	unsigned points = 0;
	for (unsigned s = 0; s < SIGNAL_COUNT; s++)
		points += signals & SIGNAL(s) ? weights[s].points : 0;
	return points >= TRIPWIRE_POINTS;
}

void tripwire_text(uint32_t signals, char *dst, size_t size)
{
	dst[0] = 0;
	for (unsigned s = 0; s < SIGNAL_COUNT; s++) {
		size_t n = strlen(dst);
		if (signals & SIGNAL(s))
			snprintf(dst + n, size - n, "%s%s", n ? "," : "", weights[s].word);
	}
}
