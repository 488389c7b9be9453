/* Frames of the decision log: what is read can be written again, and is the same. */
#include "base/mem.h"
#include "decisions/decisions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view rest = view_n(data, size);
	struct decision x, again;
	while (decision_take(&rest, &x)) {
		struct buf b;
		buf_init(&b, 4096);
		decision_write(&b, &x);
		struct view written = buf_view(&b);
		ALWAYS(!b.failed && decision_take(&written, &again) && written.n == 0);
		ALWAYS(again.ref == x.ref && again.at_ms == x.at_ms && again.end == x.end && again.verdict.seq == x.verdict.seq);
		ALWAYS(again.client.n <= x.client.n && memcmp(again.who.b, x.who.b, sizeof x.who.b) == 0);
		buf_free(&b);
	}
	return 0;
}
