/* Settings of intake: frozen, shared by the sessions that began with them. */
#include "intake/intake.h"

#include <stdlib.h>

void intake_settings_free(struct shared *s)
{
	struct intake_settings *is = (struct intake_settings *)s;
	if (!is)
		return;
	for (unsigned i = 0; i < is->client_count; i++) {
		struct client *c = &is->clients[i];
		free(c->name);
		free(c->streams);
		free(c->networks);
		free(c->password);
	}
	free(is->clients);
	free(is->hostname);
	if (is->policy)
		shared_release(&is->policy->shared);
	free(is);
}
