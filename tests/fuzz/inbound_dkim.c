/* A signed message of any bytes with a key record of any bytes: no crash, and no pass without a real signature. */
#include "base/mem.h"
#include "inbound/dkim_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int lookup(void *arg, const char *name, struct buf *out, struct err *err)
{
	(void)name;
	(void)err;
	buf_add(out, *(struct view *)arg);
	return out->failed ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	struct head head;
	struct err err;
	struct view all = view_n(data, size), record;
	if (!view_cut(&all, '\1', &record))
		return 0;
	arena_init(&a, 1 << 20);
	if (head_parse(&a, all, &head, &err) == 0)
		dkim_verify(&head, head.body, V("example.com"), 1, lookup, &record, &err);
	arena_free(&a);
	return 0;
}
