/* List-Unsubscribe fields of tools: whatever is taken for a link can be used as one. */
#include "mail/tool_link.h"

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tool_link l, again;
	if (!tool_link_find(view_n(data, size), &l))
		return 0;
	ALWAYS(l.url.n <= TOOL_LINK_MAX && l.port && l.host.n && l.host.p > l.url.p && l.host.p + l.host.n <= l.url.p + l.url.n);
	for (size_t i = 0; i < l.url.n; i++)
		ALWAYS(l.url.p[i] > ' ' && l.url.p[i] < 0x7f);
	ALWAYS(view_find(l.host, 0, '@') == l.host.n);
	ALWAYS(tool_link_parse(l.url, &again) && view_eq(again.host, l.host) && again.port == l.port);
	ALWAYS(tool_link_fits(&l, l.host) == (l.port == 443));
	return 0;
}
