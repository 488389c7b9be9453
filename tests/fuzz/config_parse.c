/* A whole settings file, up to brands, streams and clients; no keys. */
#include "../../src/config/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = NULL;
	struct err err;
	struct view text = view_n(data, size);
	if (size > 65536 || view_ifind(text, V("@include")) < text.n) /* would read files */
		return 0;
	if (config_from_text(&c, "fuzz.conf", text, false, &err) == 0)
		config_free(&c);
	return 0;
}
