/* address-list (RFC 5322 3.4, with 4.4's routes and blanks around dots).
 *
 * Words are gathered into a candidate address with comments and blanks left out. What ends them tells what they were:
 * "," or the end: an address; "<": a display name, to be forgotten; ":": a group's name. Two words without a dot
 * between them can only be a name. So `"a@b.example" <c@d.example>` is c@d.example, and `a b@c.example` is nothing. */
#include "mailbox.h"

#include "lex.h"
#include "mail/header.h"

#define SPEC_MAX 600
#define ENCODED_WORD_MAX 500 /* RFC 2047 says 75; a bound keeps a row of "=?" from being read again and again */

struct spec {
	char text[SPEC_MAX];
	size_t n;
	bool any;        /* a word was seen */
	bool after_word; /* the last token was one, so that only ".", "@" or an end may follow */
	bool broken;     /* a name only */
	bool at;
};

struct scan {
	struct view v;
	size_t at;
	bool in_group;
	struct err *err;
};

/* What may stand in a word: atext, and bytes of UTF-8 or older character sets in names. */
static bool is_word(char c)
{
	return mail_is_atext(c) || (unsigned char)c >= 0x80;
}

static char next(const struct scan *s)
{
	return s->at < s->v.n ? s->v.p[s->at] : 0;
}

static int skip_cfws(struct scan *s)
{
	for (;;) {
		while (lex_is_fws(next(s)))
			s->at++;
		if (next(s) != '(')
			return 0;
		size_t end = lex_closed(s->v, s->at, '(', ')');
		if (!end)
			return err_set(s->err, ERR_SYNTAX, "address list: a comment is not closed");
		s->at = end;
	}
}

static void spec_add(struct spec *p, struct view token)
{
	for (size_t i = 0; i < token.n; i++) {
		if (token.p[i] == '\r' || token.p[i] == '\n')
			continue;
		if (p->n == sizeof p->text)
			p->broken = true;
		else
			p->text[p->n++] = token.p[i];
	}
}

static void spec_word(struct spec *p, struct view word)
{
	p->broken |= p->after_word;
	p->any = p->after_word = true;
	spec_add(p, word);
}

/* =?charset?Q?text?= (RFC 2047). Careless writers leave commas and "@" in the text: it is one word all the same, but
 * never over a blank, a quote or an angle bracket. Returns its length, 0 when there is none. */
static size_t encoded_word(struct view v)
{
	int marks = 0;
	if (!view_starts(v, V("=?")))
		return 0;
	for (size_t i = 2; i < v.n && i < ENCODED_WORD_MAX; i++) {
		if (lex_is_fws(v.p[i]) || v.p[i] == '<' || v.p[i] == '>' || v.p[i] == '"')
			return 0;
		if (v.p[i] == '?' && ++marks >= 3 && i + 1 < v.n && v.p[i + 1] == '=')
			return i + 2;
	}
	return 0;
}

static int take_delimited(struct scan *s, struct spec *p, char open, char close)
{
	size_t end = lex_closed(s->v, s->at, open, close);
	if (!end)
		return err_set(s->err, ERR_SYNTAX, "address list: a %c is not closed", open);
	spec_word(p, view_sub(s->v, s->at, end));
	s->at = end;
	return 0;
}

/* One token of a phrase or addr-spec. 0: taken; 1: the byte at s->at ends the words; -1: never closed. */
static int take_token(struct scan *s, struct spec *p)
{
	size_t n = encoded_word(view_sub(s->v, s->at, s->v.n)), from = s->at;
	char c = next(s);
	if (c == '"')
		return take_delimited(s, p, '"', '"');
	if (c == '[')
		return take_delimited(s, p, '[', ']');
	if (c == '.' || c == '@') {
		p->at |= c == '@';
		p->any = true;
		p->after_word = false;
		s->at++;
		spec_add(p, view_sub(s->v, from, s->at));
		return 0;
	}
	while (n == 0 && is_word(next(s)))
		s->at++;
	if (n == 0 && s->at == from)
		return 1;
	p->broken |= n > 0;
	s->at += n;
	spec_word(p, view_sub(s->v, from, s->at));
	return 0;
}

static int take_words(struct scan *s, struct spec *p)
{
	*p = (struct spec){.n = 0};
	for (;;) {
		if (skip_cfws(s) < 0)
			return -1;
		int rc = s->at < s->v.n ? take_token(s, p) : 1;
		if (rc)
			return rc < 0 ? -1 : 0;
	}
}

static int finish(struct scan *s, const struct spec *p, struct address *ret)
{
	if (p->broken || !p->at)
		return err_set(s->err, ERR_SYNTAX, "address list: expected local-part@domain");
	return address_parse(view_n(p->text, p->n), ret, s->err);
}

/* obs-route = "@" domain *("," "@" domain) ":" */
static int skip_route(struct scan *s)
{
	struct spec p;
	if (skip_cfws(s) < 0)
		return -1;
	if (next(s) != '@')
		return 0;
	for (;;) {
		if (take_words(s, &p) < 0)
			return -1;
		char c = next(s);
		if (c != ',' && c != ':')
			return err_set(s->err, ERR_SYNTAX, "address list: the source route has no colon");
		s->at++;
		if (c == ':')
			return 0;
	}
}

/* angle-addr, from its "<" */
static int take_angle(struct scan *s, struct address *ret)
{
	struct spec p;
	s->at++;
	if (skip_route(s) < 0 || take_words(s, &p) < 0)
		return -1;
	if (next(s) != '>')
		return err_set(s->err, ERR_SYNTAX, "address list: expected >");
	s->at++;
	if (finish(s, &p, ret) < 0 || skip_cfws(s) < 0)
		return -1;
	char c = next(s);
	if (s->at < s->v.n && c != ',' && c != ';')
		return err_set(s->err, ERR_SYNTAX, "address list: expected a comma behind >");
	return 0;
}

/* ":" opens a group, "," and ";" only part. */
static int take_mark(struct scan *s, const struct spec *p)
{
	char c = next(s);
	if (c == ':') {
		if (s->in_group || !p->any || p->at)
			return err_set(s->err, ERR_SYNTAX, "address list: a colon without a group's name");
		s->in_group = true;
	} else if (c == ';') {
		s->in_group = false;
	} else if (c != ',') {
		return err_set(s->err, ERR_SYNTAX, "address list: byte 0x%02x is out of place", (unsigned char)c);
	}
	s->at++;
	return 0;
}

/* 1: RET is set; 0: nothing between two commas, or a group's name; -1. */
static int take_one(struct scan *s, struct address *ret)
{
	struct spec p;
	if (take_words(s, &p) < 0)
		return -1;
	bool ended = s->at == s->v.n;
	char c = next(s);
	if (!ended && c == '<')
		return take_angle(s, ret) < 0 ? -1 : 1;
	if (p.any && (ended || c != ':')) {
		if (!ended && c != ',' && c != ';')
			return take_mark(s, &p);
		return finish(s, &p, ret) < 0 ? -1 : 1;
	}
	return ended ? 0 : take_mark(s, &p);
}

int mailbox_list(struct view text, bool (*each)(void *arg, const struct address *a), void *arg, struct err *err)
{
	struct scan s = {.v = text, .err = err};
	int count = 0;
	while (s.at < s.v.n) {
		struct address a;
		int rc = take_one(&s, &a);
		if (rc < 0)
			return -1;
		count += rc;
		if (rc && !each(arg, &a))
			return count;
	}
	return s.in_group ? err_set(err, ERR_SYNTAX, "address list: a group is not closed") : count;
}

struct first {
	struct address *ret;
	bool got;
};

static bool keep_first(void *arg, const struct address *a)
{
	struct first *f = arg;
	if (!f->got)
		*f->ret = *a;
	f->got = true;
	return true;
}

int mailbox_only(struct view text, struct address *ret, struct err *err)
{
	struct address a;
	struct first f = {.ret = &a};
	int count = mailbox_list(text, keep_first, &f, err);
	if (count < 0)
		return -1;
	if (count != 1)
		return err_set(err, count ? ERR_SYNTAX : ERR_MISSING, "expected one address, found %d", count);
	*ret = a;
	return 0;
}

int field_mailboxes(const struct field *f, bool (*each)(void *arg, const struct address *a), void *arg, struct err *err)
{
	return mailbox_list(f->value, each, arg, err);
}

/* The whole list is read: a From that goes on with garbage names nobody. */
int field_mailbox(const struct field *f, struct address *ret, struct err *err)
{
	struct address a;
	struct first first = {.ret = &a};
	int count = mailbox_list(f->value, keep_first, &first, err);
	if (count < 0)
		return -1;
	if (count == 0)
		return err_set(err, ERR_MISSING, "%.*s: no address", VFMT(view_sub(f->name, 0, 80)));
	*ret = a;
	return 0;
}
