/* libconfig 1.5 reads a whole number with atoi: what does not fit 32 bits becomes another number without a word. So numbers are looked at
 * before: a bare one must fit, "L" behind it makes it 64 bits. */
#include "table.h"

struct scan {
	struct view text;
	size_t at;
	unsigned line;
};

static bool looking_at(const struct scan *s, const char *word)
{
	return view_starts(view_sub(s->text, s->at, s->text.n), view_of(word));
}

/* Past the next END, or to the end of the text. */
static void skip_to(struct scan *s, const char *end, bool escapes)
{
	while (s->at < s->text.n && !looking_at(s, end)) {
		if (escapes && s->text.p[s->at] == '\\')
			s->at++;
		if (s->at < s->text.n && s->text.p[s->at] == '\n')
			s->line++;
		s->at++;
	}
	s->at += strlen(end);
	if (end[0] == '\n')
		s->line++;
}

static bool skip_string_or_comment(struct scan *s)
{
	static const struct {
		const char *begin, *end;
		bool escapes;
	} forms[] = {{"\"", "\"", true}, {"#", "\n", false}, {"//", "\n", false}, {"/*", "*/", false}};
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (looking_at(s, forms[i].begin)) {
			s->at += strlen(forms[i].begin);
			skip_to(s, forms[i].end, forms[i].escapes);
			return true;
		}
	return false;
}

static bool in_word(char c)
{
	return ascii_is_alnum(c) || c == '_' || c == '-' || c == '*' || c == '.';
}

/* A name, a word or a number. */
static bool word_fits(struct view word)
{
	uint64_t n;
	if (word.p[0] == '-')
		word = view_sub(word, 1, word.n);
	for (size_t i = 0; i < word.n; i++)
		if (!ascii_is_digit(word.p[i]))
			return true; /* not a plain number: libconfig's other rules hold */
	return word.n == 0 || view_u64(word, INT32_MAX, &n);
}

int numbers_check(const char *file, struct view text, struct err *err)
{
	struct scan s = {text, 0, 1};
	while (s.at < text.n) {
		if (skip_string_or_comment(&s))
			continue;
		size_t from = s.at;
		while (s.at < text.n && in_word(text.p[s.at]))
			s.at++;
		struct view word = view_sub(text, from, s.at);
		if (word.n && !word_fits(word))
			return err_set(err, ERR_SYNTAX,
			    "%s:%u: %.*s: expected a number below 2147483648, or an L behind it, or a string with a "
			    "unit",
			    file, s.line, (int)(word.n < 40 ? word.n : 40), word.p);
		if (word.n == 0 && text.p[s.at++] == '\n')
			s.line++;
	}
	return 0;
}
