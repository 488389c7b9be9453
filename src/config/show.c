/* `config show`: every setting with its value, read the way the daemon reads it. */
#include <stdio.h>

#include "base/file.h"
#include "load.h"
#include "table.h"

#define SHOW_COLUMN 44

struct shower {
	struct buf *out;
	bool json;
	unsigned count;
};

static void json_quoted(struct buf *out, const char *s)
{
	buf_byte(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_fmt(out, "\\%c", *s);
		else if ((unsigned char)*s < ' ')
			buf_fmt(out, "\\u%04x", (unsigned)*s);
		else
			buf_byte(out, *s);
	}
	buf_byte(out, '"');
}

static void show_json(void *arg, const char *name, const struct setting *row, const char *value, bool is_default)
{
	struct shower *s = arg;
	buf_str(s->out, s->count++ ? ",\n  {\"name\": " : "  {\"name\": ");
	json_quoted(s->out, name);
	buf_str(s->out, ", \"value\": ");
	if (*value)
		json_quoted(s->out, value);
	else
		buf_str(s->out, "null");
	buf_fmt(s->out, ", \"default\": %s, \"reload\": %s}", is_default ? "true" : "false",
	    row->flags & SETTING_RESTART ? "false" : "true");
}

static void show_text(void *arg, const char *name, const struct setting *row, const char *value, bool is_default)
{
	struct shower *s = arg;
	(void)row;
	if (*value)
		buf_fmt(s->out, "%-*s = %s;%s\n", SHOW_COLUMN, name, value, is_default ? "  # default" : "");
	else
		buf_fmt(s->out, "%-*s   # not set\n", SHOW_COLUMN, name);
	s->count++;
}

int config_show(const char *file, bool json, struct buf *out, struct err *err)
{
	struct buf text;
	struct raw raw;
	struct shower shower = {out, json, 0};
	const struct raw_visitor visitor = {json ? show_json : show_text, &shower};
	buf_init(&text, CONFIG_FILE_MAX);
	if (json)
		buf_str(out, "[\n");
	int rc = file_read(file, &text, err);
	if (rc == 0)
		rc = raw_parse(&raw, file, buf_view(&text), &visitor, err);
	if (rc == 0)
		raw_free(&raw);
	if (json)
		buf_str(out, "\n]\n");
	buf_free(&text);
	return rc;
}
