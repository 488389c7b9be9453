/* A report of any bytes: no crash, and what it names can be named. */
#include "base/mem.h"
#include "inbound/classify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bounce_rules *rules;
	struct arena a;
	struct report r;
	struct err err;
	if (!rules)
		ALWAYS(bounce_rules_new(&rules, V(""), "own", (struct view){0}, "bounce.rules", &err) == 0);
	arena_init(&a, 32 << 20);
	if (report_classify(rules, &a, view_n(data, size), &r, &err) == 0)
		for (unsigned i = 0; i < r.count; i++) {
			const struct report_recipient *p = &r.recipients[i];
			ALWAYS(p->address.n == 0 || memchr(p->address.p, '@', p->address.n));
			ALWAYS(p->meaning != MEANING_HARD || r.kind == REPORT_BOUNCE || r.kind == REPORT_COMPLAINT);
			ALWAYS(p->rule[0] && p->action && strlen(p->status) < sizeof p->status);
		}
	arena_free(&a);
	return 0;
}
