/* Form bodies: first line the content type, the rest the body. Fields must lie inside the body. */
#include <stdint.h>
#include <stdlib.h>

#include "../../src/web/form.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view all = view_n(data, size), type = {0};
	if (!view_cut(&all, '\n', &type))
		return 0;
	char *body = mem_alloc(all.n ? all.n : 1);
	if (all.n)
		memcpy(body, all.p, all.n);
	struct form f;
	form_parse(&f, type, body, all.n);
	for (unsigned i = 0; i < f.count; i++) {
		ALWAYS(f.fields[i].name.p >= body && f.fields[i].name.p + f.fields[i].name.n <= body + all.n);
		ALWAYS(f.fields[i].value.p >= body && f.fields[i].value.p + f.fields[i].value.n <= body + all.n);
	}
	free(body);
	return 0;
}
