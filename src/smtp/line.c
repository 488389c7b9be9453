#include "line.h"

enum line_kind line_take(struct view in, struct view *ret_line, size_t *ret_eaten)
{
	struct view head = view_sub(in, 0, LINE_MAX_BYTES);
	size_t lf = view_find(head, 0, '\n');
	*ret_eaten = lf + 1;
	if (lf == head.n) {
		bool is_long = head.n == LINE_MAX_BYTES;
		/* a CR at the cut may belong to the line's end: it stays for line_skip to see */
		*ret_eaten = is_long ? head.n - 1 : 0;
		return is_long ? LINE_LONG : LINE_MORE;
	}
	if (view_find(head, 0, '\r') + 1 != lf)
		return LINE_BARE;
	*ret_line = view_sub(head, 0, lf - 1);
	return LINE_GOOD;
}

enum line_kind line_skip(struct view in, bool *after_cr, size_t *ret_eaten)
{
	size_t lf = view_find(in, 0, '\n');
	bool cr = lf ? in.p[lf - 1] == '\r' : *after_cr;
	*ret_eaten = lf < in.n ? lf + 1 : in.n;
	if (lf < in.n)
		return cr ? LINE_GOOD : LINE_BARE;
	*after_cr = cr;
	return LINE_MORE;
}

static bool has_control(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (((unsigned char)v.p[i] < 0x20 && v.p[i] != '\t') || v.p[i] == 0x7f)
			return true;
	return false;
}

bool command_split(struct view line, struct view *ret_verb, struct view *ret_args)
{
	if (has_control(line))
		return false;
	size_t space = view_find(line, 0, ' ');
	*ret_verb = view_sub(line, 0, space);
	*ret_args = view_trim(view_sub(line, space, line.n));
	return true;
}
