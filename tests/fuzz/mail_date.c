/* A date that was read is written and read again as the same second. */
#include "base/mem.h"
#include "mail/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t ms, again;
	char text[MAIL_DATE_TEXT];
	if (!mail_date_parse(view_n(data, size), &ms))
		return 0;
	mail_date(ms, text);
	ALWAYS(mail_date_parse(view_of(text), &again));
	int64_t last = 253402300800000, first = -2208988800000; /* years 1900 to 9999, as mail_date writes them */
	ALWAYS(ms < first || ms >= last ? again == 0 : again == ms);
	return 0;
}
