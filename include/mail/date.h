/* RFC 5322 3.3 date-time. */
#pragma once

#include <stdint.h>

#include "base/view.h"

#define MAIL_DATE_TEXT 32
void mail_date(int64_t wall_ms, char dst[MAIL_DATE_TEXT]); /* "Tue, 24 Nov 2026 02:06:00 +0000" */
bool mail_date_parse(struct view text, int64_t *ret_wall_ms); /* lenient: comments, old zones, missing day name */
