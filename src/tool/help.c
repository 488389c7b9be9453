/* `optgate help`, `optgate help VERB` and optgate(1), from the tables. */
#include <string.h>

#include "tool.h"

#define VERB_COLUMN 18
#define OPTION_COLUMN 26

static void synopsis(const struct verb *v, char *dst, size_t size)
{
	snprintf(dst, size, "%s%s%s%s%s", v->verb, *v->sub ? " " : "", v->sub, *v->operands ? " " : "", v->operands);
}

void help_all(FILE *out)
{
	fprintf(out, "usage: optgate [-c FILE] VERB ... [--json]\n\n");
	for (size_t i = 0; i < verbs_count; i++) {
		char name[64];
		snprintf(name, sizeof name, "%s %s", verbs[i].verb, verbs[i].sub);
		fprintf(out, "  %-*s %s\n", VERB_COLUMN, name, verbs[i].help);
	}
	fprintf(out, "\n`optgate help VERB` says more. Exit status: 0 done or allowed, 1 failed, 2 wrong usage, 3 "
		     "suppressed, 4 deferred.\n");
}

static void option_text(const struct option_row *o, char *dst, size_t size)
{
	char letter[8] = "";
	if (o->letter)
		snprintf(letter, sizeof letter, "-%c, ", o->letter);
	snprintf(dst, size, "%s--%s%s%s", letter, o->name, o->value ? " " : "", o->value ? o->value : "");
}

static void print_options(FILE *out, const struct verb *v)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		char text[80];
		if (!(v->options & BIT(i)))
			continue;
		option_text(&option_rows[i], text, sizeof text);
		fprintf(out, "    %-*s %s%s\n", OPTION_COLUMN, text, option_rows[i].help,
		    v->needs & BIT(i) ? " (required)" : "");
	}
}

bool help_verb(FILE *out, const char *verb)
{
	bool found = false;
	for (size_t i = 0; i < verbs_count; i++) {
		char line[160];
		if (strcmp(verbs[i].verb, verb) != 0)
			continue;
		synopsis(&verbs[i], line, sizeof line);
		fprintf(out, "%soptgate %s\n    %s%s%s\n", found ? "\n" : "", line, verbs[i].help,
		    verbs[i].more ? ". " : "", verbs[i].more ? verbs[i].more : "");
		print_options(out, &verbs[i]);
		found = true;
	}
	return found;
}

/* ---- optgate(1) ---- */

/* Text for mdoc: hyphens that can be copied, no accidental command, a sentence a line. */
static void mdoc(struct buf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		buf_str(out, "\\&");
	for (; *text; text++) {
		bool sentence_ends = text[0] == '.' && text[1] == ' ' && text[2] >= 'A' && text[2] <= 'Z';
		buf_str(out, *text == '\\' ? "\\e" : *text == '-' ? "\\-" : (char[]){*text, 0});
		if (sentence_ends) {
			buf_byte(out, '\n');
			text++;
		}
	}
}

static void manual_option(struct buf *out, int id, bool required)
{
	const struct option_row *o = &option_rows[id];
	buf_str(out, ".It ");
	if (o->letter)
		buf_fmt(out, "Fl %c , ", o->letter);
	buf_fmt(out, "Fl \\-%s", o->name);
	if (o->value)
		buf_fmt(out, " Ar %s", o->value);
	buf_byte(out, '\n');
	mdoc(out, o->help);
	buf_str(out, required ? ";\nrequired.\n" : ".\n");
}

static void manual_options(struct buf *out, uint64_t mask, uint64_t needs)
{
	buf_str(out, ".Bl -tag -width Ds -compact\n");
	for (int i = 0; i < OPTION_COUNT; i++)
		if (mask & BIT(i))
			manual_option(out, i, needs & BIT(i));
	buf_str(out, ".El\n");
}

static void manual_verb(struct buf *out, const struct verb *v)
{
	char line[160];
	synopsis(v, line, sizeof line);
	buf_str(out, ".It Ic ");
	mdoc(out, line);
	buf_str(out, "\n");
	mdoc(out, (char[]){(char)(v->help[0] >= 'a' ? v->help[0] - 32 : v->help[0]), 0});
	mdoc(out, v->help + 1);
	buf_str(out, ".\n");
	if (v->more) {
		mdoc(out, v->more);
		buf_byte(out, '\n');
	}
	if (v->options)
		manual_options(out, v->options, v->needs);
}

void help_manual(struct buf *out)
{
	buf_str(out, ".\\\" Written by `optgate help \\-\\-manual` from the table of verbs.\n.Dd November 24, "
		     "2026\n.Dt OPTGATE 1\n.Os\n.Sh NAME\n.Nm optgate\n"
		     ".Nd suppressions, consents, queue, keys and settings of the last gate before send\n.Sh "
		     "SYNOPSIS\n.Nm\n.Op Fl c Ar FILE\n.Ar VERB\n.Op Ar ...\n"
		     ".Op Fl \\-json\n.Sh DESCRIPTION\n.Nm\nworks on the data directory that the settings name, "
		     "whether\n.Xr optgated 8\nruns or not.\n"
		     "Every change is journalled with the name of the user who made it.\n.Pp\nOptions that every verb "
		     "takes:\n.Pp\n");
	manual_options(out, COMMON_OPTIONS, 0);
	buf_str(out, ".Sh VERBS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < verbs_count; i++)
		manual_verb(out, &verbs[i]);
	buf_str(out, ".El\n.Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev OPTGATE_CONF\nThe settings file, unless\n.Fl "
		     "c\nnames one.\n.El\n"
		     ".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n.It 0\nDone;\n.Ic explain :\nallowed.\n.It "
		     "1\nFailed.\n.It 2\nWrong usage.\n.It 3\n.Ic explain :\n"
		     "suppressed.\n.It 4\n.Ic explain :\ndeferred, since the ledger can't be read.\n.El\n"
		     ".Sh EXAMPLES\n.Dl optgate explain ann@example.net \\-\\-stream acme/offers\n"
		     ".Dl optgate suppress add ann@example.net \\-\\-scope acme \\-\\-reason complaint \\-\\-note "
		     "\\(dqcalled us\\(dq\n"
		     ".Dl optgate queue drop \\-\\-stream acme/offers \\-\\-domain example.net\n"
		     ".Sh SEE ALSO\n.Xr optgate.conf 5 ,\n.Xr optgated 8\n");
}
