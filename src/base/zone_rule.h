/* What holds after a zone's last listed change: "GMT0BST,M3.5.0/1,M10.5.0" (RFC 8536 3.3, POSIX TZ). */
#pragma once

#include "base/view.h"

enum zone_day_form { ZONE_DAY_WEEKDAY, ZONE_DAY_JULIAN, ZONE_DAY_ZERO }; /* Mm.w.d, Jn (29 February never counted), n (counted) */
struct zone_change {
	enum zone_day_form form;
	int month, week, day; /* WEEKDAY: 1 to 12, 1 to 5 (5 = the last), 0 to 6 (0 = Sunday); else .day alone */
	int32_t at_s;         /* after local midnight; may lie in another day */
};
struct zone_rule {
	int32_t standard_s, summer_s; /* east of UTC */
	bool has_summer;
	struct zone_change begins, ends;
};
bool zone_rule_parse(struct view text, struct zone_rule *ret);
int32_t zone_rule_offset(const struct zone_rule *r, int64_t utc_s);
