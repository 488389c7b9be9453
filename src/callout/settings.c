/* Whom the settings let us call, and when again. */
#include <stdlib.h>

#include "internal.h"

static void free_texts(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

void callout_settings_free(struct shared *shared)
{
	struct callout_settings *s = (struct callout_settings *)shared;
	free_texts(s->hosts, s->host_count);
	free_texts(s->private_hosts, s->private_host_count);
	free(s->ca_file);
	free(s);
}

static bool any_fits(const struct tool_link *l, char *const *patterns, size_t n)
{
	bool fits = false;
	for (size_t i = 0; i < n; i++)
		fits |= tool_link_fits(l, view_of(patterns[i]));
	return fits;
}

bool host_is_allowed(const struct callout_settings *s, const struct tool_link *l)
{
	return any_fits(l, s->hosts, s->host_count);
}

bool host_is_private(const struct callout_settings *s, const struct tool_link *l)
{
	return any_fits(l, s->private_hosts, s->private_host_count);
}

int64_t call_delay_ms(const struct callout_settings *s, uint32_t attempts, uint32_t random)
{
	int64_t ms = s->retry_first_ms;
	for (uint32_t i = 1; i < attempts && ms < s->retry_max_ms; i++)
		ms *= 2;
	if (ms > s->retry_max_ms)
		ms = s->retry_max_ms;
	return ms - ms / 4 + random % (ms / 2 + 1);
}
