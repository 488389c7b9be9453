/* optgate.conf(5) in mdoc, from the table. */
#include <stdio.h>

#include "base/clock.h"
#include "config/config.h"
#include "table.h"

/* Text for mdoc: a leading dot or quote and backslashes would be commands; a new sentence begins a new line. */
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

static void words(struct buf *out, const struct choice *choices)
{
	for (const struct choice *c = choices; c->word; c++) {
		buf_str(out, c == choices ? "" : ", ");
		mdoc(out, c->word);
	}
}

static void kind_of_value(struct buf *out, const struct setting *row)
{
	buf_str(out, "Value: ");
	if (row->choices) {
		buf_str(out, row->kind == KIND_CHOICES ? "one or more of " : "one of ");
		words(out, row->choices);
	} else {
		mdoc(out, kind_words(row->kind));
	}
}

static void limit(struct buf *out, const struct setting *row, int64_t n)
{
	char text[24];
	if (row->kind == KIND_DURATION)
		duration_text(n, text);
	else
		snprintf(text, sizeof text, "%lld", (long long)n);
	buf_str(out, text);
}

static void facts(struct buf *out, const struct setting *row)
{
	kind_of_value(out, row);
	if (row->kind == KIND_NUMBER || row->kind == KIND_SIZE || row->kind == KIND_DURATION) {
		buf_str(out, ", from ");
		limit(out, row, row->lo);
		buf_str(out, " to ");
		limit(out, row, row->hi);
	} else if (row->hi) {
		buf_fmt(out, ", at most %lld", (long long)row->hi);
	}
	buf_str(out, ".\n");
	if (row->flags & SETTING_REQUIRED)
		buf_str(out, "Required.\n");
	if (row->def) {
		buf_str(out, "Default: ");
		mdoc(out, row->def);
		buf_str(out, ".\n");
	}
	if (row->flags & SETTING_RESTART)
		buf_str(out, "Takes effect at the next start.\n");
}

static void entry(struct buf *out, const struct setting *row)
{
	buf_str(out, ".It Va ");
	mdoc(out, row->path);
	buf_byte(out, '\n');
	mdoc(out, row->help);
	buf_byte(out, '\n');
	if (row->kind != KIND_GROUP)
		facts(out, row);
}

void config_write_manual(struct buf *out)
{
	buf_str(out,
	    ".\\\" Written by `optgate config manual` from the table of settings.\n"
	    ".Dd November 24, 2026\n.Dt OPTGATE.CONF 5\n.Os\n.Sh NAME\n.Nm optgate.conf\n.Nd settings of optgate\n"
	    ".Sh DESCRIPTION\nThe file is read by\n.Xr optgated 8\nand\n.Xr optgate 1 .\n"
	    "It consists of settings of the form\n.Dl name = value;\n"
	    "Strings stand in double quotes, groups in braces, lists of groups in parentheses, lists of strings in "
	    "brackets;\n"
	    "a comment begins with #, and\n.Ql @include \\(dqfile\\(dq\nincludes another file.\n"
	    "Below, a dot leads into a group and [] into each element of a list:\n.Va brands[].streams[].class\n"
	    "is the class of each stream of each brand.\n.Pp\n"
	    "Durations are a number and a unit, ms, s, m, h, d or w;\na bare number means seconds.\n"
	    "Sizes are a number of bytes, or a string with K, M, G or T behind the number.\n"
	    "Names of brands, streams, topics and clients consist of a\\-z 0\\-9 . _ \\-.\n.Pp\n"
	    "A file with an unknown name, a wrong type, a value out of range, a missing required setting or a "
	    "reference to something that is not there\n"
	    "is refused as a whole, with file, line, name and what was expected; on reload the settings before stay in "
	    "force.\n"
	    "Keys and passwords are never in this file.\n.Sh SETTINGS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < settings_count; i++)
		entry(out, &settings[i]);
	buf_str(out, ".El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa /etc/optgate/optgate.conf\nThe usual place; the "
		     "environment variable\n.Ev OPTGATE_CONF\n"
		     "or the option\n.Fl c\nnames another.\n.El\n.Sh SEE ALSO\n.Xr optgate 1 ,\n.Xr optgated 8\n");
}
