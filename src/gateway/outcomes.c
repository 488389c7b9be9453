/* What became of each mail, for whoever wants to know. */
#include "gateway_internal.h"

static const enum decision_end ends[] = {
    [DELIVERED] = END_DELIVERED,
    [DELIVERY_PERMANENT] = END_FAILED,
    [DELIVERY_SUPPRESSED] = END_SUPPRESSED,
};

static void note(struct gateway *g, const struct delivery_event *e)
{
	char scope[SCOPE_NAME_MAX + 1];
	struct buf b = {.p = scope, .cap = sizeof scope, .max = sizeof scope};
	const struct view parts[] = {e->envelope->brand, e->envelope->stream, e->envelope->topic};
	for (size_t i = 0; i < 3 && parts[i].n; i++) {
		if (i)
			buf_byte(&b, '/');
		buf_add(&b, parts[i]);
	}
	const struct decision d = {.at_ms = e->at_ms, .ref = e->id, .rcpt = e->index, .at = DECIDED_AT_DELIVERY, .end = ends[e->outcome],
	    .verdict = e->verdict, .class = e->stream ? e->stream->class : 0, .channel = CHANNEL_EMAIL, .who = e->who,
	    .scope = buf_view(&b), .client = e->envelope->client, .campaign = e->envelope->campaign};
	decisions_note(g->decisions, &d);
}

void gateway_report(void *arg, const struct delivery_event *e)
{
	if (e->outcome < sizeof ends / sizeof *ends && ends[e->outcome])
		note(arg, e);
	inbox_hears(arg, e);
}
