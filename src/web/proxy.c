/* X-Forwarded-For, from the right: each proxy adds whom it was asked by, so what stands left of the first stranger is hearsay. */
#include "proxy.h"

#include <stdio.h>

static bool is_trusted(const struct endpoint *e, const struct network *proxies, unsigned n)
{
	bool trusted = e->sa.ss_family == AF_UNIX;
	for (unsigned i = 0; !trusted && i < n; i++)
		trusted = network_has(&proxies[i], e);
	return trusted;
}

/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]", either with a port. */
static bool read_entry(struct view v, struct endpoint *ret)
{
	char text[ENDPOINT_TEXT];
	size_t colon = view_find(v, 0, ':');
	bool bracket = v.n && v.p[0] == '[', v6 = !bracket && view_find(v, colon + 1, ':') < v.n;
	bool has_port = bracket ? !view_ends(v, V("]")) : !v6 && colon < v.n;
	if (v.n == 0 || v.n > 60)
		return false;
	snprintf(text, sizeof text, "%s%.*s%s%s", v6 ? "[" : "", VFMT(v), v6 ? "]" : "", has_port ? "" : ":0");
	return endpoint_parse(text, ret, NULL) == 0 && ret->sa.ss_family != AF_UNIX;
}

/* Takes the last entry off *LIST. */
static struct view last_entry(struct view *list)
{
	size_t comma = list->n;
	while (comma && list->p[comma - 1] != ',')
		comma--;
	struct view entry = view_trim(view_sub(*list, comma, list->n));
	*list = view_sub(*list, 0, comma ? comma - 1 : 0);
	return entry;
}

struct endpoint proxy_client(
    const struct endpoint *peer, struct view forwarded_for, const struct network *proxies, unsigned n)
{
	struct endpoint who = *peer, said;
	for (int i = 0; i < FORWARDED_HOPS_MAX && forwarded_for.n && is_trusted(&who, proxies, n); i++) {
		if (!read_entry(last_entry(&forwarded_for), &said))
			break;
		who = said;
	}
	return who;
}
