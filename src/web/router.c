/* From method and path to a handler. */
#include "router.h"

static bool matches(struct view pattern, struct view path, struct view *ret_capture)
{
	if (!view_ends(pattern, V("*"))) {
		*ret_capture = view_n(path.p + path.n, 0);
		return view_eq(pattern, path);
	}
	pattern.n--;
	if (!view_starts(path, pattern))
		return false;
	*ret_capture = view_sub(path, pattern.n, path.n);
	return ret_capture->n && view_find(*ret_capture, 0, '/') == ret_capture->n;
}

const struct route *route_find(const struct route *table, size_t n, enum method method, struct view path,
    struct view *ret_capture, unsigned *ret_allowed)
{
	const struct route *found = NULL;
	unsigned wanted = method == METHOD_HEAD ? METHOD_GET : method;
	*ret_allowed = 0;
	for (size_t i = 0; i < n; i++) {
		if (!matches(view_of(table[i].pattern), path, ret_capture))
			continue;
		*ret_allowed |= table[i].methods;
		if (!found && table[i].methods & wanted)
			found = &table[i];
	}
	if (*ret_allowed)
		*ret_allowed |= METHOD_OPTIONS | (*ret_allowed & METHOD_GET ? METHOD_HEAD : 0);
	if (found)
		matches(view_of(found->pattern), path, ret_capture);
	return found;
}

void route_allow_text(unsigned allowed, struct buf *out)
{
	static const struct {
		enum method method;
		const char *word;
	} rows[] = {
	    {METHOD_GET, "GET"}, {METHOD_HEAD, "HEAD"}, {METHOD_POST, "POST"}, {METHOD_OPTIONS, "OPTIONS"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (allowed & rows[i].method)
			buf_fmt(out, "%s%s", out->n ? ", " : "", rows[i].word);
}
