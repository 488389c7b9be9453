/* A whole settings file, up to brands, streams and clients; no keys. */
#include "../../src/config/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig 1.5 loses the string at hand (64 bytes) when the file breaks off behind it: theirs, bounded, and only on a wrong file. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

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
