/* delivery: what a reply means for the item. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../../src/delivery/outcome.h"

static const struct {
	enum session_stage stage;
	int code;
	const char *enhanced;
	bool complete;
	enum delivery_outcome outcome;
} rows[] = {
    {STAGE_FINAL, 250, "2.0.0", true, DELIVERED},
    {STAGE_FINAL, 250, "2.0.0", false, DELIVERY_UNKNOWN},
    {STAGE_DATA, 250, "", true, DELIVERY_UNKNOWN}, /* DATA answered 250 instead of 354 */
    {STAGE_DATA, 354, "", false, DELIVERY_UNKNOWN},
    {STAGE_FINAL, 354, "", false, DELIVERY_UNKNOWN},
    {STAGE_FINAL, 0, "", false, DELIVERY_UNKNOWN},
    {STAGE_MAIL, 0, "", false, DELIVERY_UNKNOWN},
    {STAGE_MAIL, 421, "4.3.2", false, DELIVERY_UNKNOWN},
    {STAGE_FINAL, 421, "4.7.0", false, DELIVERY_UNKNOWN},
    {STAGE_HELLO, 421, "4.3.2", false, DELIVERY_ROUTE_DOWN},
    {STAGE_HELLO, 554, "5.7.1", false, DELIVERY_ROUTE_DOWN},
    {STAGE_CONNECT, 0, "", false, DELIVERY_ROUTE_DOWN},
    {STAGE_TLS, 0, "", false, DELIVERY_ROUTE_DOWN},
    {STAGE_AUTH, 535, "5.7.8", false, DELIVERY_ROUTE_DOWN},
    {STAGE_MAIL, 530, "", false, DELIVERY_ROUTE_DOWN},
    {STAGE_RCPT, 530, "5.7.0", false, DELIVERY_ROUTE_DOWN},
    {STAGE_MAIL, 534, "", false, DELIVERY_ROUTE_DOWN},
    {STAGE_MAIL, 535, "", false, DELIVERY_ROUTE_DOWN},
    {STAGE_MAIL, 538, "", false, DELIVERY_ROUTE_DOWN},
    {STAGE_MAIL, 454, "4.7.0", false, DELIVERY_ROUTE_DOWN},
    {STAGE_MAIL, 550, "5.7.0", false, DELIVERY_ROUTE_DOWN},
    {STAGE_RCPT, 550, "5.7.8", false, DELIVERY_ROUTE_DOWN},
    {STAGE_RCPT, 554, "5.7.9", false, DELIVERY_ROUTE_DOWN},
    {STAGE_RCPT, 550, "5.7.0", false, DELIVERY_PERMANENT},
    {STAGE_FINAL, 552, "5.7.0", false, DELIVERY_PERMANENT}, /* refused content */
    {STAGE_RCPT, 550, "5.7.1", false, DELIVERY_PERMANENT},
    {STAGE_RCPT, 550, "5.1.1", false, DELIVERY_PERMANENT},
    {STAGE_RCPT, 599, "", false, DELIVERY_PERMANENT},
    {STAGE_RCPT, 450, "4.2.0", false, DELIVERY_TEMPORARY},
    {STAGE_DATA, 451, "", false, DELIVERY_TEMPORARY},
    {STAGE_FINAL, 499, "", false, DELIVERY_TEMPORARY},
    {STAGE_MAIL, 503, "5.5.1", false, DELIVERY_UNKNOWN},
    {STAGE_RCPT, 251, "", false, DELIVERY_UNKNOWN},
    {STAGE_GATE, 250, "", true, DELIVERY_SUPPRESSED},
    {STAGE_NOT_TRIED, 550, "5.1.1", false, DELIVERY_ROUTE_DOWN},
};

static void replies_mean_what_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct reply r;
		reply_set(&r, rows[i].code, rows[i].enhanced, "x");
		enum delivery_outcome o = outcome_of(rows[i].stage, &r, rows[i].complete);
		if (o != rows[i].outcome)
			fail_msg("%s %d %s: %s", session_stage_word(rows[i].stage), rows[i].code, rows[i].enhanced, delivery_outcome_word(o));
	}
}

/* Whatever a hop says, only one thing counts as delivered. */
static void only_a_complete_2xx_after_the_bytes_is_delivered(void **state)
{
	(void)state;
	for (int stage = STAGE_CONNECT; stage <= STAGE_NOT_TRIED; stage++)
		for (int code = 0; code < 1000; code++)
			for (int complete = 0; complete < 2; complete++) {
				struct reply r;
				reply_set(&r, code, "", "x");
				bool yes = outcome_of((enum session_stage)stage, &r, complete) == DELIVERED;
				assert_int_equal(yes, stage == STAGE_FINAL && code >= 200 && code <= 299 && complete);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(replies_mean_what_the_table_says),
	    cmocka_unit_test(only_a_complete_2xx_after_the_bytes_is_delivered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
