/* What was made canonical is canonical: read again it is the same. */
#include "base/mem.h"
#include "mail/social_handle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char one[SOCIAL_TEXT], two[SOCIAL_TEXT];
	struct err err;
	if (social_handle_parse(view_n(data, size), one, &err) < 0)
		return 0;
	ALWAYS(social_handle_parse(view_of(one), two, &err) == 0 && strcmp(one, two) == 0);
	return 0;
}
