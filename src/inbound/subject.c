/* A report was sent to the token of one copy: that person is meant, whoever it names. Only where it names several people
 * its words are taken from the one that is ours. */
#include "inbound/subject.h"

#include "internal.h"

#define TOKEN_DIGITS_MIN 50
#define TOKEN_TEXT_MAX TOKEN_LINK_TEXT

const char *evidence_word(enum evidence e)
{
	static const char *const words[] = {"none", "address", "copy", "token"};
	return words[e];
}

const char *reaction_word(enum reaction r)
{
	static const char *const words[] = {"nothing", "alert", "count", "bounce", "complaint", "optout"};
	return words[r];
}

static size_t run_of_token(struct view v)
{
	size_t n = 0;
	while (n < v.n && (ascii_is_alnum(v.p[n]) || v.p[n] == '-' || v.p[n] == '_'))
		n++;
	return n <= TOKEN_TEXT_MAX ? n : 0;
}

/* "b+", "u+", "c+" before a token; 0 when there is none. */
static enum token_use use_of(struct view v)
{
	char c = v.n > 1 && v.p[1] == '+' ? ascii_lower(v.p[0]) : 0;
	return c == TOKEN_BOUNCE || c == TOKEN_OPTOUT || c == TOKEN_COMPLAINT ? (enum token_use)c : 0;
}

bool token_in(const struct token_keys *keys, struct view text, struct token *ret)
{
	struct err ignored;
	for (size_t i = 0; i + TOKEN_DIGITS_MIN < text.n; i++) {
		struct view rest = view_sub(text, i, text.n), after = {0};
		bool link = view_starts(rest, V("/u/"));
		enum token_use use = use_of(rest);
		if (!link && !use)
			continue;
		after = view_sub(rest, link ? 3 : 2, rest.n);
		struct view token = view_sub(after, 0, run_of_token(after));
		if (token.n < TOKEN_DIGITS_MIN)
			continue;
		if (link ? token_open_link(keys, token, ret, &ignored) == 0
			 : token_open_address(keys, use, token, ret, &ignored) == 0)
			return true;
	}
	return false;
}

static bool token_in_copy(const struct token_keys *keys, const struct report *r, struct token *ret)
{
	static const char *const names[] = {
	    "Return-Path", "CFBL-Feedback-ID", "Message-ID", "CFBL-Address", "List-Unsubscribe"};
	if (token_in(keys, r->envelope_from, ret))
		return true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		for (const struct field *f = head_find(&r->returned, view_of(names[i])); f;
		     f = head_next(&r->returned, f, view_of(names[i])))
			if (token_in(keys, f->value, ret))
				return true;
	return false;
}

static void use_person(const struct ledger *l, const struct report *r, struct subject *s)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct person_key key;
		ledger_person_key(l, CHANNEL_EMAIL, r->recipients[i].address, &key);
		if (memcmp(&key, &s->who, sizeof key) != 0)
			continue;
		s->said = &r->recipients[i];
		s->address = s->said->address;
		return;
	}
	if (r->count == 1) /* forwarded, or rewritten on the way: the copy was ours all the same */
		s->said = &r->recipients[0];
}

void subject_find(const struct token_keys *keys, const struct ledger *l, const struct token *ours,
    const struct report *r, struct subject *ret)
{
	*ret = (struct subject){0};
	if (ours) {
		ret->evidence = EVIDENCE_RCPT;
		ret->token = *ours;
	} else if (token_in_copy(keys, r, &ret->token)) {
		ret->evidence = EVIDENCE_COPY;
	}
	if (ret->evidence) {
		ret->who = ret->token.who;
		use_person(l, r, ret);
		return;
	}
	if (r->count != 1 || !r->recipients[0].address.n)
		return;
	ret->evidence = EVIDENCE_ADDRESS;
	ret->said = &r->recipients[0];
	ret->address = ret->said->address;
	ledger_person_key(l, CHANNEL_EMAIL, ret->address, &ret->who);
}

static enum reaction react_to_bounce(const struct subject *s)
{
	static const enum reaction by_meaning[] = {REACT_NOTHING, REACT_COUNT, REACT_ALERT, REACT_BOUNCE};
	return s->said ? by_meaning[s->said->meaning] : REACT_NOTHING;
}

static enum reaction react_to_complaint(const struct report *r)
{
	return r->feedback == ARF_ABUSE || r->feedback == ARF_OPT_OUT ? REACT_COMPLAINT : REACT_ALERT;
}

enum reaction subject_react(const struct subject *s, const struct report *r, bool was_optout, bool trusts_addresses)
{
	if (s->evidence == EVIDENCE_NONE || (s->evidence == EVIDENCE_ADDRESS && !trusts_addresses))
		return REACT_NOTHING;
	if (was_optout)
		return r->kind == REPORT_OTHER || r->kind == REPORT_OPTOUT ? REACT_OPTOUT : REACT_NOTHING;
	if (r->kind == REPORT_BOUNCE)
		return react_to_bounce(s);
	return r->kind == REPORT_COMPLAINT ? react_to_complaint(r) : REACT_NOTHING;
}
