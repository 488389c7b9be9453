/* A report's views are single lines, its statuses have their form, its recipients are bounded. */
#include "base/mem.h"
#include "mail/address.h"
#include "mail/dsn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_line(struct view v)
{
	ALWAYS(view_find(v, 0, '\n') == v.n && view_find(v, 0, '\r') == v.n && view_find(v, 0, 0) == v.n);
}

static void check(const struct dsn_recipient *r, struct view body)
{
	struct address a;
	struct err err;
	const struct view lines[] = {r->original_recipient.value, r->final_recipient.value, r->diagnostic.value, r->remote_mta.value,
	    r->status, r->last_attempt, r->will_retry};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		one_line(lines[i]);
	ALWAYS(r->status.n == 0 || (r->status.n >= 5 && r->status.n <= 9 && view_eq(dsn_status(r->status), r->status)));
	ALWAYS(r->raw.n && r->raw.p >= body.p && r->raw.p + r->raw.n <= body.p + body.n);
	if (dsn_address(&r->final_recipient, &a, &err) == 0)
		ALWAYS(a.local_n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = view_n(data, size);
	struct arena a;
	struct dsn d;
	struct err err;
	arena_init(&a, 4 << 20);
	if (dsn_parse(&a, in, &d, &err) == 0) {
		ALWAYS(d.count <= DSN_MAX_RECIPIENTS);
		one_line(d.reporting_mta.value);
		one_line(d.envelope_id);
		for (unsigned i = 0; i < d.count; i++)
			check(&d.recipients[i], in);
	} else {
		ALWAYS(err.kind == ERR_LIMIT);
	}
	arena_free(&a);
	return 0;
}
