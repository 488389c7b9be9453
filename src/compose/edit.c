/* Which of the tool's fields stay. */
#include "internal.h"

#include "mail/dkim.h"

enum when {
	GOES_ALWAYS,
	GOES_REPEATED,  /* the first one stays */
	GOES_MARKETING,
	GOES_WITH_OURS, /* marketing, when we supply one */
};

static const struct {
	struct view name;
	enum when when;
} rules[] = {
    {V("Bcc"), GOES_ALWAYS},
    {V("Resent-Bcc"), GOES_ALWAYS},
    {V("Return-Path"), GOES_ALWAYS},
    {V("Original-Recipient"), GOES_ALWAYS},
    {V("Resent-Reply-To"), GOES_ALWAYS},
    {V("Date"), GOES_REPEATED},
    {V("Message-ID"), GOES_REPEATED},
    {V("To"), GOES_REPEATED},
    {V("Cc"), GOES_REPEATED},
    {V("Sender"), GOES_REPEATED},
    {V("Reply-To"), GOES_REPEATED},
    {V("Disposition-Notification-To"), GOES_REPEATED},
    {V("List-Unsubscribe"), GOES_MARKETING},
    {V("List-Unsubscribe-Post"), GOES_MARKETING},
    {V("List-Id"), GOES_WITH_OURS},
};
#define RULES (sizeof rules / sizeof *rules)

bool compose_is_control_header(struct view name)
{
	return view_istarts(name, V("X-Optgate-"));
}

/* Row of the table, or RULES. */
static size_t rule_of(struct view name)
{
	size_t i = 0;
	while (i < RULES && !view_ieq(rules[i].name, name))
		i++;
	return i;
}

static bool goes(
    const struct compose_job *job, const struct head *added, const struct field *f, bool seen[RULES])
{
	if (compose_is_control_header(f->name))
		return true;
	size_t rule = rule_of(f->name);
	if (rule == RULES)
		return false;
	bool again = seen[rule];
	seen[rule] = true;
	bool marketing = job->stream->class == CLASS_MARKETING;
	switch (rules[rule].when) {
	case GOES_ALWAYS:
		return true;
	case GOES_REPEATED:
		return again;
	case GOES_MARKETING:
		return marketing;
	case GOES_WITH_OURS:
		return head_find(added, f->name);
	}
	return false;
}

/* Names touched by this edit: what a signature over them says is no longer true. */
struct touched {
	const struct head *head, *added;
	const bool *gone;
};

static bool is_touched(const struct touched *t, struct view name)
{
	for (unsigned i = 0; i < t->head->count; i++)
		if (t->gone[i] && view_ieq(t->head->fields[i].name, name))
			return true;
	return head_find(t->added, name);
}

static bool is_stale_signature(const struct touched *t, const struct field *f)
{
	if (!view_ieq(f->name, V("DKIM-Signature")))
		return false;
	struct view names = dkim_tag(f->value, V("h")), name;
	while (view_cut(&names, ':', &name))
		if (is_touched(t, view_trim(name)))
			return true;
	return false;
}

int edit_head(struct arena *a, const struct compose_job *job, const struct head *head, const struct head *added,
    struct edited *ret, struct err *err)
{
	bool *gone = arena_zero(a, head->count + 1), *stale = arena_zero(a, head->count + 1);
	struct edited e = {.fields = arena_alloc(a, (head->count + added->count) * sizeof(struct field)), .gone = stale};
	if (!gone || !stale || !e.fields)
		return err_set(err, ERR_LIMIT, "no room to index the header fields");
	bool seen[RULES] = {0};
	for (unsigned i = 0; i < head->count; i++)
		gone[i] = goes(job, added, &head->fields[i], seen);
	struct touched touched = {head, added, gone};
	for (unsigned i = 0; i < head->count; i++)
		stale[i] = gone[i] || is_stale_signature(&touched, &head->fields[i]);
	for (unsigned i = 0; i < head->count; i++)
		if (!stale[i])
			e.fields[e.count++] = head->fields[i];
	for (unsigned i = 0; i < added->count; i++)
		e.fields[e.count++] = added->fields[i];
	*ret = e;
	return 0;
}
