/* message/delivery-status, as MTAs write it rather than as RFC 3464 wants it. Fields are applied one after another to
 * what they belong to: a recipient ends at an empty line, or where it is named a second time. */
#include "mail/dsn.h"

#include "lex.h"
#include "mail/address.h"
#include "mail/header.h"

#define FIRST_RECIPIENTS 8

struct reader {
	struct arena *a;
	struct dsn *d;
	struct dsn_recipient now;
	bool open;  /* NOW holds a recipient's fields */
	unsigned room;
	struct err *err;
};

enum form { TYPED, TEXT, ACTION, STATUS };

/* OF_RECIPIENT: in struct dsn_recipient, else in struct dsn. OPENS: one of the two fields that name the recipient. */
static const struct {
	const char *name;
	enum form form;
	bool of_recipient, opens;
	size_t offset;
} fields[] = {
    {"Original-Envelope-Id", TEXT, false, false, offsetof(struct dsn, envelope_id)},
    {"Reporting-MTA", TYPED, false, false, offsetof(struct dsn, reporting_mta)},
    {"DSN-Gateway", TYPED, false, false, offsetof(struct dsn, dsn_gateway)},
    {"Received-From-MTA", TYPED, false, false, offsetof(struct dsn, received_from)},
    {"Arrival-Date", TEXT, false, false, offsetof(struct dsn, arrival_date)},
    {"Original-Recipient", TYPED, true, true, offsetof(struct dsn_recipient, original_recipient)},
    {"Final-Recipient", TYPED, true, true, offsetof(struct dsn_recipient, final_recipient)},
    {"Action", ACTION, true, false, offsetof(struct dsn_recipient, action)},
    {"Status", STATUS, true, false, offsetof(struct dsn_recipient, status)},
    {"Diagnostic-Code", TYPED, true, false, offsetof(struct dsn_recipient, diagnostic)},
    {"Remote-MTA", TYPED, true, false, offsetof(struct dsn_recipient, remote_mta)},
    {"Last-Attempt-Date", TEXT, true, false, offsetof(struct dsn_recipient, last_attempt)},
    {"Will-Retry-Until", TEXT, true, false, offsetof(struct dsn_recipient, will_retry)},
    {"Final-Log-Id", TEXT, true, false, offsetof(struct dsn_recipient, final_log_id)},
};

static const char *const action_names[] = {"", "failed", "delayed", "delivered", "relayed", "expanded"};

const char *dsn_action_name(enum dsn_action a)
{
	return action_names[a];
}

static enum dsn_action read_action(struct view text)
{
	struct view word = view_sub(text, 0, lex_token(text, 0));
	for (int i = DSN_FAILED; i <= DSN_EXPANDED; i++)
		if (view_ieq(word, view_of(action_names[i])))
			return (enum dsn_action)i;
	return DSN_NO_ACTION;
}

/* The digits from AT on: at most three. */
static size_t digits(struct view v, size_t at)
{
	size_t n = 0;
	while (at + n < v.n && n < 4 && ascii_is_digit(v.p[at + n]))
		n++;
	return n <= 3 ? n : 0;
}

static size_t status_length(struct view v, size_t at)
{
	if (v.p[at] != '2' && v.p[at] != '4' && v.p[at] != '5')
		return 0;
	size_t i = at + 1;
	for (int part = 0; part < 2; part++) {
		size_t n = i < v.n && v.p[i] == '.' ? digits(v, i + 1) : 0;
		if (!n)
			return 0;
		i += n + 1;
	}
	bool goes_on = i + 1 < v.n && v.p[i] == '.' && ascii_is_alnum(v.p[i + 1]); /* an IP address or a version */
	return goes_on || (i < v.n && ascii_is_alnum(v.p[i])) ? 0 : i - at;
}

struct view dsn_status(struct view text)
{
	for (size_t i = 0; i < text.n; i++) {
		bool starts = i == 0 || !(ascii_is_alnum(text.p[i - 1]) || text.p[i - 1] == '.' || text.p[i - 1] == '-');
		size_t n = starts ? status_length(text, i) : 0;
		if (n)
			return view_sub(text, i, i + n);
	}
	return view_sub(text, 0, 0);
}

static struct dsn_typed read_typed(struct view text)
{
	size_t semicolon = view_find(text, 0, ';');
	struct view type = view_trim(view_sub(text, 0, semicolon));
	if (semicolon == text.n || lex_token(type, 0) != type.n)
		return (struct dsn_typed){.value = text};
	return (struct dsn_typed){.type = type, .value = view_trim(view_sub(text, semicolon + 1, text.n))};
}

/* The first of equal fields counts. */
static void store(enum form form, void *to, struct view text)
{
	struct dsn_typed *typed = to;
	struct view *view = to;
	enum dsn_action *action = to;
	if (form == TYPED && !typed->value.p)
		*typed = read_typed(text);
	else if (form == TEXT && !view->p)
		*view = text;
	else if (form == STATUS && !view->p)
		*view = dsn_status(text);
	else if (form == ACTION && *action == DSN_NO_ACTION)
		*action = read_action(text);
}

static int close_recipient(struct reader *r)
{
	struct dsn *d = r->d;
	if (!r->open)
		return 0;
	if (d->count == DSN_MAX_RECIPIENTS)
		return err_set(r->err, ERR_LIMIT, "delivery report: more than %d recipients", DSN_MAX_RECIPIENTS);
	if (d->count == r->room) {
		unsigned room = r->room ? r->room * 2 : FIRST_RECIPIENTS;
		struct dsn_recipient *more = arena_alloc(r->a, room * sizeof *more);
		if (!more)
			return err_set(r->err, ERR_LIMIT, "delivery report: no room for its recipients");
		if (d->count)
			memcpy(more, d->recipients, d->count * sizeof *more);
		d->recipients = more;
		r->room = room;
	}
	d->recipients[d->count++] = r->now;
	r->now = (struct dsn_recipient){.action = DSN_NO_ACTION};
	r->open = false;
	return 0;
}

static int apply(struct reader *r, const struct field *f)
{
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (!view_ieq(f->name, view_of(fields[i].name)))
			continue;
		struct view text = field_unfolded(r->a, f);
		if (!text.p)
			return err_set(r->err, ERR_LIMIT, "delivery report: no room for its fields");
		void *to = (char *)(fields[i].of_recipient ? (void *)&r->now : (void *)r->d) + fields[i].offset;
		if (fields[i].opens && ((struct dsn_typed *)to)->value.p && close_recipient(r) < 0)
			return -1;
		r->open |= fields[i].of_recipient;
		store(fields[i].form, to, text);
		break;
	}
	if (r->open)
		r->now.raw = r->now.raw.p ? view_n(r->now.raw.p, (size_t)(f->raw.p + f->raw.n - r->now.raw.p)) : f->raw;
	return 0;
}

/* What follows the fields: an empty line ends the group, another line is passed over. */
static int skip_line(struct reader *r, struct view *rest)
{
	struct view line;
	if (lex_line(rest, &line) && view_trim(line).n == 0)
		return close_recipient(r);
	return 0;
}

int dsn_parse(struct arena *a, struct view body, struct dsn *ret, struct err *err)
{
	struct dsn d = {.count = 0};
	struct reader r = {.a = a, .d = &d, .err = err};
	struct view rest = body;
	while (rest.n) {
		struct field f;
		if (!field_take(&rest, &f)) {
			if (skip_line(&r, &rest) < 0)
				return -1;
		} else if (apply(&r, &f) < 0) {
			return -1;
		}
	}
	if (close_recipient(&r) < 0)
		return -1;
	*ret = d;
	return 0;
}

int dsn_address(const struct dsn_typed *t, struct address *ret, struct err *err)
{
	if (t->type.n && !view_ieq(t->type, V("rfc822")) && !view_ieq(t->type, V("utf-8")))
		return err_set(err, ERR_SYNTAX, "recipient: address type %.*s is not a mailbox's", VFMT(view_sub(t->type, 0, 40)));
	return address_parse_loose(t->value, ret, err);
}
