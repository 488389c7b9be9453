/* Both doors' parsers: packets and what they hold, policy requests; what is written can be read again. */
#include <stdint.h>
#include <stdlib.h>

#include "../../src/doors/milter_wire.h"
#include "../../src/doors/request.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void policy(struct view in)
{
	struct policy_request r = {0}, again;
	size_t eaten = 0, part;
	if (policy_take(in, &r, &eaten) != POLICY_GOOD)
		return;
	ALWAYS(eaten <= in.n && eaten <= POLICY_REQUEST_MAX && in.p[eaten - 1] == '\n');
	ALWAYS(view_find(r.recipient, 0, '\n') == r.recipient.n && r.request.n);
	for (size_t n = eaten > 200 ? eaten - 200 : 0; n < eaten; n++)
		ALWAYS(policy_take(view_sub(in, 0, n), &again, &part) == POLICY_MORE);
}

static void content(const struct milter_packet *p)
{
	struct milter_connect c;
	struct milter_offer theirs, ours;
	struct view rest = p->data, name, value;
	const char *why;
	if (milter_read_connect(p->data, &c))
		ALWAYS(c.address.n <= p->data.n);
	if (milter_read_offer(p->data, &theirs) && milter_negotiate(&theirs, &ours, &why))
		ALWAYS(ours.version <= theirs.version && !(ours.actions & ~theirs.actions) && !(ours.steps & ~theirs.steps));
	milter_macro(p->data, V("{auth_authen}"));
	if (!milter_string(&rest, &name) || !milter_string(&rest, &value))
		return;
	struct buf b;
	struct milter_packet again;
	size_t eaten = 0;
	buf_init(&b, 1 << 20);
	milter_write_header(&b, MILTER_INSERT_HEADER, 7, name, value);
	if (!b.failed) {
		ALWAYS(milter_take(buf_view(&b), &again, &eaten) == PACKET_GOOD && eaten == b.n);
		rest = view_sub(again.data, 4, again.data.n);
		ALWAYS(milter_string(&rest, &name) && milter_string(&rest, &value) && !rest.n && view_find(value, 0, '\r') == value.n);
	}
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = view_n(data, size);
	struct milter_packet p;
	size_t eaten;
	policy(in);
	while (milter_take(in, &p, &eaten) == PACKET_GOOD) {
		ALWAYS(eaten >= 5 && eaten == p.data.n + 5);
		content(&p);
		in = view_sub(in, eaten, in.n);
	}
	return 0;
}
