/* X-Forwarded-For: whatever stands there, some address comes out. */
#include "../../src/web/proxy.h"

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct endpoint peer;
	struct network trusted[2];
	struct err err;
	char text[ENDPOINT_TEXT];
	ALWAYS(endpoint_parse("127.0.0.1:1", &peer, &err) == 0);
	ALWAYS(network_parse("127.0.0.0/8", &trusted[0], &err) == 0 && network_parse("fd00::/8", &trusted[1], &err) == 0);
	struct endpoint who = proxy_client(&peer, view_n(data, size), trusted, 2);
	endpoint_ip_text(&who, text);
	ALWAYS(who.sa.ss_family == AF_INET || who.sa.ss_family == AF_INET6);
	return 0;
}
