/* The PROXY header and the attributes of XCLIENT and XFORWARD. */
#include <stdint.h>

#include "../../src/smtp/front.h"
#include "../../src/smtp/proxy.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A part of a header is never taken for a whole one, nor judged otherwise than the whole. */
static void proxy(struct view in)
{
	struct endpoint e = {0}, again;
	size_t eaten = 0, part = 0;
	char text[ENDPOINT_TEXT];
	enum proxy_kind kind = proxy_take(in, &e, &eaten);
	ALWAYS(eaten <= in.n && eaten <= PROXY_MAX);
	if (kind == PROXY_GOOD) {
		endpoint_text(&e, text);
		ALWAYS(endpoint_parse(text, &again, NULL) == 0);
	}
	if (kind == PROXY_GOOD || kind == PROXY_LOCAL)
		for (size_t n = 0; n < eaten; n++)
			ALWAYS(proxy_take(view_sub(in, 0, n), &again, &part) == PROXY_MORE);
}

static void front(struct view in)
{
	for (int forward = 0; forward < 2; forward++) {
		struct front f = {0};
		struct endpoint e;
		struct reply reply;
		if (!front_parse(in, forward, &f, &reply))
			continue;
		for (const char *p = f.helo; *p; p++)
			ALWAYS(*p >= 0x20 && *p < 0x7f);
		ALWAYS(!f.addr[0] || front_endpoint(&f, &e));
		ALWAYS(!forward || !f.login[0]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	proxy(view_n(data, size));
	front(view_n(data, size));
	return 0;
}
