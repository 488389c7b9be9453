/* GET /healthz: 200 while opt-outs can be looked up and stored, else 503. Says nothing more: it stands on
 * the public listener. */
#include "web_internal.h"

enum web_when health_show(struct web *w, struct web_request *r)
{
	struct ledger_stats stats;
	struct err err;
	bool well = ledger_stats(w->ledger, &stats, &err) == 0;
	plain_answer(r, well ? 200 : 503, well ? V("ok\n") : V("ledger unavailable\n"));
	if (!well)
		web_response_header(&r->answer, "Retry-After", WEB_RETRY_AFTER);
	return WEB_NOW;
}
