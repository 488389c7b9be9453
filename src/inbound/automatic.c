/* Who writes, by the head alone: a mail system, a machine that answers (RFC 3834), or a person with a wish. */
#include "internal.h"

#define WORDS_MAX 400

static size_t field_words(struct arena *a, const struct head *h, struct view name, char *dst, size_t size)
{
	const struct field *f = head_find(h, name);
	struct view v = f ? field_unfolded(a, f) : (struct view){0};
	return v.p ? rules_normalise(v, dst, size) : 0;
}

static bool words_are(const struct bounce_rules *rules, enum rule_kind kind, struct view words)
{
	struct rule_match m;
	struct rule_question q = {.kind = kind, .text = words};
	return words.n && bounce_rules_find(rules, &q, &m);
}

bool text_has(const struct bounce_rules *rules, enum rule_kind kind, struct view text)
{
	char words[RULES_MAX_TEXT];
	size_t n = rules_normalise(text, words, sizeof words);
	return words_are(rules, kind, view_n(words, n));
}

bool subject_is(const struct bounce_rules *rules, struct arena *a, const struct report *r, enum rule_kind kind)
{
	char words[WORDS_MAX];
	return words_are(rules, kind, view_n(words, field_words(a, &r->head, V("Subject"), words, sizeof words)));
}

/* From names a mail system, or the return path is null and From names nobody. */
bool is_mail_system(const struct bounce_rules *rules, struct arena *a, const struct report *r)
{
	char words[WORDS_MAX];
	size_t n = field_words(a, &r->head, V("From"), words, sizeof words);
	if (words_are(rules, RULE_DAEMON, view_n(words, n)))
		return true;
	n = field_words(a, &r->head, V("Return-Path"), words, sizeof words);
	return view_eq(view_n(words, n), V("<>"));
}

static const struct {
	const char *name, *says; /* NULL: anything but "no" */
} automatic_fields[] = {
    {"Auto-Submitted", NULL},
    {"X-Autoreply", NULL},
    {"X-Auto-Reply", NULL},
    {"X-Autorespond", NULL},
    {"X-Autoresponse", NULL},
    {"X-Auto-Response", NULL},
    {"X-Apple-Action", "vacation"},
    {"Precedence", "auto_reply"},
    {"Precedence", "auto-reply"},
    {"X-Precedence", "auto_reply"},
    {"X-Mail-Autoreply", NULL},
    {"X-FC-MachineGenerated", "true"},
};

bool is_automatic_reply(const struct bounce_rules *rules, struct arena *a, const struct report *r)
{
	char words[WORDS_MAX];
	for (size_t i = 0; i < sizeof automatic_fields / sizeof *automatic_fields; i++) {
		size_t n = field_words(a, &r->head, view_of(automatic_fields[i].name), words, sizeof words);
		struct view v = view_n(words, n);
		const char *says = automatic_fields[i].says;
		if (n && (says ? view_starts(v, view_of(says)) : !view_eq(v, V("no")) && !view_starts(v, V("no;"))))
			return true;
	}
	return subject_is(rules, a, r, RULE_AUTO);
}
