/* argv -> verb, operands, options; by the tables only. Options may stand anywhere behind the program's name. */
#include <string.h>

#include "tool.h"

struct cursor {
	int argc, at;
	char *const *argv;
	struct args *args;
	const char *words[OPERANDS_MAX + 2]; /* verb, sub, operands */
	unsigned word_count;
	bool only_words; /* behind "--" */
};

static int find_long(struct view name)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (option_rows[i].name && view_eq(view_of(option_rows[i].name), name))
			return i;
	return -1;
}

static int find_letter(char letter)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (option_rows[i].letter == letter)
			return i;
	return -1;
}

static int keep_option(struct args *a, int id, const char *value, struct err *err)
{
	unsigned most = option_rows[id].repeats ? REPEATS_MAX : 1;
	if (a->options[id].count == most)
		return err_set(err, ERR_SYNTAX, "--%s: given more than %u time%s", option_rows[id].name, most,
		    most == 1 ? "" : "s");
	a->options[id].at[a->options[id].count++] = value;
	return 0;
}

/* An option at the cursor: "--name", "--name=value", "-c", "-cvalue"; its value may be the next word. */
static int take_option(struct cursor *c, struct err *err)
{
	const char *word = c->argv[c->at++];
	bool is_long = word[1] == '-';
	struct view name = is_long ? view_of(word + 2) : view_n(word + 1, 1), whole = name;
	const char *value = NULL;
	if (is_long && view_find(whole, 0, '=') < whole.n) {
		view_cut(&whole, '=', &name);
		value = whole.p ? whole.p : "";
	} else if (!is_long && word[2]) {
		value = word + 2;
	}
	int id = is_long ? find_long(name) : find_letter(name.p[0]);
	if (id < 0)
		return err_set(err, ERR_SYNTAX, "%s: there is no such option", word);
	if (!option_rows[id].value && value)
		return err_set(err, ERR_SYNTAX, "--%s: takes no value", option_rows[id].name);
	if (option_rows[id].value && !value) {
		if (c->at == c->argc)
			return err_set(
			    err, ERR_SYNTAX, "--%s: expected %s", option_rows[id].name, option_rows[id].value);
		value = c->argv[c->at++];
	}
	return keep_option(c->args, id, value ? value : "", err);
}

static int take_word(struct cursor *c, struct err *err)
{
	if (c->word_count == OPERANDS_MAX + 2)
		return err_set(err, ERR_SYNTAX, "%s: too many words", c->argv[c->at]);
	c->words[c->word_count++] = c->argv[c->at++];
	return 0;
}

static int take_all(struct cursor *c, struct err *err)
{
	while (c->at < c->argc) {
		const char *word = c->argv[c->at];
		if (!c->only_words && strcmp(word, "--") == 0) {
			c->only_words = true;
			c->at++;
			continue;
		}
		bool is_option = !c->only_words && word[0] == '-' && word[1];
		if ((is_option ? take_option : take_word)(c, err) < 0)
			return -1;
	}
	return 0;
}

/* Appends what the verb's family offers: "add, remove, show". */
static void list_subs(const char *verb, char *dst, size_t size)
{
	dst[0] = 0;
	for (size_t i = 0; i < verbs_count; i++) {
		size_t n = strlen(dst);
		if (strcmp(verbs[i].verb, verb) == 0)
			snprintf(dst + n, size - n, "%s%s", n ? ", " : "", verbs[i].sub);
	}
}

/* SUB NULL: any row of the verb. */
static const struct verb *find_verb(const char *verb, const char *sub)
{
	for (size_t i = 0; i < verbs_count; i++)
		if (strcmp(verbs[i].verb, verb) == 0 && (!sub || strcmp(verbs[i].sub, sub) == 0))
			return &verbs[i];
	return NULL;
}

/* Which row, and how many words it has taken: the one that the second word names, else the one that needs none (screen FILE, screen verify FILE). */
static int choose_verb(struct cursor *c, unsigned *ret_used, struct err *err)
{
	char subs[120];
	if (!find_verb(c->words[0], NULL))
		return err_set(err, ERR_SYNTAX, "%s: there is no such verb", c->words[0]);
	const struct verb *named = c->word_count > 1 && *c->words[1] ? find_verb(c->words[0], c->words[1]) : NULL;
	c->args->verb = named ? named : find_verb(c->words[0], "");
	*ret_used = named ? 2 : 1;
	if (c->args->verb)
		return 0;
	list_subs(c->words[0], subs, sizeof subs);
	if (c->word_count < 2)
		return err_set(err, ERR_SYNTAX, "%s: expected one of %s", c->words[0], subs);
	return err_set(err, ERR_SYNTAX, "%s %s: expected one of %s", c->words[0], c->words[1], subs);
}

static int check_options(const struct args *a, struct err *err)
{
	const struct verb *v = a->verb;
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (a->options[i].count && !((v->options | COMMON_OPTIONS) & BIT(i)))
			return err_set(err, ERR_SYNTAX, "%s%s%s: takes no --%s", v->verb, *v->sub ? " " : "", v->sub,
			    option_rows[i].name);
		if (!a->options[i].count && v->needs & BIT(i))
			return err_set(err, ERR_SYNTAX, "%s%s%s: expected --%s %s", v->verb, *v->sub ? " " : "", v->sub,
			    option_rows[i].name, option_rows[i].value);
	}
	return 0;
}

static int check_operands(const struct args *a, struct err *err)
{
	const struct verb *v = a->verb;
	if (a->operand_count >= v->min && a->operand_count <= v->max)
		return 0;
	return err_set(err, ERR_SYNTAX, "%s%s%s: expected %s%s", v->verb, *v->sub ? " " : "", v->sub,
	    *v->operands ? v->operands : "nothing behind it",
	    a->operand_count > v->max && *v->operands ? " and no more" : "");
}

int args_parse(int argc, char *const *argv, struct args *ret, struct err *err)
{
	struct cursor c = {.argc = argc, .at = 1, .argv = argv, .args = ret};
	unsigned used = 0;
	memset(ret, 0, sizeof *ret);
	if (take_all(&c, err) < 0)
		return -1;
	if (has_option(ret, OPT_HELP) || c.word_count == 0) {
		ret->wants_help = true;
		ret->help_word = c.word_count ? c.words[0] : NULL;
		return has_option(ret, OPT_HELP) ? 0 : err_set(err, ERR_SYNTAX, "expected a verb");
	}
	if (choose_verb(&c, &used, err) < 0)
		return -1;
	ret->operand_count = c.word_count - used;
	if (ret->operand_count > OPERANDS_MAX)
		ret->operand_count = OPERANDS_MAX;
	memcpy(ret->operands, c.words + used, ret->operand_count * sizeof *ret->operands);
	return check_options(ret, err) < 0 || check_operands(ret, err) < 0 ? -1 : 0;
}
