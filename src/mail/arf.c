/* message/feedback-report: one block of fields. */
#include "mail/arf.h"

#include "lex.h"
#include "mail/header.h"

/* The report, and what becomes a number once all fields are seen. */
struct reading {
	struct arf arf;
	struct view incidents;
};

enum rule { ONCE, REPEATED };

static const struct {
	const char *name;
	enum rule rule;
	size_t offset; /* of a view or of a list in struct reading */
} fields[] = {
    {"Feedback-Type", ONCE, offsetof(struct reading, arf.feedback_type)},
    {"User-Agent", ONCE, offsetof(struct reading, arf.user_agent)},
    {"Version", ONCE, offsetof(struct reading, arf.version)},
    {"Original-Envelope-Id", ONCE, offsetof(struct reading, arf.envelope_id)},
    {"Original-Mail-From", ONCE, offsetof(struct reading, arf.mail_from)},
    {"Arrival-Date", ONCE, offsetof(struct reading, arf.arrival_date)},
    {"Received-Date", ONCE, offsetof(struct reading, arf.arrival_date)},
    {"Source-IP", ONCE, offsetof(struct reading, arf.source_ip)},
    {"Reporting-MTA", ONCE, offsetof(struct reading, arf.reporting_mta)},
    {"Incidents", ONCE, offsetof(struct reading, incidents)},
    {"Original-Rcpt-To", REPEATED, offsetof(struct reading, arf.rcpt_to)},
    {"Reported-Domain", REPEATED, offsetof(struct reading, arf.reported_domain)},
    {"Reported-URI", REPEATED, offsetof(struct reading, arf.reported_uri)},
    {"Authentication-Results", REPEATED, offsetof(struct reading, arf.authentication_results)},
};

static const struct {
	const char *name;
	enum arf_type type;
} types[] = {{"other", ARF_OTHER}, {"abuse", ARF_ABUSE}, {"fraud", ARF_FRAUD}, {"virus", ARF_VIRUS},
    {"not-spam", ARF_NOT_SPAM}, {"auth-failure", ARF_AUTH_FAILURE}, {"opt-out", ARF_OPT_OUT}, {"opt-out-list", ARF_OPT_OUT}};

const char *arf_type_name(enum arf_type t)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].type == t)
			return types[i].name;
	return "other";
}

static enum arf_type read_type(struct view text)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (view_ieq(text, view_of(types[i].name)))
			return types[i].type;
	return ARF_OTHER;
}

static bool list_add(struct arena *a, struct arf_list *l, struct view item)
{
	if (!l->items)
		l->items = arena_alloc(a, ARF_MAX_REPEATED * sizeof *l->items);
	if (!l->items)
		return false;
	if (l->count < ARF_MAX_REPEATED)
		l->items[l->count++] = item;
	return true;
}

static int apply(struct arena *a, struct reading *r, const struct field *f, struct err *err)
{
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (!view_ieq(f->name, view_of(fields[i].name)))
			continue;
		void *to = (char *)r + fields[i].offset;
		struct view text = field_unfolded(a, f), *once = to;
		bool kept = text.p != NULL;
		if (kept && fields[i].rule == REPEATED)
			kept = list_add(a, to, text);
		else if (kept && once->p)
			r->arf.malformed = "a field that may stand once stands twice, or Arrival-Date beside Received-Date";
		else if (kept)
			*once = text;
		return kept ? 0 : err_set(err, ERR_LIMIT, "feedback report: no room for its fields");
	}
	return 0;
}

static void finish(struct reading *r)
{
	struct arf *arf = &r->arf;
	uint64_t n = 1;
	if (r->incidents.p && !view_u64(r->incidents, UINT32_MAX, &n))
		arf->malformed = "Incidents is no number";
	arf->incidents = (uint32_t)n;
	if (!arf->user_agent.n || !arf->version.n)
		arf->malformed = "User-Agent or Version is missing";
	arf->type = read_type(arf->feedback_type);
}

/* Some reports start with an empty line, or have one between two fields: all of BODY is fields. */
int arf_parse(struct arena *a, struct view body, struct arf *ret, struct err *err)
{
	struct reading r = {.incidents = {0}};
	struct view rest = body, line;
	while (rest.n) {
		struct field f;
		if (!field_take(&rest, &f))
			lex_line(&rest, &line);
		else if (apply(a, &r, &f, err) < 0)
			return -1;
	}
	if (!r.arf.feedback_type.n)
		return err_set(err, ERR_SYNTAX, "feedback report: no Feedback-Type");
	finish(&r);
	*ret = r.arf;
	return 0;
}
