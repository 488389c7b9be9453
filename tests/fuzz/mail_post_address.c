/* What was made canonical is canonical: read again it is the same. */
#include "base/mem.h"
#include "mail/post_address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char one[POST_ADDRESS_MAX + 1], two[POST_ADDRESS_MAX + 1];
	struct err err;
	if (post_address_parse(view_n(data, size), one, &err) < 0)
		return 0;
	ALWAYS(post_address_parse(view_of(one), two, &err) == 0 && strcmp(one, two) == 0);
	return 0;
}
