/* A complaint's views are single lines, its lists bounded. */
#include "base/mem.h"
#include "mail/arf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_line(struct view v)
{
	ALWAYS(view_find(v, 0, '\n') == v.n && view_find(v, 0, '\r') == v.n && view_find(v, 0, 0) == v.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	struct arf r;
	struct err err;
	arena_init(&a, 1 << 20);
	if (arf_parse(&a, view_n(data, size), &r, &err) == 0) {
		const struct arf_list *lists[] = {&r.rcpt_to, &r.reported_domain, &r.reported_uri, &r.authentication_results};
		ALWAYS(r.feedback_type.n && *arf_type_name(r.type));
		one_line(r.feedback_type);
		one_line(r.mail_from);
		one_line(r.arrival_date);
		for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
			ALWAYS(lists[i]->count <= ARF_MAX_REPEATED);
			for (unsigned k = 0; k < lists[i]->count; k++)
				one_line(lists[i]->items[k]);
		}
	}
	arena_free(&a);
	return 0;
}
