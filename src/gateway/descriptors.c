/* As many connections as there are descriptors for. A listener that could take all of them would shut the others out, and the opt-outs
 * with them (promise 10): what is allowed in all is shared in the proportion that the settings ask for. */
#include <sys/resource.h>

#include "base/log.h"
#include "gateway_internal.h"

#define FILES_OF_OUR_OWN 192 /* segments, ledger, journals, event loops, resolver, control socket */

static unsigned long of_the_hops(const struct delivery_settings *d)
{
	unsigned long n = 0;
	for (unsigned i = 0; d && i < d->hop_count; i++)
		n += d->hops[i].connections ? d->hops[i].connections : 20;
	return n;
}

void gateway_fit_descriptors(struct config *c)
{
	struct rlimit limit;
	const struct {
		const char *name;
		unsigned *wanted;
	} rows[] = {
	    {"submission.max_connections", &c->smtp.max_connections},
	    {"public.max_connections", &c->web.max_connections},
	    {"doors.max_connections", &c->doors_limits.max_connections},
	};
	const size_t n = sizeof rows / sizeof *rows - (c->doors_listener_count ? 0 : 1);
	unsigned long wanted = 0, own = FILES_OF_OUR_OWN + of_the_hops(c->delivery) + (c->admin_listen ? c->admin.max_connections : 0);
	for (size_t i = 0; i < n; i++)
		wanted += *rows[i].wanted;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= own + wanted)
		return;
	unsigned long left = limit.rlim_cur > own + 30 ? limit.rlim_cur - own : 30;
	for (size_t i = 0; i < n; i++) {
		unsigned fits = (unsigned)(left * *rows[i].wanted / wanted);
		log_event(LOG_LEVEL_WARNING, "gateway.limit",
		    "setting=%s wanted=%u now=%u why=\"only %lu file descriptors\"", rows[i].name, *rows[i].wanted,
		    fits, (unsigned long)limit.rlim_cur);
		*rows[i].wanted = fits ? fits : 1;
	}
}
