/* conf/optgate.conf: the table as a file that loads. Defaults stand there commented out; what has none has an example. */
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "table.h"

#define COMMENT_WIDTH 100

static void indent(struct buf *out, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_byte(out, '\t');
}

/* TEXT as comment lines, broken between words. */
static void comment(struct buf *out, int depth, const char *text)
{
	struct view rest = view_of(text), word;
	size_t column = 0;
	while (view_word(&rest, &word)) {
		if (column && column + 1 + word.n > COMMENT_WIDTH) {
			buf_byte(out, '\n');
			column = 0;
		}
		if (!column) {
			indent(out, depth);
			buf_byte(out, '#');
		}
		buf_fmt(out, " %.*s", VFMT(word));
		column += 1 + word.n;
	}
	buf_byte(out, '\n');
}

static void value(struct buf *out, const struct setting *row)
{
	const char *text = row->sample ? row->sample : row->def;
	bool list = row->kind == KIND_TEXTS, quoted = kind_is_text(row->kind);
	buf_fmt(out, "%s%s%s%s%s", list ? "[ " : "", quoted ? "\"" : "", text, quoted ? "\"" : "", list ? " ]" : "");
}

static void section(struct buf *out, const char *prefix, int depth);

static void group(struct buf *out, const struct setting *row, int depth)
{
	buf_byte(out, '\n');
	comment(out, depth, row->help);
	indent(out, depth);
	buf_fmt(out, "%s = {\n", setting_name(row));
	section(out, row->path, depth + 1);
	indent(out, depth);
	buf_str(out, "};\n");
}

static void list(struct buf *out, const struct setting *row, int depth)
{
	char prefix[128];
	snprintf(prefix, sizeof prefix, "%s[]", row->path);
	buf_byte(out, '\n');
	comment(out, depth, row->help);
	indent(out, depth);
	buf_fmt(out, "%s = (\n", setting_name(row));
	indent(out, depth + 1);
	buf_str(out, "{\n");
	section(out, prefix, depth + 2);
	indent(out, depth + 1);
	buf_str(out, "}\n");
	indent(out, depth);
	buf_str(out, ");\n");
}

static void single(struct buf *out, const struct setting *row, int depth)
{
	comment(out, depth, row->help);
	indent(out, depth);
	if (!row->sample && !row->def) {
		buf_fmt(out, "#%s is not set\n", setting_name(row));
		return;
	}
	buf_fmt(out, "%s%s = ", row->sample ? "" : "#", setting_name(row));
	value(out, row);
	buf_str(out, ";\n");
}

static void section(struct buf *out, const char *prefix, int depth)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *row = &settings[i];
		if (!setting_within(row, prefix))
			continue;
		if (row->kind == KIND_GROUP)
			group(out, row, depth);
		else if (row->kind == KIND_LIST)
			list(out, row, depth);
		else
			single(out, row, depth);
	}
}

void config_write_sample(struct buf *out)
{
	buf_str(out,
	    "# Settings of optgate; optgate.conf(5) explains all of them. Written by `optgate config sample`.\n"
	    "# A line that begins with # shows a default. Check a change with `optgate config check`, apply it with "
	    "SIGHUP.\n\n");
	section(out, "", 0);
}
