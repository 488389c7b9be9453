/* Whatever the message: the same signals again, and the mask stays within the table. */
#include "intake/tripwire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	struct head h;
	struct view message = view_n(data, size);
	char words[40];
	arena_init(&a, 4 << 20);
	if (head_parse(&a, message, &h, NULL) == 0) {
		uint32_t s = tripwire_signals(&a, message, &h);
		ALWAYS(s >> SIGNAL_COUNT == 0);
		ALWAYS(tripwire_signals(&a, message, &h) == s);
		tripwire_text(s, words, sizeof words);
		ALWAYS(strlen(words) < sizeof words && (s != 0) == (words[0] != 0));
		ALWAYS(!s || body_hash(h.body, V("x")));
	}
	arena_free(&a);
	return 0;
}
