/* A hop's bytes, lines that start with ">" being ours: no MAIL passes that must not, and cutting the bytes changes nothing. */
#include "base/mem.h"
#include "../../src/delivery/dialogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* STEP bytes at a time, 0 = whole lines. */
static struct dialogue play(struct view in, size_t step)
{
	struct dialogue d;
	struct view line;
	dialogue_start(&d, true, false);
	while (view_cut(&in, '\n', &line)) {
		char bytes[4096];
		size_t n = line.n < sizeof bytes - 1 ? line.n : sizeof bytes - 1;
		memcpy(bytes, line.p ? line.p : "", n);
		bytes[n] = '\n';
		if (n && bytes[0] == '>') {
			enum wire_cut cut = dialogue_sends(&d, view_n(bytes + 1, n));
			ALWAYS(d.last != VERB_MAIL || cut == (d.authenticated ? WIRE_WHOLE : WIRE_NO_AUTH));
			continue;
		}
		size_t most = step ? step : n + 1;
		for (size_t at = 0; at <= n; at += most)
			dialogue_receives(&d, bytes + at, at + most <= n + 1 ? most : n + 1 - at);
	}
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = view_n(data, size);
	struct dialogue whole = play(in, 0), cut = play(in, 1);
	ALWAYS(whole.authenticated == cut.authenticated && whole.code == cut.code && whole.no_code == cut.no_code);
	ALWAYS(whole.reached == cut.reached && whole.hello == cut.hello && whole.owed == cut.owed && whole.astray == cut.astray);
	for (int connected = 0; connected < 2; connected++)
		ALWAYS(dialogue_stage(&whole, connected, WIRE_WHOLE) <= STAGE_MAIL);
	return 0;
}
