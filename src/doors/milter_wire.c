#include "milter_wire.h"

#include <stdio.h>

#include "base/be.h"

enum packet_kind milter_take(struct view in, struct milter_packet *ret, size_t *ret_eaten)
{
	if (in.n < 4)
		return PACKET_MORE;
	size_t n = be_get(in.p, 4);
	if (n < 1 || n > MILTER_PACKET_MAX)
		return PACKET_BAD;
	if (in.n < 4 + n)
		return PACKET_MORE;
	*ret = (struct milter_packet){in.p[4], view_sub(in, 5, 4 + n)};
	*ret_eaten = 4 + n;
	return PACKET_GOOD;
}

bool milter_read_offer(struct view data, struct milter_offer *ret)
{
	struct be_reader r = {.rest = data};
	ret->version = (uint32_t)be_take_u(&r, 4);
	ret->actions = (uint32_t)be_take_u(&r, 4);
	ret->steps = (uint32_t)be_take_u(&r, 4);
	return !r.bad;
}

bool milter_negotiate(const struct milter_offer *theirs, struct milter_offer *ret, const char **why)
{
	const uint32_t needed = MAY_ADD_HEADERS | MAY_CHANGE_HEADERS | MAY_DELETE_RCPT;
	const uint32_t steps = NO_UNKNOWN | NO_DATA | QUIET_HEADER | QUIET_CONNECT | QUIET_HELO | QUIET_END_OF_HEADERS |
			       QUIET_BODY | LEADING_SPACE;
	if (theirs->version < MILTER_VERSION_MIN) {
		*why = "the MTA speaks a version of the protocol that is too old";
		return false;
	}
	if ((theirs->actions & needed) != needed) {
		*why = "the MTA does not let us change headers and delete recipients";
		return false;
	}
	ret->version = theirs->version < MILTER_VERSION ? theirs->version : MILTER_VERSION;
	ret->actions = theirs->actions & (needed | MAY_CHANGE_FROM);
	ret->steps = theirs->steps & steps;
	return true;
}

void milter_write_offer(const struct milter_offer *o, struct buf *out)
{
	be_add(out, 13, 4);
	buf_byte(out, MILTER_NEGOTIATE);
	be_add(out, o->version, 4);
	be_add(out, o->actions, 4);
	be_add(out, o->steps, 4);
}

bool milter_string(struct view *data, struct view *ret)
{
	size_t end = view_find(*data, 0, 0);
	if (end == data->n)
		return false;
	*ret = view_sub(*data, 0, end);
	*data = view_sub(*data, end + 1, data->n);
	return true;
}

/* host NUL family [port(2) address NUL] */
bool milter_read_connect(struct view data, struct milter_connect *ret)
{
	struct milter_connect c = {.port = 0};
	struct be_reader r;
	if (!milter_string(&data, &c.host))
		return false;
	r = (struct be_reader){.rest = data};
	char family = (char)be_take_u(&r, 1);
	if (family == '4' || family == '6') {
		c.port = (uint16_t)be_take_u(&r, 2);
		if (r.bad || !milter_string(&r.rest, &c.address))
			return false;
	}
	*ret = c;
	return !r.bad;
}

static struct view without_braces(struct view name)
{
	bool has = name.n >= 2 && name.p[0] == '{' && name.p[name.n - 1] == '}';
	return has ? view_sub(name, 1, name.n - 1) : name;
}

struct view milter_macro(struct view list, struct view name)
{
	struct view key, value;
	while (milter_string(&list, &key) && milter_string(&list, &value))
		if (view_eq(without_braces(key), without_braces(name)))
			return value;
	return V("");
}

static void begin(struct buf *out, enum milter_reply r, size_t data_n)
{
	be_add(out, 1 + data_n, 4);
	buf_byte(out, (char)r);
}

void milter_write(struct buf *out, enum milter_reply r, struct view data)
{
	begin(out, r, data.n);
	buf_add(out, data);
}

static size_t count(struct view v, char c)
{
	size_t n = 0;
	for (size_t i = 0; i < v.n; i++)
		n += v.p[i] == c;
	return n;
}

void milter_write_header(struct buf *out, enum milter_reply r, uint32_t index, struct view name, struct view value)
{
	bool has_index = r != MILTER_ADD_HEADER;
	begin(out, r, (has_index ? 4 : 0) + name.n + 1 + value.n - count(value, '\r') + 1);
	if (has_index)
		be_add(out, index, 4);
	buf_add(out, name);
	buf_byte(out, 0);
	while (value.n) {
		size_t cr = view_find(value, 0, '\r');
		buf_add(out, view_sub(value, 0, cr));
		value = view_sub(value, cr + 1, value.n);
	}
	buf_byte(out, 0);
}

/* In Sendmail a percent sign of the text is a macro's. */
void milter_write_code(struct buf *out, int code, const char *enhanced, const char *text)
{
	char line[600];
	int n = snprintf(line, sizeof line, "%03d %s%s%s", code, enhanced, *enhanced ? " " : "", text);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
	for (size_t i = 0; i < len; i++)
		if (line[i] == '%' || (unsigned char)line[i] < 0x20)
			line[i] = '?';
	line[len] = 0;
	milter_write(out, MILTER_REPLY_CODE, view_n(line, len + 1));
}
