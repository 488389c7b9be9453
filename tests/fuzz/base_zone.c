/* A time zone file that is read has an offset at every time. */
#include "base/mem.h"
#include "base/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t times[] = {-5000000000, 0, 1800000000, 1810000000, 4000000000, 40000000000};
	struct zone *z = NULL;
	struct err err;
	if (size > ZONE_FILE_MAX || zone_parse(&z, view_n(data, size), &err) < 0)
		return 0;
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		int32_t offset = zone_offset(z, times[i]);
		ALWAYS(offset >= -200 * 3600 && offset <= 200 * 3600);
	}
	zone_free(&z);
	return 0;
}
