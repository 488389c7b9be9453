/* An anchor that is read writes itself again. */
#include "base/mem.h"
#include "ledger/upkeep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct journal_anchor a, again;
	char line[ANCHOR_LINE];
	if (!journal_anchor_parse(view_n(data, size), &a))
		return 0;
	journal_anchor_text(&a, line);
	ALWAYS(strlen(line) < sizeof line);
	ALWAYS(journal_anchor_parse(view_of(line), &again) && again.seq == a.seq && memcmp(again.hash, a.hash, sizeof a.hash) == 0);
	return 0;
}
