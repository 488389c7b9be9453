#include "chunk.h"

static void check_from(struct chunk *c, struct view v, size_t at)
{
	while (at < v.n && !c->bare) {
		size_t cr = view_find(v, at, '\r');
		if (view_find(view_sub(v, 0, cr), at, '\n') < cr)
			c->bare = true;
		else if (cr + 1 == v.n)
			c->cr = true;
		else if (cr < v.n && v.p[cr + 1] != '\n')
			c->bare = true;
		at = cr + 2;
	}
}

void chunk_check(struct chunk *c, struct view piece)
{
	if (!piece.n)
		return;
	bool after_cr = c->cr;
	c->cr = false;
	if (after_cr && piece.p[0] != '\n')
		c->bare = true;
	check_from(c, piece, after_cr);
	if (!c->nul && view_find(piece, 0, 0) < piece.n)
		c->nul = true;
}

bool nul_hides_dot(struct view m)
{
	for (size_t at = 0; at < m.n; at = view_find(m, at, '\n') + 1) {
		size_t start = at;
		while (at < m.n && m.p[at] == 0)
			at++;
		if (at > start && at < m.n && m.p[at] == '.')
			return true;
	}
	return false;
}
