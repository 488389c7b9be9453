/* Pages with holes. Everything that comes out of a hole is HTML-escaped; there is no way to ask for less.
 *
 *   {{name}}               the value, escaped
 *   {{?name}} .. {{/name}} only when the value is not empty
 *   {{!name}} .. {{/name}} only when it is empty
 *   {{t.key}}              a sentence of the chosen language (texts.h), itself with {{name}} holes, escaped
 *
 * Pure. An unknown name or key, or a section left open, is ERR_SYNTAX: a page is never sent with a hole in
 * it. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "texts.h"

struct value {
	const char *name;
	struct view value;
};

struct values {
	const struct value *rows;
	size_t n;
	enum language language;
};

void html_escape(struct buf *out, struct view v);
int template_render(
    struct buf *out, struct view page, const struct values *values, struct err *err) MUST_CHECK;
