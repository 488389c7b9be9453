/* The order in which a report is asked what it is. */
#include "inbound/webhook.h"
#include "internal.h"

const char *report_kind_word(enum report_kind k)
{
	static const char *const words[] = {"other", "bounce", "complaint", "autoreply", "optout"};
	return words[k];
}

static int read_report(const struct bounce_rules *rules, struct arena *a, struct view text, bool is_enclosed,
    struct report *ret, struct err *err);

/* A gateway that passes a report on as an attachment, with no word of its own about whom: the enclosed one is meant. */
static bool read_enclosed(const struct bounce_rules *rules, struct arena *a, const struct parts *p, struct report *r)
{
	struct report inner = {0};
	struct err ignored;
	if (!p->enclosed.n || read_report(rules, a, p->enclosed, true, &inner, &ignored) < 0 ||
	    inner.kind != REPORT_BOUNCE || !inner.count)
		return false;
	r->recipients = inner.recipients;
	r->count = inner.count;
	r->returned = inner.returned;
	r->envelope_from = inner.envelope_from;
	return true;
}

static bool is_failure(
    const struct bounce_rules *rules, struct arena *a, const struct parts *p, bool is_enclosed, struct report *r)
{
	if (read_free_form(rules, a, p, false, r))
		return true;
	if (!is_enclosed && read_enclosed(rules, a, p, r))
		return true;
	return read_free_form(rules, a, p, true, r);
}

static enum report_kind kind_by_words(
    const struct bounce_rules *rules, struct arena *a, const struct parts *p, bool is_enclosed, struct report *r)
{
	if (p->is_disposition)
		return REPORT_OTHER;
	if (is_mail_system(rules, a, r) && is_failure(rules, a, p, is_enclosed, r))
		return REPORT_BOUNCE;
	if (is_automatic_reply(rules, a, r))
		return REPORT_AUTOREPLY;
	if (is_failure(rules, a, p, true, r))
		return REPORT_BOUNCE;
	return subject_is(rules, a, r, RULE_WISH) ? REPORT_OPTOUT : REPORT_OTHER;
}

/* Mail breaks long lines, JSON allows no line end within a text. */
static struct view without_line_ends(struct arena *a, struct view text)
{
	char *p = arena_alloc(a, text.n + 1);
	size_t n = 0;
	for (size_t i = 0; p && i < text.n; i++)
		if (text.p[i] != '\r' && text.p[i] != '\n')
			p[n++] = text.p[i];
	return view_n(p, n);
}

/* Amazon's notification service sends by mail, too, what it sends to webhooks. */
static bool read_notification(
    const struct bounce_rules *rules, struct arena *a, const struct parts *p, struct report *r)
{
	struct view text = view_trim(p->notice);
	struct webhook hook;
	struct err ignored;
	if ((!view_starts(text, V("{\"notificationType\"")) && !view_starts(text, V("{\"eventType\""))) ||
	    webhook_parse(rules, a, WEBHOOK_SES, without_line_ends(a, text), &hook, &ignored) < 0 || hook.count == 0)
		return false;
	r->kind = hook.events[0].kind;
	r->feedback = hook.events[0].feedback;
	for (unsigned i = 0; i < hook.count; i++) {
		struct report_recipient *one = report_add(a, r, hook.events[i].recipient.address);
		if (one)
			*one = hook.events[i].recipient;
	}
	return true;
}

static int read_report(const struct bounce_rules *rules, struct arena *a, struct view text, bool is_enclosed,
    struct report *ret, struct err *err)
{
	struct parts parts;
	bool is;
	ret->text = text;
	if (parts_read(rules, a, ret, &parts, err) < 0)
		return -1;
	if (read_feedback(a, &parts, ret, &is, err) < 0)
		return -1;
	if (is || read_notification(rules, a, &parts, ret))
		return 0;
	if (read_delivery_status(rules, a, &parts, ret, &is, err) < 0)
		return -1;
	ret->kind = is ? REPORT_BOUNCE : kind_by_words(rules, a, &parts, is_enclosed, ret);
	if (parts.is_status_report && ret->kind != REPORT_COMPLAINT)
		ret->kind = REPORT_BOUNCE;
	return 0;
}

#define SEARCHED_BYTES (64 << 10)
#define SEARCHED_MOST 50 /* recipients: a report on more is no damaged one */

static bool goes_on(struct view text, size_t at)
{
	if (at >= text.n)
		return false;
	return ascii_is_alnum(text.p[at]) ||
	       (memchr(".-_", text.p[at], 3) && at + 1 < text.n && ascii_is_alnum(text.p[at + 1]));
}

/* ADDRESS stands in TEXT as a part of a longer one, and by itself only where it is read: a line end fell into it on the
 * way, and it may be somebody else's. */
static bool is_a_piece(struct view text, struct view address)
{
	unsigned pieces = 0, wholes = 0;
	for (size_t from = 0; from < text.n;) {
		struct view rest = view_sub(text, from, text.n);
		size_t at = from + view_ifind(rest, address);
		if (at >= text.n)
			break;
		bool piece = (at > 0 && ascii_is_alnum(text.p[at - 1])) || goes_on(text, at + address.n);
		pieces += piece;
		wholes += !piece;
		from = at + address.n;
	}
	return pieces && wholes <= 1;
}

static bool has_dotted_domain(struct view address)
{
	return view_find(address, view_find(address, 0, '@'), '.') < address.n;
}

/* A report that was damaged on the way suppresses nobody: it may name somebody else now. */
static void doubt_pieces(struct report *r)
{
	struct view text = view_sub(r->text, 0, SEARCHED_BYTES);
	bool has_nul = memchr(r->text.p, 0, r->text.n) != NULL;
	for (unsigned i = 0; i < r->count && r->count <= SEARCHED_MOST; i++) {
		struct report_recipient *one = &r->recipients[i];
		if (one->meaning == MEANING_HARD && one->address.n &&
		    (has_nul || !has_dotted_domain(one->address) || is_a_piece(text, one->address))) {
			one->meaning = MEANING_SOFT;
			one->reason = V("damaged");
		}
	}
}

int report_classify(
    const struct bounce_rules *rules, struct arena *a, struct view message, struct report *ret, struct err *err)
{
	*ret = (struct report){0};
	if (message.n > REPORT_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "report: larger than %d bytes", REPORT_MAX_BYTES);
	struct view text = crlf_lines(a, message);
	if (!text.p)
		return err_set(err, ERR_LIMIT, "report: too large to be looked at");
	if (read_report(rules, a, text, false, ret, err) < 0)
		return -1;
	doubt_pieces(ret);
	return 0;
}
