/* What was read of a server's reply fits in one line of ours. */
#include "base/mem.h"
#include "mail/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply r, again;
	struct buf line;
	if (!reply_parse(view_n(data, size), &r))
		return 0;
	ALWAYS(r.code >= 200 && r.code <= 599 && strlen(r.text) < sizeof r.text);
	ALWAYS(!*r.enhanced || r.enhanced[0] == r.code / 100 + '0');
	buf_init(&line, 512);
	reply_write(&r, &line);
	ALWAYS(!line.failed && view_find(buf_view(&line), 0, '\n') == line.n - 1 && view_find(buf_view(&line), 0, '\r') == line.n - 2);
	ALWAYS(reply_parse(buf_view(&line), &again) && again.code == r.code);
	buf_free(&line);
	return 0;
}
