/* What servers say about when to come back, and the other small texts that come from outside. */
#include <stdlib.h>

#include "../../src/delivery/hint.h"
#include "../../src/delivery/parameters.h"
#include "delivery/route.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct view text = view_n(data, size);
	struct rate r;
	struct parameters p;
	int64_t ms;
	if (retry_hint(text, &ms) && (ms <= 0 || ms > HINT_MAX_MS))
		abort();
	if (rate_parse(text, &r) && (!r.count || r.per_ms < 1))
		abort();
	parameters_make(&p, &(struct envelope){.envid = text}, &(struct recipient){.orcpt = text, .notify = 1}, true);
	if (strpbrk(p.envid, "\r\n") || strpbrk(p.orcpt, "\r\n") || strpbrk(p.orcpt_type, "\r\n ;") || p.notify)
		abort();
	return 0;
}
