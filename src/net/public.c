/* Which addresses are of the internet at large (IANA's registries of special-purpose addresses, RFC 6890). */
#include "net/endpoint.h"

#include "base/mem.h"

/* IPv6: only 2000::/3 is given out; what lies in it and is none of it. Translated IPv4 (64:ff9b::/96, 2002::/16) is refused with the rest. */
static const char *const special[] = {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"};

static bool is_in(const char *network, const struct endpoint *e)
{
	struct network n;
	ALWAYS(network_parse(network, &n, NULL) == 0);
	return network_has(&n, e);
}

bool endpoint_is_public(const struct endpoint *e)
{
	if (!is_in("2000::/3", e) && !is_in("0.0.0.0/0", e))
		return false;
	for (size_t i = 0; i < sizeof special / sizeof *special; i++)
		if (is_in(special[i], e))
			return false;
	return true;
}
