/* version(1) channel(1) person(16) scope: level(1) id(8) length(1) name; may be undone(1) */
#include "internal.h"

#include "base/be.h"

#define VERSION 1

void call_record_write(const struct call_record *r, struct buf *out)
{
	be_add(out, VERSION, 1);
	be_add(out, r->channel, 1);
	buf_add(out, view_n(r->who.b, PERSON_KEY_BYTES));
	be_add(out, r->scope.level, 1);
	buf_add(out, view_n(r->scope.id, SCOPE_ID_BYTES));
	be_add_view(out, view_of(r->scope.name), 1);
	be_add(out, r->may_be_undone, 1);
}

static void take_bytes(struct be_reader *r, void *to, size_t n)
{
	struct view v = be_take(r, n);
	if (v.p)
		memcpy(to, v.p, n);
}

bool call_record_read(struct view bytes, struct call_record *ret)
{
	struct be_reader r = {bytes, false};
	struct call_record c = {0};
	bool known = be_take_u(&r, 1) == VERSION;
	c.channel = (enum channel)be_take_u(&r, 1);
	take_bytes(&r, c.who.b, PERSON_KEY_BYTES);
	c.scope.level = (enum scope_level)be_take_u(&r, 1);
	take_bytes(&r, c.scope.id, SCOPE_ID_BYTES);
	struct view name = be_take_view(&r, 1);
	c.may_be_undone = be_take_u(&r, 1) != 0;
	if (!known || r.bad || r.rest.n || !view_str(name, c.scope.name, sizeof c.scope.name))
		return false;
	*ret = c;
	return true;
}
